"""The report as a FHIR bundle, R5 and R4B: DiagnosticReport, observations, study, devices, patient, readers.

A collection, not a document: a FHIR document needs an author who attests it, and nobody attests what a model says. All
references stay inside the bundle.
"""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path

import medassist
from medassist.entities.prediction import Code
from medassist.report.case import Case
from medassist.report.fhir_codes import Release, Resource, clean, codeable, coding, day, instant, refer, uid, url
from medassist.report.fhir_observations import observations
from medassist.report.fhir_people import Around, around, people
from medassist.report.fhir_selections import segments_in
from medassist.report.sections import sections
from medassist.report.text import words

IMAGING_REPORT = Code("18748-4", "LN", "Diagnostic imaging study")
MEASUREMENT_REPORT = Code("126000", "DCM", "Imaging Measurement Report")
DEPARTMENTS = "http://terminology.hl7.org/CodeSystem/v2-0074"
REPORT = "report.pdf"
LARGEST_PDF = 4 * 2**20
"""Bytes of a PDF that goes along inside; a larger one would make the bundle too large to send."""


def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write fhir.json (R5) and fhir-r4b.json; the report.pdf and the segmentations in `folder` go along."""
    return tuple(_write(bundle(case, release, folder), folder / release.value) for release in Release)


def _write(told: Resource, path: Path) -> Path:
    text = json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
    return path


def bundle(case: Case, release: Release, folder: Path) -> Resource:
    """Return the bundle as values of JSON."""
    about = around(case, release)
    found, listed = observations(about, segments_in(folder))
    report = {url(case, "report"): _report(about, listed, folder)}
    entries = report | people(about) | found
    return clean(
        {
            "resourceType": "Bundle",
            "identifier": uid(case.uid_of("fhir", "bundle")),
            "type": "collection",
            "timestamp": instant(case.created),
            "entry": [{"fullUrl": name, "resource": one} for name, one in entries.items()],
        }
    )


def _report(about: Around, listed: list[str], folder: Path) -> Resource:
    case = about.case
    study = [refer(about.study)] if about.study else []
    both = codeable(IMAGING_REPORT)["coding"] + codeable(MEASUREMENT_REPORT)["coding"]
    impression = next((one.text for one in sections(case) if one.key == "impression"), "")
    told = {
        "resourceType": "DiagnosticReport",
        "text": _narrative(case),
        "identifier": [uid(case.uid_of("fhir", "report"))],
        "status": status(case),
        "category": [{"coding": [coding(DEPARTMENTS, "RAD", "Radiology")]}],
        "code": {"coding": both},
        "subject": refer(about.patient),
        "effectiveDateTime": day(case.study.date),
        "issued": instant(case.created),
        "resultsInterpreter": [refer(about.reader(case.reader.strip()))] if case.reader.strip() else [],
        "result": [refer(one) for one in listed],
        "study" if about.is_r5 else "imagingStudy": study,
        "conclusion": impression,
        "presentedForm": _pdf(folder),
    }
    return clean(told | ({"note": [{"text": medassist.RESEARCH_USE_NOTICE}]} if about.is_r5 else {}))


def status(case: Case) -> str:
    """Return "final" only for a report a named reader settled (http://hl7.org/fhir/diagnostic-report-status)."""
    return "final" if case.is_verified else "preliminary"


def _narrative(case: Case) -> Resource:
    """Return the plain text of the report for people; it says what nobody reviewed and what the use is."""
    text = "".join(one for one in words(case) if one.isprintable() or one in "\n\t")
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><pre>{html.escape(text.strip())}</pre></div>'
    return {"status": "generated", "div": div}


def _pdf(folder: Path) -> list[Resource]:
    path = folder / REPORT
    if not path.is_file() or path.stat().st_size > LARGEST_PDF:
        return []
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return [{"contentType": "application/pdf", "data": data, "title": REPORT}]
