"""Follow a region from its slice through the volume: the next box is that of the last mask and a margin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.prompt import Box
from medassist.entities.volume import Volume
from medassist.inference.interactive.outline import embed, outline
from medassist.inference.interactive.picture import Grey
from medassist.inference.packages import Package
from medassist.progress import Progress

MARGIN_VOXELS = 3
MOST_GROWTH = 2.0
"""An area that more than doubles from one slice to the next is another structure, not the same one."""
LEAST_SHARE = 0.1
"""A mask this much smaller than the last one is noise at the end of the structure."""
LEAST_OVERLAP = 0.25
"""Share of the smaller of two neighbouring masks that must lie over the other one."""
STAGE = "Following the region through the slices"

Plane = NDArray[np.bool_]


@dataclass(frozen=True)
class Followed:
    """Masks by slice, the first one among them, and why each direction ended (downwards, upwards in slice number)."""

    slices: Mapping[int, Plane]
    ended: tuple[str, str]


def follow(
    package: Package,
    volume: Volume,
    start: Plane,
    index: int,
    grey: Grey,
    *,
    device: str = "auto",
    progress: Progress,
) -> Followed:
    """Follow the mask `start` of slice `index` to both sides until it ends (English reasons in `ended`).

    Refused when nothing is marked to start with, or when the slices form no regular grid: neighbours in the list are
    then no neighbours in the patient. Cancelled at the next slice after `progress.cancel()`.
    """
    if not volume.is_regular:
        raise Refused(
            "A region cannot be followed through these slices: {reason}.",
            reason=volume.series.irregularity.rstrip("."),
        )
    if not start.any():
        raise Refused("There is nothing marked on this slice that could be followed.")
    found: dict[int, Plane] = {index: start}
    ended = []
    for step in (-1, 1):
        walk = _Walk(package, volume, grey, device, progress)
        found |= walk.masks(start, index, step)
        ended.append(walk.ended)
    progress.step(STAGE, 1.0)
    return Followed(dict(sorted(found.items())), (ended[0], ended[1]))


class _Walk:
    """One direction; `ended` says why it stopped."""

    def __init__(self, package: Package, volume: Volume, grey: Grey, device: str, progress: Progress) -> None:
        self._package, self._volume, self._grey = package, volume, grey
        self._device, self._progress = device, progress
        self.ended = ""

    def masks(self, start: Plane, index: int, step: int) -> Iterator[tuple[int, Plane]]:
        last, at, depth = start, index + step, self._volume.geometry.shape_zyx[0]
        while 0 <= at < depth:
            self._progress.step(STAGE)
            mask = self._outlined(last, at)
            self.ended = reason_to_stop(last, mask)
            if self.ended:
                return
            yield at, mask
            last, at = mask, at + step
        self.ended = "the series ends here"

    def _outlined(self, last: Plane, at: int) -> Plane:
        box = box_around(last, at)
        embedding = embed(self._package, self._volume, at, self._grey, device=self._device, progress=self._progress)
        return outline(embedding, box, progress=self._progress)


def box_around(mask: Plane, index: int, margin: int = MARGIN_VOXELS) -> Box:
    """Return the box of what is marked with a margin, for slice `index`; it may reach over the edge of the slice."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    tight = Box(int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1]), index)
    return replace(
        tight,
        first_column=tight.first_column - margin,
        first_row=tight.first_row - margin,
        last_column=tight.last_column + margin,
        last_row=tight.last_row + margin,
    )


def reason_to_stop(last: Plane, mask: Plane) -> str:
    """Return why `mask` is no continuation of `last` on the slice before (English), "" when it is one."""
    area, before = np.count_nonzero(mask), np.count_nonzero(last)
    if area < LEAST_SHARE * before:
        return "nothing more is marked"
    if area > MOST_GROWTH * before:
        return "the marked area more than doubles"
    if np.count_nonzero(mask & last) < LEAST_OVERLAP * min(area, before):
        return "the marked area lies elsewhere"
    return ""
