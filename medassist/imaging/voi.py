"""The grey scales a header offers: VOI LUTs and windows (PS3.3 C.11.2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom import Dataset

from medassist.entities.volume import VoiLut, Window
from medassist.imaging import tags

FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
_SIXTEEN_BITS = 1 << 16


def windows_of(layers: tuple[Dataset, ...]) -> tuple[Window, ...]:
    """Return the grey scales of a frame, tables first, as the maker of a table means it; unusable ones are left out."""
    return tuple(dict.fromkeys((*_tables(layers), *_windows(layers))))


def _windows(layers: tuple[Dataset, ...]) -> list[Window]:
    centers, widths = tags.numbers(layers, "WindowCenter") or (), tags.numbers(layers, "WindowWidth") or ()
    names = tags.texts(layers, "WindowCenterWidthExplanation")
    told = tags.text(layers, "VOILUTFunction")
    function = told if told in FUNCTIONS else "LINEAR"
    pairs = list(zip(centers, widths, strict=False))
    named = (*names, *("",) * len(pairs))
    return [
        Window(center, width, name, function) for (center, width), name in zip(pairs, named, strict=False) if width > 0
    ]


def _tables(layers: tuple[Dataset, ...]) -> list[Window]:
    value = tags.value_of(layers, "VOILUTSequence")
    items = value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else ()
    big_endian = layers[-1].original_encoding[1] is False
    found = []
    for number, item in enumerate((item for item in items if isinstance(item, Dataset)), 1):
        lut = _table(item, big_endian=big_endian, may_be_negative=_may_be_negative(layers))
        if lut is not None:
            name = tags.text((item,), "LUTExplanation") or (f"VOI LUT {number}" if len(items) > 1 else "VOI LUT")
            width = float(len(lut.entries))
            found.append(Window(lut.first + width / 2, width, name, lut=lut))
    return found


def _may_be_negative(layers: tuple[Dataset, ...]) -> bool:
    """Tell whether modality values below 0 can occur: then 16 bits of a first value are meant as signed."""
    slope = tags.number(layers, "RescaleSlope") or 1.0
    intercept = tags.number(layers, "RescaleIntercept") or 0.0
    bits = tags.whole(layers, "BitsStored") or 16
    signed = bool(tags.whole(layers, "PixelRepresentation"))
    ends = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    return min(slope * end + intercept for end in ends) < 0


def _table(item: Dataset, *, big_endian: bool, may_be_negative: bool) -> VoiLut | None:
    """Return a table of the sequence, None when its descriptor and its data do not fit (PS3.3 C.11.2.1.1)."""
    descriptor = tags.numbers((item,), "LUTDescriptor", 3)
    if descriptor is None:
        return None
    count, first, bits = (int(value) for value in descriptor)
    count = count % _SIXTEEN_BITS or _SIXTEEN_BITS
    first %= _SIXTEEN_BITS
    first -= _SIXTEEN_BITS if may_be_negative and first >= _SIXTEEN_BITS // 2 else 0
    entries = _entries(tags.value_of((item,), "LUTData"), count, bits, big_endian=big_endian)
    if len(entries) < count or not 1 <= bits <= 16:
        return None
    return VoiLut(first, entries[:count], max(bits, max(entries[:count]).bit_length()))


def _entries(data: object, count: int, bits: int, *, big_endian: bool) -> tuple[int, ...]:
    """Return table entries from words (US) or bytes (OW); 8-bit entries may be packed two to a word."""
    if isinstance(data, bytes):
        narrow = bits <= 8 and len(data) < 2 * count
        dtype = "u1" if narrow else ">u2" if big_endian else "<u2"
        return tuple(np.frombuffer(data[: len(data) // 2 * 2], dtype).tolist())
    if isinstance(data, int):
        return (data,)
    if not isinstance(data, Sequence) or not all(isinstance(one, int) for one in data):
        return ()
    if bits <= 8 and len(data) < count:
        return tuple(half for word in data for half in (int(word) & 0xFF, int(word) >> 8))
    return tuple(int(word) for word in data)
