"""Source headers made fit for derived objects, and the place of every slice as highdicom speaks it."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medassist.entities.volume import Volume
from medassist.report.case import Case
from medassist.report.quiet import quietly

if TYPE_CHECKING:
    from highdicom import PixelMeasuresSequence, PlaneOrientationSequence, PlanePositionSequence
    from pydicom import DataElement, Dataset

TYPE_2 = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PositionReferenceIndicator",
)

_METHODS = ("DeidentificationMethod", "DeidentificationMethodCodeSequence")

_CHECKED_VRS = ("DA", "TM", "DT", "AS", "DS", "IS", "CS", "UI")
_TEXT_VRS = ("PN", "LO", "SH", "ST", "LT", "UT")

# ISO 2022 IR 58 announces GB2312 with ESC $ ) A; pydicom leaves that in the text and would write it back.
_LEFTOVER_ESCAPE = re.compile(r"\x1b\$\)A")


def has_dicom_sources(case: Case) -> bool:
    """Tell whether derived DICOM objects can point at their sources."""
    return case.series.format == "DICOM"


def source_headers(case: Case, *, placed: bool = True) -> list[Dataset]:
    """Return complete headers of the first time point: one per slice, or one multi-frame header.

    The copies have every type 2 attribute, only valid values and text in UTF-8. With `placed` they also have a frame
    of reference, position and spacing for derived images, made from the grid of the series where the source has none.
    """
    from medassist.imaging.headers import read_headers

    first_time = read_headers(case.series)[:: case.series.times]
    unique = {str(header.SOPInstanceUID): header for header in first_time}
    headers = [_valid_copy(header) for header in unique.values()]
    for header in headers:
        _complete(header)
        if placed:
            _place(header, case)
    return headers


def _complete(ds: Dataset) -> None:
    for keyword in TYPE_2:
        if keyword not in ds:
            setattr(ds, keyword, "")
    if ds.get("PatientIdentityRemoved") == "YES" and not any(keyword in ds for keyword in _METHODS):
        ds.DeidentificationMethod = "Not stated by the source"
    ds.SpecificCharacterSet = "ISO_IR 192"


def _place(ds: Dataset, case: Case) -> None:
    if "PerFrameFunctionalGroupsSequence" in ds:
        _share_plane(ds, case)
    else:
        _place_single_frame(ds, case)


def _valid_copy(header: Dataset) -> Dataset:
    """Return a shallow copy without empty and invalid values: they would be errors in every derived object."""
    from pydicom import DataElement

    ds = copy.copy(header)
    with quietly():
        for tag in list(ds.keys()):
            element = ds[tag]
            if element.is_empty or (element.VR in _CHECKED_VRS and not _is_valid(element)):
                del ds[tag]
            elif element.VR in _TEXT_VRS and _LEFTOVER_ESCAPE.search(str(element.value)):
                ds[tag] = DataElement(element.tag, element.VR, _LEFTOVER_ESCAPE.sub("", str(element.value)))
    return ds


def _is_valid(element: DataElement) -> bool:
    from pydicom.multival import MultiValue
    from pydicom.valuerep import validate_value

    values = element.value if isinstance(element.value, MultiValue) else [element.value]
    try:
        for value in values:
            text = str(value) if value is not None else ""
            validate_value(element.VR, text, validation_mode=2)
    except ValueError:
        return False
    return element.keyword != "PatientSex" or element.value in ("", "M", "F", "O", None)


def _place_single_frame(ds: Dataset, case: Case) -> None:
    """Give the header what places its frame; a film gets a frame of reference of its own, equal on every run."""
    from pydicom.uid import generate_uid

    spacing = case.volume.geometry.spacing_mm
    if "NumberOfFrames" in ds:
        del ds.NumberOfFrames  # a cine without functional groups: every frame has the one place the header can say
    if "FrameOfReferenceUID" not in ds or "ImagePositionPatient" not in ds or "ImageOrientationPatient" not in ds:
        index = next((n for n, one in enumerate(case.series.frames) if one.sop_instance_uid == ds.SOPInstanceUID), 0)
        ds.FrameOfReferenceUID = generate_uid(entropy_srcs=["medassist frame", str(ds.SeriesInstanceUID)])
        ds.ImagePositionPatient = _decimal(slice_origins(case.volume)[index // case.series.times])
        ds.ImageOrientationPatient = orientation(case.volume)
    if "SliceThickness" not in ds or not ds.SliceThickness:
        ds.SliceThickness = _decimal([spacing[2]])[0]
    if not _positive(ds.get("PixelSpacing")):
        ds.PixelSpacing = _decimal([spacing[1], spacing[0]])


def _positive(spacing: Sequence[float] | None) -> bool:
    return spacing is not None and len(spacing) == 2 and min(float(value) for value in spacing) > 0


def _share_plane(ds: Dataset, case: Case) -> None:
    """Give a multi-frame header one shared orientation and spacing, as highdicom expects them."""
    plane = placement(case)
    shared = copy.copy(ds.SharedFunctionalGroupsSequence[0])
    if "PlaneOrientationSequence" not in shared:
        shared.PlaneOrientationSequence = plane.orientation
    if "PixelMeasuresSequence" not in shared:
        shared.PixelMeasuresSequence = plane.measures
    ds.SharedFunctionalGroupsSequence = [shared]
    if "FrameOfReferenceUID" not in ds:
        ds.FrameOfReferenceUID = case.volume.geometry.frame_of_reference_uid


def point_at_source_frames(ds: Dataset, case: Case) -> None:
    """Make every frame of a derived image name the one frame it was computed from, inside a multi-frame source.

    highdicom finds sources by position, but parts and time points of one file may share positions.
    """
    if not any(frame.frame for frame in case.series.frames):
        return
    numbers = [frame.frame + 1 for frame in case.series.frames[:: case.series.times]]
    for item in ds.PerFrameFunctionalGroupsSequence:
        position = [float(value) for value in item.PlanePositionSequence[0].ImagePositionPatient]
        index = round(float(case.volume.geometry.to_index(position)[2]))
        for derivation in item.get("DerivationImageSequence", []):
            source = derivation.SourceImageSequence[0]
            source.ReferencedFrameNumber = numbers[index]
            derivation.SourceImageSequence = [source]


@dataclass(frozen=True)
class Placement:
    """Where the slices of a volume lie, as highdicom sequences."""

    positions: list[PlanePositionSequence]
    orientation: PlaneOrientationSequence
    measures: PixelMeasuresSequence


def placement(case: Case) -> Placement:
    """Return the place of every slice of the volume; the distance between slices only where it is one."""
    import highdicom as hd

    volume = case.volume
    across, down, through = volume.geometry.spacing_mm
    measures = hd.PixelMeasuresSequence(
        pixel_spacing=_decimal([down, across]),
        slice_thickness=_decimal([through])[0],
        spacing_between_slices=_decimal([through])[0] if volume.is_regular else None,
    )
    return Placement(
        [hd.PlanePositionSequence("PATIENT", _decimal(origin)) for origin in slice_origins(volume)],
        hd.PlaneOrientationSequence("PATIENT", orientation(volume)),
        measures,
    )


def orientation(volume: Volume) -> list[float]:
    """Return ImageOrientationPatient: where columns and rows grow."""
    directions = volume.geometry.directions_lps
    return _decimal([*directions[:, 0], *directions[:, 1]])


def slice_origins(volume: Volume) -> list[list[float]]:
    """Return the centre of the first voxel of each slice (LPS mm)."""
    if volume.slice_origins_lps is not None and not volume.is_regular:
        return [[float(value) for value in origin] for origin in volume.slice_origins_lps]
    depth = volume.geometry.shape_zyx[0]
    return [[float(value) for value in volume.geometry.to_world([0, 0, k])] for k in range(depth)]


def _decimal(values: object) -> list[float]:
    """Round to what a decimal string of 16 characters holds, far below any scanner's precision."""
    return [float(f"{value:.9g}") + 0.0 for value in np.asarray(values, dtype=np.float64).tolist()]
