"""Slices that form no regular grid, brought onto one: tilted gantries, missing slices, uneven distances.

Every slice is put where its header says it lies and moved in its own plane by linear interpolation; between slices the
values are interpolated along their normal. Where slices stand evenly (a tilted gantry) none is mixed with another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassist.entities.errors import UnreadableInput
from medassist.entities.geometry import Geometry
from medassist.entities.study import Series, SeriesKind, Warned, warned
from medassist.entities.volume import AnyArray, Volume
from medassist.imaging.grid import SAME_PLACE_MM, tolerance_mm
from medassist.progress import Progress

MOST_GROWTH = 8
"""A grid of more voxels than this times the slices' own is refused: a position in the header is wrong."""

_SAME_PIXEL = 0.02
_LEAST_SLICES = 2
_NO_FILL = 0.5  # least share of real voxels a new voxel is made of


@dataclass(frozen=True, eq=False)
class Placing:
    """Where slices go on a regular grid.

    Attributes:
        geometry: the grid.
        taken: numbers of the slices used, ascending along the normal; of several in one place the first.
        corners_ij: (taken, 2) column and row index of their first voxel on the grid, fractional.
        along: (taken,) their slice index on the grid, fractional.
    """

    geometry: Geometry
    taken: NDArray[np.intp]
    corners_ij: NDArray[np.float64]
    along: NDArray[np.float64]


def placing_of(origins_lps: ArrayLike, plane: Geometry) -> Placing | None:
    """Return the regular grid that holds all slices, None when there is none worth the name.

    Args:
        origins_lps: (slices, 3) centre of the first voxel of each slice (mm), in ascending order along the normal.
        plane: grid of the slices; only its steps within the plane and its direction across count.

    The slice distance is the lower quartile of those found, fitted to the whole length, so that first and last slice
    are kept and the finer part of a series loses nothing. Slices keep their direction.
    """
    origins = np.asarray(origins_lps, dtype=np.float64)
    if len(origins) < _LEAST_SLICES:
        return None
    steps = plane.affine_lps[:3, :3]
    ijk = (origins - origins[0]) @ np.linalg.inv(steps).T
    millimetres = ijk[:, 2] * plane.spacing_mm[2]
    taken = np.flatnonzero(np.diff(millimetres, prepend=-np.inf) > SAME_PLACE_MM)
    if len(taken) < _LEAST_SLICES or not np.isfinite(millimetres).all():
        return None
    ijk, millimetres = ijk[taken], millimetres[taken]
    usual = float(np.quantile(np.diff(millimetres), 0.25, method="lower"))
    length = float(millimetres[-1] - millimetres[0])
    count = round(length / usual) + 1
    low = np.floor(ijk[:, :2].min(axis=0) + _SAME_PIXEL)
    grown = np.ceil(ijk[:, :2].max(axis=0) - _SAME_PIXEL) - low
    shape = (count, plane.shape_zyx[1] + int(grown[1]), plane.shape_zyx[2] + int(grown[0]))
    if np.prod(shape, dtype=float) > MOST_GROWTH * len(origins) * plane.shape_zyx[1] * plane.shape_zyx[2]:
        return None
    affine = plane.affine_lps.copy()
    affine[:3, 2] *= length / (count - 1) / plane.spacing_mm[2]
    affine[:3, 3] = origins[taken[0]] + steps[:, :2] @ low
    along = millimetres / length * (count - 1)
    return Placing(replace(plane, affine_lps=affine, shape_zyx=shape), taken, ijk[:, :2] - low, along)


def can_be_regular(volume: Volume) -> bool:
    """Tell whether `regularise` can make a regular grid of these slices."""
    return not volume.is_regular and _placing(volume) is not None


def regularise(volume: Volume, series: Series | None = None, *, progress: Progress | None = None) -> Volume:
    """Return the slices on a regular grid, with a mark among the warnings of its series.

    `series` is what the result is called, by default `resampled_series`. What no slice covers holds the padding value,
    or the lowest value there is. Raises UnreadableInput when the slices have no place or cannot share a grid,
    Cancelled between two slices.
    """
    placing = _placing(volume)
    if placing is None:
        raise UnreadableInput(
            "{series} cannot be resampled to a regular grid: {reason}",
            series=volume.series.title,
            reason=volume.series.irregularity,
        )
    fill = _fill(volume)
    kept = volume.array_tzyx
    made = np.empty((len(kept), *placing.geometry.shape_zyx, *kept.shape[4:]), dtype=kept.dtype)
    planes = [(time, k) for time in range(len(kept)) for k in range(made.shape[1])]
    for time, k in (progress or Progress()).over(planes, "Resampling to a regular grid"):
        made[time, k] = _plane(volume, placing, time, k, fill)
    return replace(
        volume,
        series=series or resampled_series(volume.series, placing),
        array_tzyx=made,
        geometry=placing.geometry,
        slice_origins_lps=None,
        lost_slices=(),
    )


def resampled_series(stack: Series, placing: Placing) -> Series:
    """Name what an irregular stack becomes: a part of its own, with the mark that says so."""
    remark = warned(
        "Resampled by interpolation: {count} slices as stored became {made} slices, {step} mm apart.",
        count=len(placing.taken),
        made=placing.geometry.shape_zyx[0],
        step=f"{placing.geometry.spacing_mm[2]:.3f}",
    )
    why = tuple(warned("As stored: {reason}", reason=one) for one in stack.warnings if one.text() in stack.irregularity)
    named = replace(stack, key=f"{stack.key}#resampled", slice_times_s=())
    return regular_series(named, stack, "resampled", (remark, *why), placing.geometry)


