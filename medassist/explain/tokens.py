"""The patches of a vision transformer: how many there are, and which token stands for which."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from medassist.entities.errors import Refused
from medassist.explain.protocol import Layout

if TYPE_CHECKING:
    import torch
    from torch import nn

PATCHES = "patch_embeddings"
"""What MONAI calls the convolution that makes a token of each patch; its stride is the size of a patch."""


def patch_grid(module: nn.Module, sizes: tuple[int, ...], tokens: int) -> tuple[int, ...] | None:
    """Return the number of patches along each axis of an input of `sizes` voxels.

    None when the network makes no patches, or when `tokens` is neither their number nor one more (the class token).
    """
    patch = _patch_size(module, len(sizes))
    if patch is None or any(size % one for size, one in zip(sizes, patch, strict=True)):
        return None
    cells = tuple(size // one for size, one in zip(sizes, patch, strict=True))
    return cells if tokens - math.prod(cells) in (0, 1) else None


def cells_written(module: nn.Module, sizes: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the cells of the map in what a layer wrote, by its shape: (1, K, *cells) or tokens (1, N, K).

    None for what is no map of one image. Attention (1, heads, N, N) has the axes of a film and is none.
    """
    if shape[:1] != (1,):
        return None
    if len(shape) == 3:
        return patch_grid(module, sizes, shape[1])
    attends = len(shape) == 4 and shape[2] == shape[3] and patch_grid(module, sizes, shape[2]) is not None
    return shape[2:] if len(shape) == len(sizes) + 2 and not attends else None


def patches_of(tokens: torch.Tensor, cells: tuple[int, ...]) -> torch.Tensor:
    """Return what a layer wrote for tokens (1, N, K) as a map (1, K, *cells); a class token before them is left out."""
    kept = tokens[:, tokens.shape[1] - math.prod(cells) :]
    return kept.transpose(1, 2).reshape(1, tokens.shape[2], *cells)


def layout_of_patches(sizes: tuple[int, ...], cells: tuple[int, ...]) -> Layout:
    """Return where patches lie on an input of `sizes` voxels, which they divide evenly."""
    step = tuple(size / count for size, count in zip(sizes, cells, strict=True))
    return Layout(tuple((one - 1.0) / 2.0 for one in step), step)


def demand_patches(module: nn.Module, sizes: tuple[int, ...], tokens: int) -> tuple[int, ...]:
    """Return the number of patches along each axis (Refused when the tokens are no patches of the image)."""
    cells = patch_grid(module, sizes, tokens)
    if cells is None:
        raise Refused(
            "The patches of the network do not cover the image evenly.",
            remedy="Choose a method that works on the image itself.",
        )
    return cells


def _patch_size(module: nn.Module, axes: int) -> tuple[int, ...] | None:
    for name, part in module.named_modules():
        stride = getattr(part, "stride", None)
        if name.rpartition(".")[2] == PATCHES and isinstance(stride, tuple) and len(stride) == axes:
            return stride
    return None
