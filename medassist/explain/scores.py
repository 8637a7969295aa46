"""The scalar an explanation differentiates: one class of a classifier, or a class summed over a region."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from medassist.entities.errors import Refused

if TYPE_CHECKING:
    import torch

Score = Callable[["torch.Tensor"], "torch.Tensor"]


def class_score(output: int) -> Score:
    """Return the score: logit `output` of a classifier that writes (1, K)."""

    def score(logits: torch.Tensor) -> torch.Tensor:
        if logits.ndim != 2 or logits.shape[1] <= output:
            raise Refused("The network writes no class number {number}, so it cannot be explained.", number=output)
        return logits[0, output]

    return score


def region_score(output: int, region: torch.Tensor) -> Score:
    """Return the score: logits of class `output` summed over the voxels of `region`.

    `region` is bool (*spatial) and no part of the graph: the borders of the region are not explained, only the class
    inside it (Vinogradova et al. 2020, arXiv 2002.11434, equation 2). Refused when it is empty.
    """
    if not region.any():
        raise Refused("There is nothing to explain: the region holds no voxel.")

    def score(logits: torch.Tensor) -> torch.Tensor:
        if logits.shape[2:] != region.shape or logits.shape[1] <= output:
            raise Refused("The network writes no class number {number}, so it cannot be explained.", number=output)
        return logits[0, output][region.detach().to(logits.device)].sum()

    return score
