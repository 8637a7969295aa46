"""Standardised uptake value by body weight (SUVbw, g/ml) from the headers of a PET series.

Source: QIBA, "SUV calculation" (vendor-neutral pseudo-code for happy path and fallbacks), and PS3.3 C.8.9.1. Values
stay as the file scales them (Bq/ml); SUV = value x factor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydicom import Dataset

from medassist.entities.study import Warned, warned
from medassist.entities.volume import Volume
from medassist.imaging import tags
from medassist.imaging.headers import read_headers
from medassist.imaging.moments import DAY, is_wall_time, moment, time_of_day, wall_time

LEAST_DOSE_BQ = 1e5
"""A smaller dose is one in MBq that was written as if it were Bq."""

MOST_HALF_LIVES = 20
LONGEST_WITHOUT_DATE_S = 6 * 3600.0
"""A nuclide of a longer half-life may have been given on another day than that of the scan."""

_MISSING = {
    "PatientWeight": "the header does not state the patient's weight",
    "RadionuclideTotalDose": "the header does not state the injected dose",
    "RadionuclideHalfLife": "the header does not state the half-life",
}
_PHILIPS_SUV, _PHILIPS_BQML = (0x7053, 0x1000), (0x7053, 0x1009)
_GE_SCAN_START = (0x0009, 0x100D)


@dataclass(frozen=True)
class Suv:
    """What turns a PET value into SUV by body weight (g/ml), or why nothing does (exactly one of both)."""

    factor: float | None = None
    reason: Warned | None = None


class _NoSuv(Exception):
    """The way out of the calculation, with the reason."""

    def __init__(self, template: str, **values: object) -> None:
        self.reason = warned(template, **values)


def suv_factor(headers: Sequence[Dataset]) -> Suv:
    """Return the factor from the values of a PET series to SUVbw, from complete headers of some of its slices.

    BQML with DecayCorrection START or ADMIN, Philips counts by (7053,1000) or (7053,1009), and values that are SUV
    already. Whatever is missing, contradictory or implausible gives no factor but the reason.
    """
    layers = tags.layers_of(headers[0])
    try:
        return Suv(_factor(layers, headers))
    except _NoSuv as found:
        return Suv(reason=found.reason)


def with_suv(volume: Volume) -> Volume:
    """Return a PET volume with its SUV factor or the reason why there is none; other volumes as they are."""
    frames = volume.series.frames
    if volume.series.modality != "PT" or volume.is_color:
        return volume
    found = suv_factor(read_headers(replace(volume.series, frames=tuple(dict.fromkeys((frames[0], frames[-1]))))))
    return replace(volume, suv_factor=found.factor, suv_missing=found.reason)


def _factor(layers: tuple[Dataset, ...], headers: Sequence[Dataset]) -> float:
    units = tags.text(layers, "Units").upper()
    if units == "GML":
        kind = tags.text(layers, "SUVType").upper() or "BW"
        if kind != "BW":
            raise _NoSuv("the values are SUV of the type {kind}, not by body weight", kind=kind)
        return 1.0
    if units == "CNTS":
        return _philips(layers, headers)
    if units != "BQML":
        raise _NoSuv("the values are in {units}, not in Bq/ml", units=units or "?")
    return _body_weight(layers, headers)


def _philips(layers: tuple[Dataset, ...], headers: Sequence[Dataset]) -> float:
    """Return the factor of a Philips series in counts: its own SUV factor, or by way of Bq/ml."""
    own, to_bqml = tags.number(layers, _PHILIPS_SUV), tags.number(layers, _PHILIPS_BQML)
    if own is not None and own > 0:
        return own
    if to_bqml is not None and to_bqml > 0:
        return to_bqml * _body_weight(layers, headers)
    raise _NoSuv("the values are counts, and the factor to SUV (7053,1000) is missing")


def _body_weight(layers: tuple[Dataset, ...], headers: Sequence[Dataset]) -> float:
    """Return weight / dose left at the time the values are corrected to (g/Bq, that is SUV per Bq/ml)."""
    corrected = [one.upper() for one in tags.texts(layers, "CorrectedImage")]
    if corrected and not {"ATTN", "DECY"} <= set(corrected):
        raise _NoSuv("the values are not corrected for attenuation and decay")
    weight_kg = _positive(layers, "PatientWeight")
    items = tags.value_of(layers, "RadiopharmaceuticalInformationSequence")
    if not items:
        raise _NoSuv("the header does not name the radiopharmaceutical")
    drug = (items[0],)
    dose_bq = _positive(drug, "RadionuclideTotalDose")
    if dose_bq < LEAST_DOSE_BQ:
        raise _NoSuv("the injected dose of {dose} Bq is too small to be true", dose=f"{dose_bq:g}")
    correction = tags.text(layers, "DecayCorrection").upper()
    if correction == "ADMIN":
        return weight_kg * 1000 / dose_bq
    if correction != "START":
        raise _NoSuv("the values are not corrected for decay to a known time ({correction})", correction=correction)
    half_life_s = _positive(drug, "RadionuclideHalfLife")
    waited_s = _waited_s(drug, headers, half_life_s)
    return float(weight_kg * 1000 / (dose_bq * math.exp2(-waited_s / half_life_s)))


def _positive(layers: Sequence[Dataset], keyword: str) -> float:
    value = tags.number(layers, keyword)
    if value is None or value <= 0:
        raise _NoSuv(_MISSING[keyword])
    return value


def _waited_s(drug: tuple[Dataset, ...], headers: Sequence[Dataset], half_life_s: float) -> float:
    """Return the time from the injection to the start of the scan, which values with START are corrected to (s)."""
    scanned = _scan_start(headers, half_life_s)
    zone = tags.text((headers[0],), "TimezoneOffsetFromUTC")
    injected = moment(tags.text(drug, "RadiopharmaceuticalStartDateTime"), zone)
    clock = time_of_day(tags.text(drug, "RadiopharmaceuticalStartTime"))
    if injected is not None and (is_wall_time(injected) == is_wall_time(scanned) or clock is None):
        # A zone on one side only is that of the machine which wrote both: they are clocks on the same wall.
        same = is_wall_time(injected) == is_wall_time(scanned)
        waited = (scanned - injected if same else wall_time(scanned) - wall_time(injected)).total_seconds()
    elif clock is None:
        raise _NoSuv("the header does not state the time of the injection")
    elif half_life_s > LONGEST_WITHOUT_DATE_S:
        raise _NoSuv("the header does not state the date of the injection, and the nuclide lives for days")
    else:
        # Only the time of day is known: an injection "later" than the scan was given before midnight.
        midnight = scanned.replace(hour=0, minute=0, second=0, microsecond=0)
        waited = ((scanned - midnight) - clock).total_seconds() % DAY.total_seconds()
    if not 0 <= waited <= MOST_HALF_LIVES * half_life_s:
        raise _NoSuv("injection and scan lie {minutes} min apart, which cannot be", minutes=round(waited / 60))
    return waited


def _scan_start(headers: Sequence[Dataset], half_life_s: float) -> datetime:
    """Return the moment decay is corrected to: the series' own, unless it lies after a picture was taken."""
    taken = [one for one in (_moment_of(ds, "Acquisition") for ds in headers) if one is not None]
    started = _moment_of(headers[0], "Series")
    if started is not None and taken and started <= min(taken):
        return started
    zone = tags.text((headers[0],), "TimezoneOffsetFromUTC")
    maker = moment(tags.text((headers[0],), _GE_SCAN_START), zone) if _is_ge(headers[0]) else None
    if maker is not None:
        return maker
    for ds in headers:
        found = _from_frame(ds, half_life_s)
        if found is not None:
            return found
    raise _NoSuv("the header does not state when the scan began")


def _is_ge(ds: Dataset) -> bool:
    return tags.text((ds,), (0x0009, 0x0010)) == "GEMS_PETD_01"


def _from_frame(ds: Dataset, half_life_s: float) -> datetime | None:
    """Return the start of the scan from one picture: its time less the offset of its average count rate."""
    taken = _moment_of(ds, "Acquisition")
    offset_ms, duration_ms = tags.number((ds,), "FrameReferenceTime"), tags.number((ds,), "ActualFrameDuration")
    if taken is None or not offset_ms or not duration_ms or offset_ms <= 0 or duration_ms <= 0:
        return None
    per_s = math.log(2) / half_life_s
    decay = per_s * duration_ms / 1000
    average_s = math.log(decay / (1 - math.exp(-decay))) / per_s
    return taken + (average_s - offset_ms / 1000) * (DAY / DAY.total_seconds())


def _moment_of(ds: Dataset, event: str) -> datetime | None:
    day, clock = tags.date((ds,), f"{event}Date"), tags.text((ds,), f"{event}Time")
    return moment(day + clock, tags.text((ds,), "TimezoneOffsetFromUTC")) if day and clock else None
