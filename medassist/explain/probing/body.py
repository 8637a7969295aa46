"""Where the patient is in an image, and where left and right are: what a replacement and its controls must know."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.volume import Volume
from medassist.imaging.slicing import has_orientation
from medassist.inference.prepare import without_padding

AIR_HU = -500.0
DARK_SHARE = 0.1
"""Below this share of the range from the 1st to the 99th percentile a voxel is taken for the dark around the body."""
LEAST_BODY = 0.2
STRAIGHT = 0.8
"""Cosine to the patient's left-right from which on an axis of the grid is taken for it (37 degrees)."""

Mask = NDArray[np.bool_]


def body_of(volume: Volume) -> Mask:
    """Return about where the body is, bool (slice, row, column): the largest bright piece, holes of slices filled.

    Everything where that tells nothing: colour pictures, and images of which less than a fifth would be body.
    """
    from scipy import ndimage

    shape = volume.geometry.shape_zyx
    if volume.is_color:
        return np.ones(shape, dtype=bool)
    bright = _bright(volume)
    pieces, count = ndimage.label(bright)
    if count > 1:
        bright = pieces == 1 + int(np.bincount(pieces.ravel())[1:].argmax())
    filled = np.stack([ndimage.binary_fill_holes(plane) for plane in bright])
    return filled if filled.mean() >= LEAST_BODY else np.ones(shape, dtype=bool)


def _bright(volume: Volume) -> Mask:
    values = without_padding(volume, 0)
    if volume.unit == "HU":
        dense: Mask = values > AIR_HU
        return dense
    low, high = np.percentile(values.reshape(-1)[:: max(1, values.size // 200_000)], [1.0, 99.0])
    dark = DARK_SHARE * (high - low)
    found: Mask = values < high - dark if volume.inverted else values > low + dark
    return found


def left_right_axis(volume: Volume) -> int:
    """Return the axis of (slice, row, column) that runs along the patient's left-right.

    Refused where the sides are not known, the axes lie oblique to them, or a single slice shows one side only.
    """
    if not has_orientation(volume):
        return _axis_of_film(volume)
    along = np.abs(volume.geometry.directions_lps[0])
    axis = 2 - int(along.argmax())
    if along.max() < STRAIGHT:
        raise Refused("The image lies oblique to left and right, so it has no mirror side to take.")
    if volume.geometry.shape_zyx[axis] == 1:
        raise _one_side()
    return axis


def _axis_of_film(volume: Volume) -> int:
    """Return the axis that a film's Patient Orientation tells: letters of where the columns and the rows lead."""
    towards = volume.series.patient_orientation
    if volume.series.format == "picture" or len(towards) != 2 or not all(towards):
        raise Refused("Nothing tells where left and right are in this image, so it has no mirror side to take.")
    for letters, axis in zip(towards, (2, 1), strict=True):
        if letters[0] in "LR":
            return axis
    raise _one_side()


def _one_side() -> Refused:
    return Refused("The image shows a sagittal plane, so the other side is not in it.")


def mirror_obstacle(volume: Volume) -> str:
    """Say in English why no mirror side can be taken in a series, "" when it can."""
    try:
        left_right_axis(volume)
    except Refused as reason:
        return str(reason)
    return ""


def doubled_midline(body: Mask, axis: int) -> int:
    """Return twice the index of the middle of the body along an axis: index i lies opposite of that minus i.

    The middle is the median over lines of half-way between the first and the last voxel of the body, so that an arm or
    a table does not move it.
    """
    lines = np.moveaxis(body, axis, -1).reshape(-1, body.shape[axis])
    lines = lines[lines.any(axis=1)]
    if not len(lines):
        return lines.shape[1] - 1
    first, last = lines.argmax(axis=1), lines.shape[1] - 1 - lines[:, ::-1].argmax(axis=1)
    return round(float(np.median(first + last)))
