"""A small upright copy of a volume, and where the object in it begins: what a registration starts from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medassist.entities.geometry import Geometry
from medassist.entities.volume import AnyArray
from medassist.imaging.resample import resample

_BRIGHTEST_SHARE = 99.8


def isotropic(values_zyx: AnyArray, grid: Geometry, spacing_mm: float) -> tuple[NDArray[np.float32], Geometry]:
    """Return the volume with cubic voxels of `spacing_mm` along the axes of LPS, 0 outside of it, and its grid.

    Fine voxels are averaged first, so that no structure is skipped; the brightest 0.2 % are cut off.
    """
    blocks, coarse = _averaged(values_zyx, grid, spacing_mm)
    last = np.array(coarse.shape_zyx[::-1]) - 1
    corners = coarse.to_world([corner * last for corner in np.ndindex(2, 2, 2)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = low
    columns, rows, slices = (int(one) for one in np.ceil((high - low) / spacing_mm) + 1)
    upright = Geometry(affine, (slices, rows, columns), grid.frame_of_reference_uid)
    values = resample(blocks, coarse, upright, linear=True)
    return np.minimum(values, np.percentile(values, _BRIGHTEST_SHARE)).astype(np.float32), upright


def _averaged(values_zyx: AnyArray, grid: Geometry, spacing_mm: float) -> tuple[NDArray[np.float32], Geometry]:
    """Average blocks of whole voxels that are at most about `spacing_mm` wide; a rest at the end is left out."""
    factors = [max(1, int(spacing_mm / one + 0.25)) for one in grid.spacing_mm[::-1]]
    counts = [max(1, size // factor) for size, factor in zip(values_zyx.shape, factors, strict=True)]
    factors = [min(factor, size) for factor, size in zip(factors, values_zyx.shape, strict=True)]
    used = values_zyx[tuple(slice(count * factor) for count, factor in zip(counts, factors, strict=True))]
    pairs = [length for pair in zip(counts, factors, strict=True) for length in pair]
    blocks = used.reshape(pairs).mean(axis=(1, 3, 5), dtype=np.float32)
    local = np.diag([*factors[::-1], 1.0])
    local[:3, 3] = [(factor - 1) / 2 for factor in factors[::-1]]
    coarse = Geometry(grid.affine_lps @ local, (counts[0], counts[1], counts[2]), grid.frame_of_reference_uid)
    return blocks, coarse


def below_top(values_zyx: NDArray[np.float32], grid: Geometry, below_mm: float) -> NDArray[np.float64]:
    """Return the point (LPS mm) that lies `below_mm` under the top of the object, in the middle of its upper part.

    `grid` is spanned along the axes of LPS. The object is the largest piece above Otsu's threshold: what hangs below
    (neck, shoulders) does not pull on the point.
    """
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    above = ndimage.binary_opening(values_zyx > threshold_otsu(values_zyx)) if np.ptp(values_zyx) else values_zyx > 0
    pieces, count = ndimage.label(above)
    if not count:
        return np.asarray(grid.to_world((np.array(grid.shape_zyx[::-1]) - 1) / 2), dtype=np.float64)
    voxels = np.argwhere(pieces == 1 + np.bincount(pieces.ravel())[1:].argmax())[:, ::-1]
    points = grid.to_world(voxels)
    top = float(np.quantile(points[:, 2], 0.999))
    upper = points[points[:, 2] > top - 2.0 * below_mm]
    return np.array([*upper[:, :2].mean(axis=0), top - below_mm])
