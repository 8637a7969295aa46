"""Parts of the rows that a reader would ask about: views, sexes, ages, sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medassist.inference.packages import Package
from medassist.progress import Progress
from medassist.training.evaluation.asking import FINDINGS, kind_of
from medassist.training.evaluation.figures import figures
from medassist.training.evaluation.result import Case, Metrics, Subgroup
from medassist.training.table import Row

COLUMNS = ("view", "sex", "source", "site", "subset", "hospital", "institution", "scanner", "manufacturer")
AGE_BANDS = ((0, 39), (40, 59), (60, 120))
MOST_VALUES = 20
"""A column with more values than that names cases, not parts."""
FEW_PEOPLE = 5
STAGE = "Drawing intervals"


def subgroups(
    package: Package, rows: Sequence[Row], cases: Sequence[Case], *, repeats: int, progress: Progress
) -> Mapping[str, Subgroup]:
    """Return name -> the figures of that part.

    A label of a classifier has none where fewer than five people have it, or lack it.
    """
    members = parts(rows)
    found = {}
    for name, at in progress.over(members.items(), STAGE, len(members)):
        inside = [cases[one] for one in at]
        found[name] = Subgroup(len(at), _figures(package, inside, repeats))
    return found


def parts(rows: Sequence[Row]) -> dict[str, list[int]]:
    """Return "column=value" -> row numbers, for every column of COLUMNS that is told, and for bands of age."""
    found: dict[str, list[int]] = {}
    for column in COLUMNS:
        values = sorted({row.columns.get(column, "") for row in rows} - {""})
        for value in values if len(values) <= MOST_VALUES else ():
            found[f"{column}={value}"] = [at for at, row in enumerate(rows) if row.columns.get(column) == value]
    for low, high in AGE_BANDS:
        inside = [at for at, row in enumerate(rows) if low <= _age(row) < high + 1]
        if inside:
            found[f"age={low}-{high}"] = inside
    return found


def _figures(package: Package, cases: Sequence[Case], repeats: int) -> Metrics:
    if kind_of(package) != FINDINGS:
        return figures(package, cases, repeats=repeats, least_people=FEW_PEOPLE)
    return figures(package, cases, repeats=repeats, told=lambda label: _enough_people(cases, label))


def _enough_people(cases: Sequence[Case], label: str) -> bool:
    """Tell whether enough people have a label and enough lack it for figures to mean anything."""
    people: tuple[set[str], set[str]] = (set(), set())
    for case in cases:
        people[case.figures[label]["truth"] > 0.5].add(case.subject)
    return min(map(len, people)) >= FEW_PEOPLE


def _age(row: Row) -> float:
    text = row.columns.get("age", "")
    return float(text) if text.replace(".", "", 1).isdecimal() else -1.0
