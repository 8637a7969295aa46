"""Whom and what a FHIR bundle is about and who made it: patient, imaging study, devices, readers.

Nothing is told of the patient that the source does not tell; a pseudonymous source stays pseudonymous.
"""

from __future__ import annotations

from dataclasses import dataclass

import medassist
from medassist.entities.prediction import Code, ModelRef
from medassist.report.case import Case
from medassist.report.fhir_codes import (
    HL7_IDENTIFIERS,
    Release,
    Resource,
    clean,
    codeable,
    coding,
    day,
    refer,
    uid,
    url,
)
from medassist.report.identity import MANUFACTURER, device_uid, version

AI = Code("123110", "DCM", "Artificial Intelligence")
MODALITIES = "http://dicom.nema.org/resources/ontology/DCM"
UNKNOWN_MODALITY = "OT"
"""A series must have one in FHIR: other, where the source has none."""
_GENDERS = {"M": "male", "F": "female", "O": "other"}


@dataclass(frozen=True)
class Around:
    """What every observation of a bundle points at: names of resources, "" where there is none."""

    case: Case
    release: Release
    patient: str
    study: str
    product: str

    @property
    def is_r5(self) -> bool:
        """Whether it is R5, which knows selections of images."""
        return self.release is Release.R5

    def device(self, model: ModelRef | None) -> str:
        """Return the device of a model, the program's where no model spoke."""
        return url(self.case, "device", model.sha256) if model else self.product

    def reader(self, name: str) -> str:
        """Return the practitioner of a name."""
        return url(self.case, "reader", name)


def around(case: Case, release: Release) -> Around:
    """Return the names of what a bundle is about."""
    study = url(case, "study") if case.series.format == "DICOM" and case.series.study_uid else ""
    return Around(case, release, url(case, "patient"), study, url(case, "product"))


def people(about: Around) -> dict[str, Resource]:
    """Return name -> resource of patient, study, devices and readers."""
    case = about.case
    found = {about.patient: patient(case), about.product: _product(about)}
    if about.study:
        found[about.study] = study(about)
    found |= {about.device(model): _model(model, about.release) for model in case.models}
    return found | {about.reader(name): _practitioner(name) for name in readers(case)}


def readers(case: Case) -> tuple[str, ...]:
    """Return everyone who judged, claimed, changed or measured something, once each."""
    names = [case.reader, *(one.by for one in case.measurements)]
    names += [name for one in case.findings for name in (one.judged_by, one.by, one.edited_by)]
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def patient(case: Case) -> Resource:
    """Return the patient as the source names it."""
    told = case.study.patient
    return clean(
        {
            "resourceType": "Patient",
            "identifier": [{"value": told.patient_id}],
            "name": [_name(group) for group in told.name.split("=")[:2]],
            "gender": _GENDERS.get(told.sex),
            "birthDate": day(told.birth_date),
        }
    )


def _name(group: str) -> Resource:
    """Return one group of a DICOM person name: family, given, middle, prefix, suffix."""
    family, given, middle, prefix, suffix = ([part.strip() for part in group.split("^")] + [""] * 5)[:5]
    text = " ".join(part for part in (prefix, given, middle, family, suffix) if part)
    if not group.isascii():
        text = f"{family}{given}"
    return {"text": text, "family": family, "given": [given, middle], "prefix": [prefix], "suffix": [suffix]}


def study(about: Around) -> Resource:
    """Return the study with the one series the report is about."""
    case, series = about.case, about.case.series
    modality = coding(MODALITIES, series.modality or UNKNOWN_MODALITY)
    kind: list[Resource] = [modality] if about.release is Release.R4B else [{"coding": [modality]}]
    accession = {"type": {"coding": [coding(HL7_IDENTIFIERS, "ACSN", "Accession ID")]}, "value": case.study.accession}
    return clean(
        {
            "resourceType": "ImagingStudy",
            "identifier": [uid(series.study_uid), accession if case.study.accession else None],
            "status": "available",
            "modality": kind if series.modality else [],
            "subject": refer(about.patient),
            "started": day(case.study.date),
            "description": case.study.description,
            "series": [
                {
                    "uid": series.series_uid,
                    "number": series.number if series.number is not None and series.number >= 0 else None,
                    "modality": kind[0],
                    "description": series.description,
                    "numberOfInstances": len({frame.sop_instance_uid or frame.path for frame in series.frames}),
                }
            ],
        }
    )


def _model(model: ModelRef, release: Release) -> Resource:
    """Return a model as a device: another weight file is another device, as in the DICOM objects."""
    weights = {"type": {"text": "SHA-256 of the weights"}, "value": model.sha256}
    return _device(model.name, model.version, [uid(device_uid(model)), weights], release, AI)


def _product(about: Around) -> Resource:
    return _device(MANUFACTURER, version(), [], about.release, None)


def _device(name: str, number: str, identifiers: list[Resource], release: Release, kind: Code | None) -> Resource:
    named = (
        {"value": name, "type": "registered-name"} if release is Release.R5 else {"name": name, "type": "model-name"}
    )
    type_ = codeable(kind) if kind else None
    return clean(
        {
            "resourceType": "Device",
            "identifier": identifiers,
            "status": "active",
            "manufacturer": MANUFACTURER,
            "name" if release is Release.R5 else "deviceName": [named],
            "type": [type_] if release is Release.R5 else type_,
            "version": [{"value": number}],
            "note": [{"text": medassist.RESEARCH_USE_NOTICE}],
        }
    )


def _practitioner(name: str) -> Resource:
    return {"resourceType": "Practitioner", "name": [{"text": " ".join(name.replace("^", " ").split())}]}
