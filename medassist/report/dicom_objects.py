"""What every derived DICOM object of a report has in common: series, time, equipment and the way it is saved."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import medassist
from medassist.entities.study import Series
from medassist.imaging.objects.spoken_codes import SCHEME
from medassist.report.case import Case
from medassist.report.identity import MANUFACTURER, contributing_equipment, version

if TYPE_CHECKING:
    from highdicom.coding_schemes import CodingSchemeIdentificationItem
    from pydicom import Dataset

UNPAIRED_BODY_PARTS = (
    "ABDOMEN ABDOMENPELVIS AORTA BACK BLADDER BRAIN CEREBELLUM CERVIX CHEST CHESTABDOMEN CHESTABDPELVIS COCCYX COLON "
    "CSPINE CTSPINE ESOPHAGUS FACE GALLBLADDER HEAD HEADNECK HEART ILIUM JAW LARYNX LIVER LSPINE LSSPINE MAXILLA "
    "MEDIASTINUM MOUTH NECK NECKCHEST NOSE PANCREAS PELVIS PENIS PROSTATE RECTUM SCALP SKULL SPINE SPLEEN SSPINE "
    "STERNUM STOMACH THYMUS THYROID TLSPINE TONGUE TRACHEA TSPINE UTERUS VAGINA WHOLEBODY"
)
"""Values of BodyPartExamined (PS3.16 annex L) that have no side."""

SERIES_NUMBERS = {"seg": 9001, "pm": 9002, "sr": 9003, "probability": 9008}


def series_arguments(case: Case, kind: str, instance: int = 1) -> dict[str, Any]:
    """Return the constructor arguments that name series, instance and maker of one object of the report."""
    return {
        "series_instance_uid": case.uid_of(kind, "series"),
        "series_number": SERIES_NUMBERS[kind],
        "sop_instance_uid": case.uid_of(kind, "instance", instance),
        "instance_number": instance,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MANUFACTURER,
        "software_versions": version(),
        "device_serial_number": version(),
        "specific_character_set": "ISO_IR 192",
        "series_description": series_description(case),
        "contributing_equipment": contributing_equipment(case),
        "coding_schemes": [_own_scheme()],
    }


def _own_scheme() -> CodingSchemeIdentificationItem:
    from highdicom.coding_schemes import CodingSchemeIdentificationItem

    return CodingSchemeIdentificationItem(
        designator=SCHEME,
        name="MedAssist private codes",
        version=version(),
        responsible_organization=MANUFACTURER,
    )


def series_description(case: Case) -> str:
    """Return the description of the series: where from, how settled, what for (LO, 64 characters)."""
    state = "verified" if case.is_verified else "reviewed" if case.is_judged else "AI, unverified"
    return f"MedAssist ({state}): {medassist.RESEARCH_USE_NOTICE.lower()}"[:64]


def set_time(ds: Dataset, started: str) -> None:
    """Set the start of the analysis (ISO) as content time, as IHE AI Results wants it."""
    moment = datetime.fromisoformat(started)
    ds.ContentDate, ds.ContentTime = moment.strftime("%Y%m%d"), moment.strftime("%H%M%S")


def set_body_part(ds: Dataset, header: Dataset) -> None:
    """Copy the body part of the source to a derived image."""
    if header.get("BodyPartExamined"):
        ds.BodyPartExamined = header.BodyPartExamined


def set_side(ds: Dataset, header: Dataset) -> None:
    """Set Laterality as type 2C wants it: absent for unpaired body parts, else the side of the source or empty.

    Not for segmentations: their segments say the side themselves.
    """
    if header.get("BodyPartExamined") not in UNPAIRED_BODY_PARTS.split():
        side = header.get("Laterality") or header.get("ImageLaterality")
        ds.Laterality = side if side in ("L", "R") else ""


def save(ds: Dataset, path: Path) -> Path:
    """Write a data set as a DICOM file with preamble and file meta information."""
    ds.save_as(path, enforce_file_format=True)
    return path


def reference(case: Case, kind: str, sop_class_uid: str, instance: int = 1) -> Dataset:
    """Return the identifiers of an object of this report, for those that point at it."""
    ds = identifiers(case.series, sop_class_uid, case.uid_of(kind, "instance", instance))
    ds.SeriesInstanceUID = case.uid_of(kind, "series")
    return ds


def identifiers(series: Series, sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    """Return the identifiers of one instance of a series."""
    from pydicom import Dataset

    ds = Dataset()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = series.study_uid, series.series_uid
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class_uid, sop_instance_uid
    return ds
