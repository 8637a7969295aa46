"""Small films in one `images64.npz`; index.csv has `row`, `labels` separated by `|`, the patient and `fold`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import UnreadableInput
from medassist.entities.volume import Volume
from medassist.training.layouts.layout import Layout, picture_volume
from medassist.training.table import INDEX, Row, Table, columns_of, fold_of, read_lines, subject_column

ARCHIVE = "images64.npz"


def _recognises(root: Path) -> bool:
    return "row" in columns_of(root) and (root / ARCHIVE).is_file()


def _rows(root: Path) -> tuple[Row, ...]:
    lines = read_lines(root, "row")
    subject = subject_column(root, lines)
    return tuple(Row(_number(root, line["row"]), line[subject], fold_of(root, line), line) for line in lines)


def _number(root: Path, text: str) -> str:
    if not text.isdecimal():
        raise UnreadableInput("{path} has a row that is no number: {value}.", path=root / INDEX, value=text)
    return text


def _image(table: Table, row: Row) -> Volume:
    films = load_films(table)
    if int(row.key) >= len(films):
        raise UnreadableInput("{path} holds no film {key}.", path=table.root / ARCHIVE, key=row.key)
    return picture_volume(films[int(row.key)], row.key)


def load_films(table: Table) -> NDArray[np.uint8]:
    """Return all films (film, row, column), uint8 (UnreadableInput)."""
    path = table.root / ARCHIVE
    return read_archive(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=2)
def read_archive(path: Path, changed_ns: int) -> NDArray[np.uint8]:  # noqa: ARG001 - tells an old answer from a new one
    """Return `images` of an .npz, (picture, row, column) uint8 (UnreadableInput); kept for the next row."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            films: NDArray[np.uint8] = archive["images"]
    except (OSError, ValueError, KeyError) as error:
        raise UnreadableInput("{path} holds no films: {reason}.", path=path, reason=error) from error
    if films.ndim != 3 or films.dtype != np.uint8:
        raise UnreadableInput("{path} holds no films: {reason}.", path=path, reason=f"{films.dtype} {films.shape}")
    films.setflags(write=False)
    return films


FILMS_NPZ = Layout("films_npz", _recognises, _rows, _image)
