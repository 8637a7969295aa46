"""Synthetic studies with known content, written with pydicom and clean for dciodvfy.

`from phantoms import write_ct_series` works in every test. Each writer takes DICOM keywords as `**tags`; a callable
is called with the slice index (0-based, in order of position). A tag of None is left out of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)

CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
MR_STORAGE = "1.2.840.10008.5.1.4.1.1.4"
DX_STORAGE = "1.2.840.10008.5.1.4.1.1.1.1"
CR_STORAGE = "1.2.840.10008.5.1.4.1.1.1"

MARKER_IJK = (40, 12, 3)
"""Column, row and slice of the one brightest voxel of the CT and MR phantoms: off the centre on every axis."""

MARKER_HU = 2000

_DX_ONLY = (
    "PresentationIntentType",
    "DetectorType",
    "PositionerType",
    "AnatomicRegionSequence",
    "ImageLaterality",
    "ViewCodeSequence",
    "AcquisitionContextSequence",
    "PixelIntensityRelationship",
    "PixelIntensityRelationshipSign",
)

_VIEWS = {
    "PA": ("272479007", "postero-anterior"),
    "AP": ("399348003", "antero-posterior"),
    "LL": ("399067008", "lateral"),
}


def affine_lps(
    spacing: tuple[float, float, float], orientation: Sequence[float] = AXIAL, origin: Sequence[float] = (0, 0, 0)
) -> NDArray[np.float64]:
    """Return the (4, 4) affine of (column, row, slice) indices for spacing (column step, row step, slice step) mm."""
    row, column = np.array(orientation[:3], dtype=float), np.array(orientation[3:], dtype=float)
    affine = np.eye(4)
    steps = np.stack([row, column, np.cross(row, column)], axis=1)
    affine[:3, :3] = steps * np.array(spacing)
    affine[:3, 3] = origin
    return affine


def body_zyx(slices: int, rows: int, columns: int, *, low: int, step: int, high: int) -> NDArray[np.int16]:
    """Return int16 values: an ellipse of `low` + `step` per slice in a background of 0, and one voxel of `high`."""
    y, x = np.mgrid[0:rows, 0:columns]
    inside = ((x - columns / 2) / (0.45 * columns)) ** 2 + ((y - rows / 2) / (0.35 * rows)) ** 2 <= 1
    values = np.zeros((slices, rows, columns), np.int16)
    for index in range(slices):
        values[index][inside] = low + step * index
    i, j, k = MARKER_IJK
    if k < slices and j < rows and i < columns:
        values[k, j, i] = high
    return values


def save(
    dataset: Dataset, path: Path, tags: dict[str, object], index: int = 0, syntax: str = ExplicitVRLittleEndian
) -> Path:
    """Set the tags on the dataset and write it as a DICOM file with preamble and file meta information."""
    for keyword, value in tags.items():
        chosen = value(index) if isinstance(value, Callable) else value  # type: ignore[arg-type]
        if chosen is None:
            if keyword in dataset:
                del dataset[keyword]
        else:
            setattr(dataset, keyword, chosen)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def base(sop_class: str, modality: str, pixels: NDArray[np.integer], index: int) -> Dataset:
    """Return the modules every image has: patient, study, series, equipment, general image and pixels."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, generate_uid()
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Phantom^One", "PH-1", "19700101", "O"
    ds.PatientAge = "056Y"
    ds.StudyInstanceUID, ds.StudyID, ds.AccessionNumber = "1.2.826.0.1.3680043.8.498.1", "1", "A1"
    ds.StudyDate, ds.StudyTime, ds.StudyDescription = "20260102", "101112", "Phantom study"
    ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20260102"
    ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = "101112"
    ds.ReferringPhysicianName = ""
    ds.Modality, ds.SeriesNumber, ds.SeriesDescription = modality, 1, f"{modality} phantom"
    ds.Manufacturer, ds.ManufacturerModelName = "MedAssist tests", "Phantom"
    ds.DeviceSerialNumber, ds.SoftwareVersions = "1", "1"
    ds.InstanceNumber, ds.AcquisitionNumber = index + 1, 1
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated = 8 * pixels.dtype.itemsize
    ds.BitsStored = 16 if pixels.dtype.itemsize == 2 else 8
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    ds.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    return ds


def _place(
    ds: Dataset,
    affine: NDArray[np.float64],
    index: int,
    spacing: tuple[float, float, float],
    series_uid: str,
    frame: str,
) -> None:
    """Set the series and image plane modules of slice `index`."""
    ds.SeriesInstanceUID, ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = series_uid, frame, ""
    ds.PatientPosition = "HFS"
    row, column = affine[:3, 0] / spacing[0], affine[:3, 1] / spacing[1]
    ds.ImageOrientationPatient = [f"{value:.10g}" for value in (*row, *column)]
    position = affine[:3, 3] + index * affine[:3, 2]
    ds.ImagePositionPatient = [f"{value:.10g}" for value in position]
    ds.PixelSpacing = [spacing[1], spacing[0]]
    ds.SliceThickness, ds.SliceLocation = spacing[2], f"{position[2]:.10g}"


