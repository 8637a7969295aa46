"""What the pages for people say, as plain texts: HTML and PDF are filled from the same values."""

from __future__ import annotations

from dataclasses import dataclass, field

import medassist
from medassist.entities.finding import Finding
from medassist.entities.prediction import Prediction, Verdict
from medassist.report.case import Case
from medassist.report.instances import objects_text
from medassist.report.keyviews import explanation, key_views, place, title
from medassist.report.notes import notes
from medassist.report.operating import cannot_say, sentences
from medassist.report.probes import sentences as of_probe
from medassist.report.wording import Wording, date_text, position_text


@dataclass(frozen=True)
class Row:
    """One line of a table; `tone` is "", "good", "warn" or "bad" and colours the last cell, never the only sign."""

    cells: tuple[str, ...]
    tone: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Table:
    """A heading, column names (none for a list of facts) and rows; `explanation` says how to read it."""

    heading: str
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    explanation: str = ""


@dataclass(frozen=True)
class Picture:
    """A key picture with what is said under it."""

    file_name: str
    title: str
    place: str
    explanation: str


@dataclass(frozen=True)
class Page:
    """The whole report in one language."""

    language: str
    heading: str
    status: str
    is_preliminary: bool
    notice: str
    facts: tuple[Table, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures_heading: str = ""
    pictures: tuple[Picture, ...] = ()
    notes_heading: str = ""
    notes: tuple[str, ...] = ()
    created: str = ""
    signature: str = field(default="")


def page(case: Case) -> Page:
    """Return everything the HTML page and the PDF say about a case."""
    words = Wording(case.language)
    findings = [_segments(case, words), _classes(case, words), _of_reader(case, words)]
    tables = [*findings, _models(case, words), _checks(case.prediction, words)]
    return Page(
        language=case.language.replace("_", "-"),
        heading=words.tr("Imaging AI report"),
        status=status(case, words),
        is_preliminary=not case.is_judged,
        notice=words.tr(medassist.RESEARCH_USE_NOTICE),
        facts=(_patient(case, words), _series(case, words)),
        tables=tuple(table for table in tables if table.rows),
        pictures_heading=words.tr("Key pictures"),
        pictures=tuple(
            Picture(view.file_name, title(case, view, words), place(case, view, words), explanation(case, view, words))
            for view in key_views(case)
        ),
        notes_heading=words.tr("What limits this report"),
        notes=tuple(words.warning(one) for one in notes(case)),
        created=words.tr(
            "Written {created} by MedAssist {version}", created=case.created[:16].replace("T", " "), version=_version()
        ),
        signature=words.tr("Reader: {name}", name=case.reader or "________________"),
    )


def status(case: Case, words: Wording) -> str:
    """Say how settled the report is."""
    if case.is_verified:
        return words.tr("Every finding was judged by {reader}", reader=case.reader)
    if case.is_judged:
        return words.tr("Every finding was judged; no reader is named: unverified")
    return words.tr("Preliminary and unverified: model output not yet judged by a reader")


def _version() -> str:
    return medassist.__version__


def _patient(case: Case, words: Wording) -> Table:
    patient, study = case.study.patient, case.study
    sexes = {"M": words.tr("male"), "F": words.tr("female"), "O": words.tr("other")}
    rows = (
        (words.tr("Patient name"), words.person(patient)),
        (words.tr("Patient ID"), patient.patient_id),
        (words.tr("Date of birth"), date_text(patient.birth_date)),
        (words.tr("Sex"), sexes.get(patient.sex, patient.sex)),
        (words.tr("Study date"), date_text(study.date, study.time)),
        (words.tr("Study"), study.description),
        (words.tr("Accession number"), study.accession),
    )
    unknown = words.tr("unknown")
    return Table(words.tr("Patient and study"), rows=tuple(Row((name, value or unknown)) for name, value in rows))


def _series(case: Case, words: Wording) -> Table:
    series, geometry = case.series, case.volume.geometry
    depth, height, width = geometry.shape_zyx
    size = f"{width} × {height}" + (f" × {depth}" if depth > 1 else "")
    spacing = " × ".join(f"{one:.4g}" for one in geometry.spacing_mm[: 3 if depth > 1 else 2]) + " mm"
    rows = (
        (words.tr("Series"), series.title),
        (words.tr("Modality"), series.modality),
        (words.tr("Body part"), series.body_part),
        (words.tr("View position"), series.view_position),
        (words.tr("Voxels"), size),
        (words.tr("Spacing"), spacing if geometry.calibrated else ""),
        (words.tr("Series UID"), series.series_uid),
    )
    unknown = words.tr("unknown")
    return Table(words.tr("Series"), rows=tuple(Row((name, value or unknown)) for name, value in rows))


def _segments(case: Case, words: Wording) -> Table:
    found = [one for one in case.findings if one.segment_value is not None]
    columns = (
        words.tr("Structure"),
        words.tr("Measured size") if any("count" in one.measurements for one in found) else words.tr("Measured volume"),
        words.tr("Long × short axis"),
        words.tr("Mean value"),
        words.tr("Centre"),
        words.tr("Reader"),
    )
    return Table(
        words.tr("Structures outlined by the model"),
        columns,
        tuple(_segment_row(case, one, words) for one in found),
        words.tr(
            "Volumes, axes and places are computed from the model's outlines, in the patient's coordinates; the long"
            " axis is the longest in any slice as stored, the short one the longest across it."
        ),
    )


def _segment_row(case: Case, finding: Finding, words: Wording) -> Row:
    volume = words.tr("not measured") if finding.volume_ml is None else f"{finding.volume_ml:.2f} ml"
    if finding.volume_ml is not None and finding.measurements.get("slices_outlined") == 1:
        volume = words.tr("{volume}, one slice only", volume=volume)
    if "count" in finding.measurements:
        volume = objects_text(finding.measurements, words.tr)
    mean, deviation = finding.measurements.get("mean_value"), finding.measurements.get("sd_value")
    values = "" if mean is None or deviation is None else f"{mean:.4g} ± {deviation:.3g} {case.volume.unit}".strip()
    where = words.tr("nothing was marked")
    if finding.center_lps is not None and finding.key_slice is not None:
        where = f"{position_text(finding.center_lps)} · {words.tr('slice {number}', number=finding.key_slice + 1)}"
    axes = "" if finding.diameters is None else finding.diameters.text
    return _judged((words.title(finding), volume, axes, values, where), finding, words)


def _classes(case: Case, words: Wording) -> Table:
    found = [one for one in case.findings if one.probability is not None]
    columns = words.tr("Finding"), words.tr("Score"), words.tr("Threshold"), words.tr("Model says"), words.tr("Reader")
    told = words.tr("A score says something only together with its own threshold, the operating point of the model.")
    if any(not one.calibrated for one in found):
        told += " " + words.tr("Scores not marked as calibrated rank pictures; they are no probability of disease.")
    sources = dict.fromkeys(one.curve.source for one in found if one.curve is not None and one.curve.source)
    told += "".join(" " + words.tr("Calibration cases: {source}", source=words.tr(one)) for one in sources)
    return Table(
        words.tr("Findings suggested by the model"), columns, tuple(_class_row(one, words) for one in found), told
    )


def _class_row(finding: Finding, words: Wording) -> Row:
    reached = _reached(finding, words)
    threshold = "" if finding.threshold is None else f"{finding.threshold:.3f}"
    if cannot_say(finding):
        reached = words.tr("{answer}; the score alone cannot say", answer=reached)
    score = f"{finding.probability:.3f}" + (f" ({words.tr('calibrated')})" if finding.calibrated else "")
    # what the package says of its own threshold, the curve says with intervals and in the language of the page
    chosen = "" if finding.curve is not None else words.tr(finding.operating_point)
    told = [chosen, *(words.warning(one) for one in sentences(finding))]
    remark = " ".join(text for text in told if text)
    return _judged((words.title(finding), score, threshold, reached), finding, words, remark=remark)


def _reached(finding: Finding, words: Wording) -> str:
    if finding.exclusive:
        return words.tr("called: the most likely class") if finding.present else words.tr("not called")
    return words.tr("present: reaches the threshold") if finding.present else words.tr("absent: below the threshold")


def _of_reader(case: Case, words: Wording) -> Table:
    """Return the findings no model made: marked in the window by a person."""
    found = [one for one in case.findings if one.segment_value is None and one.probability is None]
    columns = words.tr("Finding"), words.tr("Centre"), words.tr("Reader")
    places = ("" if one.center_lps is None else position_text(one.center_lps) for one in found)
    rows = (_judged((words.title(one), place), one, words) for one, place in zip(found, places, strict=True))
    return Table(words.tr("Findings of the reader"), columns, tuple(rows))


def _judged(cells: tuple[str, ...], finding: Finding, words: Wording, remark: str = "") -> Row:
    """Append the reader's verdict to a row, the comment and the probes kept against the claim to its remark."""
    verdict = words.judgement(finding.judgement)
    by = " · ".join(part for part in (finding.judged_by, finding.judged_at[:16].replace("T", " ")) if part)
    tones = {"accepted": "good", "edited": "good", "rejected": "bad"}
    said = words.tr("Comment: {comment}", comment=finding.comment) if finding.comment else ""
    probed = [words.warning(one) for probe in finding.counter_evidence for one in of_probe(probe, words.title(finding))]
    return Row(
        (*cells, f"{verdict} ({by})" if by else verdict),
        tones.get(finding.judgement.value, "warn"),
        " ".join(text for text in (remark, said, *probed) if text),
    )


def _models(case: Case, words: Wording) -> Table:
    columns = words.tr("Model"), words.tr("Version"), words.tr("SHA-256 of the weights")
    rows = tuple(Row((words.model(model), model.version, model.sha256)) for model in case.models)
    newest = case.prediction
    told = ""
    if newest is not None:
        told = words.tr(
            "Run started {started} on {device}.", started=newest.started[:16].replace("T", " "), device=newest.device
        )
    return Table(words.tr("Models"), columns, rows, told)


def _checks(prediction: Prediction | None, words: Wording) -> Table:
    checks = prediction.checks if prediction else ()
    tones = {Verdict.PASS: "good", Verdict.UNKNOWN: "warn", Verdict.FAIL: "bad"}
    rows = tuple(
        Row(
            (words.tr(one.name), words.tr(one.demanded), words.tr(one.found), words.verdict(one.verdict)),
            tones[one.verdict],
        )
        for one in checks
    )
    columns = words.tr("Check"), words.tr("Model demands"), words.tr("Input has"), words.tr("Verdict")
    return Table(words.tr("Suitability of the input"), columns, rows)
