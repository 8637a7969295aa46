"""The trivial things that are told of the rows of a folder, as columns of numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medassist.training.audit.looking import Look
from medassist.training.table import Row, Table

Group = Literal["file", "picture", "person", "selection"]
"""Where a cue comes from. Those of "selection" cannot be seen in a picture: they tell how pictures were chosen."""

SOURCES = ("source", "site", "hospital", "institution", "scanner", "manufacturer")
PATIENT_NUMBERS = ("patient_id", "subject")
MOST_LEVELS = 30
"""A column with more different texts names rows; it does not sort them."""


@dataclass(frozen=True, eq=False)
class Cue:
    """One trivial thing: `values` (rows,), NaN where unknown; with `levels` they are indices of these texts."""

    name: str
    group: Group
    values: NDArray[np.float64] = field(repr=False)
    levels: tuple[str, ...] = ()

    @property
    def is_constant(self) -> bool:
        """Whether it is the same in every row that tells it."""
        told = self.values[np.isfinite(self.values)]
        return not len(told) or bool((told == told[0]).all())

    def at(self, rows: NDArray[np.intp]) -> Cue:
        """Return the cue of these rows alone."""
        return Cue(self.name, self.group, self.values[rows], self.levels)


def cues_of(table: Table, looks: Sequence[Look]) -> tuple[Cue, ...]:
    """Return every cue that at least one row tells, constant ones too."""
    rows = table.rows

    def told(name: str) -> list[str]:
        return [_told(row, look, name) for row, look in zip(rows, looks, strict=True)]

    found = [
        *_looked(looks),
        _numbers("age", "person", [age_in_years(one) for one in told("age")]),
        *(_texts(name, "person", told(name)) for name in ("sex", "view")),
        _numbers("patient_number", "selection", _patient_numbers(rows)),
        *(_texts(name, "selection", told(name)) for name in _source_columns(rows, looks)),
        *_presences(table),
    ]
    return tuple(cue for cue in found if np.isfinite(cue.values).any())


def _looked(looks: Sequence[Look]) -> list[Cue]:
    """Return what was measured on the pictures and their files."""
    result = []
    groups: tuple[Group, ...] = ("file", "picture")
    for group in groups:
        names = dict.fromkeys(name for look in looks for name in look.numbers[group])
        result += [_numbers(name, group, [look.numbers[group].get(name) for look in looks]) for name in names]
    kinds = dict.fromkeys(name for look in looks for name in look.kinds)
    return result + [_texts(name, "file", [look.kinds.get(name, "") for look in looks]) for name in kinds]


def _told(row: Row, look: Look, name: str) -> str:
    """Return what index.csv says, else what the header of the picture says, "" for nothing."""
    return row.columns.get(name, "").strip() or look.header.get(name, "").strip()


def _numbers(name: str, group: Group, told: Sequence[float | None]) -> Cue:
    return Cue(name, group, np.array([np.nan if one is None else one for one in told], np.float64))


def _texts(name: str, group: Group, told: Sequence[str]) -> Cue:
    levels = tuple(sorted({one for one in told if one}))
    if len(levels) > MOST_LEVELS:
        return Cue(name, group, np.full(len(told), np.nan))
    index = {level: float(at) for at, level in enumerate(levels)}
    return Cue(name, group, np.array([index.get(one, np.nan) for one in told]), levels)


def age_in_years(text: str) -> float | None:
    """Return an age as written in a table ("45", "45.5") or a header ("045Y", "018M"; PS3.5 6.2, AS), else None."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([DWMY]?)\s*", text.upper())
    if match is None:
        return None
    return float(match[1]) / {"D": 365.25, "W": 52.18, "M": 12.0}.get(match[2], 1.0)


def _patient_numbers(rows: Sequence[Row]) -> list[float | None]:
    """Return the number in each patient's name ("p012" is 12) where every name has just one: numbers follow time."""
    column = next((name for name in PATIENT_NUMBERS if rows[0].columns.get(name)), "")
    digits = [re.findall(r"\d+", row.columns.get(column, "")) for row in rows]
    if not column or any(len(one) != 1 or len(one[0]) > 15 for one in digits):
        return [None] * len(rows)
    return [float(one[0]) for one in digits]


def _source_columns(rows: Sequence[Row], looks: Sequence[Look]) -> list[str]:
    there: list[Mapping[str, str]] = [rows[0].columns, looks[0].header]
    return [name for name in SOURCES if any(name in columns for columns in there)]


def _presences(table: Table) -> list[Cue]:
    """Return, for each column that names a further file of some rows only, which rows have one."""
    result = []
    for name in table.rows[0].columns:
        told = [row.columns.get(name, "").strip() for row in table.rows]
        if 0 < sum(map(bool, told)) < len(told) and all(_names_file(table.root, one) for one in told if one):
            result.append(_numbers(f"has_{name}", "selection", [float(bool(one)) for one in told]))
    return result


def _names_file(root: Path, text: str) -> bool:
    """Tell whether a text names a file inside a folder; rows that name none cost no look at the disk."""
    if "." not in text or len(text) > 1000 or "\0" in text:
        return False
    path = root / text
    return path.is_file() and path.resolve().is_relative_to(root.resolve())
