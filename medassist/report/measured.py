"""What is measured of a region on the grid of a series: volume, place, slices, axes and values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from medassist.entities.diameters import Diameters, Ends
from medassist.entities.prediction import Mask
from medassist.entities.study import SeriesKind
from medassist.entities.volume import AnyArray, Volume
from medassist.imaging.diameters import diameters


@dataclass(frozen=True)
class Measured:
    """Figures of one region that holds at least one voxel; the attributes are those of `Finding`."""

    center_lps: tuple[float, float, float]
    key_slice: int
    slices: tuple[int, int]
    volume_ml: float | None
    diameters: Diameters | None
    measurements: Mapping[str, float]


def measured(mask: Mask, inside: NDArray[np.bool_], corner: NDArray[np.int64], volume: Volume) -> Measured:
    """Measure a part of a mask.

    Args:
        mask: tells the grid, and whether it holds objects one by one, which have no axes together.
        inside: bool (slice, row, column), the voxels of the part in a box of the mask; at least one.
        corner: (slice, row, column) of that box.
        volume: whose values are taken, on the same grid.
    """
    areas = np.count_nonzero(inside, axis=(1, 2))
    held = np.flatnonzero(areas)
    at = tuple(slice(low, low + size) for low, size in zip(corner.tolist(), inside.shape, strict=True))
    return Measured(
        center_lps=_center_lps(np.argwhere(inside) + corner, volume),
        key_slice=int(corner[0] + areas.argmax()),
        slices=(int(corner[0] + held[0]), int(corner[0] + held[-1])),
        volume_ml=float(areas.sum()) * mask.geometry.voxel_volume_ml if can_measure_volumes(volume) else None,
        diameters=_diameters(mask, inside, corner, volume),
        measurements={} if volume.is_color else _statistics(volume.array_zyx[at][inside], volume),
    )


def can_measure_volumes(volume: Volume) -> bool:
    """Tell whether millilitres mean something on this volume."""
    return volume.is_regular and volume.geometry.calibrated and volume.series.kind is SeriesKind.VOLUME


def _diameters(mask: Mask, inside: NDArray[np.bool_], corner: NDArray[np.int64], volume: Volume) -> Diameters | None:
    """Return the axes of a region on the grid of the series (mm); None without a scale, and for objects one by one."""
    if mask.instances is not None or not volume.geometry.calibrated:
        return None
    column_mm, row_mm, _ = volume.geometry.spacing_mm
    found = diameters(inside, (row_mm, column_mm))
    if found is None:
        return None
    moved = tuple((row + float(corner[1]), column + float(corner[2])) for row, column in found.ends)
    return replace(found, index=found.index + int(corner[0]), ends=cast("Ends", moved))


def _center_lps(index_zyx: NDArray[np.int64], volume: Volume) -> tuple[float, float, float]:
    """Return the mean of the voxel centres (LPS mm), slice by slice where the slices form no regular grid."""
    k, j, i = index_zyx.mean(axis=0)
    if volume.slice_origins_lps is None or volume.is_regular:
        center = volume.geometry.to_world([i, j, k])
    else:
        center = volume.slice_origins_lps[index_zyx[:, 0]].mean(axis=0) + volume.geometry.affine_lps[:3, :2] @ [i, j]
    x, y, z = (float(value) for value in center)
    return x, y, z


def _statistics(values: AnyArray, volume: Volume) -> dict[str, float]:
    """Return mean, population standard deviation, least and greatest value in the unit of the volume, no padding."""
    if volume.padding is not None:
        low, high = volume.padding
        values = values[(values < low) | (values > high)]
    if not values.size:
        return {}
    return {
        "mean_value": float(values.mean(dtype=np.float64)),
        "sd_value": float(values.std(dtype=np.float64)),
        "min_value": float(values.min()),
        "max_value": float(values.max()),
    }
