"""Series to open: a synthetic CT in three transfer syntaxes, a folder of many series, and the real series at hand."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, generate_uid

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "dicom"
_CT = "1.2.840.10008.5.1.4.1.1.2"


def _slice(values: NDArray[np.int16], index: int, uids: tuple[str, str, str], series: int) -> Dataset:
    """Return one slice with the attributes a scanner writes; `uids` are study, series and frame of reference."""
    ds = Dataset()
    ds.SpecificCharacterSet, ds.ImageType = "ISO_IR 192", ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SOPClassUID, ds.SOPInstanceUID = _CT, generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = uids
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20260102"
    ds.StudyTime = ds.SeriesTime = "101112"
    ds.AcquisitionTime = ds.ContentTime = f"1011{index % 60:02d}.{index:06d}"
    ds.AccessionNumber, ds.Modality, ds.Manufacturer = "A1", "CT", "MedAssist"
    ds.InstitutionName, ds.StationName, ds.ManufacturerModelName = "Benchmark", "CT1", "Synthetic"
    ds.StudyDescription, ds.SeriesDescription, ds.BodyPartExamined = "Chest", f"Series {series}", "CHEST"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Synthetic^Case", "B1", "19700101", "O"
    ds.PatientAge, ds.PatientWeight, ds.PatientPosition, ds.StudyID = "056Y", 70, "HFS", "1"
    ds.KVP, ds.SliceThickness, ds.ConvolutionKernel, ds.XRayTubeCurrent = 120, 1.0, "B30f", 200
    ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = series, 1, index + 1
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [-180.0, -180.0, -200.0 + index], [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.SliceLocation, ds.PositionReferenceIndicator = [0.7, 0.7], -200.0 + index, ""
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = values.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = -1024, 1, "HU"
    ds.WindowCenter, ds.WindowWidth = 40, 400
    ds.PixelData = values.tobytes()
    return ds


def write_series(folder: Path, slices: int, size: int, syntax: UID = ExplicitVRLittleEndian, series: int = 1) -> None:
    """Write a CT series of noisy ellipses under shuffled names; stored values are HU + 1024 in int16."""
    folder.mkdir(parents=True, exist_ok=True)
    chance, names = np.random.default_rng(series), list(range(slices))
    random.Random(series).shuffle(names)  # noqa: S311 - an order, no secret
    y, x = np.mgrid[0:size, 0:size]
    body = 1064 * (((x - size / 2) / (0.45 * size)) ** 2 + ((y - size / 2) / (0.35 * size)) ** 2 <= 1)
    uids = generate_uid(), generate_uid(), generate_uid()
    for index, name in enumerate(names):
        ds = _slice((body + chance.normal(0, 15, (size, size)) + index // 8).astype(np.int16), index, uids, series)
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        if syntax != ExplicitVRLittleEndian:
            ds.compress(syntax, generate_instance_uid=False)
        ds.save_as(folder / f"{series:03d}_{name:05d}.dcm", enforce_file_format=True)


def prepare(home: Path) -> dict[str, Path]:
    """Write the synthetic series below `home` and return every folder to open by name."""
    for name, slices, syntax in (
        ("400 x 512 x 512 int16", 400, ExplicitVRLittleEndian),
        ("JPEG-LS", 400, JPEGLSLossless),
        ("JPEG 2000", 400, JPEG2000Lossless),
    ):
        write_series(home / name, slices, 512, syntax)
    found = {folder.name: folder for folder in sorted(home.iterdir())}
    return found | _real()


def _real() -> dict[str, Path]:
    """Return the largest folder of each development series, {} where there are none."""
    sizes = {folder: sum(path.is_file() for path in folder.iterdir()) for folder in REAL.glob("*/In/**/")}
    by_origin: dict[str, Path] = {}
    for folder in sorted(sizes, key=lambda one: sizes[one]):
        by_origin[f"real: {folder.relative_to(REAL).parts[0]}"] = folder
    return by_origin


def prepare_many(folder: Path, files: int) -> Path:
    """Write `files` small files of series of 200 slices into one folder, names shuffled between series."""
    for series in range(1, files // 200 + 1):
        write_series(folder, 200, 64, series=series)
    return folder
