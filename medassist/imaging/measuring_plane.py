"""The plane of voxels a measurement was drawn on, and which of them lie inside its outline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from medassist.entities.measurement import Measurement, Point, Shape
from medassist.entities.volume import AnyArray, Volume

Points = NDArray[np.float64]

OFF_PLANE = 0.5
ROUNDING = 1e-9
DECIMALS = 6
"""Corners that lie on a pixel centre but for the rounding of millimetres count as lying on it."""


@dataclass(frozen=True, eq=False)
class DrawnOn:
    """One plane of the grid with what was drawn on it.

    Attributes:
        axis: voxel axis (0 column, 1 row, 2 slice) that runs through the plane; `index` is the voxel along it.
        points: (n, 2) indices of the points along the two other axes, the lower axis first; pixel centres are integers.
        steps_lps: (2, 3) mm, one pixel along each of these axes.
    """

    axis: int
    index: int
    points: Points
    steps_lps: Points


def index_of_points(points_lps: Sequence[Point], slice_index: int | None, volume: Volume) -> Points:
    """Return (n, 3) fractional voxel indices (column, row, slice) of points (LPS mm).

    Points on a slice of an irregular stack are taken from where that slice really is.
    """
    points = np.asarray(points_lps, dtype=np.float64).reshape(-1, 3)
    return volume.geometry.to_index(points - _offset(slice_index, volume))


def points_of_index(index_xyz: Points, slice_index: int | None, volume: Volume) -> tuple[Point, ...]:
    """Return the points (LPS mm) at fractional voxel indices (n, 3): the way back from `index_of_points`."""
    world = volume.geometry.to_world(np.asarray(index_xyz).reshape(-1, 3)) + _offset(slice_index, volume)
    return tuple((x, y, z) for x, y, z in world.tolist())


def _offset(slice_index: int | None, volume: Volume) -> Points:
    """Return how far a slice of an irregular stack lies from its place on the grid (mm)."""
    origins = volume.slice_origins_lps
    if volume.is_regular or origins is None or slice_index is None or not 0 <= slice_index < len(origins):
        return np.zeros(3)
    away: Points = origins[slice_index] - volume.geometry.to_world([0, 0, slice_index])
    return away


def drawn_on(measurement: Measurement, volume: Volume) -> DrawnOn | None:
    """Return the plane of voxels nearest to a measurement, None where it crosses planes or lies outside the volume."""
    index = index_of_points(measurement.points_lps, measurement.slice_index, volume)
    if not len(index):
        return None
    axis = 2 if measurement.slice_index is not None else int(np.ptp(index, axis=0).argmin())
    at = round(float(index[:, axis].mean())) if measurement.slice_index is None else measurement.slice_index
    off = float(np.abs(index[:, axis] - at).max())
    if off > OFF_PLANE or not 0 <= at < volume.geometry.shape_zyx[2 - axis]:
        return None
    others = [one for one in range(3) if one != axis]
    return DrawnOn(axis, at, index[:, others], volume.geometry.affine_lps[:3, others].T)


def plane_values(volume: Volume, plane: DrawnOn, time: int) -> AnyArray:
    """Return the stored values of a plane: (second axis, first axis[, 3])."""
    values: AnyArray = np.moveaxis(volume.array_tzyx[time], 2 - plane.axis, 0)[plane.index]
    return values


def inside(shape: Shape, points: Points, size: tuple[int, int]) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
    """Return a box of a plane of `size` (second axis, first axis), and which pixels in it have their centre inside.

    Every outline counts by the even-odd rule; of two outlines that share an edge, one has the centres on it.
    """
    points = np.round(points, DECIMALS)
    corners = bounds(shape, points)
    low = np.clip(np.ceil(corners.min(axis=0)), 0, size[::-1]).astype(int)
    high = np.clip(np.floor(corners.max(axis=0)) + 1, 0, size[::-1]).astype(int)
    box = slice(low[1], max(high[1], low[1])), slice(low[0], max(high[0], low[0]))
    first, second = np.arange(box[1].start, box[1].stop), np.arange(box[0].start, box[0].stop)
    marked = _in_ellipse if shape is Shape.ELLIPSE else _in_polygon
    return box, marked(points, first, second)


def bounds(shape: Shape, points: Points) -> Points:
    """Return the (2, 2) lowest and highest indices of an outline."""
    if shape is not Shape.ELLIPSE:
        return np.stack([points.min(axis=0), points.max(axis=0)])
    center, major, minor = ellipse_axes(points)
    reach = np.hypot(major, minor)
    return np.stack([center - reach, center + reach])


def ellipse_axes(points: Points) -> tuple[Points, Points, Points]:
    """Return centre and half axes of an ellipse from the ends of its two axes."""
    center = points.mean(axis=0)
    return center, (points[1] - points[0]) / 2, (points[3] - points[2]) / 2


def _in_ellipse(points: Points, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
    center, major, minor = ellipse_axes(points)
    turn = np.stack([major, minor], axis=1)
    if abs(np.linalg.det(turn)) < ROUNDING:
        return np.zeros((len(second), len(first)), bool)
    back = np.linalg.inv(turn)
    x, y = (first - center[0])[None, :], (second - center[1])[:, None]
    marked: NDArray[np.bool_] = (
        np.square(back[0, 0] * x + back[0, 1] * y) + np.square(back[1, 0] * x + back[1, 1] * y) <= 1 + ROUNDING
    )
    return marked


def _in_polygon(points: Points, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Fill row by row: the time is that of the pixels, not of pixels times corners, as it must be on films."""
    flips = np.zeros((len(second), len(first) + 1), np.int32)
    if not flips.size:
        return flips[:, :-1].astype(bool)
    for begin, end in zip(points, np.roll(points, -1, axis=0), strict=True):
        low, high = sorted((begin[1], end[1]))
        rows = np.flatnonzero((second >= low) & (second < high))
        if rows.size:
            crossed = begin[0] + (second[rows] - begin[1]) * (end[0] - begin[0]) / (end[1] - begin[1])
            columns = np.clip(np.ceil(crossed - ROUNDING) - first[0], 0, len(first)).astype(int)
            np.add.at(flips, (rows, columns), 1)
    marked: NDArray[np.bool_] = np.cumsum(flips, axis=1)[:, :-1] % 2 == 1
    return marked


