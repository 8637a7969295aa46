"""What every layout of a training folder can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import UnreadableInput
from medassist.entities.geometry import Geometry
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import Volume, Window
from medassist.progress import Progress
from medassist.training.table import Row, Table

LabelMap = NDArray[np.int32]


def no_mask(table: Table, row: Row, volume: Volume) -> LabelMap:  # noqa: ARG001 - the door of every layout
    """Say that a folder of this layout holds no masks (always UnreadableInput)."""
    raise UnreadableInput("{path} holds no mask of {key}.", path=table.root, key=row.key)


def no_file(table: Table, row: Row) -> Path | None:  # noqa: ARG001 - the door of every layout
    """Return None: the pictures of a folder of this layout share one file."""
    return None


@dataclass(frozen=True)
class Layout:
    """One way a training folder is laid out.

    Attributes:
        name: what a recipe calls it.
        recognises: tells whether a folder is laid out so, without opening its images.
        rows: its rows in file order (UnreadableInput names the file and what is missing).
        image: the image of a row as the viewer would open it (UnreadableInput).
        mask: labels (slice, row, column) int32 on the grid of that image (UnreadableInput where there are none).
        file: the file a picture has for itself, None where many share one.
    """

    name: str
    recognises: Callable[[Path], bool]
    rows: Callable[[Path], tuple[Row, ...]]
    image: Callable[[Table, Row], Volume]
    mask: Callable[[Table, Row, Volume], LabelMap] = no_mask
    file: Callable[[Table, Row], Path | None] = no_file


def picture_volume(picture: NDArray[np.uint8], key: str) -> Volume:
    """Return grey values 0..255 (row, column) as the volume a picture file would become: no tags, no millimetres."""
    shape = (1, picture.shape[0], picture.shape[1])
    series = Series(key=key, kind=SeriesKind.FILM, frames=(), format="picture", shape_zyx=shape)
    geometry = Geometry(np.eye(4), shape, calibrated=False)
    return Volume(series, picture[None, None].copy(), geometry, windows=(Window(128.0, 256.0),))


def open_one(path: Path) -> Volume:
    """Open the one series of a file or folder as the viewer would (UnreadableInput)."""
    from medassist.imaging.load import load
    from medassist.imaging.scan import scan

    if not path.exists():
        raise UnreadableInput("{path} does not exist.", path=path)
    found = [one for one in scan(path, progress=Progress()).all_series() if one.kind is not SeriesKind.OTHER]
    if len(found) != 1:
        raise UnreadableInput("{path} holds {count} series; a training case is one.", path=path, count=len(found))
    return load(found[0], progress=Progress())


def label_map(path: Path, volume: Volume, key: str) -> LabelMap:
    """Open a mask of the size of its image (UnreadableInput when they do not agree, or it holds no whole numbers)."""
    mask = open_one(path)
    if mask.geometry.shape_zyx != volume.geometry.shape_zyx or mask.is_color:
        raise UnreadableInput("The image and the mask of {key} have different sizes.", key=key)
    values = mask.array_tzyx[0]
    labels: LabelMap = values.astype(np.int32)
    if (labels != values).any() or labels.min(initial=0) < 0:
        raise UnreadableInput("The mask {path} holds values that are no labels.", path=path)
    return labels
