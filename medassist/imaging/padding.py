"""Values that mean "no data" (PS3.3 C.7.5.1.1.2), kept apart from values that were measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom import Dataset

from medassist.entities.volume import AnyArray
from medassist.imaging import tags

Range = tuple[float, float]


def stored_padding(ds: Dataset) -> Range | None:
    """Return the range of decoded values, before any rescaling, that mean "no data"; None when the header has none.

    The value's VR may contradict the pixels: 63536 in signed pixels is -2000.
    """
    value, other = tags.number((ds,), "PixelPaddingValue"), tags.number((ds,), "PixelPaddingRangeLimit")
    if value is None:
        return None
    ends = [_as_stored(ds, end) for end in (value, value if other is None else other)]
    if "ModalityLUTSequence" in ds:
        from pydicom.pixels import apply_modality_lut

        ends = [float(end) for end in apply_modality_lut(np.array(ends).astype(np.int32), ds)]
    return min(ends), max(ends)


def _as_stored(ds: Dataset, value: float) -> float:
    span = float(1 << max(1, min(64, tags.whole((ds,), "BitsAllocated") or 16)))
    signed = bool(tags.whole((ds,), "PixelRepresentation"))
    if signed and value >= span / 2:
        return value - span
    return value + span if not signed and value < 0 else value


def unify(
    values: AnyArray, paddings: Sequence[Range | None], slopes: Sequence[float], intercepts: Sequence[float]
) -> Range | None:
    """Return the one range of rescaled `values` (frame, row, column) that means "no data".

    Where frames are scaled or padded differently, empty voxels take the value they have in the first padded frame.
    """
    whole = values.dtype.kind in "iu"
    scaled = [
        None if padding is None else _scaled(padding, slope, intercept, whole=whole)
        for padding, slope, intercept in zip(paddings, slopes, intercepts, strict=True)
    ]
    common = next((padding for padding in scaled if padding is not None), None)
    if common is None:
        return None
    for plane, own in zip(values, scaled, strict=True):
        if own is not None and own != common:
            plane[(plane >= own[0]) & (plane <= own[1])] = fitting(plane, common[0])
    return common


def fitting(values: AnyArray, value: float) -> float:
    """Return the number nearest to `value` that an array can hold."""
    if values.dtype.kind not in "iu":
        return value
    limits = np.iinfo(values.dtype)
    return float(min(max(value, limits.min), limits.max))


def _scaled(padding: Range, slope: float, intercept: float, *, whole: bool) -> Range:
    """Scale the ends exactly as `rescaling.rescale` scales the voxels, so that they are found again."""
    if whole:
        low, high = sorted(end * slope + intercept for end in padding)
    else:
        scale = np.float32(slope), np.float32(intercept)
        low, high = sorted(float(np.float32(end) * scale[0] + scale[1]) for end in padding)
    return low, high
