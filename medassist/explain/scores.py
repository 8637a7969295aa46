"""What an explanation differentiates: a class of a classifier, or a class summed over a region; one number an image."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from medassist.entities.errors import Refused

if TYPE_CHECKING:
    import torch

Score = Callable[["torch.Tensor"], "torch.Tensor"]
"""From the logits of a batch (B, …) to one number for each image (B,)."""


def class_score(output: int, against: int | None = None) -> Score:
    """Return the score: logit `output` of a classifier that writes (B, K), less logit `against` where one is named.

    The difference asks why one class and not the other: what speaks for both cancels.
    """

    def score(logits: torch.Tensor) -> torch.Tensor:
        if logits.ndim != 2:
            raise _no_class(output)
        return _of(logits, output) if against is None else _of(logits, output) - _of(logits, against)

    return score


def region_score(output: int, region: torch.Tensor, against: int | None = None) -> Score:
    """Return the score: logits of class `output` summed over the voxels of `region`, less those of `against`.

    `region` is bool (*spatial) and no part of the graph: the borders of the region are not explained, only the class
    inside it (Vinogradova et al. 2020, arXiv 2002.11434, equation 2). Refused when it is empty.
    """
    if not region.any():
        raise Refused("There is nothing to explain: the region holds no voxel.")

    def score(logits: torch.Tensor) -> torch.Tensor:
        if logits.shape[2:] != region.shape:
            raise _no_class(output)
        kept = region.detach().to(logits.device)
        total = _of(logits, output)[:, kept].sum(dim=1)
        return total if against is None else total - _of(logits, against)[:, kept].sum(dim=1)

    return score


def _of(logits: torch.Tensor, output: int) -> torch.Tensor:
    if logits.shape[1] <= output:
        raise _no_class(output)
    return logits[:, output]


def _no_class(output: int) -> Refused:
    return Refused("The network writes no class number {number}, so it cannot be explained.", number=output)
