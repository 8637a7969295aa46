"""What the pages for people say, as plain texts: HTML and PDF are filled from the same values."""

from __future__ import annotations

from dataclasses import dataclass, field

import medassist
from medassist.entities.prediction import Prediction, Verdict
from medassist.report.case import Case
from medassist.report.finding_tables import finding_tables
from medassist.report.keyviews import KeyView, explanation, key_views, place, title
from medassist.report.notes import notes
from medassist.report.page_parts import Paragraph, Picture, Row, Table
from medassist.report.sections import Section, remarks, sections, template_of
from medassist.report.verdicts import settled
from medassist.report.wording import Wording, date_text

COMPOSED = ("findings", "impression")
"""Sections whose sentences, where the reader wrote none, come from the verdicts of a reader."""


@dataclass(frozen=True)
class Page:
    """The whole report in one language; `identity` names patient and study in one line, for every page."""

    language: str
    heading: str
    status: str
    is_preliminary: bool
    notice: str
    identity: str = ""
    sections: tuple[Paragraph, ...] = ()
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
    template = template_of(case)
    tables = [*finding_tables(case, words), _models(case, words), _checks(case.prediction, words)]
    return Page(
        language=case.language.replace("_", "-"),
        heading=template.layout(case.language).title,
        status=status(case, words),
        is_preliminary=not case.is_judged,
        notice=words.tr(medassist.RESEARCH_USE_NOTICE),
        identity=identity(case, words),
        sections=tuple(_paragraph(case, one, words) for one in sections(case, template) if one.text),
        facts=(_patient(case, words), _series(case, words)),
        tables=tuple(table for table in tables if table.rows),
        pictures_heading=words.tr("Key pictures"),
        pictures=tuple(_picture(case, view, words) for view in key_views(case)),
        notes_heading=words.tr("What limits this report"),
        notes=tuple(words.warning(one) for one in (*remarks(case), *notes(case))),
        created=words.tr(
            "Written {created} by MedAssist {version}", created=case.created[:16].replace("T", " "), version=_version()
        ),
        signature=words.tr("Reader: {name}", name=case.reader or "________________"),
    )


def _picture(case: Case, view: KeyView, words: Wording) -> Picture:
    return Picture(
        view.file_name,
        title(case, view, words),
        place(case, view, words),
        explanation(case, view, words),
        view.caption,
        words.tr("not reviewed by a reader") if view.unreviewed else "",
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


def identity(case: Case, words: Wording) -> str:
    """Name the patient and the study in one line: a page that lies alone must still tell whose it is."""
    patient, unknown = case.study.patient, words.tr("unknown")
    name = words.person(patient) or words.tr("Patient name") + words.tr(": ") + unknown
    number = words.tr("Patient ID") + words.tr(": ") + (patient.patient_id or unknown)
    born = words.tr("born {date}", date=date_text(patient.birth_date)) if patient.birth_date else ""
    taken = words.tr("study of {date}", date=date_text(case.study.date)) if case.study.date else ""
    return " · ".join(text for text in (name, number, born, taken) if text)


def _paragraph(case: Case, section: Section, words: Wording) -> Paragraph:
    """Return a section with who wrote it: the reader, or the program from what the reader accepted."""
    own = section.passage
    composed = section.key in COMPOSED and any(settled(one) for one in case.findings)
    said = words.tr("Composed from the findings a reader accepted.") if composed else ""
    if own is not None:
        when = own.at[:16].replace("T", " ")
        said = words.tr("Written by the reader, {when}", when=when)
        if own.by:
            said = words.tr("Written by {reader}, {when}", reader=own.by, when=when)
    return Paragraph(section.title, tuple(section.text.splitlines()), said)


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
