"""What may tell time points at one position apart."""

from __future__ import annotations

import re
from functools import lru_cache

from pydicom import Dataset

from medassist.imaging import tags
from medassist.imaging.quick_header import once

FIRST_TIME_OF_DAY = 5
"""Clocks before this one count; from this one on they are times of day, which differ from slice to slice."""

NAMES = (
    "dimension",
    "temporal position",
    "acquisition",
    "trigger time",
    "b-value",
    "acquisition time",
    "content time",
    "instance number",
)
"""What the clocks of `clocks_of` count, in their order."""

# StackID, In-Stack Position Number, Image Position (Patient), Slice Location Vector
_PLACE_POINTERS = (0x00209056, 0x00209057, 0x00200032, 0x00201041)
_DIMENSION_BASE = 2**12
_DAY = 1e6

_MOMENT = re.compile(r"(?:(\d{4})(\d{2})(\d{2}))?(\d{2,6}(?:\.\d+)?)")


def clocks_of(layers: tuple[Dataset, ...], index: int) -> tuple[float | None, ...]:
    """Return the clocks of a frame, from the most to the least explicit; the last one is its number in the series."""
    return (
        *once(_counts, layers),
        _acquisition_moment(layers),
        _content_moment(layers),
        (tags.whole(layers, "InstanceNumber") or 0) + index / 1e6,
    )


def _acquisition_moment(layers: tuple[Dataset, ...]) -> float | None:
    taken = once(_stated_moment, layers)
    if taken is None:
        return _moment(once(_acquisition_date, layers) + tags.text(layers, "AcquisitionTime"))
    return taken


def _content_moment(layers: tuple[Dataset, ...]) -> float | None:
    return _moment(once(_content_date, layers) + tags.text(layers, "ContentTime"))


def _stated_moment(layers: tuple[Dataset, ...]) -> float | None:
    return _moment(tags.text(layers, "FrameReferenceDateTime") or tags.text(layers, "AcquisitionDateTime"))


def _acquisition_date(layers: tuple[Dataset, ...]) -> str:
    return tags.date(layers, "AcquisitionDate")


def _content_date(layers: tuple[Dataset, ...]) -> str:
    return tags.date(layers, "ContentDate")


def _counts(layers: tuple[Dataset, ...]) -> tuple[float | None, ...]:
    """Return the clocks that count, and are no times of day."""
    temporal = tags.whole(layers, "TemporalPositionIndex")
    trigger = tags.number(layers, "NominalCardiacTriggerDelayTime")
    return (
        _dimensions(layers),
        tags.whole(layers, "TemporalPositionIdentifier") if temporal is None else temporal,
        tags.whole(layers, "AcquisitionNumber"),
        tags.number(layers, "TriggerTime") if trigger is None else trigger,
        _b_value(layers),
    )


@lru_cache(maxsize=4096)
def _moment(text: str) -> float | None:
    """Return a number that grows with a date and time, or a time of day alone; only its order means something.

    Scans run past midnight, so the date counts; every month is taken to be 31 days long.
    """
    found = _MOMENT.match(text)
    if found is None:
        return None
    *date, clock = found.groups()
    year, month, day = (int(part or 0) for part in date)
    whole, dot, rest = clock.partition(".")
    return (year * 372 + month * 31 + day) * _DAY + float(whole.ljust(6, "0") + dot + rest)


def seconds_between(first: float, later: float) -> float | None:
    """Return the seconds between two readings of a clock that is a time of day, None when they are days apart.

    Months count 31 days here, so only the same day and the one after it are known to be that.
    """
    days = later // _DAY - first // _DAY
    return _of_day(later) - _of_day(first) + 86_400 * days if days in (0, 1) else None


def _of_day(moment: float) -> float:
    clock = moment % _DAY
    return clock // 10_000 * 3600 + clock // 100 % 100 * 60 + clock % 100


def _dimensions(layers: tuple[Dataset, ...]) -> float | None:
    """Return the DimensionIndexValues of an enhanced frame as one number, without those that count positions."""
    own = tags.numbers(layers, "DimensionIndexValues")
    pointers = tags.value_of(layers, "DimensionIndexSequence")
    if own is None or pointers is None or len(own) != len(pointers):
        return None
    counted = [
        value
        for value, item in zip(own, pointers, strict=True)
        if tags.value_of((item,), "DimensionIndexPointer") not in _PLACE_POINTERS
    ]
    return sum(value * _DIMENSION_BASE**power for power, value in enumerate(reversed(counted))) if counted else None


def _b_value(layers: tuple[Dataset, ...]) -> float | None:
    """Return the diffusion weighting (s/mm2), from the standard attribute or the vendor's own."""
    standard = tags.number(layers, "DiffusionBValue")
    if standard is not None:
        return standard
    maker = tags.text(layers, "Manufacturer").upper()
    if maker.startswith("SIEMENS"):
        return tags.number(layers, (0x0019, 0x100C))
    if maker.startswith("PHILIPS"):
        return tags.number(layers, (0x2001, 0x1003))
    if maker.startswith("GE"):
        # Newer software adds 1e9 to mark several directions.
        found = tags.number(layers, (0x0043, 0x1039))
        return None if found is None else found % 100_000
    return None
