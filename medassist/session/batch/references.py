"""What is known of the images of a folder: boxes of a table, or masks of a folder, by the names of the images."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from medassist.entities.errors import UnreadableInput, UsageError
from medassist.entities.study import Series
from medassist.progress import Progress
from medassist.session.objects import is_overlay

COLUMNS = ("image", "x", "y", "width", "height")
MOST_BYTES = 100_000_000
"""Of a table of boxes."""
_ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd", ".dcm", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


@dataclass(frozen=True)
class BoxOf:
    """A box of a table in pixels of its image, origin at its top left corner; `finding` is "" where none is told."""

    finding: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class References:
    """What is known of the images of a folder.

    Attributes:
        boxes: by the name of the image without its ending, with the folders the table tells.
        masks: files, by their names without ending.
        objects: series of segmentations, by the UID of the series they were drawn on and the ID of the patient.
        shared: names several images have: what is called so may belong to any of them.
    """

    source: Path
    boxes: Mapping[str, tuple[BoxOf, ...]]
    masks: Mapping[str, Path]
    objects: Mapping[tuple[str, str], tuple[Series, ...]]
    shared: frozenset[str] = frozenset()


def read_references(path: Path, images: Sequence[Series] = ()) -> References:
    """Read a table of boxes, or find the masks of a folder, for these images (UnreadableInput, UsageError)."""
    names = Counter(name for one in images for name in names_of(one))
    return replace(_read(path), shared=frozenset(name for name, count in names.items() if count > 1))


def _read(path: Path) -> References:
    if path.is_dir():
        return _masks(path)
    if path.suffix.lower() != ".csv":
        raise UsageError(
            "{path} is neither a folder with masks nor a table of boxes.",
            remedy="Give a folder, or a CSV file with the columns {columns}.",
            path=path,
            columns=", ".join(COLUMNS),
        )
    return References(path, _boxes(path), {}, {})


def _boxes(path: Path) -> dict[str, tuple[BoxOf, ...]]:
    found: dict[str, tuple[BoxOf, ...]] = {}
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UnreadableInput("{path} is too large for a table of boxes.", path=path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, line in enumerate(csv.DictReader(file), start=2):
                box, key = _box(line, path, number), _without_ending(line.get("image") or "")
                if box is not None:
                    found[key] = (*found.get(key, ()), box)
    except OSError as error:
        raise UnreadableInput("{path} cannot be read: {reason}.", path=path, reason=error.strerror) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableInput("{path} cannot be read: {reason}.", path=path, reason=error) from error
    if not found:
        raise UnreadableInput("{path} holds no box.", path=path)
    return found


def _box(line: Mapping[str, str | None], path: Path, number: int) -> BoxOf | None:
    """Return the box of a line, None for one that says by empty cells that its image has none."""
    for column in COLUMNS:
        if line.get(column) is None:
            raise UnreadableInput("{path} has no column {column}.", path=path, column=column)
    if not any((line[name] or "").strip() for name in COLUMNS[1:]):
        return None
    try:
        x, y, width, height = (float(line[name] or "") for name in COLUMNS[1:])
    except ValueError:
        x = y = width = height = float("nan")
    if not (np.isfinite([x, y, width, height]).all() and width > 0 and height > 0):
        raise UnreadableInput("Line {number} of {path} holds no box.", number=number, path=path)
    return BoxOf((line.get("finding") or "").strip(), x, y, width, height)


def _masks(folder: Path) -> References:
    from medassist.imaging.scan import scan

    objects: dict[tuple[str, str], tuple[Series, ...]] = {}
    drawn: set[Path] = set()
    if any(one.suffix.lower() in (".dcm", "") for one in folder.rglob("*")):
        for study in scan(folder, progress=Progress()).studies:
            for series in filter(is_overlay, study.series):
                drawn |= {frame.path.resolve() for frame in series.frames}
                for key in ((uid, study.patient.patient_id) for uid in series.referenced_series_uids):
                    objects[key] = (*objects.get(key, ()), series)
    masks: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name.lower().endswith(_ENDINGS) and path.resolve() not in drawn:
            if base_name(path.name) in masks:
                raise UsageError("Two masks in {path} are called {name}.", path=folder, name=base_name(path.name))
            masks[base_name(path.name)] = path
    if not masks and not objects:
        raise UnreadableInput("There is no mask in {path}.", path=folder)
    return References(folder, {}, masks, objects)


def mark_of(path: Path) -> str:
    """Return a mark of a table or of the files of a folder: another one when they changed (UnreadableInput)."""
    told = hashlib.sha256()
    try:
        if not path.is_dir():
            told.update(path.read_bytes())
        for one in sorted(path.rglob("*")) if path.is_dir() else ():
            state = one.stat()
            told.update(
                f"{one.relative_to(path)}|{state.st_size}|{state.st_mtime_ns}\n".encode(errors="surrogateescape")
            )
    except OSError as error:
        raise UnreadableInput("{path} cannot be read: {reason}.", path=path, reason=error.strerror) from error
    return told.hexdigest()


def base_name(name: str) -> str:
    """Return the name of a file without folder and ending, in small letters."""
    return PurePosixPath(_without_ending(name)).name


def _without_ending(name: str) -> str:
    lower = name.strip().lower().replace("\\", "/")
    return next((lower.removesuffix(ending) for ending in _ENDINGS if lower.endswith(ending)), lower)


def names_of(series: Series) -> list[str]:
    """Return what a mask or a row may be called, the longest first: the image's file; the folder of several files."""
    paths = {frame.path for frame in series.frames}
    if len(paths) == 1:
        parts = _without_ending(next(iter(paths)).as_posix()).split("/")
        return ["/".join(parts[at:]) for at in range(len(parts))]
    folders = {path.parent.name.lower() for path in paths}
    return [*(folders if len(folders) == 1 else ()), series.series_uid.lower()]
