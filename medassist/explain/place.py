"""The part of an image an explanation looks at, and the way of its cells back to the series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.geometry import Geometry
from medassist.explain.protocol import Layout

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Window:
    """A box of the prepared image in the axes of the network's input (X, Y, Z or X, Y).

    `offset` is negative where the box reaches over the edge of the image, as the padding of a sliding window does.
    """

    offset: tuple[int, ...]
    size: tuple[int, ...]

    def cut(self, image: torch.Tensor, mode: str = "constant", fill: float = 0.0) -> torch.Tensor:
        """Return the box of `image` (1, C, *spatial); beyond the image it is padded (torch.nn.functional.pad)."""
        import torch.nn.functional as functional

        shape = tuple(image.shape[-len(self.size) :])
        inside = tuple(
            slice(max(start, 0), min(start + size, whole))
            for start, size, whole in zip(self.offset, self.size, shape, strict=True)
        )
        margins = [
            (max(-start, 0), max(start + size - whole, 0))
            for start, size, whole in zip(self.offset, self.size, shape, strict=True)
        ]
        flat = [side for pair in reversed(margins) for side in pair]
        inner = image[(slice(None), slice(None), *inside)]
        return functional.pad(inner, flat, mode, fill) if mode == "constant" else functional.pad(inner, flat, mode)

    def grid(self, prepared: Geometry) -> Geometry:
        """Return the grid of the box, given that of the whole prepared image."""
        return moved(prepared, self.offset, (1.0,) * len(self.size), self.size)


def moved(grid: Geometry, first: tuple[float, ...], step: tuple[float, ...], cells: tuple[int, ...]) -> Geometry:
    """Return the grid whose cell c lies at index `first + c * step` of `grid`, axes of the network's input.

    Those axes are (X, Y, Z) for a volume and (X, Y) for a film: column before row, as `inference.prepare` makes them.
    """
    if len(cells) == 2:
        first, step, cells = (*first, 0.0), (*step, 1.0), (*cells, 1)
    local = np.eye(4)
    local[:3, :3] = np.diag(step)
    local[:3, 3] = first
    return replace(grid, affine_lps=grid.affine_lps @ local, shape_zyx=(cells[2], cells[1], cells[0]))


def window_around(shape: tuple[int, ...], size: tuple[int, ...] | None, region: NDArray[np.bool_] | None) -> Window:
    """Return the box a network is run on: the whole image, or a box of the size it is usually run with.

    Args:
        shape: spatial shape of the prepared image.
        size: of the sliding window; None runs on the whole image.
        region: bool (*shape) to be explained. An axis of the image that is shorter than `size` is centred in the box,
            as MONAI's sliding window does; along a longer one the box is centred on the middle of the region.
    """
    if size is None:
        return Window((0,) * len(shape), shape)
    middle = [length / 2.0 for length in shape]
    if region is not None and region.any():
        voxels = np.argwhere(region)
        nearest = np.square(voxels - voxels.mean(axis=0)).sum(axis=1).argmin()
        middle = [float(one) + 0.5 for one in voxels[nearest]]
    offset = tuple(
        -((box - length) // 2) if length <= box else int(np.clip(round(centre - box / 2.0), 0, length - box))
        for length, box, centre in zip(shape, size, middle, strict=True)
    )
    return Window(offset, size)


def cover(values: NDArray[Any], layout: Layout, size: tuple[int, ...]) -> tuple[NDArray[Any], Layout]:
    """Repeat the outermost cells until they cover an input of `size` voxels, axes of the network's input.

    Cells need not fill the input (a ResNet's do not); the nearest cell is the best known value beyond them.
    """
    edges = []
    for first, step, count, voxels in zip(layout.first, layout.step, values.shape, size, strict=True):
        before = max(0, int(np.ceil((first + 0.5) / step - 0.5 - 1e-9)))
        after = max(0, int(np.ceil((voxels - 0.5 - first) / step - count + 0.5 - 1e-9)))
        edges.append((before, after))
    moved_by = zip(layout.first, layout.step, edges, strict=True)
    outermost = tuple(start - before * step for start, step, (before, _) in moved_by)
    return np.pad(values, edges, mode="edge"), replace(layout, first=outermost)
