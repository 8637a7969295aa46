"""The report as plain text, for the clipboard and for systems that hold nothing else."""

from __future__ import annotations

from pathlib import Path

import medassist
from medassist.entities.finding import Finding, Judgement
from medassist.entities.prediction import ModelRef
from medassist.imaging.measuring import remarks
from medassist.report import sections as of_sections
from medassist.report.case import Case
from medassist.report.instances import objects_text
from medassist.report.measurement_words import figures, measurement_title
from medassist.report.notes import notes
from medassist.report.operating import cannot_say
from medassist.report.page import status
from medassist.report.sections import sections
from medassist.report.telling import named
from medassist.report.verdicts import drawings, settled, told
from medassist.report.wording import Wording, date_text, place_text

FILE_NAME = "report.txt"


def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write report.txt, UTF-8 with the mark by which old editors know it."""
    path = folder / FILE_NAME
    path.write_text(words(case), encoding="utf-8-sig", errors="replace")
    return (path,)


def words(case: Case) -> str:
    """Return the report as plain text in the language of the case, lines ended by a line feed.

    It names the patient, so that a text pasted into the wrong record can be seen to be there. Findings the reader
    rejected are left out and counted; those nobody judged stand apart, as what a model says. The sections come first,
    in the reader's own words where there are any.
    """
    said = Wording(case.language)
    limits = [said.warning(one) for one in (*of_sections.remarks(case), *notes(case))]
    blocks = [
        [said.tr("Imaging AI report"), status(case, said)],
        _patient(case, said),
        *([one.title, one.text] for one in sections(case) if one.text),
        _findings(case, said),
        _measurements(case, said),
        _origin(case, said),
        [said.tr("What limits this report"), *(f"- {one}" for one in limits)] if limits else [],
        [said.tr(medassist.RESEARCH_USE_NOTICE), said.tr("Reader: {name}", name=case.reader or "________________")],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _patient(case: Case, said: Wording) -> list[str]:
    patient, study = case.study.patient, case.study
    rows = (
        (said.tr("Patient name"), said.person(patient)),
        (said.tr("Patient ID"), patient.patient_id),
        (said.tr("Date of birth"), date_text(patient.birth_date)),
        (said.tr("Study date"), date_text(study.date, study.time)),
        (said.tr("Accession number"), study.accession),
        (said.tr("Series"), case.series.title),
    )
    unknown = said.tr("unknown")
    return [_pair(name, value or unknown, said) for name, value in rows]


def _pair(name: str, value: str, said: Wording) -> str:
    return f"{name}{said.tr(': ')}{value}"


def _findings(case: Case, said: Wording) -> list[str]:
    """Return what the reader stands for, then what is open, then how many were rejected."""
    sure = [one for one in told(case) if settled(one)]
    later = [one for one in told(case) if one.judgement is Judgement.DEFERRED]
    unread = [one for one in told(case) if one.judgement is Judgement.UNREVIEWED]
    rejected = len(case.findings) - len(told(case))
    lines = _headed(said.tr("Accepted by the reader"), sure, case, said)
    lines += _headed(said.tr("Deferred by the reader"), later, case, said)
    lines += _headed(said.tr("Not reviewed by a reader: output of a model"), unread, case, said)
    if rejected:
        lines.append(said.tr("Findings rejected by the reader, left out here: {count}", count=rejected))
    return lines


def _headed(heading: str, findings: list[Finding], case: Case, said: Wording) -> list[str]:
    return [heading, *(f"- {finding_line(case, one, said)}" for one in findings)] if findings else []


def finding_line(case: Case, finding: Finding, said: Wording) -> str:
    """Return one finding in one line: name with side, figures, place, who stands for it, what was remarked."""
    parts = [*_measured(case, finding, said), *_placed(case, finding, said)]
    by = " · ".join(part for part in (finding.judged_by, finding.judged_at[:16].replace("T", " ")) if part)
    verdict = said.judgement(finding.judgement)
    line = _pair(named(finding, said), said.tr("; ").join(parts), said) if parts else named(finding, said)
    line += f" [{verdict} ({by})]" if by else f" [{verdict}]"
    remarks = [said.tr("edited by {name}", name=finding.edited_by)] if finding.edited_by else []
    remarks += [said.tr("Comment: {comment}", comment=" ".join(finding.comment.split()))] if finding.comment else []
    return " ".join([line, *remarks])


def _measured(case: Case, finding: Finding, said: Wording) -> list[str]:
    """Return presence, score with its threshold, volume, axes and values: what a finding has of them."""
    parts = []
    if finding.segment_value is None or not finding.present:
        answer = said.tr("present") if finding.present else said.tr("absent")
        unsure = cannot_say(finding) and not settled(finding)
        parts.append(said.tr("{answer}; the score alone cannot say", answer=answer) if unsure else answer)
    if finding.probability is not None and finding.threshold is not None:
        score = {"score": f"{finding.probability:.3f}", "threshold": f"{finding.threshold:.3f}"}
        parts.append(said.tr("score {score} (threshold {threshold})", **score))
    if finding.volume_ml is not None:
        parts.append(f"{finding.volume_ml:.2f} ml")
    if "count" in finding.measurements:
        parts.append(objects_text(finding.measurements, said.tr))
    if finding.diameters is not None:
        parts.append(finding.diameters.text)
    mean, deviation = finding.measurements.get("mean_value"), finding.measurements.get("sd_value")
    if mean is not None and deviation is not None:
        values = f"{mean:.4g} ± {deviation:.3g} {case.volume.unit}".strip()
        parts.append(said.tr("mean value {value}", value=values))
    return parts


def _placed(case: Case, finding: Finding, said: Wording) -> list[str]:
    number = "" if finding.key_slice is None else said.tr("slice {number}", number=finding.key_slice + 1)
    where = "" if finding.segment_value is None else place_text(finding, case.volume)
    return [text for text in (where, number) if text]


def _measurements(case: Case, said: Wording) -> list[str]:
    lines = []
    for one in (one for one in drawings(case) if one.quantities or one.label):
        number = "" if one.slice_index is None else said.tr("slice {number}", number=one.slice_index + 1)
        parts = said.tr("; ").join(text for text in (figures(one, said), number) if text)
        by = f" [{one.by}]" if one.by else ""
        title = measurement_title(one, said)
        remark = "".join(f" {said.warning(warning)}" for warning in remarks(one, case.volume))
        lines.append(f"- {_pair(title, parts, said) if parts else title}{by}{remark}")
    return [said.tr("Measurements of the reader"), *lines] if lines else []


def _origin(case: Case, said: Wording) -> list[str]:
    if not case.models:
        return []
    return [said.tr("Models"), *(f"- {_model(one, said)}" for one in case.models)]


def _model(model: ModelRef, said: Wording) -> str:
    return f"{said.model(model)} {model.version} (SHA-256 {model.sha256[:16]}…)"
