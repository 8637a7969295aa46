"""Histogram and statistics of a slice or of what a reader outlined, and the values along a line."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from medassist.entities.measurement import Measurement, Shape
from medassist.entities.value_statistics import LineProfile, ValueStatistics
from medassist.entities.volume import Volume
from medassist.imaging.measuring import real_values, values_inside
from medassist.imaging.measuring_plane import index_of_points

MOST_BINS = 256
FLOAT_BINS = 128
ROUNDING = 1e-6
PER_PIXEL = 2
"""Samples for every pixel the line goes along."""
MOST_SAMPLES = 20_000

Values = NDArray[np.float64]


def slice_statistics(volume: Volume, index: int, time: int) -> ValueStatistics | None:
    """Return what the values of one stored slice are like; None for colours."""
    if volume.is_color:
        return None
    there = index not in volume.lost_slices
    return statistics(real_values(volume.array_tzyx[time, index], volume) if there else np.zeros(0), volume)


def region_statistics(measurement: Measurement, volume: Volume) -> ValueStatistics | None:
    """Return what the values inside an outline are like: the pixels its own figures are taken from."""
    values = values_inside(measurement, volume)
    return None if values is None else statistics(values, volume)


def statistics(values: Values, volume: Volume) -> ValueStatistics:
    """Return statistics of finite values; bins of whole numbers are as wide as whole numbers, so none stays empty."""
    if not values.size:
        return ValueStatistics(0, volume.unit)
    edges = _edges(float(values.min()), float(values.max()), volume.array_tzyx.dtype.kind in "iub")
    counts, _edges_again = np.histogram(values, edges)
    return ValueStatistics(
        int(values.size),
        volume.unit,
        float(values.mean()),
        float(values.std()),
        float(values.min()),
        float(values.max()),
        float(np.median(values)),
        counts.astype(np.int64),
        edges,
    )


def _edges(low: float, high: float, whole: bool) -> Values:
    if whole:
        step = max(1, ceil((high - low + 1) / MOST_BINS))
        return np.arange(low, high + 1 + step, step, dtype=np.float64) - 0.5
    if high <= low:
        return np.array([low - 0.5, high + 0.5])
    return np.linspace(low, high, FLOAT_BINS + 1)


def line_profile(measurement: Measurement, volume: Volume) -> LineProfile | None:
    """Return the values along a length from its first point on, None for another drawing and for colours."""
    if measurement.shape is not Shape.LENGTH or volume.is_color or measurement.time >= len(volume.array_tzyx):
        return None
    ends = index_of_points(measurement.points_lps, measurement.slice_index, volume)
    if measurement.slice_index is not None:
        ends[:, 2] = measurement.slice_index  # drawn on this very slice, whatever the rounding of millimetres
    pixels = float(np.linalg.norm(ends[1] - ends[0]))
    count = min(max(ceil(PER_PIXEL * pixels - ROUNDING), 1) + 1, MOST_SAMPLES)
    share = np.linspace(0.0, 1.0, count)
    at = ends[0] + share[:, None] * (ends[1] - ends[0])
    values = volume.array_tzyx[measurement.time]
    box = _box(at, values.shape)
    part = np.asarray(values[box], dtype=np.float64)
    told = _between(part, _missing(part, box[0], volume), at[:, ::-1] - [one.start for one in box])
    points = np.asarray(measurement.points_lps)
    whole = float(np.linalg.norm(points[1] - points[0])) if volume.geometry.calibrated else pixels
    return LineProfile(share * whole, told, volume.unit, volume.geometry.calibrated)


def _between(part: Values, missing: NDArray[np.bool_], at: Values) -> Values:
    """Interpolate linearly; NaN where any voxel with a weight is missing, or there is none."""
    from scipy.ndimage import map_coordinates

    filled = np.where(missing, 0.0, part)
    told: Values = map_coordinates(filled, at.T, order=1, mode="constant", cval=0.0)
    gone = map_coordinates(missing.astype(np.float64), at.T, order=1, mode="constant", cval=1.0)
    told[gone > ROUNDING] = np.nan
    return told


def _box(at: Values, shape: tuple[int, ...]) -> tuple[slice, slice, slice]:
    """Return the voxels a line needs, with one around them: a whole volume of floats would be large."""
    low = np.clip(np.floor(at.min(axis=0))[::-1] - 1, 0, np.array(shape) - 1).astype(int)
    high = np.clip(np.ceil(at.max(axis=0))[::-1] + 2, low + 1, shape).astype(int)
    first, second, third = (slice(int(begin), int(end)) for begin, end in zip(low, high, strict=True))
    return first, second, third


def _missing(part: Values, slices: slice, volume: Volume) -> NDArray[np.bool_]:
    missing: NDArray[np.bool_] = ~np.isfinite(part)
    if volume.padding is not None:
        missing |= (part >= volume.padding[0]) & (part <= volume.padding[1])
    lost = np.isin(np.arange(slices.start, slices.stop), volume.lost_slices)
    missing[lost] = True
    return missing
