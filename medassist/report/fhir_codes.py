"""The small change of FHIR: codes, quantities, identifiers, times and references, as plain values of JSON.

Systems are those of the HL7 "DICOM SR to FHIR Resource Mapping" guide 1.0.0 and of terminology.hl7.org.
"""

from __future__ import annotations

import math
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import NAMESPACE_OID, NAMESPACE_URL, uuid5

from medassist.entities.measurement import Quantity
from medassist.entities.prediction import Code
from medassist.imaging.objects.spoken_codes import SCHEME
from medassist.report.case import Case
from medassist.report.sr_numbers import unit_of

Resource = dict[str, Any]

UCUM = "http://unitsofmeasure.org"
DICOM_UID = "urn:dicom:uid"
UID_TYPES = "http://hl7.org/fhir/uv/dicom-sr/CodeSystem/dicom-identifier-type"
HL7_IDENTIFIERS = "http://terminology.hl7.org/CodeSystem/v2-0203"
URIS = "urn:ietf:rfc:3986"

SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "LN": "http://loinc.org",
    "UCUM": UCUM,
    "RADLEX": "http://radlex.org",
    "NCIt": "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
    "FMA": "http://purl.org/sig/ont/fma",
    "IBSI": "https://ibsi.readthedocs.io",
    SCHEME: f"urn:uuid:{uuid5(NAMESPACE_URL, SCHEME)}",
}
"""Scheme of DICOM -> system of FHIR; a code of another scheme goes along as words."""


class Release(Enum):
    """The releases of FHIR that are written, and the file of each."""

    R5 = "fhir.json"
    R4B = "fhir-r4b.json"


def codeable(code: Code, text: str = "") -> Resource:
    """Return a CodeableConcept; only words where FHIR does not know the scheme."""
    system = SYSTEMS.get(code.scheme)
    coding = [{"system": system, "code": code.value, "display": code.meaning}] if system else []
    return clean({"coding": coding, "text": text or ("" if coding else code.meaning)})


def coding(system: str, code: str, display: str = "") -> Resource:
    """Return a Coding."""
    return clean({"system": system, "code": code, "display": display})


def quantity(figure: Quantity) -> Resource | None:
    """Return a Quantity with its UCUM unit, None for a value that is no number."""
    if not math.isfinite(figure.value):
        return None
    unit = unit_of(figure)
    return {"value": float(f"{figure.value:.9g}"), "unit": unit.meaning, "system": UCUM, "code": unit.value}


def uid(value: str, kind: str = "") -> Resource:
    """Return an identifier that is a DICOM UID; `kind` is a code of the mapping guide, such as "tracking-uid"."""
    told = {"coding": [coding(UID_TYPES, kind)]} if kind else None
    return clean({"type": told, "system": DICOM_UID, "value": f"urn:oid:{value}"})


def instant(text: str) -> str | None:
    """Return an ISO time as an instant, None for one without its offset: FHIR has no times of nowhere."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.isoformat(timespec="seconds") if moment.tzinfo is not None else None


def day(dicom: str) -> str | None:
    """Return a DICOM date (YYYYMMDD) as a FHIR date, None for anything else."""
    try:
        return datetime.strptime(dicom, "%Y%m%d").date().isoformat()
    except ValueError:
        return None


def url(case: Case, *parts: object) -> str:
    """Return the name of one resource in the bundle: the same parts give the same name."""
    return f"urn:uuid:{uuid5(NAMESPACE_OID, case.uid_of('fhir', *parts))}"


def refer(to: str, display: str = "") -> Resource:
    """Return a reference to a resource of the bundle by its name."""
    return clean({"reference": to, "display": display})


def clean(resource: Resource) -> Resource:
    """Return a resource without what FHIR forbids: nulls, empty texts, empty lists and empty objects."""
    return {key: one for key, one in ((key, _clean(one)) for key, one in resource.items()) if not _is_empty(one)}


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return clean(value)
    if isinstance(value, list):
        return [one for one in map(_clean, value) if not _is_empty(one)]
    return value.strip() if isinstance(value, str) else value


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str | list | dict) and not value)
