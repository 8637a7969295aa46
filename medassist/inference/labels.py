"""From the blocks of a network's answer to a label map on the grid of the series, never holding all scores at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.geometry import Geometry
from medassist.inference.prepare import Prepared, restore, restore_labels, voxels_coincide
from medassist.inference.windows import BLOCK_BYTES, Block

if TYPE_CHECKING:
    import torch

    Box = tuple[slice, slice, slice]
    Shares = Callable[[torch.Tensor], torch.Tensor]
    Tidy = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


EDGE = 1e-6
"""How near, in voxels, the centre of a voxel may lie to the border of a grid to be taken for lying on it."""


class LabelMap:
    """Labels of an image, filled block by block in the order in which `windows.blended` yields them.

    Where the voxels of the network's grid lie on those of the series, labels are decided on the network's grid and
    moved exactly. Else each class is interpolated (softmax) and the labels are decided on the grid of the series, which
    gives smooth borders: the same numbers as from all scores at once, because a block comes with the last planes of
    its neighbours.
    """

    def __init__(self, prepared: Prepared, *, shares: Shares | None = None, on_grid: bool = False) -> None:
        """Begin with no voxel decided.

        Args:
            prepared: the two grids.
            shares: from logits (class, …) to what is interpolated and compared; None is the softmax.
            on_grid: decide on the network's grid wherever its voxels lie.
        """
        self._grid, self._home = prepared.grid, prepared.home
        self._shares = shares or _softmax
        self._moves = on_grid or voxels_coincide(self._grid, self._home)
        self._labels = np.zeros(self._grid.shape_zyx if self._moves else self._home.shape_zyx, dtype=np.uint8)
        self._front: NDArray[np.float32] | None = None
        self._sides: dict[int, NDArray[np.float32]] = {}

    def add(self, block: Block) -> None:
        """Decide the labels of one block of logits (class, X, Y[, Z])."""
        for start, logits in thin(block):
            if self._moves:
                self._labels[box_zyx(start, tuple(logits.shape[1:]))] = _best(logits).numpy().transpose(2, 1, 0)
            else:
                self._bring_home(start, self._shares(logits).numpy())

    def finish(self, tidy: Tidy | None = None) -> NDArray[np.uint8]:
        """Return the labels (slice, row, column) on the grid of the series; outside of the network's grid 0.

        `tidy` changes a label map on the network's grid before it comes home; only after deciding on that grid.
        """
        if not self._moves:
            return self._labels
        decided = tidy(self._labels) if tidy else self._labels
        labels: NDArray[np.uint8] = restore(decided, self._grid, self._home, linear=False)
        return labels

    def _bring_home(self, start: tuple[int, int, int], shares: NDArray[np.float32]) -> None:
        """Decide the voxels of the series that lie between the planes of `shares` (class, X, Y, Z)."""
        stop = start[0] + shares.shape[1], start[1] + shares.shape[2]
        scores = self._with_neighbours(start, shares)
        first = start[0] - (start[0] > 0), start[1] - (start[1] > 0), 0
        part = _part(self._grid, first, scores.shape[1:])
        box = _box_around(part, self._home)
        if box is None:
            return
        there = _part(
            self._home, (box[2].start, box[1].start, box[0].start), [one.stop - one.start for one in box[::-1]]
        )
        mine = self._mine(box, start, stop)
        chosen = _possible(scores) if self._shares is _softmax else np.arange(len(scores))
        labels = restore_labels(scores[chosen].transpose(0, 3, 2, 1), part, there)
        self._labels[box][mine] = chosen.astype(np.uint8)[labels[mine]]

    def _with_neighbours(self, start: tuple[int, int, int], shares: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return `shares` with the last planes before them along both cut axes, and keep theirs for the next."""
        rows = slice(start[1], start[1] + shares.shape[2])
        if self._front is None:
            self._front = np.empty((len(shares), self._grid.shape_zyx[1], shares.shape[3]), np.float32)
        grown = shares
        if start[0]:
            grown = np.concatenate([self._front[:, None, rows], grown], axis=1)
        if start[1]:
            grown = np.concatenate([self._sides[start[0]][:, :, None], grown], axis=2)
        self._sides[start[0]] = grown[:, :, -1].copy()
        self._front[:, rows] = shares[:, -1]
        return grown

    def _mine(self, box: Box, start: tuple[int, int, int], stop: tuple[int, int]) -> NDArray[np.bool_]:
        """Tell which voxels of the series in `box` lie between this block's planes; every voxel is one block's only.

        A voxel whose centre lies just on the border of the network's grid is outside: rounding shall not decide it.
        """
        inside = np.ones(tuple(one.stop - one.start for one in box), dtype=bool)
        for axis, size in enumerate(self._grid.shape_zyx[::-1]):
            where = self._index_along(axis, box)
            low, high = EDGE - 0.5, size - 0.5 - EDGE
            if axis < 2 and start[axis]:
                low = start[axis] - 1
            if axis < 2 and stop[axis] < size:
                high = stop[axis] - 1
            inside &= (where >= low) & (where < high)
        return inside

    def _index_along(self, axis: int, box: Box) -> NDArray[np.float64]:
        """Return the index on one axis of the network's grid of each voxel of the series in `box` (broadcastable)."""
        step = np.linalg.inv(self._grid.affine_lps) @ self._home.affine_lps
        k, j, i = np.ogrid[box]
        index: NDArray[np.float64] = step[axis, 0] * i + (step[axis, 1] * j + (step[axis, 2] * k + step[axis, 3]))
        return index


