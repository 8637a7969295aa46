"""From stored values to modality values in the smallest dtype that holds them exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from medassist.entities.volume import AnyArray
from medassist.imaging.room import float_room

_CANDIDATES = (np.uint8, np.int16, np.uint16, np.int32)


def rescale(
    stored: AnyArray, slopes: Sequence[float], intercepts: Sequence[float], ends: tuple[int, int] | None = None
) -> AnyArray:
    """Return slope * stored + intercept per frame (PS3.3 C.11.1.1.2); `stored` (frame, row, column) may be reused.

    Whole numbers stay integers of the smallest fitting type; everything else becomes float32, frame by frame, so
    that one slice's scale never rounds another's values. `ends` are the least and greatest stored values, when known.
    """
    if not becomes_float(stored.dtype, slopes, intercepts):
        return _whole(stored, int(slopes[0]), int(intercepts[0]), ends)
    values = float_room(stored)
    if values is None:
        reused = stored.dtype == np.float32 and stored.flags.writeable
        values = stored if reused else np.empty(stored.shape, np.float32)
    for index, (slope, intercept) in enumerate(zip(slopes, intercepts, strict=True)):
        frame = stored[index].astype(np.float32)  # a copy: where it goes, it may lie over what it was
        if slope != 1:
            frame *= np.float32(slope)
        if intercept:
            frame += np.float32(intercept)
        values[index] = frame
    return values


def becomes_float(dtype: np.dtype[Any], slopes: Sequence[float], intercepts: Sequence[float]) -> bool:
    """Tell whether `rescale` makes float32 of stored values of this type."""
    same = len(set(zip(slopes, intercepts, strict=True))) == 1
    return not (same and dtype.kind in "iu" and float(slopes[0]).is_integer() and float(intercepts[0]).is_integer())


def _whole(stored: AnyArray, slope: int, intercept: int, ends: tuple[int, int] | None) -> AnyArray:
    low, high = ends or (int(stored.min(initial=0)), int(stored.max(initial=0)))
    scaled = [min(low, 0) * slope + intercept, max(high, 0) * slope + intercept]
    dtype = fitting_dtype(min(scaled), max(scaled))
    if dtype is None:
        return stored.astype(np.float64) * slope + intercept
    if slope == 1 and dtype.itemsize == stored.dtype.itemsize:
        # Modulo 2^n arithmetic on the same bytes: exact because the results fit, and no second array is needed.
        values = stored.view(dtype)
        if intercept:
            values += np.array(intercept).astype(dtype)
        return values
    values = stored.view(dtype) if dtype.itemsize == stored.dtype.itemsize else np.empty(stored.shape, dtype)
    wide = np.int64 if stored.dtype.itemsize >= 4 else np.int32
    for index, frame in enumerate(stored):
        values[index] = frame.astype(wide) * slope + intercept
    return values


def fitting_dtype(low: int, high: int) -> np.dtype[np.integer] | None:
    """Return the smallest of uint8, int16, uint16, int32 that holds low..high, None when none does."""
    for candidate in _CANDIDATES:
        if np.iinfo(candidate).min <= low and high <= np.iinfo(candidate).max:
            return np.dtype(candidate)
    return None


def smallest(values: AnyArray) -> AnyArray:
    """Return values of a file without DICOM scaling in a type the rest of the product works with, exactly."""
    if values.dtype.kind == "b":
        return values.astype(np.uint8)
    if values.dtype.kind in "iu":
        dtype = fitting_dtype(int(values.min(initial=0)), int(values.max(initial=0)))
        return values if dtype is None else values.astype(dtype, copy=False)
    with np.errstate(over="ignore"):
        return values.astype(np.float32)
