"""Findings and measurements as FHIR observations, as HL7's "DICOM SR to FHIR Resource Mapping" guide maps TID 1500.

A finding is one observation; each of its figures is another one, which the first has as a member. What the reader
rejected is left out. An observation is final only where a named reader stands for it; all else is preliminary, and says
that nobody reviewed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medassist.entities.finding import Finding, Judgement
from medassist.entities.measurement import Measurement, Quantity
from medassist.entities.prediction import Code, ModelRef
from medassist.imaging.measuring import remarks
from medassist.imaging.objects.spoken_codes import ABSENT, PRESENT, READER_VERDICT, VERDICTS
from medassist.report.fhir_codes import Resource, clean, codeable, coding, day, instant, quantity, refer, uid, url
from medassist.report.fhir_people import Around
from medassist.report.fhir_selections import SegmentPlace, drawn, selection
from medassist.report.fhir_sites import body_of, places
from medassist.report.identity import code_for
from medassist.report.measurement_words import measurement_title
from medassist.report.operating import sentences
from medassist.report.sr_numbers import concept_of, figures_of
from medassist.report.telling import named
from medassist.report.verdicts import settled, told
from medassist.report.wording import Wording

CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
INTERPRETATIONS = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
LATERALITY = Code("272741003", "SCT", "Laterality")
GROUP = Code("125007", "DCM", "Measurement Group")
SCORES = ("score", "certainty")


def observations(about: Around, segments: Mapping[str, SegmentPlace]) -> tuple[dict[str, Resource], list[str]]:
    """Return name -> resource of every finding and measurement, and the names of those a report lists."""
    found: dict[str, Resource] = {}
    listed = []
    for finding in told(about.case):
        found |= _of_finding(about, finding, segments)
        listed.append(url(about.case, "finding", finding.tracking_uid))
    for one in free_measurements(about):
        found |= _of_measurement(about, one)
        listed.append(url(about.case, "measurement", one.uid))
    return found, listed


def free_measurements(about: Around) -> list[Measurement]:
    """Return the measurements with figures that no finding was made of, rejected ones included."""
    claimed = {one.measurement_uid for one in about.case.findings if one.measurement_uid}
    return [one for one in about.case.measurements if one.quantities and one.uid not in claimed]


def _of_finding(about: Around, finding: Finding, segments: Mapping[str, SegmentPlace]) -> dict[str, Resource]:
    case = about.case
    shared = _shared(about, finding.model, _status(finding), _when(about, finding)) | places(about, finding)
    found = {}
    if about.is_r5 and about.study:
        place = url(case, "selection", finding.tracking_uid)
        found[place] = _where(about, finding, segments)
        shared["derivedFrom"] = [refer(place)]
    body = body_of(about, finding)
    if body is not None:
        found[url(case, "body", finding.tracking_uid)] = body
    members = _members(about, finding.tracking_uid, figures_of(case, finding), shared, finding.threshold)
    words = Wording(case.language)
    main = shared | {
        "identifier": [uid(finding.tracking_uid, "tracking-uid")],
        "code": codeable(code_for(finding.label, finding.code), named(finding, words)),
        "performer": [refer(about.reader(name)) for name in _performers(finding)],
        **_answer(finding),
        "component": _components(finding),
        "hasMember": [refer(one) for one in members],
        "note": [{"text": text} for text in _notes(about, finding, words)],
    }
    return found | {name: clean(one) for name, one in members.items()} | {
        url(case, "finding", finding.tracking_uid): clean(main)
    }  # fmt: skip


def _where(about: Around, finding: Finding, segments: Mapping[str, SegmentPlace]) -> Resource:
    """Return what was looked at: the drawing a finding was made of, else its segment, place or picture."""
    drawing = _drawing(about, finding)
    return selection(about, finding, segments) if drawing is None else drawn(about, drawing)


def _drawing(about: Around, finding: Finding) -> Measurement | None:
    return next((one for one in about.case.measurements if one.uid == finding.measurement_uid), None)


def _of_measurement(about: Around, measurement: Measurement) -> dict[str, Resource]:
    case = about.case
    shared = _shared(about, None, "final" if measurement.by.strip() else "preliminary", measurement.made_at)
    found = {}
    if about.is_r5 and about.study:
        place = url(case, "selection", measurement.uid)
        found[place] = drawn(about, measurement)
        shared["derivedFrom"] = [refer(place)]
    words = Wording(case.language)
    members = _members(about, measurement.uid, list(measurement.quantities), shared, None)
    main = shared | {
        "identifier": [uid(measurement.uid, "tracking-uid")],
        "code": codeable(GROUP, measurement_title(measurement, words)),
        "performer": [refer(about.reader(measurement.by.strip()))] if measurement.by.strip() else [],
        "note": [{"text": words.warning(one)} for one in remarks(measurement, case.volume)],
        "hasMember": [refer(one) for one in members],
    }
    return found | {name: clean(one) for name, one in members.items()} | {
        url(case, "measurement", measurement.uid): clean(main)
    }  # fmt: skip


def _shared(about: Around, model: ModelRef | None, status: str, when: str) -> dict[str, Any]:
    """Return what a finding and its figures have in common."""
    study = [refer(about.study)] if about.study else []
    return {
        "resourceType": "Observation",
        "status": status,
        "category": [{"coding": [coding(CATEGORIES, "imaging", "Imaging")]}],
        "subject": refer(about.patient),
        "partOf": study,
        "effectiveDateTime": day(about.case.study.date),
        "issued": instant(when),
        "derivedFrom": study,
        "device": refer(about.device(model), "" if model is None else f"{model.name} {model.version}"),
    }


def _status(finding: Finding) -> str:
    """Return "final" only where a named reader stands for it (http://hl7.org/fhir/observation-status)."""
    signed = finding.judged_by.strip() or (finding.model is None and finding.by.strip())
    return "final" if settled(finding) and signed else "preliminary"


def _when(about: Around, finding: Finding) -> str:
    began = next((one.started for one in reversed(about.case.predictions) if one.model == finding.model), "")
    return finding.judged_at or finding.made_at or began or about.case.created


def _performers(finding: Finding) -> tuple[str, ...]:
    names = (finding.by, finding.judged_by if settled(finding) else "", finding.edited_by)
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def _answer(finding: Finding) -> dict[str, Any]:
    """Return presence of what was looked for; outlined anatomy is no answer to a question, as in the DICOM report."""
    if finding.segment_value is not None:
        return {}
    said = {"valueCodeableConcept": codeable(PRESENT if finding.present else ABSENT)}
    if finding.probability is None:
        return said
    sign = coding(INTERPRETATIONS, "POS", "Positive") if finding.present else coding(INTERPRETATIONS, "NEG", "Negative")
    return said | {"interpretation": [{"coding": [sign]}]}


def _components(finding: Finding) -> list[Resource]:
    """Return verdict and side, each with its code."""
    verdict = {"code": codeable(READER_VERDICT), "valueCodeableConcept": codeable(VERDICTS[finding.judgement])}
    if finding.laterality is None:
        return [verdict]
    return [verdict, {"code": codeable(LATERALITY), "valueCodeableConcept": codeable(finding.laterality)}]


def _members(
    about: Around, owner: str, figures: list[Quantity], shared: dict[str, Any], threshold: float | None
) -> dict[str, dict[str, Any]]:
    """Return one observation for each figure: its code, how it was derived, its unit, for scores the threshold."""
    found = {}
    for one in figures:
        value = quantity(one)
        if value is None:
            continue
        code, derivation = concept_of(one, about.case.series.modality)
        limit = _threshold(one, threshold)
        found[url(about.case, "figure", owner, one.name)] = shared | {
            "code": codeable(code),
            "method": codeable(derivation) if derivation is not None else None,
            "valueQuantity": value,
            "component": [limit] if limit else [],
        }
    return found


def _threshold(figure: Quantity, threshold: float | None) -> Resource | None:
    if threshold is None or figure.name not in SCORES:
        return None
    value = Quantity("threshold", 100.0 * threshold if figure.unit == "%" else threshold, figure.unit)
    return {"code": {"text": "Threshold of the operating point"}, "valueQuantity": quantity(value)}


def _notes(about: Around, finding: Finding, words: Wording) -> list[str]:
    """Return what a number alone does not say: that nobody reviewed it, what its score means, the reader's comment."""
    open_ones = {
        Judgement.UNREVIEWED: words.tr("Not reviewed by a reader: output of a model"),
        Judgement.DEFERRED: words.tr("Deferred by the reader"),
    }
    told_of_score = [words.warning(one) for one in sentences(finding)]
    nothing = words.tr("nothing was marked") if finding.segment_value is not None and not finding.present else ""
    edited = words.tr("edited by {name}", name=finding.edited_by) if finding.edited_by else ""
    drawing = _drawing(about, finding)
    of_drawing = [words.warning(one) for one in remarks(drawing, about.case.volume)] if drawing else []
    lines = (open_ones.get(finding.judgement), nothing, edited, *told_of_score, *of_drawing, finding.comment)
    return [text for text in lines if text]
