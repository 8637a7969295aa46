"""What a structured report claims about a series: findings and drawings of its measurement groups (TID 1500).

Ours come back as they were, those of others as far as they say it in standard codes. Groups that speak about another
series or frame of reference are left out and counted: their place would be wrong here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydicom import Dataset

from medassist.entities.claim import Claim
from medassist.entities.finding import Finding, Judgement
from medassist.entities.measurement import Measurement, Quantity
from medassist.entities.prediction import Code, ModelRef
from medassist.entities.study import Warned, warned
from medassist.entities.volume import Volume
from medassist.imaging import tags
from medassist.imaging.objects.report_drawings import Place, drawing_of, place_of_group
from medassist.imaging.objects.report_figures import measurements_of, volume_in
from medassist.imaging.objects.report_items import (
    code_of,
    is_called,
    moment_iso,
    moment_text,
    named,
    person_text,
    same,
    text_of,
    walk,
)
from medassist.imaging.objects.report_places import middle, slice_at
from medassist.imaging.objects.segments import code_in
from medassist.imaging.objects.spoken_codes import (
    ABSENT,
    EDITED_BY,
    PRESENCE,
    PRIVATE_LABEL,
    READER_VERDICT,
    SCHEME,
    VERDICTS,
)

GROUP, GROUPS = "125007", "126010"
MOST_GROUPS = 2000


@dataclass(frozen=True)
class Reported:
    """What a report says about one series; `notes` tell what was left out."""

    claims: tuple[Claim, ...] = ()
    drawings: tuple[Measurement, ...] = ()
    notes: tuple[Warned, ...] = ()


def read_claims(ds: Dataset, volume: Volume, source: str) -> Reported:
    """Return the findings and drawings of a report on `volume`; `source` says who made the report."""
    groups = [one for holder in walk(ds) if is_called(holder, GROUPS) for one in named(holder, GROUP)][:MOST_GROUPS]
    verdict = _verdict_of_document(ds)
    claims, drawings, elsewhere = [], [], 0
    for number, group in enumerate(groups):
        place = place_of_group(group, volume)
        if place.elsewhere:
            elsewhere += 1
            continue
        drawing = drawing_of(group, place, volume)
        if drawing is not None:
            drawings.append(drawing)
        if named(group, "121071"):
            found = _finding(ds, group, place, drawing, volume)
            told_uid = found.tracking_uid or _uid(ds, number)
            found = replace(found, tracking_uid=told_uid, read_from=source)
            claims.append(Claim(_judged(found, group, verdict), place.segment))
    told = warned("{count} findings of the report lie on other images and are not taken over.", count=elsewhere)
    return Reported(tuple(claims), tuple(drawings), (told,) if elsewhere else ())


def _verdict_of_document(ds: Dataset) -> tuple[Judgement, str, str]:
    """Return what the flags of a document say of all its findings, with who verified it and when."""
    if tags.text((ds,), "VerificationFlag") != "VERIFIED":
        return Judgement.UNREVIEWED, "", ""
    observers = tags.value_of((ds,), "VerifyingObserverSequence") or [Dataset()]
    by, at = (tags.text((observers[0],), name) for name in ("VerifyingObserverName", "VerificationDateTime"))
    return Judgement.ACCEPTED, person_text(by), moment_iso(at)


def _finding(ds: Dataset, group: Dataset, place: Place, drawing: Measurement | None, volume: Volume) -> Finding:
    quantities = [one.quantity for one in place.figures]
    center = middle(place.points) if place.points else None
    model = _model(ds, group)
    found = Finding(
        tracking_uid=text_of(group, "112040"),
        label=_label(group),
        series_key=volume.series.key,
        code=_own_code(code_of(group, "121071")),
        category=code_of(group, "276214006"),
        present=not _is_absent(group),
        volume_ml=volume_in(quantities),
        center_lps=center,
        key_slice=None if center is None else slice_at(center, volume, place.slice_index),
        measurements=measurements_of(quantities),
        model=model,
        measurement_uid=drawing.uid if drawing is not None else "",
        by="" if model is not None else _person(group) or _person(ds),
        made_at="" if model is not None else moment_text(group),
        edited_by=text_of(group, EDITED_BY.value),
        comment=_comment(group),
    )
    return _scored(_sided(found, group), group, quantities)


def _uid(ds: Dataset, number: int) -> str:
    """Return a tracking UID for a group without one: the same whenever the document is read."""
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=[tags.text((ds,), "SOPInstanceUID"), "group", str(number)]))


def _label(group: Dataset) -> str:
    """Return the words of our own reports, the meaning of the code in others: their identifiers are often numbers."""
    code, identifier = code_of(group, "121071"), text_of(group, "112039")
    own = code_of(group, READER_VERDICT.value) is not None
    meaning = code.meaning if code is not None else ""
    return (identifier if own else "") or meaning or identifier or "finding"


def _own_code(code: Code | None) -> Code | None:
    """Return a code; a private one that only stands for a label is none."""
    stands_for_words = code is not None and code.scheme == SCHEME and code.value.startswith(PRIVATE_LABEL)
    return None if stands_for_words else code


def _is_absent(group: Dataset) -> bool:
    answer = code_of(group, PRESENCE.value)
    return answer is not None and same(answer, ABSENT)


def _model(ds: Dataset, group: Dataset) -> ModelRef | None:
    """Return the algorithm a group names, else the device of a document that names no person at all."""
    parameters = _parameters(group)
    name, version = text_of(group, "111001"), text_of(group, "111003")
    if not name and not _person(group) and not _person(ds):
        name = text_of(ds, "121015") or text_of(ds, "121013")
    return ModelRef(name, version, parameters.get("weights_sha256", "")) if name else None


def _parameters(group: Dataset) -> dict[str, str]:
    """Return the parameters of the algorithm that are written as name=value."""
    told = [tags.text((one,), "TextValue").partition("=") for one in named(group, "111002")]
    return {name: value for name, equals, value in told if equals}


def _person(item: Dataset) -> str:
    return text_of(item, "121008")


def _sided(finding: Finding, group: Dataset) -> Finding:
    sites = named(group, "363698007")
    if not sites:
        return finding
    return replace(finding, laterality=code_of(sites[0], "272741003"), modifier=code_of(sites[0], "106233006"))


def _scored(finding: Finding, group: Dataset, quantities: Sequence[Quantity]) -> Finding:
    """Return a finding with its score and operating point, where the report tells them."""
    told, parameters = {one.name: one.value for one in quantities}, _parameters(group)
    if "certainty" not in told and "score" not in told:
        return finding
    threshold = parameters.get("threshold", "")
    return replace(
        finding,
        probability=told["certainty"] / 100.0 if "certainty" in told else told["score"],
        calibrated="certainty" in told,
        threshold=_as_number(threshold),
        exclusive=parameters.get("classes") == "exclusive",
        operating_point=parameters.get("operating_point", ""),
    )


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _judged(finding: Finding, group: Dataset, otherwise: tuple[Judgement, str, str]) -> Finding:
    """Return a finding with the verdict of its group, else with that of the document as far as flags carry one."""
    for item in named(group, READER_VERDICT.value):
        answer = code_in(item, "ConceptCodeSequence")
        judgement = next((key for key, code in VERDICTS.items() if answer is not None and same(code, answer)), None)
        if judgement is not None:
            return replace(finding, judgement=judgement, judged_by=_person(item), judged_at=moment_text(item))
    judgement, by, at = otherwise
    return replace(finding, judgement=judgement, judged_by=by, judged_at=at)


def _comment(group: Dataset) -> str:
    """Return what a person commented; comments of programs stand under nobody."""
    said = [one for one in named(group, "121106") if named(one, "121005")]
    return str(said[-1].get("TextValue") or "").strip() if said else ""
