"""Findings as a DICOM Comprehensive 3D SR, template TID 1500 "Measurement Report", by highdicom.

A report is PRELIMINARY and UNVERIFIED until the reader settled every finding. Then it is FINAL, and VERIFIED when the
reader gave a name, because DICOM records who verified and an anonymous verification means nothing. What the reader
rejected is left out, as few systems read a private verdict: there a rejected finding would look like any other. The
document says how many were left out; whoever asks for them (`Case.with_rejected`) gets them with their verdict.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medassist.entities.measurement import Measurement
from medassist.imaging.quiet import quietly
from medassist.report import pm, seg
from medassist.report.case import Case
from medassist.report.dicom_objects import identifiers, reference, save, series_arguments, set_time
from medassist.report.identity import RESEARCH_USE
from medassist.report.seg_parts import parts
from medassist.report.sources import has_dicom_sources, source_headers
from medassist.report.sr_groups import drawing_group, group
from medassist.report.sr_observers import observers, person_name
from medassist.report.sr_places import slice_of
from medassist.report.sr_remarks import comment

if TYPE_CHECKING:
    from highdicom.sr import Comprehensive3DSR, MeasurementReport
    from pydicom import Dataset

LEFT_OUT = "{count} findings of the model were rejected by the reader and are not in this document."


@quietly()
def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write sr.dcm; nothing without findings and drawings, and for sources that are not DICOM."""
    if not has_dicom_sources(case) or not (case.told_findings or _drawings(case)):
        return ()
    return (save(build(case), folder / "sr.dcm"),)


def build(case: Case) -> Comprehensive3DSR:
    """Build the document: a group per finding and drawing, the notice as comment, the images as evidence."""
    import highdicom as hd

    headers = source_headers(case, placed=False)
    organization = str(headers[0].get("InstitutionName") or "not stated")
    document = hd.sr.Comprehensive3DSR(
        evidence=[*headers, *_other_times(case, headers), *_derived(case)],
        content=_content(case, headers),
        is_complete=True,
        is_final=case.is_judged,
        is_verified=case.is_verified,
        verifying_observer_name=person_name(case.reader) if case.is_verified else None,
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
        observation_context=observers(case),
        procedure_reported=codes.SCT.ImagingProcedure,
        imaging_measurements=[
            *(group(case, finding, headers) for finding in case.told_findings),
            *(drawing_group(case, drawing, headers) for drawing in _drawings(case)),
        ],
        referenced_images=_key_images(case, headers),
    )
    rejected = len(case.findings) - len(case.told_findings)
    if rejected:
        report[0].ContentSequence.append(comment(LEFT_OUT.format(count=rejected)))
    report[0].ContentSequence.append(comment(RESEARCH_USE))
    return report


def _drawings(case: Case) -> list[Measurement]:
    """Return the drawings with figures that no finding was made of; arrows and words are for presentation states."""
    made = {finding.measurement_uid for finding in case.findings}
    return [one for one in case.measurements if one.uid not in made and one.quantities]


def _key_images(case: Case, headers: list[Dataset]) -> list[Dataset] | None:
    """Return the headers of the key slices that can be listed in the image library, None when there are none.

    Not all slices: each image listed makes the document longer and slower to open.
    """
    if len(headers) == case.volume.geometry.shape_zyx[0] > 1:
        slices = {one.key_slice for one in case.told_findings if one.key_slice is not None}
        slices = slices | {slice_of(case, one) for one in _drawings(case)} or {len(headers) // 2}
        headers = [headers[index] for index in sorted(slices)]
    return [header for header in headers if _fits_image_library(header)] or None


def _fits_image_library(header: Dataset) -> bool:
    """Tell whether a header has what TID 1603 (projection) or TID 1604 (cross-sectional) entries say."""
    projection = ("PatientOrientation", "ImagerPixelSpacing")
    sectional = ("PixelSpacing", "SliceThickness", "ImagePositionPatient", "ImageOrientationPatient")
    needed = sectional if header.Modality in ("CT", "MR", "PT") else projection
    return all(header.get(keyword) for keyword in needed)


def _other_times(case: Case, headers: list[Dataset]) -> list[Dataset]:
    """Return the images of other time points that drawings lie on, as references."""
    listed = {str(header.SOPInstanceUID) for header in headers}
    found = {}
    for one in case.measurements:
        frame = case.series.frames[slice_of(case, one) * case.series.times + one.time]
        if frame.sop_instance_uid and frame.sop_instance_uid not in listed:
            found[frame.sop_instance_uid] = identifiers(case.series, headers[0].SOPClassUID, frame.sop_instance_uid)
    return list(found.values())


def _derived(case: Case) -> list[Dataset]:
    """Return references to the masks and maps of the same report."""
    masks = [
        reference(case, "seg", seg.sop_class(case, *pair), index + 1)
        for index, pair in enumerate(case.masks)
        if parts(case, *pair)
    ]
    maps = [
        reference(case, "pm", pm.PARAMETRIC_MAP_STORAGE, index + 1)
        for index, heatmap in enumerate(case.heatmaps)
        if pm.is_told(case, heatmap)
    ]
    return masks + maps
