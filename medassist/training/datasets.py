"""The training folders: an `index.csv`, and pictures beside it, read into rows that know their subject."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import UnreadableInput
from medassist.entities.geometry import Geometry
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import Volume, Window
from medassist.progress import Progress
from medassist.training.recipe import Label, Recipe

SUBJECT_COLUMNS = ("subject", "patient_id")


@dataclass(frozen=True)
class Row:
    """One case of a training folder.

    Attributes:
        key: name of the volume or number of the film.
        subject: who it is of; a split and a bootstrap never separate one subject.
        fold: the fold it belongs to, None in folders kept apart.
        columns: the whole line of index.csv.
    """

    key: str
    subject: str
    fold: int | None
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """The rows of one folder in file order."""

    root: Path
    layout: str
    rows: tuple[Row, ...]

    @property
    def has_folds(self) -> bool:
        """Whether the folder says which fold a row is in."""
        return all(row.fold is not None for row in self.rows)


def read_table(root: Path, layout: str) -> Table:
    """Read `index.csv` of a folder (UnreadableInput names the file and the missing column)."""
    path = root / "index.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
    except OSError as error:
        raise UnreadableInput("{path} cannot be read: {reason}.", path=path, reason=error.strerror) from error
    if not lines:
        raise UnreadableInput("{path} holds no rows.", path=path)
    key = {"volume_pairs": "id", "films_npz": "row"}[layout]
    subject = next((name for name in SUBJECT_COLUMNS if name in lines[0]), None)
    if key not in lines[0] or subject is None:
        needed = key if key not in lines[0] else " / ".join(SUBJECT_COLUMNS)
        raise UnreadableInput("{path} has no column {column}.", path=path, column=needed)
    rows = tuple(Row(line[key], line[subject], _fold(path, line.get("fold")), line) for line in lines)
    return Table(root, layout, rows)


def _fold(path: Path, text: str | None) -> int | None:
    if text is None or not text.strip():
        return None
    try:
        return int(text)
    except ValueError as error:
        raise UnreadableInput("{path} has a fold that is no number: {value}.", path=path, value=text) from error


def subject_hash(subject: str) -> str:
    """Return the first 16 hex digits of the SHA-256 of a subject's name: enough to find a leak, no name shipped."""
    return hashlib.sha256(subject.encode()).hexdigest()[:16]


def split_rows(recipe: Recipe, table: Table) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Return (training, validation) rows; subjects of the share are drawn by a hash of the seed.

    Raises UnreadableInput when the folder has no folds or one subject lies in two parts.
    """
    if not table.has_folds:
        raise UnreadableInput("{path} has no column {column}.", path=table.root / "index.csv", column="fold")
    split = recipe.split
    learning = [row for row in table.rows if row.fold in split.train_folds]
    chosen = _drawn_subjects({row.subject for row in learning}, split.validation_share, recipe.schedule.seed)
    train = tuple(row for row in learning if row.subject not in chosen)
    validation = tuple(row for row in table.rows if row.fold in split.validation_folds or row.subject in chosen)
    test = {row.subject for row in table.rows if row.fold in split.test_folds}
    shared = {row.subject for row in train} & ({row.subject for row in validation} | test)
    if shared:
        raise UnreadableInput(
            "{path} has {count} subjects in two parts of the split.", path=table.root / "index.csv", count=len(shared)
        )
    return train, validation


def _drawn_subjects(subjects: set[str], share: float, seed: int) -> set[str]:
    ranked = sorted(subjects, key=lambda subject: hashlib.sha256(f"{seed}:{subject}".encode()).digest())
    return set(ranked[: round(share * len(ranked))])


def targets(rows: Sequence[Row], labels: Sequence[Label]) -> NDArray[np.float32]:
    """Return (rows, labels) of 0 and 1 from the column `labels` (names separated by `|`)."""
    result = np.zeros((len(rows), len(labels)), np.float32)
    for i, row in enumerate(rows):
        named = set(row.columns.get("labels", "").split("|"))
        for j, label in enumerate(labels):
            result[i, j] = float(not named & set(label.unless) if label.unless else bool(named & set(label.members)))
    return result


def load_films(table: Table) -> NDArray[np.uint8]:
    """Return all films of `images64.npz` (film, row, column), uint8."""
    path = table.root / "images64.npz"
    try:
        with np.load(path, allow_pickle=False) as archive:
            films: NDArray[np.uint8] = archive["images"]
    except (OSError, ValueError, KeyError) as error:
        raise UnreadableInput("{path} holds no films: {reason}.", path=path, reason=error) from error
    return films


def film_volume(film: NDArray[np.uint8], key: str) -> Volume:
    """Return a film of 0..255 (row, column) as the volume a picture file would become: no tags, no millimetres."""
    shape = (1, film.shape[0], film.shape[1])
    series = Series(key=key, kind=SeriesKind.FILM, frames=(), format="picture", shape_zyx=shape)
    geometry = Geometry(np.eye(4), shape, calibrated=False)
    return Volume(series, film[None, None].copy(), geometry, windows=(Window(128.0, 256.0),))


def load_volume_pair(root: Path, key: str) -> tuple[Volume, NDArray[np.uint8]]:
    """Return an image and its mask (slice, row, column) of one NIfTI pair; UnreadableInput when they do not agree."""
    image, mask = (_load_one(root / folder / f"{key}.nii.gz") for folder in ("images", "labels"))
    if image.geometry.shape_zyx != mask.geometry.shape_zyx:
        raise UnreadableInput("The image and the mask of {key} have different sizes.", key=key)
    return image, mask.array_zyx.astype(np.uint8)


def _load_one(path: Path) -> Volume:
    from medassist.imaging.load import load
    from medassist.imaging.scan import scan

    return load(scan(path, progress=Progress()).all_series()[0], progress=Progress())
