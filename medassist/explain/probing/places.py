"""Which voxels are meant: from what a reader drew, a map, a point, or all that lies outside of the middle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.probe import Area, Place, Spot
from medassist.entities.prompt import Box
from medassist.entities.region import Region

HALF_AXIS = 0.4
"""Half axes of the ellipse in the middle, as shares of width and height: half of the picture lies outside."""
SHARE_OF_PEAK = 0.5

Mask = NDArray[np.bool_]


def area_of(spot: Spot, geometry: Geometry) -> Area:
    """Return the voxels of a spot on the grid of the series (Refused where nothing, or everything, would be replaced).

    What was drawn or mapped on another grid is refused: it is never laid over by guessing.
    """
    mask = _mask_of(spot, geometry)
    if not mask.any():
        raise Refused("There is nothing in the region, so nothing can be replaced.", remedy="Choose another region.")
    if mask.all():
        raise Refused("The region is the whole image, so nothing is left to compare with.", remedy="Choose a part.")
    return Area.of(mask, geometry)


def _mask_of(spot: Spot, geometry: Geometry) -> Mask:
    if spot.place is Place.OUTSIDE:
        return outside_ellipse(geometry)
    if spot.place is Place.CURSOR:
        return ball(spot.center_lps, spot.radius_mm, geometry)
    lies_on = spot.heatmap if spot.place is Place.HOTTEST else spot.region
    if lies_on is None:
        raise Refused("No region is marked.", remedy="Draw one on the picture (key B), or explain the label first.")
    if not lies_on.geometry.same_grid(geometry):
        raise Refused("The region and the series have different grids, so it cannot be replaced.")
    if isinstance(lies_on, Heatmap):
        return hottest(lies_on)
    return marked(lies_on) if spot.place is Place.MARKED else boxed(lies_on.prompt.box, geometry)


def marked(region: Region) -> Mask:
    """Return what a reader marked, bool (slice, row, column)."""
    mask = np.zeros(region.geometry.shape_zyx, dtype=bool)
    for index, plane in region.slices.items():
        mask[index] = plane
    return mask


def boxed(box: Box, geometry: Geometry) -> Mask:
    """Return a drawn box; in a volume it is as deep, in mm, as its shorter side, with its slice in the middle."""
    across, down, through = geometry.spacing_mm
    depth = min(box.columns * across, box.rows * down)
    reach = int(depth / (2.0 * through))
    mask = np.zeros(geometry.shape_zyx, dtype=bool)
    first = max(0, box.slice_index - reach)
    mask[
        first : box.slice_index + reach + 1,
        box.first_row : box.last_row + 1,
        box.first_column : box.last_column + 1,
    ] = True
    return mask


def ball(center_lps: tuple[float, float, float], radius_mm: float, geometry: Geometry) -> Mask:
    """Return the voxels whose centre lies within `radius_mm` of a point, on a single slice a disc."""
    middle = geometry.to_index(center_lps)
    if geometry.shape_zyx[0] == 1:
        middle[2] = 0.0
    k, j, i = np.ogrid[tuple(slice(0, size) for size in geometry.shape_zyx)]
    steps = geometry.affine_lps[:3, :3]
    away = [steps[axis, 0] * (i - middle[0]) + steps[axis, 1] * (j - middle[1]) + steps[axis, 2] * (k - middle[2])
            for axis in range(3)]  # fmt: skip
    inside: Mask = away[0] ** 2 + away[1] ** 2 + away[2] ** 2 <= radius_mm**2
    return inside


def hottest(heatmap: Heatmap) -> Mask:
    """Return the connected voxels around the strongest one that reach half of its value, none of a map without any."""
    from scipy import ndimage

    values = heatmap.values_zyx
    peak = np.unravel_index(int(np.nanargmax(values)), values.shape) if np.isfinite(values).any() else (0, 0, 0)
    if not values[peak] > 0.0:
        return np.zeros(values.shape, dtype=bool)
    pieces, _ = ndimage.label(values >= SHARE_OF_PEAK * values[peak])
    found: Mask = pieces == pieces[peak]
    return found


def outside_ellipse(geometry: Geometry) -> Mask:
    """Return all that lies outside of an ellipse in the middle of each slice, as stored: frames, letters, shoulders."""
    depth, rows, columns = geometry.shape_zyx
    down = (np.arange(rows) + 0.5) / rows - 0.5
    across = (np.arange(columns) + 0.5) / columns - 0.5
    outside = (down[:, None] / HALF_AXIS) ** 2 + (across[None] / HALF_AXIS) ** 2 > 1.0
    return np.repeat(outside[None], depth, axis=0)
