"""From logits to probabilities and operating points, on validation rows only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SPLITS = 5
DRAWS = 200


@dataclass(frozen=True)
class Calibration:
    """probability = sigmoid(slope * logit + intercept); `fitted` is False for the untouched sigmoid."""

    slope: float = 1.0
    intercept: float = 0.0
    fitted: bool = False

    def probability(self, logits: Floats) -> Floats:
        """Return probabilities of any shape."""
        result: Floats = 0.5 * (1.0 + np.tanh(0.5 * (self.slope * logits + self.intercept)))
        return result


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold on the probability and what it does on the validation rows."""

    threshold: float
    sensitivity: float
    specificity: float
    n: int
    positives: int

    def sentence(self, source: str) -> str:
        """Return the English sentence of the package contract; `source` says which people these are."""
        return (
            f"Threshold {self.threshold:.3f} is the median best Youden index over {DRAWS} draws of {source} "
            f"({self.n} films, {self.positives} positive); there sensitivity {self.sensitivity:.2f}, "
            f"specificity {self.specificity:.2f}."
        )


def fit_platt(logits: Floats, truth: Floats, subjects: Sequence[str]) -> Calibration:
    """Fit Platt scaling, and keep it only when it lowers the log loss on subjects it was not fitted to.

    Platt, Probabilistic outputs for support vector machines, 1999; the comparison is a cross-validation
    grouped by subject. A slope that is not positive would turn the ranking round and is never kept.
    """
    from sklearn.model_selection import GroupKFold

    untouched = Calibration()
    if len(set(subjects)) < SPLITS or truth.min() == truth.max():
        return untouched
    held_out = np.zeros_like(logits)
    for learn, check in GroupKFold(SPLITS).split(logits, groups=list(subjects)):
        if truth[learn].min() == truth[learn].max():
            return untouched
        held_out[check] = _fit(logits[learn], truth[learn]).probability(logits[check])
    fitted = _fit(logits, truth)
    better = log_loss(held_out, truth) < log_loss(untouched.probability(logits), truth)
    return fitted if better and fitted.slope > 0.0 else untouched


def _fit(logits: Floats, truth: Floats) -> Calibration:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1e6, max_iter=1000).fit(logits[:, None], truth > 0.5)
    return Calibration(float(model.coef_[0, 0]), float(model.intercept_[0]), True)


def log_loss(probability: Floats, truth: Floats) -> float:
    """Return the mean negative log likelihood of a binary label."""
    safe = np.clip(probability, 1e-7, 1.0 - 1e-7)
    return float(-np.mean(truth * np.log(safe) + (1.0 - truth) * np.log(1.0 - safe)))


def choose_threshold(probability: Floats, truth: Floats, subjects: Sequence[str], *, seed: int = 0) -> OperatingPoint:
    """Return the median of the best Youden thresholds over draws of whole subjects: one draw alone is unstable."""
    names, inverse = np.unique(np.asarray(subjects), return_inverse=True)
    rows_of = [np.flatnonzero(inverse == i) for i in range(len(names))]
    random = np.random.default_rng(seed)
    found = []
    for _ in range(DRAWS):
        rows = np.concatenate([rows_of[i] for i in random.integers(0, len(names), len(names))])
        if 0.0 < truth[rows].mean() < 1.0:
            found.append(_best_youden(probability[rows], truth[rows]))
    threshold = float(np.clip(np.median(found) if found else 0.5, 0.001, 0.999))
    positive = probability >= threshold
    wanted = truth > 0.5
    return OperatingPoint(
        threshold=round(threshold, 4),
        sensitivity=float(positive[wanted].mean()) if wanted.any() else 0.0,
        specificity=float((~positive[~wanted]).mean()) if (~wanted).any() else 0.0,
        n=len(truth),
        positives=int(wanted.sum()),
    )


def _best_youden(probability: Floats, truth: Floats) -> float:
    """Return the threshold with the largest sensitivity + specificity - 1 (Youden, Cancer 3:32, 1950)."""
    from sklearn.metrics import roc_curve

    false_rate, true_rate, thresholds = roc_curve(truth > 0.5, probability)
    best = int(np.argmax((true_rate - false_rate)[1:])) + 1
    return float(thresholds[best])