def regular_series(named: Series, raw: Series, part: str, marks: tuple[Warned, ...], geometry: Geometry) -> Series:
    """Return `named` as a volume on `geometry` made of the slices of `raw`.

    The warnings that made them irregular give way to `marks`.
    """
    others = tuple(one for one in raw.warnings if one.text() not in raw.irregularity)
    return replace(
        named,
        kind=SeriesKind.VOLUME,
        part=", ".join(text for text in (named.part, part) if text),
        shape_zyx=geometry.shape_zyx,
        irregularity="",
        warnings=(*marks, *others),
        raw=raw,
    )


def _placing(volume: Volume) -> Placing | None:
    if volume.slice_origins_lps is None or volume.series.kind is SeriesKind.FILM:
        return None
    known = np.setdiff1d(np.arange(len(volume.slice_origins_lps)), volume.lost_slices)
    placing = placing_of(volume.slice_origins_lps[known], volume.geometry)
    return None if placing is None else replace(placing, taken=known[placing.taken])


def _fill(volume: Volume) -> float:
    """Return the value of what no slice covers: the padding value where the type of the volume holds it."""
    dtype = volume.array_tzyx.dtype
    lowest = float(volume.array_tzyx.min())
    if volume.padding is None or (dtype.kind in "iu" and not _holds(dtype, volume.padding[0])):
        return lowest
    return float(volume.padding[0])


def _holds(dtype: np.dtype[Any], value: float) -> bool:
    limits = np.iinfo(dtype)
    return bool(limits.min <= value <= limits.max)


def _plane(volume: Volume, placing: Placing, time: int, k: int, fill: float) -> AnyArray:
    """Return slice `k` of the grid, from the one or two slices beside it."""
    below = int(np.clip(np.searchsorted(placing.along, k + 1e-6) - 1, 0, len(placing.along) - 2))
    share = (k - placing.along[below]) / (placing.along[below + 1] - placing.along[below])
    step = placing.geometry.spacing_mm[2]
    gap_mm = (placing.along[below + 1] - placing.along[below]) * step
    share = round(share) if min(share, 1 - share) * gap_mm < tolerance_mm(step) else share
    shape = (*placing.geometry.shape_zyx[1:], *volume.array_tzyx.shape[4:])
    exact = np.result_type(volume.array_tzyx.dtype, np.float32)
    total, weight = np.zeros(shape, exact), np.zeros(shape, np.float32)
    for index, own in ((below, 1 - share), (below + 1, share)):
        if own > 0:
            stored = volume.array_tzyx[time, placing.taken[index]]
            real = _real(stored, volume.padding)
            values = stored if real is None else np.where(real > 0, stored, 0)
            where = _add(total, values.astype(exact), placing.corners_ij[index], own)
            if real is None:
                weight[where] += own
            else:
                _add(weight, real, placing.corners_ij[index], own)
    covered = weight >= _NO_FILL
    np.divide(total, weight, out=total, where=covered & (weight != 1))
    total[~covered] = fill
    return _as(total, volume.array_tzyx.dtype)


def _real(stored: AnyArray, padding: tuple[float, float] | None) -> NDArray[np.float32] | None:
    """Return 1 where a slice holds a value and 0 where it holds padding, None when it holds values alone."""
    if padding is None:
        return None
    return ((stored < padding[0]) | (stored > padding[1])).astype(np.float32)


def _add(total: AnyArray, plane: AnyArray, corner_ij: NDArray[np.float64], share: float) -> tuple[slice, slice]:
    """Add `share` times a plane (row, column[, colour]) whose first voxel lies at a fractional index of `total`.

    Returns the rows and columns it went to.
    """
    starts = []
    for axis, corner in ((1, corner_ij[0]), (0, corner_ij[1])):
        plane, start = _moved(plane, axis, corner)
        starts.append(start)
    column, row = starts
    where = slice(row, row + plane.shape[0]), slice(column, column + plane.shape[1])
    total[where] += plane if share == 1 else share * plane
    return where


def _moved(plane: AnyArray, axis: int, corner: float) -> tuple[AnyArray, int]:
    """Interpolate a plane along one axis at whole indices; return it, as long as before, and its first index.

    Up to half a voxel beyond the outermost centres the nearest value is used.
    """
    whole = int(np.floor(corner + _SAME_PIXEL))
    part = float(corner - whole)
    if part <= _SAME_PIXEL:
        return plane, whole
    first, last = (np.take(plane, [end], axis=axis) for end in (0, -1))
    before, behind = np.concatenate([first, plane], axis=axis), np.concatenate([plane, last], axis=axis)
    mixed = before * part + behind * (1 - part)
    late = bool(part >= _NO_FILL)
    kept = slice(1, None) if late else slice(None, -1)
    return mixed[(slice(None),) * axis + (kept,)], whole + late


def _as(values: AnyArray, dtype: np.dtype[Any]) -> AnyArray:
    """Round to integers where the source had integers."""
    if dtype.kind not in "iu":
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values, out=values), limits.min, limits.max, out=values).astype(dtype)
