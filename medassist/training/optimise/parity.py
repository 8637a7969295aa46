"""What an optimisation costs: the same rows put to both models, by the road a reader's images take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.prediction import ClassScore
from medassist.entities.volume import Volume
from medassist.inference.predict import predict
from medassist.language import localized
from medassist.progress import Progress
from medassist.training.evaluation.asking import CLASSES, FINDINGS, Question, Said, cases, said
from medassist.training.evaluation.figures import MAIN
from medassist.training.evaluation.result import ALL, Case
from medassist.training.metrics import Measured, binary_figures, bootstrap
from medassist.training.table import Row

REPEATS = 1000
STAGE = "Comparing"
HALF = 0.5
"""Where a probability becomes an answer, which the area under the ROC curve does not depend on."""


@dataclass(frozen=True)
class Change:
    """The main figure of one label before and after; `change` is the difference with its 95 % interval by subject."""

    label: str
    metric: str
    before: float
    after: float
    change: Measured


@dataclass(frozen=True)
class Parity:
    """Both models on the same rows.

    Attributes:
        kind: how their answers are judged ("findings", "classes", "masks", "objects").
        rows: how many there were, of `subjects` people.
        changes: per label; a label whose figure cannot be told on these rows has none.
        flipped: decisions that differ, of `decisions`: labels of rows, classes of rows, or voxels that either marks.
        refused: rows refused as another kind of image, before and after.
    """

    kind: str
    rows: int
    subjects: int
    changes: tuple[Change, ...]
    flipped: int
    decisions: int
    refused: tuple[int, int]

    @property
    def worst(self) -> Change:
        """The label whose figure falls most."""
        return min(self.changes, key=lambda one: one.change.value)

    def as_json(self) -> dict[str, Any]:
        """Return the object of the command-line contract."""
        return {
            "kind": self.kind,
            "rows": self.rows,
            "subjects": self.subjects,
            "labels": {
                one.label: {
                    one.metric: {
                        "before": round(one.before, 6),
                        "after": round(one.after, 6),
                        "change": one.change.as_json(),
                    }
                }
                for one in self.changes
            },
            "decisions": {"flipped": self.flipped, "of": self.decisions},
            "refused": {"before": self.refused[0], "after": self.refused[1]},
        }


def compare(
    before: Question, after: Question, rows: Sequence[Row], *, backend: str, precision: str, progress: Progress
) -> Parity:
    """Put `rows` to the package of `before`, with torch, and to that of `after`, with `backend`.

    Refused when an answer of `after` was not computed in `precision`, or when nothing can be compared.
    """
    first, second = _Asked("torch", "f32"), _Asked(backend, precision)
    pairs = []
    flipped = decisions = 0
    for row in progress.over(rows, STAGE):
        pairs.append((first.case(before, row), second.case(after, row)))
        differ, of = _flips(before.kind, first.last, second.last)
        flipped, decisions = flipped + differ, decisions + of
    changes = tuple(_changes(before, [one for one, _ in pairs], [other for _, other in pairs]))
    if not changes:
        raise Refused(
            "{path} does not tell the {metric} of any label of {model}, so nothing can be compared.",
            path=before.table.root,
            metric=MAIN[before.kind],
            model=before.package.name,
        )
    refused = sum(one.refused for one, _ in pairs), sum(other.refused for _, other in pairs)
    people = len({row.subject for row in rows})
    return Parity(before.kind, len(rows), people, changes, flipped, decisions, refused)


class _Asked:
    """Asks with one backend, and keeps what was said last."""

    def __init__(self, backend: str, precision: str) -> None:
        self._backend, self._precision = backend, precision
        self.last = Said()

    def case(self, question: Question, row: Row) -> Case:
        return cases(question, [row], stage=STAGE, progress=Progress(), ask=self._ask)[0]

    def _ask(self, question: Question, _row: Row, volume: Volume) -> Said:
        found = predict(question.package, volume, device="cpu", backend=self._backend, progress=Progress())
        if found.manifest.precision != self._precision:
            notes = [one if isinstance(one, str) else localized(one) for one in found.notes]
            raise Refused(
                "{model} did not run in {precision} but in {found}. {notes}",
                model=question.package.name,
                precision=self._precision,
                found=found.manifest.precision,
                notes=" ".join(notes),
            )
        self.last = said(found)
        return self.last


def _flips(kind: str, before: Said, after: Said) -> tuple[int, int]:
    """Return how many decisions differ between two answers, and of how many."""
    if before.mask is not None and after.mask is not None:
        one, other = before.mask.labels_zyx, after.mask.labels_zyx
        return int((one != other).sum()), int(((one != 0) | (other != 0)).sum())
    if kind == CLASSES:
        return int(_surest(before.scores) != _surest(after.scores)), 1
    pairs = list(zip(before.scores, after.scores, strict=True))
    return sum(_called(one) != _called(other) for one, other in pairs), len(pairs)


def _called(score: ClassScore) -> bool:
    return score.probability >= score.threshold


def _surest(scores: Sequence[ClassScore]) -> str:
    return max(scores, key=lambda one: one.probability).label


def _changes(question: Question, before: Sequence[Case], after: Sequence[Case]) -> list[Change]:
    labels = [ALL] if question.kind == CLASSES else [label.label for label in question.package.labels]
    subjects, metric = [case.subject for case in before], MAIN[question.kind]
    found = []
    for label in labels:
        statistic = _difference(question.kind, label, before, after)
        told: Mapping[str, Measured] = bootstrap(statistic, subjects, repeats=REPEATS)
        if "change" in told:
            found.append(Change(label, metric, told["before"].value, told["after"].value, told["change"]))
    return found


def _difference(
    kind: str, label: str, before: Sequence[Case], after: Sequence[Case]
) -> Callable[[NDArray[np.intp]], dict[str, float]]:
    """Return the statistic "main figure before, after, and the difference" of rows for the bootstrap."""
    sides = [_figure(kind, label, before), _figure(kind, label, after)]

    def statistic(rows: NDArray[np.intp]) -> dict[str, float]:
        values = [side(rows) for side in sides]
        if values[0] is None or values[1] is None:
            return {}
        return {"before": values[0], "after": values[1], "change": values[1] - values[0]}

    return statistic


def _figure(kind: str, label: str, found: Sequence[Case]) -> Callable[[NDArray[np.intp]], float | None]:
    if kind == FINDINGS:
        truth, score = _column(found, label, "truth") > 0.5, _column(found, label, "score")
        told = binary_figures(truth, score, score >= HALF)
        return lambda rows: told(rows).get(MAIN[kind])
    if kind == CLASSES:
        right = (_column(found, label, "truth") == _column(found, label, "answer")).astype(np.float64)
        return lambda rows: float(right[rows].mean())
    values = _column(found, label, MAIN[kind])
    return lambda rows: float(np.nanmean(values[rows])) if np.isfinite(values[rows]).any() else None


def _column(found: Sequence[Case], label: str, name: str) -> NDArray[np.float64]:
    return np.array([case.figures[label].get(name, np.nan) for case in found], np.float64)