def write_ct_series(
    folder: Path,
    *,
    slices: int = 8,
    rows: int = 64,
    columns: int = 64,
    spacing: tuple[float, float, float] = (0.7, 0.7, 2.5),
    orientation: Sequence[float] = AXIAL,
    origin: Sequence[float] = (-22.05, -22.05, -10.0),
    values_hu: NDArray[np.integer] | None = None,
    syntax: str = ExplicitVRLittleEndian,
    **tags: object,
) -> list[Path]:
    """Write a regular CT series, one file per slice in order of position; values are HU (int16).

    `spacing` is (column step, row step, slice step) in mm, `origin` the centre of the first voxel (LPS). Without
    `values_hu` (slice, row, column) the body holds 40 + 10 k HU in slice k, air is -1000 HU, and the voxel
    `MARKER_IJK` is `MARKER_HU`. Stored values are HU + 1024, unsigned.
    """
    affine = affine_lps(spacing, orientation, origin)
    if values_hu is None:
        values_hu = body_zyx(slices, rows, columns, low=1040, step=10, high=MARKER_HU + 1000) - 1000
    series_uid, frame, paths = generate_uid(), generate_uid(), []
    for index, plane in enumerate(values_hu):
        ds = base(CT_STORAGE, "CT", (plane.astype(np.int32) + 1024).astype(np.uint16), index)
        _place(ds, affine, index, spacing, series_uid, frame)
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = -1024, 1, "HU"
        ds.WindowCenter, ds.WindowWidth = 40, 400
        ds.KVP, ds.BodyPartExamined = 120, "CHEST"
        paths.append(save(ds, folder / f"CT{index:04d}.dcm", tags, index, syntax))
    return paths


def write_mr_series(
    folder: Path,
    *,
    slices: int = 8,
    rows: int = 64,
    columns: int = 64,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    orientation: Sequence[float] = AXIAL,
    origin: Sequence[float] = (-32.0, -32.0, 0.0),
    values: NDArray[np.integer] | None = None,
    times: int = 1,
    syntax: str = ExplicitVRLittleEndian,
    **tags: object,
) -> list[Path]:
    """Write a regular MR series; with `times` > 1 each position holds that many time points, position by position.

    `values` are unsigned (slice, row, column); at time t each voxel holds its value + t. Without them the body holds
    100 + 10 k in slice k, the background 0, and the voxel `MARKER_IJK` 3000.
    """
    affine = affine_lps(spacing, orientation, origin)
    if values is None:
        values = body_zyx(slices, rows, columns, low=100, step=10, high=3000)
    series_uid, frame, paths = generate_uid(), generate_uid(), []
    for index, plane in enumerate(values):
        for time in range(times):
            ds = base(MR_STORAGE, "MR", (plane.astype(np.int32) + time).astype(np.uint16), index)
            _place(ds, affine, index, spacing, series_uid, frame)
            ds.InstanceNumber = time * len(values) + index + 1
            if times > 1:
                ds.TemporalPositionIdentifier, ds.NumberOfTemporalPositions = time + 1, times
                ds.TemporalResolution = 2000
            ds.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
            ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = "GR", "NONE", "", "3D"
            ds.RepetitionTime, ds.EchoTime, ds.EchoTrainLength, ds.FlipAngle = 2000, 3, 1, 8
            ds.MagneticFieldStrength, ds.BodyPartExamined = 3, "BRAIN"
            paths.append(save(ds, folder / f"MR{index:04d}_{time:03d}.dcm", tags, index, syntax))
    return paths


def _film_tags(ds: Dataset, body_part: str, view: str) -> None:
    ds.ImageType = ["ORIGINAL", "PRIMARY", ""]
    ds.BodyPartExamined, ds.ViewPosition, ds.PatientOrientation = body_part, view, ["L", "F"]
    ds.ImageLaterality, ds.BurnedInAnnotation, ds.LossyImageCompression = "U", "NO", "00"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "US"
    ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "LOG", -1
    ds.PresentationIntentType, ds.PresentationLUTShape = "FOR PRESENTATION", "IDENTITY"
    ds.DetectorType, ds.PositionerType, ds.AcquisitionContextSequence = "DIRECT", "NONE", []
    ds.WindowCenter, ds.WindowWidth = 2048, 4096
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "51185008", "SCT", "Chest"
    ds.AnatomicRegionSequence = [region]
    direction = Dataset()
    direction.CodingSchemeDesignator = "SCT"
    direction.CodeValue, direction.CodeMeaning = _VIEWS.get(view, _VIEWS["AP"])
    ds.ViewCodeSequence = [direction]


def write_film(
    folder: Path,
    *,
    photometric: str = "MONOCHROME2",
    body_part: str = "CHEST",
    view: str = "PA",
    modality: str = "DX",
    rows: int = 96,
    columns: int = 80,
    spacing: tuple[float, float] | None = (0.2, 0.2),
    imager_spacing: tuple[float, float] | None = (0.2, 0.2),
    values: NDArray[np.unsignedinteger] | None = None,
    **tags: object,
) -> Path:
    """Write one projection radiograph (modality DX or CR), unsigned 12 of 16 bits.

    Stored values grow with the column from 0 to 4000 and the pixel (column 60, row 20) is 4095. `spacing` and
    `imager_spacing` are (row step, column step) in mm as DICOM stores them; None leaves the tag out.
    """
    if values is None:
        values = np.tile(np.linspace(0, 4000, columns).astype(np.uint16), (rows, 1))
        values[20, 60] = 4095
    ds = base(DX_STORAGE if modality == "DX" else CR_STORAGE, modality, values, 0)
    ds.SeriesInstanceUID = generate_uid()
    ds.BitsStored, ds.HighBit = 12, 11
    _film_tags(ds, body_part, view)
    if modality == "CR":
        for keyword in _DX_ONLY:
            delattr(ds, keyword)
    if photometric == "MONOCHROME1":
        ds.PresentationLUTShape = "INVERSE"
        if modality == "DX":
            ds.PixelIntensityRelationshipSign = 1
    ds.PhotometricInterpretation = photometric
    if imager_spacing:
        ds.ImagerPixelSpacing = list(imager_spacing)
    if spacing:
        ds.PixelSpacing = list(spacing)
    return save(ds, folder / f"{modality}0001.dcm", tags)
