"""The PDF of the report as a DICOM Encapsulated PDF (PS3.3 A.45.1), so that it is stored with the study."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from medassist.entities.prediction import Code
from medassist.imaging.quiet import quietly
from medassist.report.case import Case
from medassist.report.companions import arguments, pictures, started
from medassist.report.dicom_objects import save, set_time
from medassist.report.identity import concept
from medassist.report.sources import TYPE_2, has_dicom_sources
from medassist.report.wording import Wording

if TYPE_CHECKING:
    from pydicom import Dataset

STORAGE = "1.2.840.10008.5.1.4.1.1.104.1"
REPORT = "report.pdf"
TITLE = Code("18748-4", "LN", "Diagnostic Imaging Report")

_ASKED = ("StudyInstanceUID", *(one for one in TYPE_2 if one != "PositionReferenceIndicator"))
_COPIED = ("PatientAge", "PatientSize", "PatientWeight", "StudyDescription", "PatientComments",
           "IssuerOfPatientID", "EthnicGroup", "PatientIdentityRemoved", "DeidentificationMethod",
           "DeidentificationMethodCodeSequence")  # fmt: skip


@quietly()
def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write report.dcm around the report.pdf that lies in `folder`; nothing for sources that are not DICOM."""
    if not has_dicom_sources(case):
        return ()
    return (save(build(case, (folder / REPORT).read_bytes(), _made_from(folder)), folder / "report.dcm"),)


def build(case: Case, pdf: bytes, made_from: list[Dataset]) -> Dataset:
    """Build the object; `made_from` are the objects of the same report that hold what it tells."""
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    headers = pictures(case)
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SpecificCharacterSet = STORAGE, "ISO_IR 192"
    for keyword in _ASKED:
        setattr(ds, keyword, headers[0].get(keyword, ""))
    for keyword in _COPIED:
        if keyword in headers[0]:
            ds[keyword] = headers[0][keyword]
    _name_series(ds, case)
    _tell(ds, case, pdf)
    ds.SourceInstanceSequence = [_reference(one) for one in made_from or headers[:1]]
    return ds


def _name_series(ds: Dataset, case: Case) -> None:
    told = arguments(case, "epdf")
    ds.Modality, ds.ConversionType = "DOC", "WSD"
    ds.SeriesInstanceUID, ds.SeriesNumber = told["series_instance_uid"], told["series_number"]
    ds.SeriesDescription = told["series_description"]
    ds.SOPInstanceUID, ds.InstanceNumber = told["sop_instance_uid"], told["instance_number"]
    ds.Manufacturer, ds.ManufacturerModelName = told["manufacturer"], told["manufacturer_model_name"]
    ds.DeviceSerialNumber, ds.SoftwareVersions = told["device_serial_number"], told["software_versions"]
    if told["contributing_equipment"]:
        ds.ContributingEquipmentSequence = told["contributing_equipment"]


def _tell(ds: Dataset, case: Case, pdf: bytes) -> None:
    began = started(case)
    set_time(ds, began)
    ds.AcquisitionDateTime = datetime.fromisoformat(began).strftime("%Y%m%d%H%M%S")
    ds.BurnedInAnnotation, ds.MIMETypeOfEncapsulatedDocument = "YES", "application/pdf"
    ds.DocumentTitle = Wording(case.language).tr("Imaging AI report")
    ds.VerificationFlag = "VERIFIED" if case.is_verified else "UNVERIFIED"
    ds.ConceptNameCodeSequence = [concept(TITLE)]
    ds.EncapsulatedDocumentLength = len(pdf)
    ds.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)


def _made_from(folder: Path) -> list[Dataset]:
    """Return the identifiers of report, masks and maps in the folder."""
    from pydicom import dcmread

    names = sorted(path for start in ("sr", "seg", "heatmap") for path in folder.glob(f"{start}*.dcm"))
    return [dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID", "SOPInstanceUID"]) for path in names]


def _reference(of: Dataset) -> Dataset:
    from pydicom import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = of.SOPClassUID, of.SOPInstanceUID
    return item
