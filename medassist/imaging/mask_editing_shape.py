"""Changing the shape of one label: grown, shrunk, closed, drawn through the slices between, rid of small pieces."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.imaging.mask_editing import Box, Labels, Patch, Pen, Region
from medassist.imaging.pieces import pieces

Change = Callable[[Labels, Pen, Geometry], Patch | None]
"""What a label shall cover, in a box outside of which it stays; None where it has no voxel."""

SLANT = 1e-3
"""How far from a right angle (cosine) axes may be before distances along them are no distances."""


def grown(labels: Labels, pen: Pen, geometry: Geometry, mm: float) -> Patch | None:
    """Return the label and all that is as near to it as `mm`, from voxel centre to voxel centre."""
    sampling = _sampling(geometry)
    box = _box(pen.region(labels), [int(mm / size) + 1 for size in sampling])
    if box is None:
        return None
    from scipy import ndimage

    region = pen.region(labels[box])
    return Patch(box, ndimage.distance_transform_edt(~region, sampling=sampling) <= mm * (1 + 1e-9))


def shrunk(labels: Labels, pen: Pen, geometry: Geometry, mm: float) -> Patch | None:
    """Return what of the label is farther than `mm` from any voxel without it; nothing is lost at the image's edge."""
    sampling = _sampling(geometry)
    box = _box(pen.region(labels), [1, 1, 1])
    if box is None:
        return None
    from scipy import ndimage

    region = pen.region(labels[box])
    if region.all():  # it fills the image, so there is no voxel to be far from
        return Patch(box, region)
    return Patch(box, ndimage.distance_transform_edt(region, sampling=sampling) > mm * (1 + 1e-9))


def without_holes(labels: Labels, pen: Pen, axis: int) -> Patch | None:
    """Return the label with what it encloses on each slice along an axis (0 column, 1 row, 2 slice)."""
    box = _box(pen.region(labels), [0, 0, 0])
    if box is None:
        return None
    from scipy import ndimage

    moved = np.moveaxis(pen.region(labels[box]), 2 - axis, 0)
    filled = np.stack([ndimage.binary_fill_holes(plane) for plane in moved])
    return Patch(box, np.moveaxis(filled, 0, 2 - axis))


def through_slices(labels: Labels, pen: Pen, geometry: Geometry, axis: int) -> Patch | None:
    """Return the label drawn through the slices between those it was drawn on, along an axis as above.

    Shape-based interpolation: between two slices the signed distances to their outlines are mixed by place
    (Raya and Udupa, IEEE Trans Med Imaging 1990).
    """
    sampling = _sampling(geometry)
    box = _box(pen.region(labels), [1, 1, 1])
    if box is None:
        return None
    moved = np.moveaxis(pen.region(labels[box]), 2 - axis, 0).copy()
    flat = [size for at, size in enumerate(sampling) if at != 2 - axis]
    drawn = [int(index) for index in np.flatnonzero(moved.any(axis=(1, 2)))]
    for first, last in pairwise(drawn):
        if last - first == 1:
            continue
        before, behind = _signed(moved[first], flat), _signed(moved[last], flat)
        for index in range(first + 1, last):
            share = (index - first) / (last - first)
            moved[index] = (1 - share) * before + share * behind > 0
    return Patch(box, np.moveaxis(moved, 0, 2 - axis))


def largest_piece(labels: Labels, pen: Pen) -> Patch | None:
    """Return the largest connected piece of the label alone."""
    return _kept(labels, pen, lambda numbers, _sizes: numbers == 1)


def without_small(labels: Labels, pen: Pen, least_voxels: float) -> Patch | None:
    """Return the label without its pieces of fewer voxels than that."""
    return _kept(labels, pen, lambda numbers, sizes: np.concatenate([[False], sizes >= least_voxels])[numbers])


def _kept(labels: Labels, pen: Pen, keep: Callable[[NDArray[np.int32], NDArray[np.int64]], Region]) -> Patch | None:
    box = _box(pen.region(labels), [0, 0, 0])
    return None if box is None else Patch(box, keep(*pieces(pen.region(labels[box]))))


def _signed(plane: Region, sampling: list[float]) -> NDArray[np.float64]:
    """Return the distance to the outline in mm, positive inside; a pixel's rim lies half a pixel from its centre."""
    from scipy import ndimage

    inner = ndimage.distance_transform_edt(plane, sampling=sampling)
    outer = ndimage.distance_transform_edt(~plane, sampling=sampling) if plane.any() else np.full(plane.shape, np.inf)
    half = min(sampling) / 2
    signed: NDArray[np.float64] = np.where(plane, inner - half, half - outer)
    return signed


def _sampling(geometry: Geometry) -> tuple[float, float, float]:
    """Return the voxel size along slice, row and column; Refused where these are not at right angles."""
    directions = geometry.directions_lps
    if np.abs(directions.T @ directions - np.eye(3)).max() > SLANT:
        raise Refused(
            "The slices of this series are slanted against each other, so distances across them cannot be measured.",
            remedy="Work on the corrected grid of the series.",
        )
    column, row, through = geometry.spacing_mm
    return through, row, column


def _box(region: Region, margin: list[int]) -> Box | None:
    """Return the bounding box of a region, widened and kept inside; None for an empty one."""
    at = []
    for axis, wide in enumerate(margin):
        there = np.flatnonzero(region.any(axis=tuple(other for other in range(3) if other != axis)))
        if not there.size:
            return None
        at.append(slice(max(int(there[0]) - wide, 0), min(int(there[-1]) + 1 + wide, region.shape[axis])))
    return at[0], at[1], at[2]