def thin(block: Block) -> Iterator[tuple[tuple[int, int, int], torch.Tensor]]:
    """Cut a block along its first axis into parts that are small enough to be worked on, always with three axes."""
    logits = block.logits if block.logits.ndim == 4 else block.logits[..., None]
    start = (*block.start, 0)[:3]
    most = max(1, BLOCK_BYTES // max(1, logits[:, 0].numel() * 4))
    for at in range(0, logits.shape[1], most):
        yield (start[0] + at, start[1], start[2]), logits[:, at : at + most]


def _softmax(logits: torch.Tensor) -> torch.Tensor:
    return logits.softmax(dim=0)


def _best(logits: torch.Tensor) -> torch.Tensor:
    """Return the label with the highest logit, the first of equals; a loop, because argmax over axis 0 is slow."""
    import torch

    best, labels = logits[0].clone(), torch.zeros(logits.shape[1:], dtype=torch.uint8)
    for value in range(1, len(logits)):
        labels.masked_fill_(logits[value] > best, value)
        torch.maximum(best, logits[value], out=best)
    return labels


def _possible(scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the classes that can win somewhere in a block, background always.

    Shares add up to 1, so that between voxels too the highest of C is at least 1 / C: a class below that everywhere
    wins nowhere.
    """
    highest = scores.reshape(len(scores), -1).max(axis=1)
    highest[0] = 1.0
    return np.flatnonzero(highest > 0.99 / len(scores))


def box_zyx(start: tuple[int, int, int], shape: tuple[int, ...]) -> Box:
    """Return the slices (slice, row, column) of a box that begins at `start` (X, Y, Z)."""
    x, y, z = (slice(at, at + size) for at, size in zip(start, shape, strict=True))
    return z, y, x


def _part(grid: Geometry, start_xyz: Any, shape_xyz: Any) -> Geometry:
    """Return the grid of a box of voxels of `grid`."""
    moved = grid.affine_lps.copy()
    moved[:3, 3] = grid.to_world(np.asarray(start_xyz, dtype=np.float64))
    x, y, z = (int(size) for size in shape_xyz)
    return replace(grid, affine_lps=moved, shape_zyx=(z, y, x))


def _box_around(part: Geometry, home: Geometry) -> Box | None:
    """Return the slices (slice, row, column) of `home` around the box that `part` fills, None when they do not meet."""
    far = np.array(part.shape_zyx[::-1]) - 0.5
    corners = np.array([[far[axis] if up else -0.5 for axis, up in enumerate(ups)] for ups in np.ndindex(2, 2, 2)])
    index = home.to_index(part.to_world(corners))
    first = np.maximum(np.floor(index.min(axis=0)).astype(int), 0)
    last = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 1, home.shape_zyx[::-1])
    if (first >= last).any():
        return None
    x, y, z = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return z, y, x
