"""Any images at all: index.csv names one `file` per row (a DICOM series' folder, NIfTI, NRRD, a picture).

Beside it stands what is known of the image: `label` or `labels` (separated by `|`) for a classifier, `mask` for a
segmenter (NIfTI, NRRD, a picture, a DICOM SEG or RTSTRUCT; in the same place in space, on whatever grid; a segment
counts by its number in the file); the subject; perhaps `fold`. Paths are relative to the folder and may not leave it.
Where no column names the subject, DICOM files are asked for the patient, and any other file stands for itself;
pictures marked by `exact_duplicate_of` share a subject with their twin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from medassist.entities.errors import UnreadableInput
from medassist.entities.geometry import Geometry
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import Volume
from medassist.imaging.objects.read import read_overlay
from medassist.imaging.resample import resample
from medassist.imaging.scan import scan
from medassist.progress import Progress
from medassist.training.layouts.layout import LabelMap, Layout, label_map, open_one
from medassist.training.table import INDEX, SUBJECT_COLUMNS, Row, Table, columns_of, fold_of, read_lines

DATASETS = (".dcm", ".ima", "")


def _recognises(root: Path) -> bool:
    return "file" in columns_of(root)


def _rows(root: Path) -> tuple[Row, ...]:
    return tuple(_row(root, line) for line in read_lines(root, "file"))


def _row(root: Path, line: Mapping[str, str]) -> Row:
    path = _inside(root, line["file"])
    labels = line.get("labels", "") or line.get("label", "")
    return Row(line["file"], _subject(path, line), fold_of(root, line), {**line, "labels": labels})


def _subject(path: Path, line: Mapping[str, str]) -> str:
    told = next((line[name] for name in SUBJECT_COLUMNS if line.get(name)), "")
    twin = line.get("exact_duplicate_of", "").strip()
    return told or twin or _patient(path) or line["file"]


def _patient(path: Path) -> str:
    """Return the Patient ID of the one patient of a DICOM file or folder, "" for anything else."""
    if not (path.is_dir() or (path.is_file() and path.suffix.lower() in DATASETS)):
        return ""
    patients = {study.patient.patient_id for study in scan(path, progress=Progress()).studies}
    return patients.pop() if len(patients) == 1 else ""


def _inside(root: Path, name: str) -> Path:
    path = (root / name).resolve()
    if not name or not path.is_relative_to(root.resolve()):
        raise UnreadableInput("{path} names a file outside of its folder: {name}.", path=root / INDEX, name=name)
    return path


def _image(table: Table, row: Row) -> Volume:
    return open_one(_inside(table.root, row.key))


def _mask(table: Table, row: Row, volume: Volume) -> LabelMap:
    name = row.columns.get("mask", "")
    if not name:
        raise UnreadableInput("{path} holds no mask of {key}.", path=table.root / INDEX, key=row.key)
    path = _inside(table.root, name)
    objects = [one for one in scan(path, progress=Progress()).all_series() if one.kind is SeriesKind.OTHER]
    if len(objects) == 1:
        return _drawn(objects[0], volume, path)
    mask = open_one(path)
    if _same_place(mask.geometry, volume.geometry):
        return label_map(path, volume, row.key)
    return _brought(mask, volume, row.key)


def _drawn(found: Series, volume: Volume, path: Path) -> LabelMap:
    """Return the segments of a SEG or RTSTRUCT on the grid of the image (UnreadableInput when they overlap)."""
    masks = read_overlay(found, volume).masks
    if len(masks) != 1 or masks[0].overlapping:
        raise UnreadableInput("{path} holds no segments, or some that overlap: a voxel has one label.", path=path)
    labels: LabelMap = masks[0].labels_zyx.astype(np.int32)
    return labels


def _same_place(mask: Geometry, image: Geometry) -> bool:
    """Tell whether a mask lies voxel on voxel on its image; a picture without millimetres does by its size."""
    if mask.shape_zyx != image.shape_zyx:
        return False
    return not (mask.calibrated and image.calibrated) or np.allclose(mask.affine_lps, image.affine_lps, atol=1e-3)


def _brought(mask: Volume, volume: Volume, key: str) -> LabelMap:
    """Bring a mask on another grid to that of its image, nearest voxel (UnreadableInput when they do not meet)."""
    if not (mask.geometry.calibrated and volume.geometry.calibrated):
        raise UnreadableInput("The image and the mask of {key} have different sizes.", key=key)
    space = mask.geometry.frame_of_reference_uid or volume.geometry.frame_of_reference_uid
    if space != volume.geometry.frame_of_reference_uid:
        raise UnreadableInput("The mask of {key} lies in another frame of reference than its image.", key=key)
    grid = replace(mask.geometry, frame_of_reference_uid=space)
    values = resample(mask.array_tzyx[0].astype(np.int32), grid, volume.geometry, linear=False)
    labels: LabelMap = values.astype(np.int32)
    if mask.array_tzyx.any() and not labels.any():
        raise UnreadableInput("The mask of {key} does not lie on its image.", key=key)
    return labels


def _file(table: Table, row: Row) -> Path | None:
    path = _inside(table.root, row.key)
    return path if path.is_file() else None


FILES = Layout("files", _recognises, _rows, _image, _mask, _file)
