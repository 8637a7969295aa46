"""The rows of a training folder: each knows its subject and its fold, and a split never separates one subject."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import UnreadableInput
from medassist.training.recipe import Label, Recipe

SUBJECT_COLUMNS = ("subject", "patient_id", "field")
INDEX = "index.csv"


@dataclass(frozen=True)
class Row:
    """One case of a training folder.

    Attributes:
        key: name of the volume, number of the film or path of the file.
        subject: who it is of; a split and a bootstrap never separate one subject.
        fold: the fold it belongs to, None in folders kept apart.
        columns: the whole line of index.csv; `labels` holds its names separated by `|`.
    """

    key: str
    subject: str
    fold: int | None
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """The rows of one folder in file order; `layout` names how it is laid out."""

    root: Path
    layout: str
    rows: tuple[Row, ...]

    @property
    def has_folds(self) -> bool:
        """Whether the folder says which fold a row is in."""
        return all(row.fold is not None for row in self.rows)


def read_lines(root: Path, *needed: str) -> list[dict[str, str]]:
    """Return the lines of `index.csv` of a folder (UnreadableInput names the file and the missing column)."""
    path = root / INDEX
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [{key: value or "" for key, value in line.items() if key} for line in csv.DictReader(file)]
    except OSError as error:
        raise UnreadableInput("{path} cannot be read: {reason}.", path=path, reason=error.strerror) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableInput("{path} cannot be read: {reason}.", path=path, reason=error) from error
    if not lines:
        raise UnreadableInput("{path} holds no rows.", path=path)
    for column in needed:
        if column not in lines[0]:
            raise UnreadableInput("{path} has no column {column}.", path=path, column=column)
    return lines


def columns_of(root: Path) -> tuple[str, ...]:
    """Return the names of the columns of `index.csv`, () where there is none or it cannot be read."""
    try:
        return tuple(read_lines(root)[0])
    except UnreadableInput:
        return ()


def subject_column(root: Path, lines: Sequence[Mapping[str, str]]) -> str:
    """Return the column that says whose a row is (UnreadableInput when there is none)."""
    found = next((name for name in SUBJECT_COLUMNS if name in lines[0]), None)
    if found is None:
        raise UnreadableInput("{path} has no column {column}.", path=root / INDEX, column=" / ".join(SUBJECT_COLUMNS))
    return found


def fold_of(root: Path, line: Mapping[str, str]) -> int | None:
    """Return the fold of a line, None where it tells none (UnreadableInput when it is no number)."""
    text = line.get("fold", "").strip()
    try:
        return int(text) if text else None
    except ValueError as error:
        raise UnreadableInput("{path} has a fold that is no number: {value}.", path=root / INDEX, value=text) from error


def subject_hash(subject: str) -> str:
    """Return the first 16 hex digits of the SHA-256 of a subject's name: enough to find a leak, no name shipped."""
    return hashlib.sha256(subject.encode()).hexdigest()[:16]


def with_folds(recipe: Recipe, table: Table) -> Table:
    """Return the table with the folds its folder names, else with those the recipe has drawn by subject."""
    if table.has_folds or not recipe.drawn_folds:
        return table
    return drawn(table, recipe.drawn_folds, recipe.schedule.seed)


def drawn(table: Table, count: int, seed: int) -> Table:
    """Return the table with folds 0 to `count` - 1 drawn by subject, the same for the same subjects and seed."""
    ranked = _ranked({row.subject for row in table.rows}, seed)
    fold = {subject: at % count for at, subject in enumerate(ranked)}
    rows = tuple(Row(row.key, row.subject, fold[row.subject], row.columns) for row in table.rows)
    return Table(table.root, table.layout, rows)


def rows_in(table: Table, folds: Sequence[int]) -> tuple[Row, ...]:
    """Return the rows of these folds (UnreadableInput when there are none)."""
    rows = tuple(row for row in table.rows if row.fold in folds)
    if not rows:
        raise UnreadableInput("{path} has no rows in the folds {folds}.", path=table.root / INDEX, folds=folds)
    return rows


def split_rows(recipe: Recipe, table: Table) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Return (training, validation) rows; subjects of the share are drawn by a hash of the seed.

    Raises UnreadableInput when the folder has no folds or one subject lies in two parts.
    """
    if not table.has_folds:
        raise UnreadableInput("{path} has no column {column}.", path=table.root / INDEX, column="fold")
    split = recipe.split
    learning = [row for row in table.rows if row.fold in split.train_folds]
    chosen = _drawn_subjects({row.subject for row in learning}, split.validation_share, recipe.schedule.seed)
    train = tuple(row for row in learning if row.subject not in chosen)
    validation = tuple(row for row in table.rows if row.fold in split.validation_folds or row.subject in chosen)
    test = {row.subject for row in table.rows if row.fold in split.test_folds}
    shared = {row.subject for row in train} & ({row.subject for row in validation} | test)
    if shared:
        raise UnreadableInput(
            "{path} has {count} subjects in two parts of the split.", path=table.root / INDEX, count=len(shared)
        )
    return train, validation


def _drawn_subjects(subjects: set[str], share: float, seed: int) -> set[str]:
    ranked = _ranked(subjects, seed)
    return set(ranked[: round(share * len(ranked))])


def _ranked(subjects: set[str], seed: int) -> list[str]:
    return sorted(subjects, key=lambda subject: hashlib.sha256(f"{seed}:{subject}".encode()).digest())


def targets(rows: Sequence[Row], labels: Sequence[Label]) -> NDArray[np.float32]:
    """Return (rows, labels) of 0 and 1 from the column `labels` (names separated by `|`)."""
    result = np.zeros((len(rows), len(labels)), np.float32)
    for i, row in enumerate(rows):
        named = set(row.columns.get("labels", "").split("|"))
        for j, label in enumerate(labels):
            result[i, j] = float(not named & set(label.unless) if label.unless else bool(named & set(label.members)))
    return result
