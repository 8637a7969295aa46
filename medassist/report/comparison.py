"""Many images explained by many methods: the rows, what was measured over all of them, and both as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from medassist.entities.study import Warned
from medassist.report.identity import RESEARCH_USE
from medassist.report.map_record import MapRecord, as_json
from medassist.report.result_json import finite, versions


@dataclass(frozen=True)
class Problem:
    """What could not be done: for a whole case (`column` is "") or for one method; nothing in it names a patient."""

    reason: Warned
    column: str = ""


@dataclass(frozen=True)
class CaseRow:
    """One case: what the model says of it, and its maps by the column of their method.

    Attributes:
        case: a name that tells nothing of the patient.
        score, threshold: of the target; None for a segmenter's.
        slice: the slice all small pictures show, counted from 0; `slices` how many there are.
        referenced: whether it is known where the truth lies.
    """

    case: str
    target: str = ""
    score: float | None = None
    threshold: float | None = None
    slice: int = 0
    slices: int = 1
    referenced: bool = False
    maps: Mapping[str, MapRecord] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A figure over cases with its 95 % interval; no interval (None) below five people."""

    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class MethodFigures:
    """What was measured of one method over all cases.

    Attributes:
        column: the method as it was asked for; `method` its title.
        maps: how many there are.
        standings: share of them that holds, fails, means nothing (by `Standing.value`); empty when none was measured.
        measures: median of each number, by the names of `stamp_words.NUMBERS`; `pointing_hit` is the share of hits.
        seconds, passes: median cost of one map without its stamp.
        refused: for how many cases the method could not answer.
    """

    column: str
    method: str
    maps: int
    standings: Mapping[str, Figure] = field(default_factory=dict)
    measures: Mapping[str, Figure] = field(default_factory=dict)
    seconds: float | None = None
    passes: float | None = None
    refused: int = 0


@dataclass(frozen=True)
class Comparison:
    """The whole answer.

    Attributes:
        asked: what every case was asked (see `session.batch.asked.Wanted.bound_to`).
        model, version, title, title_zh, sha256: of the model.
        people: how many independent subjects the cases come from.
        labels_zh: Chinese names of the labels, by their English ones.
        agreement: median rank correlation of the maps of two methods over the cases both explain.
        complete: False when the work was interrupted.
    """

    asked: Mapping[str, Any]
    model: str
    version: str
    sha256: str
    title: str
    title_zh: str
    rows: tuple[CaseRow, ...]
    methods: tuple[MethodFigures, ...]
    people: int
    agreement: Mapping[tuple[str, str], Figure] = field(default_factory=dict)
    labels_zh: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True

    @property
    def records(self) -> tuple[MapRecord, ...]:
        """Every map, case by case."""
        return tuple(one for row in self.rows for one in row.maps.values())


def summary(comparison: Comparison) -> dict[str, Any]:
    """Return the answer as one JSON object: figures of each method, agreement, and every case with its maps."""
    told = {
        "asked": dict(comparison.asked),
        "model": {"name": comparison.model, "version": comparison.version, "sha256": comparison.sha256},
        "cases": len(comparison.rows),
        "people": comparison.people,
        "referenced": sum(row.referenced for row in comparison.rows),
        "complete": comparison.complete,
        "methods": [_method(one) for one in comparison.methods],
        "agreement": [{"methods": list(pair), **asdict(figure)} for pair, figure in comparison.agreement.items()],
        "rows": [_row(one) for one in comparison.rows],
        "versions": versions(),
        "notice": RESEARCH_USE,
    }
    plain: dict[str, Any] = finite(told)
    return plain


def _method(found: MethodFigures) -> dict[str, Any]:
    told = asdict(found)
    return told | {
        "standings": {name: asdict(one) for name, one in found.standings.items()},
        "measures": {name: asdict(one) for name, one in found.measures.items()},
    }


def _row(row: CaseRow) -> dict[str, Any]:
    return {
        "case": row.case,
        "target": row.target,
        "score": row.score,
        "threshold": row.threshold,
        "slice": row.slice,
        "slices": row.slices,
        "referenced": row.referenced,
        "maps": {column: as_json(one) for column, one in row.maps.items()},
        "problems": [{"method": one.column, "reason": one.reason.text()} for one in row.problems],
    }
