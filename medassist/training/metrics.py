"""Figures of classifiers and 95 % intervals of any figure: people, not pictures, are drawn again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]

Statistic = Callable[[Indices], dict[str, float]]

ECE_BINS = 10


@dataclass(frozen=True)
class Measured:
    """A figure with its 95 % interval; `n` is the number of cases it rests on."""

    value: float
    low: float
    high: float
    n: int

    def as_json(self) -> dict[str, float | int]:
        """Return the object of the command-line contract."""
        return {
            "value": round(self.value, 6),
            "low": round(self.low, 6),
            "high": round(self.high, 6),
            "n": self.n,
        }


def bootstrap(
    statistic: Callable[[Indices], Mapping[str, float]], subjects: Sequence[str], *, repeats: int, seed: int = 0
) -> dict[str, Measured]:
    """Measure `statistic` on all rows and its percentile interval over `repeats` draws of whole subjects.

    `statistic` gets row numbers (repeated as drawn) and may leave out what it cannot tell; a figure that
    cannot be told on all rows is left out, and one that most draws cannot tell as well.
    """
    names, inverse = np.unique(np.asarray(subjects), return_inverse=True)
    rows_of = [np.flatnonzero(inverse == i) for i in range(len(names))]
    values = statistic(np.arange(len(inverse)))
    random = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in values}
    for _ in range(repeats):
        chosen = np.concatenate([rows_of[i] for i in random.integers(0, len(names), len(names))])
        for name, value in statistic(chosen).items():
            drawn.setdefault(name, []).append(value)
    enough = [name for name in values if len(drawn[name]) > repeats / 2]
    ends = {name: np.percentile(drawn[name], [2.5, 97.5]) for name in enough}
    return {name: Measured(values[name], float(ends[name][0]), float(ends[name][1]), len(inverse)) for name in enough}


def finding_metrics(truth: Bools, probability: Floats, threshold: float) -> dict[str, float]:
    """Return the figures of one label of a classifier; those that need both classes only when both are there."""
    return binary_figures(truth, probability, probability >= threshold)(np.arange(len(truth)))


def binary_figures(truth: Bools, score: Floats, answered: Bools) -> Statistic:
    """Return the statistic "all figures of a yes or no" for the bootstrap: sorted once, however often rows are drawn.

    Args:
        truth: (cases,) whether a case has the label.
        score: (cases,) probability of it, which is ranked and calibrated.
        answered: (cases,) whether the model says that it has it.

    Figures that need both classes, or any answer, are left out where they are missing. The area under the ROC curve
    is that of the trapezoids, average precision the sum of precision over steps of recall, as in scikit-learn.
    """
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0.0, True))
    bins = np.minimum((score * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps, cells, hit = score - truth, 2 * truth.astype(int) + answered, truth[order]

    def figures(rows: Indices) -> dict[str, float]:
        weights = np.bincount(rows, minlength=len(truth)).astype(np.float64)
        passes, alarms, misses, hits = (float(one) for one in np.bincount(cells, weights=weights, minlength=4))
        found = {
            "accuracy": (hits + passes) / len(rows),
            "ece": float(np.abs(np.bincount(bins, weights=weights * gaps, minlength=ECE_BINS)).sum() / len(rows)),
            "brier": float(weights @ gaps**2 / len(rows)),
        }
        if hits + alarms:
            found["precision"] = hits / (hits + alarms)
        if hits + misses:
            found |= {"sensitivity": hits / (hits + misses), "f1": 2 * hits / (2 * hits + misses + alarms)}
        if alarms + passes:
            found["specificity"] = passes / (alarms + passes)
        if hits + misses and alarms + passes:
            found["auc"], found["auprc"] = _areas(weights[order], hit, ends)
        return found

    return figures


def _areas(weights: Floats, hit: Bools, ends: Indices) -> tuple[float, float]:
    """Return the area under the ROC curve and average precision of rows in falling order of their scores.

    `ends` are the last rows of each run of equal scores.
    """
    hits = np.append(0.0, np.cumsum(weights * hit)[ends])
    alarms = np.append(0.0, np.cumsum(weights * ~hit)[ends])
    auc = float((np.diff(alarms) * (hits[1:] + hits[:-1])).sum() / (2.0 * hits[-1] * alarms[-1]))
    answers = np.maximum(hits[1:] + alarms[1:], np.finfo(float).tiny)
    return auc, float((np.diff(hits) * hits[1:] / answers).sum() / hits[-1])


def expected_calibration_error(truth: Bools, probability: Floats, bins: int = ECE_BINS) -> float:
    """Return the mean gap between probability and frequency over bins of equal width, weighted by their rows.

    Guo et al., On calibration of modern neural networks, ICML 2017, for a binary label.
    """
    where = np.minimum((probability * bins).astype(int), bins - 1)
    gaps = np.bincount(where, weights=probability - truth, minlength=bins)
    return float(np.abs(gaps).sum() / len(truth))


def exclusive_metrics(truth: Indices, shares: Floats) -> dict[str, float]:
    """Return the figures over all classes of a classifier whose classes exclude each other.

    Args:
        truth: (cases,) index of the true class.
        shares: (cases, classes) probabilities; the largest one is the answer.

    `accuracy` is the share of right answers, `balanced_accuracy` the mean sensitivity of the classes that occur,
    `f1` the mean F1 of these, `ece` compares the largest probability with how often it is right, `brier` is the mean
    squared distance from the truth, summed over the classes (Brier, Monthly Weather Review 78:1, 1950: 0 to 2).
    """
    answers, present = shares.argmax(axis=1), np.unique(truth)
    right = answers == truth
    hits = np.array([right[truth == one].sum() for one in present])
    wanted = np.array([(truth == one).sum() for one in present])
    told = np.array([(answers == one).sum() for one in present])
    wished = np.arange(shares.shape[1])[None] == truth[:, None]
    return {
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(np.mean(hits / wanted)),
        "f1": float(np.mean(2 * hits / (wanted + told))),
        "ece": expected_calibration_error(right, shares.max(axis=1)),
        "brier": float(np.mean(((shares - wished) ** 2).sum(axis=1))),
    }


def never_certain(measured: Measured, subjects: int) -> Measured:
    """Widen the interval of a share to the exact binomial one of so many draws (Clopper and Pearson, 1934).

    Drawing subjects again cannot tell of a share near 0 or 1 what another subject would add; counting subjects, not
    pictures, takes all pictures of one for a single witness.
    """
    from scipy.stats import beta

    hits = measured.value * subjects
    low = 0.0 if hits <= 0 else float(beta.ppf(0.025, hits, subjects - hits + 1))
    high = 1.0 if hits >= subjects else float(beta.ppf(0.975, hits + 1, subjects - hits))
    return replace(measured, low=min(measured.low, low), high=max(measured.high, high))
