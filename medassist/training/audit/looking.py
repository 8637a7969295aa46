"""Each picture of a folder is opened once; what the audit keeps of it is a few numbers and a picture of 32 x 32."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medassist.entities.volume import Volume
from medassist.progress import Progress
from medassist.training.audit.pictures import Grey, grey_of, grey_range, picture_cues, small_picture
from medassist.training.layouts.reading import file_of, image_of
from medassist.training.table import Row, Table

STAGE = "Looking at pictures"


@dataclass(frozen=True, eq=False)
class Look:
    """What is kept of one picture.

    Attributes:
        numbers: "file" and "picture" -> name of a cue -> its number.
        kinds: texts that sort files: mode, format.
        header: texts a DICOM header adds to index.csv: age, sex, view, source.
        small: (32, 32) float32.
        digest: SHA-256 of the pixels; equal pictures are of one person.
    """

    numbers: Mapping[str, Mapping[str, float]]
    kinds: Mapping[str, str]
    header: Mapping[str, str]
    small: Grey = field(repr=False)
    digest: bytes = field(repr=False)


def look_at_all(table: Table, *, progress: Progress) -> list[Look]:
    """Open the picture of each row in turn (UnreadableInput names the file)."""
    return [_look(table, row) for row in progress.over(table.rows, STAGE)]


def _look(table: Table, row: Row) -> Look:
    volume = image_of(table, row)
    grey = grey_of(volume)
    file = file_of(table, row)
    digest = hashlib.sha256(repr(volume.array_tzyx.shape).encode() + np.ascontiguousarray(volume.array_tzyx).tobytes())
    return Look(
        numbers={"file": _file_numbers(volume, file), "picture": picture_cues(grey, grey_range(volume))},
        kinds=_file_kinds(volume, file),
        header=_header(volume),
        small=small_picture(grey),
        digest=digest.digest(),
    )


def _file_numbers(volume: Volume, file: Path | None) -> dict[str, float]:
    slices, rows, columns = volume.geometry.shape_zyx
    numbers = {"width": float(columns), "height": float(rows), "aspect": columns / rows, "slices": float(slices)}
    files = {file} if file else {frame.path for frame in volume.series.frames}
    if files:
        numbers["file_size"] = float(sum(path.stat().st_size for path in files))
    if volume.geometry.calibrated:
        across, _down, between = volume.geometry.spacing_mm
        numbers |= {"pixel_spacing": across} | ({"slice_spacing": between} if slices > 1 else {})
    return numbers


def _file_kinds(volume: Volume, file: Path | None) -> dict[str, str]:
    kinds = {"mode": _mode(volume, file)}
    return kinds | ({"format": file.suffix.lower() or "no suffix"} if file else {})


def _mode(volume: Volume, file: Path | None) -> str:
    """Return how the file stores its pixels: bit depth and colours."""
    if file is not None and volume.series.format == "picture":
        from PIL import Image

        with Image.open(file) as picture:
            return str(picture.mode)
    return f"{volume.array_tzyx.dtype} {volume.series.photometric}".strip() + (" colour" if volume.is_color else "")


def _header(volume: Volume) -> dict[str, str]:
    """Return what the first header of a DICOM series tells of person, view and machine; {} for any other file."""
    series = volume.series
    if series.format != "DICOM" or not series.frames:
        return {}
    from medassist.imaging.headers import read_headers

    header = read_headers(replace(series, frames=series.frames[:1]))[0]
    machine = f"{header.get('Manufacturer', '')} {header.get('ManufacturerModelName', '')}".strip()
    return {
        "age": str(header.get("PatientAge", "") or ""),
        "sex": str(header.get("PatientSex", "") or ""),
        "view": series.view_position,
        "scanner": machine,
    }


def smalls(looks: Sequence[Look]) -> NDArray[np.float32]:
    """Return the small pictures of all rows, (rows, 32, 32)."""
    return np.stack([look.small for look in looks])
