"""Size of every label of a mask, and statistics of the values under it, slice by slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassist.entities.label_figures import LabelFigures, MaskFigures
from medassist.entities.prediction import Mask
from medassist.entities.study import SeriesKind
from medassist.entities.volume import AnyArray, Volume
from medassist.imaging.measuring import real_values
from medassist.progress import Progress


@dataclass
class _Sum:
    """One label as far as it was counted; the spread after Chan, Golub and LeVeque (1983), which loses no digits."""

    voxels: int = 0
    counted: int = 0
    mean: float = 0.0
    squares: float = 0.0
    low: float = np.inf
    high: float = -np.inf
    area: int = 0
    slice_index: int = -1

    def add(self, values: NDArray[np.float64]) -> None:
        """Take more values in."""
        if not values.size:
            return
        mean, whole = float(values.mean()), self.counted + values.size
        apart = mean - self.mean
        self.squares += float(np.square(values - mean).sum()) + apart**2 * self.counted * values.size / whole
        self.mean += apart * values.size / whole
        self.counted = whole
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))


def label_figures(mask: Mask, volume: Volume, time: int, *, progress: Progress) -> MaskFigures:
    """Measure every label of a mask on the grid of a series (ValueError on another grid)."""
    if not mask.geometry.same_grid(volume.geometry):
        raise ValueError("the mask lies on another grid than the series")
    sums = {one.value: _Sum() for one in mask.segments}
    for k in progress.over(range(len(mask.labels_zyx)), "Measuring", len(mask.labels_zyx)):
        if mask.labels_zyx[k].any():
            _add_slice(sums, mask, volume, time, k)
    return MaskFigures(mask, volume, time, tuple(_told(one, mask, volume, value) for value, one in sums.items()))


def _add_slice(sums: dict[int, _Sum], mask: Mask, volume: Volume, time: int, k: int) -> None:
    labels, values = mask.labels_zyx[k], volume.array_tzyx[time, k]
    stored = set(np.unique(labels).tolist())
    readable = not volume.is_color and k not in volume.lost_slices
    for segment in mask.segments:
        if not mask.overlapping and segment.value not in stored:
            continue
        inside = mask.region(segment, labels)
        area, one = int(np.count_nonzero(inside)), sums[segment.value]
        one.voxels += area
        if area > one.area:
            one.area, one.slice_index = area, k
        if readable and area:
            one.add(real_values(values[inside], volume))


def _told(one: _Sum, mask: Mask, volume: Volume, value: int) -> LabelFigures:
    solid = volume.is_regular and volume.geometry.calibrated and volume.series.kind is not SeriesKind.FILM
    size = one.voxels * volume.geometry.voxel_volume_ml if solid else None
    if not one.voxels:
        return LabelFigures(value, volume_ml=size)
    segment = next(each for each in mask.segments if each.value == value)
    place = _middle(mask.region(segment, mask.labels_zyx[one.slice_index]))
    x, y, z = volume.geometry.to_world([place[1], place[0], one.slice_index])
    told = LabelFigures(value, one.voxels, size, one.counted, largest_slice=one.slice_index,
                        largest_lps=(float(x), float(y), float(z)))  # fmt: skip
    if not one.counted:
        return told
    sd = float(np.sqrt(one.squares / one.counted))
    return LabelFigures(value, one.voxels, size, one.counted, one.mean, sd, one.low, one.high,
                        told.largest_lps, told.largest_slice)  # fmt: skip


def _middle(inside: AnyArray) -> tuple[int, int]:
    """Return the (row, column) of the label nearest to its middle: that of a ring lies outside of it."""
    rows, columns = np.nonzero(inside)
    nearest = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
    return int(rows[nearest]), int(columns[nearest])
