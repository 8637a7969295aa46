"""An image with a region replaced: by the mean around it, by itself blurred, or by the other side of the patient."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.entities.probe import Area, Means
from medassist.entities.volume import AnyArray, Volume
from medassist.explain.baselines import BLUR_SHARE
from medassist.explain.probing.body import Mask, doubled_midline, left_right_axis
from medassist.inference.prepare import without_padding

EDGE_SHARE = 0.01
LEAST_EDGE_VOXELS = 1.5
RING_EDGES = 2.0
"""How wide the ring is whose mean is taken, in widths of the soft edge."""
WIDE_VOXELS = 6.0
"""From this standard deviation on three running means stand for the Gaussian: their cost does not grow with it."""
MARK = "modified for a probe"

Box = tuple[slice, slice, slice]
Weights = NDArray[np.float32]


@dataclass(frozen=True)
class Way:
    """How a region is replaced: `edge_mm` of soft edge around it, a blur of `sigma_mm` (0 for another way)."""

    how: Means
    edge_mm: float
    sigma_mm: float = 0.0


@dataclass(frozen=True, eq=False)
class Changed:
    """A series with a region replaced; `touched` bool (slice, row, column) is all that may differ: region and edge.

    The series bears another key and says in its name what it is, so that no result of it is taken for the patient's.
    """

    volume: Volume
    touched: Mask


def usual_way(how: Means, geometry: Geometry) -> Way:
    """Return the usual widths: an edge of 1 % of the second longest side, a blur of 8 % of the longest one.

    The edge is 1.5 voxels at least. However the axes are stored, the widths are the same.
    """
    sizes = sorted(size * step for size, step in zip(geometry.shape_zyx[::-1], geometry.spacing_mm, strict=True))
    fine = sorted(step for step, size in zip(geometry.spacing_mm, geometry.shape_zyx[::-1], strict=True) if size > 1)
    edge = max(EDGE_SHARE * sizes[-2], LEAST_EDGE_VOXELS * fine[:2][-1])
    return Way(how, edge, BLUR_SHARE * sizes[-1] if how is Means.BLUR else 0.0)


def replaced(volume: Volume, area: Area, way: Way, body: Mask) -> Changed:
    """Replace an area at every time point; the volume itself stays as it is.

    Args:
        volume: the series, grey or RGB.
        area: what goes, on its grid.
        way: what comes, and how soft the edge is. The edge lies outside of the area, which goes completely.
        body: bool (slice, row, column), see `body_of`: for the ring of the mean and the middle of the mirror.

    Values stay within what the image held; padding stays. Refused where there is no mirror side (see `opposite`).
    """
    spacing = volume.geometry.spacing_mm[::-1]
    box = _around(area, max(way.edge_mm * (1.0 + RING_EDGES), 3.0 * way.sigma_mm), spacing)
    inside = area.mask()[box]
    away = _distance(inside, spacing)
    weight = (0.5 + 0.5 * np.cos(np.pi * np.minimum(away / way.edge_mm, 1.0))).astype(np.float32)
    array = volume.array_tzyx.copy()
    other = _other_side(volume, area, box, body) if way.how is Means.MIRROR else None
    for time in range(len(array)):
        values = without_padding(volume, time)
        if other is not None:
            fresh = values[other].astype(np.float32)
        elif way.how is Means.BLUR:
            fresh = _blurred(values[box], [way.sigma_mm / step for step in spacing])
        else:
            fresh = _mean_around(values[box], away, way.edge_mm * RING_EDGES, body[box])
        array[time][box] = _mixed(volume, array[time][box], fresh, weight)
    touched = np.zeros(volume.geometry.shape_zyx, dtype=bool)
    touched[box] = weight > 0.0
    series = replace(volume.series, key=f"{volume.series.key}#probe", part=MARK, frames=(), raw=None)
    return Changed(replace(volume, series=series, array_tzyx=array), touched)


def opposite(volume: Volume, area: Area, body: Mask) -> Area:
    """Return the same voxels on the other side of the patient.

    Refused where left and right are not known, the other side lies beyond the image, or the area would cover a part of
    itself: then it would be replaced by its own content.
    """
    axis = left_right_axis(volume)
    mask = area.mask()
    indices = doubled_midline(body, axis) - np.arange(mask.shape[axis])
    found = np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis})))
    there = indices[found]
    if there.min() < 0 or there.max() >= mask.shape[axis]:
        raise Refused(
            "The mirror side of the region lies beyond the image.", remedy="Choose another way to replace it."
        )
    mirrored = np.take(mask, np.clip(indices, 0, mask.shape[axis] - 1), axis=axis)
    mirrored[(slice(None),) * axis + ((indices < 0) | (indices >= mask.shape[axis]),)] = False
    if (mirrored & mask).any():
        raise Refused(
            "The region reaches across the middle, so its mirror side is a part of itself.",
            remedy="Choose a region on one side, or another way to replace it.",
        )
    return Area.of(mirrored, area.geometry)


def _other_side(volume: Volume, area: Area, box: Box, body: Mask) -> tuple[Any, ...]:
    """Return the index of what lies opposite of every voxel of a box; of the edge beyond the image the nearest."""
    opposite(volume, area, body)  # refuses what cannot be mirrored
    axis = left_right_axis(volume)
    lines = [np.arange(part.start, part.stop) for part in box]
    turned = doubled_midline(body, axis) - lines[axis]
    lines[axis] = np.clip(turned, 0, volume.geometry.shape_zyx[axis] - 1)
    return np.ix_(*lines)


def _around(area: Area, reach_mm: float, spacing_zyx: tuple[float, ...]) -> Box:
    """Return the box of an area with room around it."""
    sizes = zip(area.box, area.geometry.shape_zyx, spacing_zyx, strict=True)
    z, y, x = (
        slice(max(0, part.start - int(np.ceil(reach_mm / step))), min(size, part.stop + int(np.ceil(reach_mm / step))))
        for part, size, step in sizes
    )
    return z, y, x


def _distance(inside: Mask, spacing_zyx: tuple[float, ...]) -> NDArray[np.float64]:
    """Return how far every voxel lies from the area, in mm; of an area that is the same in all slices from one."""
    from scipy.ndimage import distance_transform_edt

    if len(inside) > 1 and (inside == inside[:1]).all():
        plane: NDArray[np.float64] = distance_transform_edt(~inside[0], sampling=spacing_zyx[1:])
        return np.broadcast_to(plane, inside.shape)
    away: NDArray[np.float64] = distance_transform_edt(~inside, sampling=spacing_zyx)
    return away


def _mean_around(values: AnyArray, away: NDArray[np.float64], ring_mm: float, body: Mask) -> NDArray[np.float32]:
    """Return the mean of the ring around the area, of the body where it reaches into the ring; one value per colour."""
    ring = (away > 0.0) & (away <= max(ring_mm, float(away[away > 0.0].min())))
    taken = values[ring & body] if (ring & body).any() else values[ring]
    mean: NDArray[np.float32] = np.asarray(taken.mean(axis=0, dtype=np.float64), dtype=np.float32)
    return mean


def _blurred(values: AnyArray, sigmas: list[float]) -> NDArray[np.float32]:
    """Return values (slice, row, column[, 3]) after a Gaussian filter of so many voxels along each axis."""
    from scipy.ndimage import gaussian_filter1d, uniform_filter1d

    smooth = values.astype(np.float32)
    for axis, sigma in enumerate(sigmas):
        if smooth.shape[axis] == 1:
            continue
        if sigma < WIDE_VOXELS:
            smooth = gaussian_filter1d(smooth, sigma, axis=axis, mode="nearest")
            continue
        width = 2 * round((np.sqrt(4.0 * sigma**2 + 1.0) - 1.0) / 2.0) + 1  # of three of them the variance is sigma^2
        for _ in range(3):
            smooth = uniform_filter1d(smooth, width, axis=axis, mode="nearest")
    return smooth


def _mixed(volume: Volume, old: AnyArray, fresh: NDArray[np.float32], weight: Weights) -> AnyArray:
    """Return old and new values in the dtype of the image; what is padding stays padding."""
    share = weight if volume.padding is None or volume.is_color else np.where(_empty(volume, old), 0.0, weight)
    share = share[..., None] if volume.is_color else share
    mixed = np.where(share >= 1.0, fresh, share * fresh + (1.0 - share) * old)
    rounded = np.rint(mixed) if old.dtype.kind in "iu" else mixed
    result: AnyArray = np.where(share > 0.0, rounded, old).astype(old.dtype)
    return result


def _empty(volume: Volume, values: AnyArray) -> Mask:
    low, high = volume.padding or (0.0, 0.0)
    empty: Mask = (values >= low) & (values <= high)
    return empty
