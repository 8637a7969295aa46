"""From cases to figures with intervals: people are drawn again, and nothing is surer than their number allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medassist.inference.packages import Package
from medassist.training.evaluation.asking import CLASSES, FINDINGS, kind_of
from medassist.training.evaluation.result import ALL, Case, Metrics
from medassist.training.metrics import Measured, Statistic, binary_figures, bootstrap, exclusive_metrics, never_certain

Indices = NDArray[np.intp]
MAIN = {"findings": "auc", "classes": "accuracy", "masks": "dice", "objects": "pq"}
"""The figure that stands for all in a plot, by kind."""
BETWEEN_0_AND_1 = ("dice", "surface_dice_1mm", "pq", "aji", "f1_iou50")


def figures(
    package: Package,
    cases: Sequence[Case],
    *,
    repeats: int,
    told: Callable[[str], bool] = lambda _label: True,
    least_people: int = 1,
) -> Metrics:
    """Return label -> metric -> figure with its 95 % interval over draws of subjects.

    A finding that is not `told` has no figures. Of fewer than `least_people` no draw can tell the spread: a share of
    a segmenter then has the interval 0 to 1, which says so, and a figure without such limits the range of its cases,
    or none where there is but one.
    """
    kind = kind_of(package)
    if kind == FINDINGS:
        return {
            label.label: _finding(cases, label.label, label.threshold, repeats) if told(label.label) else {}
            for label in package.labels
        }
    if kind == CLASSES:
        return _classes(package, cases, repeats)
    return {
        label.label: _means([case.figures[label.label] for case in cases], cases, repeats, least_people)
        for label in package.labels
    }


def main_figure(package: Package, cases: Sequence[Case], *, repeats: int) -> Measured | None:
    """Return the figure that stands for the model, its mean over the labels that have it; None where none has."""
    found = bootstrap(_main_statistic(package, cases), [case.subject for case in cases], repeats=repeats)
    return found.get("main")


def _main_statistic(package: Package, cases: Sequence[Case]) -> Statistic:
    kind, labels = kind_of(package), [label.label for label in package.labels]
    if kind == CLASSES:
        return _Mean("main", (_column(cases, ALL, "truth") == _column(cases, ALL, "answer")).astype(np.float64))
    if kind != FINDINGS:
        return _Mean("main", np.mean([_column(cases, label, MAIN[kind]) for label in labels], axis=0))
    every = [_finding_statistic(cases, label.label, label.threshold) for label in package.labels]

    def mean_area(rows: Indices) -> dict[str, float]:
        areas = [found["auc"] for found in (one(rows) for one in every) if "auc" in found]
        return {"main": float(np.mean(areas))} if areas else {}

    return mean_area


def shares(package: Package, cases: Sequence[Case], *, repeats: int) -> dict[str, Measured]:
    """Return how many of the rows the model itself would refuse (`refused`) or leave open (`unsure`)."""
    told = {"refused": [case.refused for case in cases]} if package.suitability.embedding is not None else {}
    if kind_of(package) == CLASSES:
        told["unsure"] = [case.unsure for case in cases]
    subjects = [case.subject for case in cases]
    found: dict[str, Measured] = {}
    for name, hits in told.items():
        values = np.array(hits, np.float64)
        found |= bootstrap(_Mean(name, values), subjects, repeats=repeats)
    return {name: never_certain(one, len(set(subjects))) for name, one in found.items()}


def confusion(package: Package, cases: Sequence[Case]) -> tuple[tuple[int, ...], ...]:
    """Count (true class, class answered), in the order of the package's labels; () where classes may meet."""
    if kind_of(package) != CLASSES:
        return ()
    table = np.zeros((len(package.labels), len(package.labels)), int)
    for case in cases:
        table[int(case.figures[ALL]["truth"]), int(case.figures[ALL]["answer"])] += 1
    return tuple(tuple(int(one) for one in line) for line in table)


def _finding(cases: Sequence[Case], label: str, threshold: float, repeats: int) -> dict[str, Measured]:
    truth, answered = _column(cases, label, "truth") > 0.5, _column(cases, label, "score") >= threshold
    subjects = [case.subject for case in cases]
    found = bootstrap(_finding_statistic(cases, label, threshold), subjects, repeats=repeats)
    return _widened(found, subjects, truth, answered)


def _finding_statistic(cases: Sequence[Case], label: str, threshold: float) -> Statistic:
    score = _column(cases, label, "score")
    return binary_figures(_column(cases, label, "truth") > 0.5, score, score >= threshold)


def _classes(package: Package, cases: Sequence[Case], repeats: int) -> Metrics:
    truth = _column(cases, ALL, "truth").astype(np.intp)
    scores = np.stack([_column(cases, label.label, "score") for label in package.labels], axis=1)
    answers, subjects = scores.argmax(axis=1), [case.subject for case in cases]
    overall = bootstrap(lambda rows: exclusive_metrics(truth[rows], scores[rows]), subjects, repeats=repeats)
    every = np.ones(len(cases), bool)
    metrics = {ALL: _widened(overall, subjects, every, every)}
    for at, label in enumerate(package.labels):
        statistic = binary_figures(truth == at, scores[:, at], answers == at)
        found = bootstrap(statistic, subjects, repeats=repeats)
        metrics[label.label] = _widened(found, subjects, truth == at, answers == at)
    return metrics


@dataclass(frozen=True, eq=False)
class _Mean:
    """The statistic "mean of these values" for the bootstrap."""

    name: str
    values: NDArray[np.float64]

    def __call__(self, rows: Indices) -> dict[str, float]:
        return {self.name: float(self.values[rows].mean())}


def _means(
    found: Sequence[Mapping[str, float]], cases: Sequence[Case], repeats: int, least_people: int
) -> dict[str, Measured]:
    """Return the mean over cases of every metric; `n` counts the cases that have it."""
    result: dict[str, Measured] = {}
    for name in dict.fromkeys(key for one in found for key in one):
        have = [at for at, one in enumerate(found) if name in one]
        values = np.array([found[at][name] for at in have])
        subjects = [cases[at].subject for at in have]
        if len(set(subjects)) >= least_people:
            result |= bootstrap(_Mean(name, values), subjects, repeats=repeats)
        elif name in BETWEEN_0_AND_1:
            result[name] = Measured(float(values.mean()), 0.0, 1.0, len(have))
        elif len(have) > 1:
            result[name] = Measured(float(values.mean()), float(values.min()), float(values.max()), len(have))
    return result


def _column(cases: Sequence[Case], label: str, name: str) -> NDArray[np.float64]:
    return np.array([case.figures[label][name] for case in cases], np.float64)


def _widened(
    found: Mapping[str, Measured], subjects: Sequence[str], truth: NDArray[np.bool_], answered: NDArray[np.bool_]
) -> dict[str, Measured]:
    """Give a share of exactly 0 or 1 the exact binomial interval of the people it rests on; drawing cannot widen it."""
    names = np.asarray(subjects)
    rests_on: Mapping[str, Callable[[], NDArray[np.str_]]] = {
        "accuracy": lambda: names,
        "sensitivity": lambda: names[truth],
        "specificity": lambda: names[~truth],
        "precision": lambda: names[answered],
    }
    wide = {
        name: never_certain(found[name], len(set(told())))
        for name, told in rests_on.items()
        if name in found and found[name].value in (0.0, 1.0)
    }
    return {
        name: replace(one, low=wide[name].low, high=wide[name].high) if name in wide else one
        for name, one in found.items()
    }
