"""Findings as sentences: what a section of a report says of what the reader stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from medassist.entities.finding import Finding, Judgement
from medassist.entities.measurement import Measurement
from medassist.entities.term import LEFT, RIGHT
from medassist.report.case import Case
from medassist.report.instances import objects_text
from medassist.report.measurement_words import figures, measurement_title
from medassist.report.verdicts import settled
from medassist.report.wording import Wording, place_text


def accepted(case: Case) -> list[Finding]:
    """Return what the reader stands for and says is there."""
    return [one for one in case.findings if settled(one) and one.present]


def absent(case: Case) -> list[Finding]:
    """Return what a reader looked for and agreed not to see; what only a model calls absent is no such thing."""
    return [one for one in case.findings if settled(one) and not one.present]


def judged_as(case: Case, judgement: Judgement) -> list[Finding]:
    """Return the findings with one verdict."""
    return [one for one in case.findings if one.judgement is judgement]


def named(finding: Finding, words: Wording) -> str:
    """Return what is claimed with its side and its piece; a side the name says already is not said twice."""
    name, side = " ".join(words.title(finding).split()), ""
    if finding.laterality is not None:
        sides = {LEFT.value: words.tr("left"), RIGHT.value: words.tr("right")}
        side = sides.get(finding.laterality.value, finding.laterality.meaning)
    told = name if not side or _says(name, side) else words.tr("{name} ({side})", name=name, side=side)
    return told if finding.component is None else f"{told} #{finding.component}"


def _says(name: str, side: str) -> bool:
    """Tell whether a name holds the word of a side: "bright" is not right, and Chinese puts nothing between words."""
    told = re.escape(side.lower())
    return bool(re.search(rf"\b{told}\b" if side.isascii() else told, name.lower()))


def sentence(finding: Finding, case: Case, words: Wording) -> str:
    """Return one finding with its size and place, as far as they are known."""
    told = [*_sizes(finding, case, words), *_place(finding, case, words)]
    return f"{named(finding, words)}{words.tr(': ')}{words.tr('; ').join(told)}" if told else named(finding, words)


def names(findings: Iterable[Finding], words: Wording) -> list[str]:
    """Return what is claimed, once each."""
    return list(dict.fromkeys(named(one, words) for one in findings))


def measured(case: Case, words: Wording) -> list[str]:
    """Return the measurements that no finding tells already, with their figures."""
    told = {one.measurement_uid for one in case.findings if one.measurement_uid}
    return [measurement_text(one, words) for one in case.measurements if one.uid not in told and one.quantities]


def measurement_text(measurement: Measurement, words: Wording) -> str:
    """Return a measurement with its figures and slice."""
    title, told = measurement_title(measurement, words), figures(measurement, words)
    at = "" if measurement.slice_index is None else words.tr("slice {number}", number=measurement.slice_index + 1)
    return " ".join(text for text in (title, told, f"({at})" if at else "") if text)


def _sizes(finding: Finding, case: Case, words: Wording) -> list[str]:
    drawn = next((one for one in case.measurements if one.uid and one.uid == finding.measurement_uid), None)
    told = [] if drawn is None else [figures(drawn, words)]
    if finding.volume_ml is not None:
        told.append(_volume(finding, finding.volume_ml, words))
    if "count" in finding.measurements:
        told.append(objects_text(finding.measurements, words.tr))
    if finding.diameters is not None and drawn is None:
        told.append(finding.diameters.text)
    mean = finding.measurements.get("mean_value")
    if mean is not None and drawn is None and case.volume.unit:
        told.append(words.tr("mean value {value}", value=f"{mean:.4g} {case.volume.unit}"))
    if len(finding.components) > 1:
        told.append(words.tr("{count} pieces", count=len(finding.components)))
    return told


def _volume(finding: Finding, volume_ml: float, words: Wording) -> str:
    told = f"{volume_ml:.2f} ml" if volume_ml >= 0.005 else f"{volume_ml:.2g} ml"
    one_slice = finding.measurements.get("slices_outlined") == 1
    return words.tr("{volume}, one slice only", volume=told) if one_slice else told


def _place(finding: Finding, case: Case, words: Wording) -> list[str]:
    if finding.key_slice is None:
        return []
    number = words.tr("slice {number}", number=finding.key_slice + 1)
    if finding.slices is not None and finding.slices[0] != finding.slices[1]:
        first, last = finding.slices[0] + 1, finding.slices[1] + 1
        number = words.tr("slices {first} to {last}", first=first, last=last)
    place = place_text(finding, case.volume)
    return [f"{place} ({number})" if place else number]
