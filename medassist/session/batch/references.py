"""Where the truth lies on an image: boxes of a table, or masks of a folder, found by the name of the image."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import UnreadableInput, UsageError
from medassist.entities.study import Series
from medassist.entities.volume import Volume
from medassist.progress import Progress

if TYPE_CHECKING:
    from medassist.inference.packages import Label

ANY = "any"
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
        boxes: by the name of the image without its ending.
        masks: files, by their names without ending.
        objects: series of segmentations, by the UID of the series they were drawn on.
    """

    source: Path
    boxes: Mapping[str, tuple[BoxOf, ...]]
    masks: Mapping[str, Path]
    objects: Mapping[str, Series]


def read_references(path: Path) -> References:
    """Read a table of boxes, or find the masks of a folder (UnreadableInput, UsageError)."""
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
                key = base_name(line.get("image") or "")
                found[key] = (*found.get(key, ()), _box(line, path, number))
    except OSError as error:
        raise UnreadableInput("{path} cannot be read: {reason}.", path=path, reason=error.strerror) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableInput("{path} cannot be read: {reason}.", path=path, reason=error) from error
    if not found:
        raise UnreadableInput("{path} holds no rows.", path=path)
    return found


def _box(line: Mapping[str, str | None], path: Path, number: int) -> BoxOf:
    for column in COLUMNS:
        if line.get(column) is None:
            raise UnreadableInput("{path} has no column {column}.", path=path, column=column)
    try:
        x, y, width, height = (float(line[name] or "") for name in COLUMNS[1:])
    except ValueError:
        x = y = width = height = float("nan")
    if not (np.isfinite([x, y, width, height]).all() and width > 0 and height > 0):
        raise UnreadableInput("Line {number} of {path} holds no box.", number=number, path=path)
    return BoxOf((line.get("finding") or "").strip(), x, y, width, height)


def _masks(folder: Path) -> References:
    from medassist.imaging.scan import scan

    masks: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name.lower().endswith(_ENDINGS):
            if base_name(path.name) in masks:
                raise UsageError("Two masks in {path} are called {name}.", path=folder, name=base_name(path.name))
            masks[base_name(path.name)] = path
    objects: dict[str, Series] = {}
    if any(one.suffix.lower() in (".dcm", "") for one in folder.rglob("*")):
        for series in scan(folder, progress=Progress()).all_series():
            if series.object_kind:
                objects |= dict.fromkeys(series.referenced_series_uids, series)
    if not masks and not objects:
        raise UnreadableInput("There is no mask in {path}.", path=folder)
    return References(folder, {}, masks, objects)


def base_name(name: str) -> str:
    """Return the name of a file without folder and ending, in small letters."""
    lower = Path(name).name.lower()
    return next((lower.removesuffix(ending) for ending in _ENDINGS if lower.endswith(ending)), lower)


def region_of(
    references: References, series: Series, volume: Volume, label: Label, wanted: str, *, segmenter: bool
) -> NDArray[np.bool_] | None:
    """Return where the truth of `label` lies on the grid of the series, None where nobody knows.

    Args:
        references: what is known.
        series: as it was found; its files give the name.
        volume: its pixels.
        label: the target.
        wanted: finding of a table or number in a mask that counts, "any" for all; "" for that of the target.
        segmenter: whether the number of the target in a mask is known.

    A mask on another grid of the same space is brought over, nearest voxel. UnreadableInput when it cannot be.
    """
    names = _names(series)
    boxes = next((references.boxes[one] for one in names if one in references.boxes), ())
    if boxes:
        return _boxed([one for one in boxes if _counts(one.finding, wanted or label.label)], volume, references.source)
    own = {frame.path.resolve() for frame in series.frames}
    masks = (references.masks[one] for one in names if one in references.masks)
    mask = next((one for one in masks if one.resolve() not in own), None)  # an image is no mask of itself
    found = references.objects.get(series.series_uid) if series.series_uid else None
    if mask is None and found is None:
        return None
    values = _labels(mask or found, volume)  # type: ignore[arg-type]
    region = values > 0 if wanted == ANY or not (wanted or segmenter) else values == _number(wanted, label)
    return region if region.any() else None


def _names(series: Series) -> list[str]:
    """Return what a mask or a row may be called: the image's file; the folder of a series of several."""
    paths = {frame.path for frame in series.frames}
    if len(paths) == 1:
        return [base_name(next(iter(paths)).name)]
    folders = {path.parent.name.lower() for path in paths}
    return [*(folders if len(folders) == 1 else ()), series.series_uid.lower()]


def _counts(finding: str, wanted: str) -> bool:
    return wanted == ANY or not finding or finding.lower() == wanted.lower()


def _number(wanted: str, label: Label) -> int:
    if not wanted:
        return label.value
    if not wanted.isdecimal():
        raise UsageError("The segment {name} of a mask must be a number, or any.", name=wanted)
    return int(wanted)


def _boxed(boxes: list[BoxOf], volume: Volume, source: Path) -> NDArray[np.bool_] | None:
    """Return the pixels whose centres lie in a box, None without one (UnreadableInput for one beside the image)."""
    depth, height, width = volume.geometry.shape_zyx
    if not boxes:
        return None
    if depth != 1:
        raise UnreadableInput("{path} holds boxes of films, and this is a volume.", path=source)
    region = np.zeros((depth, height, width), dtype=np.bool_)
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    for one in boxes:
        down = (rows > one.y) & (rows < one.y + one.height)
        right = (columns > one.x) & (columns < one.x + one.width)
        if not (down.any() and right.any()):
            raise UnreadableInput("A box of {path} lies beside its image.", path=source)
        region[0] |= down[:, None] & right[None]
    return region


def _labels(found: Path | Series, volume: Volume) -> NDArray[np.int32]:
    """Return a label map on the grid of the series, by the road masks for training take."""
    from medassist.training.layouts.files import FILES
    from medassist.training.table import Row, Table

    path = found if isinstance(found, Path) else found.frames[0].path
    table = Table(path.parent, FILES.name, ())
    return FILES.mask(table, Row(path.name, "", None, {"mask": path.name}), volume)
