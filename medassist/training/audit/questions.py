"""Which labels a folder asks about, and against which rows each is held."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medassist.training.table import Row, Table

NOTHING_FOUND = ("nofinding", "nofindings", "normal", "healthy", "negative", "nothing", "control")
"""How tables name rows without any finding, letters only."""


@dataclass(frozen=True, eq=False)
class Question:
    """One label: `rows` of the table that take part and their `truth` (rows,); `against` names the negatives."""

    label: str
    rows: NDArray[np.intp] = field(repr=False)
    truth: NDArray[np.bool_] = field(repr=False)
    against: str = ""


def labels_of(table: Table) -> tuple[str, ...]:
    """Return the names of all labels of a folder, those without a finding last; () when it has none."""
    named = {name for row in table.rows for name in _names(row)}
    return tuple(sorted(named, key=lambda name: (finds_nothing(name), name.casefold())))


def questions_of(table: Table, labels: Sequence[str]) -> tuple[Question, ...]:
    """Return one question per label.

    A label is held against the rows that say nothing was found, as other findings differ from it for reasons of
    their own; where no row says so, or the label says so itself, against all rows without it.
    """
    named = [_names(row) for row in table.rows]
    nothing = np.array([any(map(finds_nothing, names)) for names in named])
    reference = next((name for names in named for name in names if finds_nothing(name)), "")
    return tuple(_question(label, named, nothing, reference) for label in labels)


def _question(label: str, named: Sequence[frozenset[str]], nothing: NDArray[np.bool_], reference: str) -> Question:
    truth = np.array([label in names for names in named])
    if not reference or finds_nothing(label):
        return Question(label, np.arange(len(truth)), truth)
    rows = np.flatnonzero(truth | nothing)
    return Question(label, rows, truth[rows], reference)


def finds_nothing(name: str) -> bool:
    """Tell whether a label means that there is no finding."""
    return re.sub(r"[^a-z]", "", name.casefold()) in NOTHING_FOUND


def _names(row: Row) -> frozenset[str]:
    return frozenset(name.strip() for name in row.columns.get("labels", "").split("|") if name.strip())
