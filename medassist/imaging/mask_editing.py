"""Changing a label map by hand: a label is painted or erased where a patch lies, locked labels never change.

All functions take uint8 labels (slice, row, column) and give new ones; the array that came in is never written to, and
comes back itself when nothing changes, so that what did not change is held in memory once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.prediction import MOST_OVERLAPPING, Mask

Labels = NDArray[np.uint8]
Region = NDArray[np.bool_]
Box = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class Patch:
    """Voxels of a grid: `inside` is bool over the box `at` (slice, row, column)."""

    at: Box
    inside: Region


@dataclass(frozen=True)
class Pen:
    """Which label is written, and how.

    Attributes:
        value: the label; a bit number from 1 where labels overlap (see `Mask`).
        locked: labels that keep every voxel they have and get no other.
        overlapping: whether a voxel holds one bit per label: then no label is ever lost to another.
        background_only: whether voxels of other labels stay as they are, locked or not.
    """

    value: int
    locked: frozenset[int] = frozenset()
    overlapping: bool = False
    background_only: bool = False

    @property
    def bit(self) -> np.uint8:
        """What is written into a voxel."""
        return np.uint8(1 << (self.value - 1)) if self.overlapping else np.uint8(self.value)

    def region(self, labels: Labels) -> Region:
        """Tell which voxels of a map, or of a part of it, have the label."""
        found: Region = (labels & self.bit) != 0 if self.overlapping else labels == self.bit
        return found

    def may_paint(self, labels: Labels) -> Region:
        """Tell which voxels the label may be written to."""
        if self.value in self.locked:
            return np.zeros(labels.shape, dtype=bool)
        if self.overlapping:
            return np.ones(labels.shape, dtype=bool)
        free = np.ones(256, dtype=bool)
        free[list(self.locked)] = False
        if self.background_only:
            free[1:] = False
        return free[labels]


def demand_editable(mask: Mask) -> None:
    """Refuse a mask whose voxels mean more than labels: objects counted one by one would no longer be their counts."""
    if mask.instances is not None:
        raise Refused(
            "This mask tells objects one by one; painted by hand, it would no longer be true to their numbers.",
            remedy="Copy it into a mask of your own.",
        )


def free_value(mask: Mask, taken: frozenset[int]) -> int:
    """Return the smallest value for one more label of a mask; Refused when its voxels can hold no further one."""
    most = MOST_OVERLAPPING if mask.overlapping else 255
    used = taken | {one.value for one in mask.segments}
    found = next((value for value in range(1, most + 1) if value not in used), None)
    if found is None:
        raise Refused("A mask like this holds {count} labels at most.", count=most)
    return found


def marked(part: Labels, inside: Region, pen: Pen, *, erase: bool = False) -> Labels:
    """Return a part of a map with a label written, or erased, where `inside` (same shape) is true."""
    if erase:
        gone = inside & pen.region(part) if pen.value not in pen.locked else np.zeros_like(inside)
        return np.where(gone, part & ~pen.bit if pen.overlapping else np.uint8(0), part)
    return np.where(inside & pen.may_paint(part), part | pen.bit if pen.overlapping else pen.bit, part)


def with_patch(labels: Labels, patch: Patch, pen: Pen, *, erase: bool = False) -> Labels:
    """Return a map with a label written, or erased, where a patch lies."""
    return _with_part(labels, patch.at, marked(labels[patch.at], patch.inside, pen, erase=erase))


def with_region(labels: Labels, patch: Patch, pen: Pen) -> Labels:
    """Return a map in which the label covers just `patch.inside` of the box, as far as locks allow."""
    part = labels[patch.at]
    without = marked(part, ~patch.inside, pen, erase=True)
    return _with_part(labels, patch.at, marked(without, patch.inside, pen))


def _with_part(labels: Labels, at: Box, part: Labels) -> Labels:
    if np.array_equal(labels[at], part):
        return labels
    after = labels.copy()
    after[at] = part
    return after


def difference(before: Labels, after: Labels, *, overlapping: bool = False) -> tuple[int, ...]:
    """Return the segment values that gained or lost a voxel between two maps of one grid."""
    if before is after:
        return ()
    at = np.flatnonzero(before.reshape(-1) != after.reshape(-1))
    one, other = before.reshape(-1)[at], after.reshape(-1)[at]
    if overlapping:
        bits = int(np.bitwise_or.reduce(one ^ other, initial=0))
        return tuple(value for value in range(1, MOST_OVERLAPPING + 1) if bits >> (value - 1) & 1)
    values = np.union1d(one, other)
    return tuple(int(value) for value in values if value)


def dice(one: Region, other: Region) -> float | None:
    """Return the overlap of two regions, 2 |A and B| / (|A| + |B|) (Dice 1945); None when both are empty."""
    total = int(np.count_nonzero(one)) + int(np.count_nonzero(other))
    return 2.0 * int(np.count_nonzero(one & other)) / total if total else None