def even_odd_area(points: Points) -> float:
    """Return the area (pixels) that an outline encloses by the even-odd rule, exact also where it crosses itself."""
    begins, ends = points, np.roll(points, -1, axis=0)
    levels = np.unique(np.concatenate([points[:, 1], _crossings(begins, ends)]))
    area = 0.0
    for low, high in pairwise(levels.tolist()):
        middle = (low + high) / 2
        spans = (np.minimum(begins[:, 1], ends[:, 1]) <= middle) & (np.maximum(begins[:, 1], ends[:, 1]) > middle)
        share = (middle - begins[spans, 1]) / (ends[spans, 1] - begins[spans, 1])
        at = np.sort(begins[spans, 0] + share * (ends[spans, 0] - begins[spans, 0]))
        area += float((high - low) * (at[1::2] - at[::2]).sum())
    return area


def _crossings(begins: Points, ends: Points) -> Points:
    """Return at which second index edges of an outline cross each other."""
    along = ends - begins
    found = []
    for number in range(len(begins)):
        apart = begins[number + 1 :] - begins[number]
        cross = along[number, 0] * along[number + 1 :, 1] - along[number, 1] * along[number + 1 :, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            mine = (apart[:, 0] * along[number + 1 :, 1] - apart[:, 1] * along[number + 1 :, 0]) / cross
            other = (apart[:, 0] * along[number, 1] - apart[:, 1] * along[number, 0]) / cross
        met = (cross != 0) & (mine > 0) & (mine < 1) & (other > 0) & (other < 1)
        found.append(begins[number, 1] + mine[met] * along[number, 1])
    return np.concatenate(found)
