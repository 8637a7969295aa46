"""From one grid to another, by their two affines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medassist.entities.geometry import Geometry
from medassist.entities.volume import AnyArray

if TYPE_CHECKING:
    import SimpleITK


def resample(values_zyx: AnyArray, grid: Geometry, home: Geometry, *, linear: bool, fill: float = 0.0) -> AnyArray:
    """Return `values_zyx`, given on `grid`, at the voxel centres of `home`; the dtype is kept.

    `linear` interpolates, otherwise the nearest voxel is taken (labels). A voxel of `home` whose centre lies outside
    the box of `grid` gets `fill`; between the outermost centres and the edge of the box the nearest value is used.
    ValueError when the array does not fit `grid` or the grids belong to different frames of reference.
    """
    if tuple(values_zyx.shape) != grid.shape_zyx:
        raise ValueError(f"array {values_zyx.shape} does not fit the grid {grid.shape_zyx}")
    if grid.frame_of_reference_uid != home.frame_of_reference_uid:
        raise ValueError("the two grids belong to different frames of reference")
    if grid.same_grid(home, tolerance_mm=1e-6):
        return values_zyx.copy()
    import SimpleITK as sitk  # noqa: N813

    values = values_zyx.astype(np.uint8) if values_zyx.dtype == bool else values_zyx
    if linear and values.dtype.kind in "iu":
        values = values.astype(np.float32)
    # Both grids are expressed in voxel units of `grid`: ITK then needs no orthonormal directions, and sheared or
    # left-handed affines come out as exactly as others.
    home_to_grid = np.linalg.inv(grid.affine_lps) @ home.affine_lps
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(home_to_grid[:3, :3].ravel().tolist())
    transform.SetTranslation(home_to_grid[:3, 3].tolist())
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize([int(size) for size in home.shape_zyx[::-1]])
    resampler.SetTransform(transform)
    resampler.SetInterpolator(sitk.sitkLinear if linear else sitk.sitkNearestNeighbor)
    resampler.SetDefaultPixelValue(fill)
    result: AnyArray = _array(resampler.Execute(sitk.GetImageFromArray(values)))
    return _back_to(result, values_zyx.dtype)


def _array(image: SimpleITK.Image) -> AnyArray:
    import SimpleITK as sitk  # noqa: N813

    array: AnyArray = sitk.GetArrayFromImage(image)
    return array


def _back_to(values: AnyArray, dtype: np.dtype[Any]) -> AnyArray:
    """Round to integers where the source had integers, without wrapping around."""
    if dtype.kind in "iu" and values.dtype.kind == "f":
        information = np.iinfo(dtype)
        return np.clip(np.rint(values), information.min, information.max).astype(dtype)
    return values.astype(dtype, copy=False)
