"""What the objects beside report and masks have in common: presentation state, key objects, captures, PDF."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import medassist
from medassist.report.case import Case
from medassist.report.dicom_objects import series_arguments
from medassist.report.sources import source_headers

if TYPE_CHECKING:
    from pydicom import Dataset

Place = tuple[int, int]
"""Slice as stored and time point."""

NAMES = {"gsps": "presentation", "kos": "key images", "sc": "key pictures", "epdf": "report"}
SERIES_NUMBERS = {"gsps": 9004, "kos": 9005, "sc": 9006, "epdf": 9007}

_read: WeakKeyDictionary[Case, list[Dataset]] = WeakKeyDictionary()


def arguments(case: Case, kind: str, instance: int = 1) -> dict[str, Any]:
    """Return the constructor arguments that name series, instance and maker; `kind` is a key of `NAMES`."""
    shared = series_arguments(case, "sr", instance)
    del shared["coding_schemes"]  # they speak no private codes
    return shared | {
        "series_instance_uid": case.uid_of(kind, "series"),
        "series_number": SERIES_NUMBERS[kind],
        "sop_instance_uid": case.uid_of(kind, "instance", instance),
        "series_description": description(case, kind),
    }


def description(case: Case, kind: str) -> str:
    """Return the description of the series: what it is, how settled, what for (LO, 64 characters)."""
    state = "verified" if case.is_verified else "reviewed" if case.is_judged else "unverified"
    return f"MedAssist {NAMES[kind]} ({state}), {medassist.RESEARCH_USE_NOTICE.partition(',')[0].lower()}"[:64]


def started(case: Case) -> str:
    """Return when the analysis began (ISO), the time of the report where no model ran."""
    return case.prediction.started if case.prediction else case.created


def pictures(case: Case) -> list[Dataset]:
    """Return the headers of every picture of the series, of all time points, each file once.

    Remembered as long as the case lives, as several objects of a report ask; nobody may change them.
    """
    if case not in _read:
        flat = replace(case, series=replace(case.series, times=1), predictions=(), heatmaps=())
        _read[case] = source_headers(flat, placed=False)
    return _read[case]


def of_slice(case: Case, headers: list[Dataset], index: int, time: int = 0) -> tuple[Dataset, int | None] | None:
    """Return the header that holds a slice as stored, and the number of its frame where it has several.

    None for slices computed from several pictures: no picture shows them; and for one of several frames in a file whose
    kind knows but one: nothing may name it.
    """
    from highdicom.utils import is_multiframe_image

    series = case.series
    if series.raw is not None or len(series.frames) != case.volume.geometry.shape_zyx[0] * series.times:
        return None
    frame = series.frames[index * series.times + time]
    held = next((one for one in headers if str(one.SOPInstanceUID) == frame.sop_instance_uid), None)
    if held is None:
        return None
    if "NumberOfFrames" in held and is_multiframe_image(held):
        return held, frame.frame + 1
    return (held, None) if int(held.get("NumberOfFrames") or 1) == 1 else None
