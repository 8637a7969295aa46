"""Which rows an optimisation is judged on, and which it may look at meanwhile: never the same people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medassist.entities.errors import Refused
from medassist.inference.packages import Package
from medassist.training.layouts.reading import read_table
from medassist.training.optimise.means import Means
from medassist.training.record import TrainingRecord, read_record, refuse_leak
from medassist.training.table import Row, Table, drawn, rows_in, subject_hash

SHARE_LOOKED_AT = 5
"""Of people nobody learned from, one in five is only looked at when there are no training rows."""


@dataclass(frozen=True)
class Rows:
    """The rows of one optimisation.

    Attributes:
        record: of the training of the package.
        table: the folder `judged` is from.
        judged: rows of people the package has not learned from.
        training_table: the folder `learned` is from.
        learned: rows of other people: what quantisation calibrates on and a smaller network learns from.
        of_training: whether the package was trained on `learned`.
    """

    record: TrainingRecord
    table: Table
    judged: tuple[Row, ...]
    training_table: Table
    learned: tuple[Row, ...]
    of_training: bool


def choose_rows(package: Package, data: Path, means: Means) -> Rows:
    """Split a folder into rows to judge on and rows to look at.

    Judged are the rows of `means.folds`, of the recipe's test folds, or, in a folder without folds, of everyone the
    package did not learn from. Looked at are the rows of its training, in that folder or in `means.training_data`;
    where there are none, those of one in five of the people, who are then not judged on. Raises UnreadableInput for
    the folder and Refused when a judged person took part in the training or nobody is left.
    """
    record = read_record(package)
    table = _with_folds(record, read_table(data, record.layout))
    judged = _judged(package, record, table, means.folds)
    refuse_leak(package, record, judged)
    other = table if means.training_data is None else _with_folds(record, read_table(means.training_data))
    people = {row.subject for row in judged}
    learned = tuple(row for row in other.rows if row.subject not in people and _may_learn(record, other, row))
    if not learned:
        judged, learned, other = *_divided(judged), table
    if not judged or not learned:
        raise Refused(
            "{path} holds too few people to optimise {model} and to judge it on others.",
            remedy="Give a folder with more people, or say --training-data.",
            path=data,
            model=package.name,
        )
    known = all(subject_hash(row.subject) in record.subjects for row in learned)
    return Rows(record, table, judged, other, learned, known)


def _with_folds(record: TrainingRecord, table: Table) -> Table:
    """Return a folder that names no folds with those of the training, where it is the folder of the training."""
    if table.has_folds or not record.drawn_folds:
        return table
    known = any(subject_hash(row.subject) in record.subjects for row in table.rows)
    return drawn(table, record.drawn_folds, record.seed) if known else table


def _judged(package: Package, record: TrainingRecord, table: Table, folds: Sequence[int]) -> tuple[Row, ...]:
    if not table.has_folds:
        return tuple(row for row in table.rows if subject_hash(row.subject) not in record.subjects)
    wanted = tuple(folds) or record.test_folds
    if not wanted:
        raise Refused(
            "{model} does not say which folds took no part in its training.",
            remedy="Say --folds, or use data without a column fold.",
            model=package.name,
        )
    return rows_in(table, wanted)


def _may_learn(record: TrainingRecord, table: Table, row: Row) -> bool:
    """Tell whether a row was learned from; of a package that does not remember, every row of another fold counts."""
    return subject_hash(row.subject) in record.subjects if record.subjects else table.has_folds


def _divided(rows: Sequence[Row]) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Return (judged, looked at) rows; who is looked at is drawn by the hash of the name."""
    people = sorted({row.subject for row in rows}, key=subject_hash)
    looked_at = set(people[: len(people) // SHARE_LOOKED_AT])
    kept = tuple(row for row in rows if row.subject not in looked_at)
    return kept, tuple(row for row in rows if row.subject in looked_at)
