"""What many maps say together: medians and shares with bootstrap intervals over people, and how alike methods are."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from medassist.entities.stamp import Standing
from medassist.report.comparison import CaseRow, Figure, MethodFigures
from medassist.report.map_record import MapRecord
from medassist.report.stamp_words import NUMBERS
from medassist.session.batch.kept import Kept
from medassist.training.metrics import Measured, bootstrap, never_certain

REPEATS = 1000
FEWEST_PEOPLE = 5
"""Below, an interval would only tell how alike two or three cases happen to be."""
HIT = "pointing_hit"

Floats = NDArray[np.float64]


def figures_of(column: str, rows: Sequence[CaseRow], subjects: Mapping[str, str]) -> MethodFigures:
    """Return what was measured of one method; `subjects` tells for each case who it is of."""
    found = [(subjects[row.case], row.maps[column]) for row in rows if column in row.maps]
    refused = sum(any(one.column == column for one in row.problems) for row in rows)
    if not found:
        return MethodFigures(column, "", 0, refused=refused)
    people, maps = [who for who, _ in found], [one for _, one in found]
    stamped = [(who, one) for who, one in found if one.standing]
    return MethodFigures(
        column,
        maps[0].method,
        len(maps),
        _standings(stamped),
        _measures(people, maps),
        float(np.median([one.seconds for one in maps])),
        float(np.median([one.passes for one in maps])),
        refused,
    )


def _standings(stamped: Sequence[tuple[str, MapRecord]]) -> dict[str, Figure]:
    if not stamped:
        return {}
    people = [who for who, _ in stamped]
    shares = {one.value: np.array([float(record.standing == one.value) for _, record in stamped]) for one in Standing}
    return {name: figure(values, people, share=True) for name, values in shares.items()}


def _measures(people: Sequence[str], maps: Sequence[MapRecord]) -> dict[str, Figure]:
    measures: dict[str, Figure] = {}
    for name in NUMBERS:
        known = [(who, one.numbers[name]) for who, one in zip(people, maps, strict=True) if name in one.numbers]
        if known:
            values = np.array([value for _, value in known], dtype=np.float64)
            measures[name] = figure(values, [who for who, _ in known], share=name == HIT)
    return measures


def figure(values: Floats, people: Sequence[str], *, share: bool = False) -> Figure:
    """Return the median of values, or the share of ones, with its 95 % interval over people."""
    middle = np.mean if share else np.median
    count = len(set(people))
    if count < FEWEST_PEOPLE:
        return Figure(float(middle(values)), None, None, len(values))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found: Measured = bootstrap(lambda rows: {"it": float(middle(values[rows]))}, people, repeats=REPEATS)["it"]
    found = never_certain(found, count) if share else found
    return Figure(found.value, found.low, found.high, found.n)


def agreement_of(
    columns: Sequence[str], kept: Mapping[str, Kept], subjects: Mapping[str, str]
) -> dict[tuple[str, str], Figure]:
    """Return the median rank correlation of every two methods over the cases in which both maps show something."""
    found: dict[tuple[str, str], Figure] = {}
    for pair in combinations(columns, 2):
        both = [(subjects[case], _alike(one, pair)) for case, one in kept.items()]
        known = [(who, value) for who, value in both if value is not None]
        if known:
            found[pair] = figure(np.array([value for _, value in known]), [who for who, _ in known])
    return found


def _alike(kept: Kept, pair: tuple[str, str]) -> float | None:
    """Return the rank correlation of two maps of a case, None where one is missing, empty or of one value."""
    from medassist.explain.quality.likeness import rank_correlation

    if not all(column in kept.maps and kept.maps[column].standing != Standing.MEANINGLESS.value for column in pair):
        return None
    one, other = (np.array(kept.regions[column]) for column in pair)
    if one.shape != other.shape or min(np.ptp(one), np.ptp(other)) == 0.0:
        return None
    return rank_correlation(one, other)
