"""Where a brush touches: voxels by their true distance in millimetres, by their value, or by what hangs together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medassist.entities.geometry import Geometry
from medassist.entities.volume import AnyArray
from medassist.imaging.mask_editing import Box, Labels, Patch, Pen, Region

Point = Sequence[float]
Slab = tuple[int, int]
"""A slice of voxels: the axis it is counted along (0 column, 1 row, 2 slice) and its index."""


def stroke(geometry: Geometry, begin_lps: Point, end_lps: Point, radius_mm: float, slab: Slab | None) -> Patch | None:
    """Return what a round brush touches on its way from one point to another, None when that is nothing.

    Args:
        geometry: the grid; its steps may be oblique, uneven or slanted.
        begin_lps: where the way begins (LPS mm); both ends lie on the slab, where there is one.
        end_lps: where it ends.
        radius_mm: of the brush: voxels whose centres are as near as this to the way are touched, and always those the
            way itself goes through, so that a brush thinner than a voxel still paints.
        slab: the only slice a flat brush touches; None for a ball.
    """
    begin, end = geometry.to_index(begin_lps), geometry.to_index(end_lps)
    reach = radius_mm * np.linalg.norm(np.linalg.inv(geometry.affine_lps[:3, :3]), axis=1) + 1.0
    low = np.floor(np.minimum(begin, end) - reach).astype(int)
    high = np.ceil(np.maximum(begin, end) + reach).astype(int) + 1
    if slab is not None:
        low[slab[0]], high[slab[0]] = slab[1], slab[1] + 1
    low, high = np.maximum(low, 0), np.minimum(high, geometry.shape_zyx[::-1])
    if (low >= high).any():
        return None
    inside = _near(geometry, begin, end, radius_mm, low, high) | _passed(begin, end, low, high)
    if not inside.any():
        return None
    i, j, k = (slice(int(first), int(last)) for first, last in zip(low, high, strict=True))
    return Patch((k, j, i), inside)


def _near(
    geometry: Geometry, begin: AnyArray, end: AnyArray, radius_mm: float, low: AnyArray, high: AnyArray
) -> Region:
    """Tell which voxels of a box have their centre within the radius of the line between two indices (i, j, k)."""
    k, j, i = np.ogrid[low[2] : high[2], low[1] : high[1], low[0] : high[0]]
    steps = geometry.affine_lps[:3, :3]
    offsets = [steps[axis, 0] * (i - begin[0]) + steps[axis, 1] * (j - begin[1]) + steps[axis, 2] * (k - begin[2])
               for axis in range(3)]  # fmt: skip
    way = steps @ (end - begin)
    length = float(way @ way)
    along: NDArray[np.float64] | float = 0.0
    if length > 0:
        along = np.clip(sum(one * part for one, part in zip(offsets, way, strict=True)) / length, 0.0, 1.0)
    square = sum((one - along * part) ** 2 for one, part in zip(offsets, way, strict=True))
    near: Region = np.asarray(square) <= radius_mm**2 * (1 + 1e-9)
    return near


def _passed(begin: AnyArray, end: AnyArray, low: AnyArray, high: AnyArray) -> Region:
    """Tell which voxels of a box the line between two indices goes through, looked at twice per voxel."""
    count = 2 * int(np.ceil(np.abs(end - begin).max())) + 1
    places = np.rint(begin + np.linspace(0.0, 1.0, count)[:, None] * (end - begin)).astype(int)
    places = places[((places >= low) & (places < high)).all(axis=1)] - low
    passed: Region = np.zeros(tuple((high - low)[::-1]), dtype=bool)
    passed[places[:, 2], places[:, 1], places[:, 0]] = True
    return passed


def of_values(patch: Patch, values_zyx: AnyArray, low: float, high: float) -> Patch:
    """Return the part of a patch whose values lie from `low` to `high`, both inside, in the unit of the volume."""
    values = values_zyx[patch.at]
    return Patch(patch.at, patch.inside & (values >= low) & (values <= high))


def slab_box(shape_zyx: tuple[int, ...], slab: Slab) -> Box:
    """Return the box of a whole slice."""
    at = [slice(0, size) for size in shape_zyx]
    at[2 - slab[0]] = slice(slab[1], slab[1] + 1)
    return at[0], at[1], at[2]


def flooded(may_zyx: Region, seed_zyx: tuple[int, int, int], slab: Slab) -> Patch | None:
    """Return what hangs together with a voxel on its slice by edges; None where the voxel itself is not allowed.

    `may_zyx` tells what is allowed, bool over the box of the slice; `seed_zyx` is an index of the whole grid.
    """
    from scipy import ndimage

    axis = 2 - slab[0]
    found, _count = ndimage.label(may_zyx.squeeze(axis))
    number = found[tuple(index for at, index in enumerate(seed_zyx) if at != axis)]
    if not number:
        return None
    box = [slice(0, size) for size in may_zyx.shape]
    box[axis] = slice(slab[1], slab[1] + 1)
    return Patch((box[0], box[1], box[2]), np.expand_dims(found == number, axis))


def fill(
    labels: Labels, values_zyx: AnyArray | None, span: tuple[float, float], seed_zyx: tuple[int, int, int], slab: Slab
) -> Patch | None:
    """Return what a click fills on one slice, None when it would run out.

    With values, all that hangs together with the voxel and lies in `span`; without them, all that hangs together and
    has the label of the voxel. From there the background of a slice leads to its edge unless an outline is closed: one
    that does is not filled.
    """
    box = slab_box(labels.shape, slab)
    if values_zyx is not None:
        values = values_zyx[box]
        return flooded((values >= span[0]) & (values <= span[1]), seed_zyx, slab)
    patch = flooded(labels[box] == labels[seed_zyx], seed_zyx, slab)
    if patch is None or labels[seed_zyx]:
        return patch
    flat = patch.inside.squeeze(2 - slab[0])
    leaks = flat[0].any() or flat[-1].any() or flat[:, 0].any() or flat[:, -1].any()
    return None if leaks else patch


def erasable(labels: Labels, seed_zyx: tuple[int, int, int], slab: Slab, pen: Pen) -> Patch | None:
    """Return the piece of a label around a voxel on its slice, None when the voxel has another label."""
    return flooded(
        pen.region(labels[slab_box((labels.shape[0], labels.shape[1], labels.shape[2]), slab)]), seed_zyx, slab
    )
