"""Read DICOM attributes without trusting them: a bad value is no value, never an exception."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.errors import BytesLengthException
from pydicom.tag import BaseTag, Tag

from medassist.imaging.quick_header import QuickHeader

# pydicom leaves the escape sequences of ISO 2022 IR 58 and 149 in the text (measured with 3.0.2).
_MOST_TEXTS = 10_000
_ESCAPE = re.compile(r"\x1b\$?[()]?[A-Z]")

_BAD_VALUE = (
    AttributeError,
    BytesLengthException,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)

# The functional group macros that say something about a frame; private ones repeat them with other meanings.
_MACROS = (
    "PlanePositionSequence",
    "PlaneOrientationSequence",
    "PixelMeasuresSequence",
    "FrameContentSequence",
    "PixelValueTransformationSequence",
    "FrameVOILUTSequence",
    "MRImageFrameTypeSequence",
    "CTImageFrameTypeSequence",
    "PETFrameTypeSequence",
    "MREchoSequence",
    "MRDiffusionSequence",
    "TemporalPositionSequence",
    "CardiacSynchronizationSequence",
    "MRTimingAndRelatedParametersSequence",
    "RealWorldValueMappingSequence",
)


def layers_of(ds: Dataset, frame: int = 0) -> tuple[Dataset, ...]:
    """Return where to look for attributes of one frame: its own macros, the shared macros, the data set itself."""
    if type(ds) is QuickHeader:  # has none
        return (ds,)
    groups = []
    own = value_of((ds,), "PerFrameFunctionalGroupsSequence")
    shared = value_of((ds,), "SharedFunctionalGroupsSequence")
    if own is not None and frame < len(own):
        groups.append(own[frame])
    if shared:
        groups.append(shared[0])
    return (*(item for group in groups for item in _macros(group)), ds)


def _macros(group: Dataset) -> Iterator[Dataset]:
    for keyword in _MACROS:
        items = value_of((group,), keyword)
        if items:
            yield items[0]


@cache
def tag_of(name: str | tuple[int, int]) -> BaseTag:
    """Return a tag ready for look-up; asking pydicom by keyword costs several times as much."""
    return BaseTag(tag_for_keyword(name)) if isinstance(name, str) else Tag(name)


@cache
def _number(name: str | tuple[int, int]) -> int:
    """Return a tag as a plain integer, which is what quick headers know it by."""
    return int(tag_of(name))


def value_of(layers: Sequence[Dataset], name: str | tuple[int, int]) -> Any:
    """Return the first non-empty value of an attribute (keyword, or tag for a private one), else None."""
    tag = tag_of(name)
    for layer in layers:
        if tag not in layer:
            continue
        try:
            value = layer[tag].value
        except _BAD_VALUE:
            continue
        if value is not None and value != "":
            return value
    return None


def texts(layers: Sequence[Dataset], keyword: str | tuple[int, int]) -> tuple[str, ...]:
    """Return all values as stripped text."""
    first = layers[0]
    if type(first) is QuickHeader and len(layers) == 1:
        element = first.element(_number(keyword))
        if element is None:
            return ()
        known = _plain_texts.get(element)
        return first.once(_texts_fact(keyword)) if known is None and not _is_plain(element) else _plain_texts[element]
    return _texts(layers, keyword)


_plain_texts: dict[bytes, tuple[str, ...]] = {}
_PLAIN = (b"UI", b"DA", b"TM", b"DT", b"CS")


def _is_plain(element: bytes) -> bool:
    """Decode an element whose VR knows no character sets; False for others."""
    if element[:2] not in _PLAIN or not element.isascii():
        return False
    if len(_plain_texts) >= _MOST_TEXTS:
        _plain_texts.clear()
    parts = element[2:].decode("ascii").rstrip("\0 ").split("\\")
    _plain_texts[element] = tuple(map(clean, parts)) if parts != [""] else ()
    return True


@cache
def _texts_fact(keyword: str | tuple[int, int]) -> Callable[[tuple[Any, ...]], tuple[str, ...]]:
    return lambda layers: _texts(layers, keyword)


def _texts(layers: Sequence[Dataset], keyword: str | tuple[int, int]) -> tuple[str, ...]:
    value = value_of(layers, keyword)
    if value is None:
        return ()
    several = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    return tuple(clean(str(one)) for one in (value if several else [value]))


def text(layers: Sequence[Dataset], keyword: str | tuple[int, int]) -> str:
    """Return the first value as stripped text, "" when there is none."""
    found = texts(layers, keyword)
    return found[0] if found else ""


def clean(raw: str) -> str:
    """Drop left-over escape sequences, padding and control characters."""
    if raw.isprintable():
        return raw.strip()
    return "".join(mark for mark in _ESCAPE.sub("", raw) if mark.isprintable()).strip()


def numbers(layers: Sequence[Dataset], name: str | tuple[int, int], count: int = 0) -> tuple[float, ...] | None:
    """Return all values as finite floats; None when there are not `count` of them (0: any number)."""
    first = layers[0]
    quick = first.quick_numbers(_number(name)) if type(first) is QuickHeader and len(layers) == 1 else None
    found = _floats(layers, name) if quick is None else quick
    if found is None or (count and len(found) != count) or not all(map(math.isfinite, found)):
        return None
    return found


def _floats(layers: Sequence[Dataset], name: str | tuple[int, int]) -> tuple[float, ...] | None:
    value = value_of(layers, name)
    if value is None:
        return None
    several = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    try:
        return tuple(float(one) for one in (value if several else [value]))
    except (ValueError, TypeError, OverflowError):
        return None


def number(layers: Sequence[Dataset], name: str | tuple[int, int]) -> float | None:
    """Return the first value as a finite float, else None."""
    found = numbers(layers, name)
    return found[0] if found else None


def whole(layers: Sequence[Dataset], name: str | tuple[int, int]) -> int | None:
    """Return the first value as an integer, else None."""
    found = number(layers, name)
    return None if found is None else int(found)


def date(layers: Sequence[Dataset], keyword: str) -> str:
    """Return a date as YYYYMMDD, "" when the value is none ("***" from a de-identifier, a placeholder)."""
    return _as_date(text(layers, keyword))


@lru_cache(maxsize=4096)
def _as_date(raw: str) -> str:
    found = raw.replace(".", "")
    return found if re.fullmatch(r"\d{8}", found) else ""
