"""Source headers made fit for derived objects, or the reason why there can be none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from medassist.entities.study import Warned, warned
from medassist.imaging.quiet import quietly
from medassist.report.case import Case
from medassist.report.placement import decimal, orientation, placement, slice_origins

if TYPE_CHECKING:
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

_IDENTIFIERS = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "Modality")

_OF_A_SLICE = (
    *_IDENTIFIERS,
    "FrameOfReferenceUID",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "Rows",
    "Columns",
    "ImageType",
)
"""What a derived image takes of each slice; patient, study and equipment it takes of the first one alone."""

_METHODS = ("DeidentificationMethod", "DeidentificationMethodCodeSequence")

_CHECKED_VRS = ("DA", "TM", "DT", "AS", "DS", "IS", "CS", "UI")
_TEXT_VRS = ("PN", "LO", "SH", "ST", "LT", "UT")

# ISO 2022 IR 58 announces GB2312 with ESC $ ) A; pydicom leaves that in the text and would write it back.
_made: WeakKeyDictionary[Case, dict[bool, list[Dataset]]] = WeakKeyDictionary()

_LEFTOVER_ESCAPE = re.compile(r"\x1b\$\)A")


def dicom_obstacle(case: Case) -> Warned | None:
    """Return why no derived DICOM object can point at the source, None when one can."""
    from pydicom.uid import UID

    if case.series.format != "DICOM":
        return warned(
            "The input is {format}, not DICOM: no DICOM objects (segmentation, parametric map, structured report) "
            "were written.",
            format=case.series.format,
        )
    header = _first_header(case)
    missing = [keyword for keyword in _IDENTIFIERS if not header.get(keyword)]
    if missing:
        return warned(
            "The source has no {keywords}: no DICOM object can point at it, so none was written.",
            keywords=", ".join(missing),
        )
    kind = UID(header.SOPClassUID)
    if kind.type != "SOP Class" or kind.is_retired:
        return warned(
            "The source is of a retired or unknown kind of DICOM image ({uid}): no DICOM objects were written.",
            uid=kind,
        )
    return None


def has_dicom_sources(case: Case) -> bool:
    """Tell whether derived DICOM objects can point at their sources."""
    return dicom_obstacle(case) is None


def _first_header(case: Case) -> Dataset:
    from medassist.imaging.headers import read_headers

    return _valid_copy(read_headers(replace(case.series, frames=case.series.frames[:1]))[0])


def source_headers(case: Case, *, placed: bool = True) -> list[Dataset]:
    """Return complete headers of the first time point: one per slice, or one multi-frame header.

    The copies have every type 2 attribute, only valid values and text in UTF-8. With `placed` they also have a frame
    of reference, position and spacing for derived images, made from the grid of the series where the source has none;
    those after the first then hold no more than the place of their slice. Remembered as long as the case lives, as
    every object of a report asks; nobody may change them.
    """
    made = _made.setdefault(case, {})
    if placed not in made:
        made[placed] = _read(case, placed=placed)
    return made[placed]


def _read(case: Case, *, placed: bool) -> list[Dataset]:
    from medassist.imaging.headers import read_headers

    first_time = read_headers(case.series)[:: case.series.times]
    unique = {str(header.SOPInstanceUID): header for header in first_time}
    headers = [
        _valid_copy(header if number == 0 or not placed else _of_a_slice(header))
        for number, header in enumerate(unique.values())
    ]
    for number, header in enumerate(headers):
        if number == 0 or not placed:
            _complete(header)
        if placed:
            _place(header, case, alone=len(headers) == 1)
    return headers


def _of_a_slice(header: Dataset) -> Dataset:
    from pydicom import Dataset

    from medassist.imaging.tags import tag_of

    ds = Dataset()
    for tag in map(tag_of, _OF_A_SLICE):
        if tag in header:
            ds[tag] = header[tag]
    return ds


def _complete(ds: Dataset) -> None:
    for keyword in TYPE_2:
        if keyword not in ds:
            setattr(ds, keyword, "")
    if ds.get("PatientIdentityRemoved") == "YES" and not any(keyword in ds for keyword in _METHODS):
        ds.DeidentificationMethod = "Not stated by the source"
    ds.SpecificCharacterSet = "ISO_IR 192"


def _place(ds: Dataset, case: Case, *, alone: bool) -> None:
    frames = ds.get("PerFrameFunctionalGroupsSequence") or []
    if frames and all("PlanePositionSequence" in frame for frame in frames):
        _share_plane(ds, case)
        return
    _place_single_frame(ds, case)
    if alone:
        _place_frames(ds, case)


def _valid_copy(header: Dataset) -> Dataset:
    """Return a new data set without empty and invalid values: they would be errors in every derived object."""
    from pydicom import DataElement, Dataset

    ds = Dataset()
    with quietly():
        for element in header:
            if element.is_empty or (element.VR in _CHECKED_VRS and not _is_valid(element)):
                continue
            has_escape = element.VR in _TEXT_VRS and _LEFTOVER_ESCAPE.search(str(element.value))
            text = _LEFTOVER_ESCAPE.sub("", str(element.value)) if has_escape else ""
            ds[element.tag] = DataElement(element.tag, element.VR, text) if has_escape else element
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
    """Give the header what places its frame; a film gets a frame of reference of its own.

    Numbers that are longer than a decimal string may be are not copied; the grid of the series knows what they say.
    """
    spacing = case.volume.geometry.spacing_mm
    if "FrameOfReferenceUID" not in ds or "ImagePositionPatient" not in ds or "ImageOrientationPatient" not in ds:
        index = next((n for n, one in enumerate(case.series.frames) if one.sop_instance_uid == ds.SOPInstanceUID), 0)
        ds.FrameOfReferenceUID = case.volume.geometry.frame_of_reference_uid or _own_frame(ds)
        ds.ImagePositionPatient = decimal(slice_origins(case.volume)[index // case.series.times])
        ds.ImageOrientationPatient = orientation(case.volume)
    if "SliceThickness" not in ds or not ds.SliceThickness:
        ds.SliceThickness = decimal([spacing[2]])[0]
    if not _positive(ds.get("PixelSpacing")):
        ds.PixelSpacing = decimal([spacing[1], spacing[0]])


def _positive(spacing: Sequence[float] | None) -> bool:
    return spacing is not None and len(spacing) == 2 and min(float(value) for value in spacing) > 0


def _share_plane(ds: Dataset, case: Case) -> None:
    """Give a multi-frame header one shared orientation and spacing, as highdicom expects them."""
    from pydicom import Dataset

    plane = placement(case)
    shared = Dataset()
    for element in next(iter(ds.get("SharedFunctionalGroupsSequence") or ()), ()):
        shared[element.tag] = element
    if "PlaneOrientationSequence" not in shared:
        shared.PlaneOrientationSequence = plane.orientation
    if "PixelMeasuresSequence" not in shared:
        shared.PixelMeasuresSequence = plane.measures
    ds.SharedFunctionalGroupsSequence = [shared]
    if "FrameOfReferenceUID" not in ds:
        ds.FrameOfReferenceUID = _own_frame(ds)


def _place_frames(ds: Dataset, case: Case) -> None:
    """Give the frames of a file without functional groups (a cine, a capture) the place the volume gave them."""
    from pydicom import Dataset

    plane = placement(case)
    slice_of = {frame.frame: k for k, frame in enumerate(case.series.frames[:: case.series.times])}
    items = []
    for number in range(int(ds.get("NumberOfFrames") or 1)):
        item = Dataset()
        item.PlanePositionSequence = plane.positions[slice_of.get(number, 0)]
        items.append(item)
    ds.NumberOfFrames = len(items)
    ds.PerFrameFunctionalGroupsSequence = items
    _share_plane(ds, case)


def _own_frame(ds: Dataset) -> str:
    """Return a frame of reference for a series that has none, equal on every run and shared with nothing else."""
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=["medassist frame", str(ds.SeriesInstanceUID)]))
