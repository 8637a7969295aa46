"""Findings as a DICOM Comprehensive 3D SR, template TID 1500 "Measurement Report", by highdicom.

A report is PRELIMINARY and UNVERIFIED until the reader settled every finding. Then it is FINAL, and VERIFIED when the
reader gave a name, because DICOM records who verified and an anonymous verification means nothing. Rejected findings
stay in the report with their verdict: what a model claimed is not taken back, it is answered.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medassist.entities.prediction import ModelRef
from medassist.imaging.quiet import quietly
from medassist.report import pm, seg
from medassist.report.case import Case
from medassist.report.dicom_objects import reference, save, series_arguments, set_time
from medassist.report.identity import MANUFACTURER, RESEARCH_USE, device_uid
from medassist.report.sources import has_dicom_sources, source_headers
from medassist.report.sr_groups import comment, group

if TYPE_CHECKING:
    from highdicom.sr import Comprehensive3DSR, MeasurementReport, ObservationContext, ObserverContext
    from pydicom import Dataset


@quietly()
def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write sr.dcm; nothing without findings and for sources that are not DICOM."""
    if not has_dicom_sources(case) or not case.findings:
        return ()
    return (save(build(case), folder / "sr.dcm"),)


def build(case: Case) -> Comprehensive3DSR:
    """Build the document: one measurement group per finding, the notice as comment, every image as evidence."""
    import highdicom as hd

    headers = source_headers(case, placed=False)
    organization = str(headers[0].get("InstitutionName") or "not stated")
    document = hd.sr.Comprehensive3DSR(
        evidence=[*headers, *_derived(case)],
        content=_content(case, headers),
        is_complete=True,
        is_final=case.is_judged,
        is_verified=case.is_verified,
        verifying_observer_name=_person_name(case.reader) if case.is_verified else None,
        verifying_organization=organization if case.is_verified else None,
        **series_arguments(case, "sr"),
    )
    set_time(document, case.prediction.started if case.prediction else case.created)
    _name_the_model_as_maker(document, case)
    return document


def _name_the_model_as_maker(document: Dataset, case: Case) -> None:
    """Set model name and version of the equipment to those of the algorithm, as IHE AI Results demands."""
    if case.models:
        document.ManufacturerModelName = case.models[0].name
        document.SoftwareVersions = case.models[0].version


def _content(case: Case, headers: list[Dataset]) -> MeasurementReport:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    report = hd.sr.MeasurementReport(
        observation_context=_observers(case),
        procedure_reported=codes.SCT.ImagingProcedure,
        imaging_measurements=[group(case, finding, headers) for finding in case.findings],
        referenced_images=_key_images(case, headers),
    )
    report[0].ContentSequence.append(comment(RESEARCH_USE))
    return report


def _key_images(case: Case, headers: list[Dataset]) -> list[Dataset] | None:
    """Return the headers of the key slices that can be listed in the image library, None when there are none.

    Not all slices: each image listed makes the document longer and slower to open.
    """
    if len(headers) == case.volume.geometry.shape_zyx[0] > 1:
        slices = {one.key_slice for one in case.findings if one.key_slice is not None} or {len(headers) // 2}
        headers = [headers[index] for index in sorted(slices)]
    return [header for header in headers if _fits_image_library(header)] or None


def _fits_image_library(header: Dataset) -> bool:
    """Tell whether a header has what TID 1603 (projection) or TID 1604 (cross-sectional) entries say."""
    projection = ("PatientOrientation", "ImagerPixelSpacing")
    sectional = ("PixelSpacing", "SliceThickness", "ImagePositionPatient", "ImageOrientationPatient")
    needed = sectional if header.Modality in ("CT", "MR", "PT") else projection
    return all(header.get(keyword) for keyword in needed)


def _observers(case: Case) -> ObservationContext:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    person = None
    if case.reader.strip():
        attributes = hd.sr.PersonObserverIdentifyingAttributes(name=_person_name(case.reader))
        person = hd.sr.ObserverContext(codes.DCM.Person, attributes)
    device = _device(case.models[0]) if case.models else None
    return hd.sr.ObservationContext(observer_person_context=person, observer_device_context=device)


def _device(model: ModelRef) -> ObserverContext:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    attributes = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=device_uid(model), manufacturer_name=MANUFACTURER, model_name=model.name
    )
    return hd.sr.ObserverContext(codes.DCM.Device, attributes)


def _person_name(name: str) -> str:
    """Return a typed name as a DICOM person name: "Jane Doe" has its family name last, "Doe^Jane" is one already."""
    given, _, family = name.strip().rpartition(" ")
    return name.strip() if "^" in name or not given else f"{family}^{given}"


def _derived(case: Case) -> list[Dataset]:
    """Return references to the masks and maps of the same report."""
    masks = [
        reference(case, "seg", seg.sop_class(mask), index + 1)
        for index, (_, mask) in enumerate(case.masks)
        if seg.written_segments(mask)
    ]
    maps = [reference(case, "pm", pm.PARAMETRIC_MAP_STORAGE, index + 1) for index in range(len(case.heatmaps))]
    return masks + maps
