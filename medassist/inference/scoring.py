"""Scores of a classifier of somebody else: as its postprocessing says, and never with an operating point."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.prediction import ClassScore
from medassist.inference.packages import Package
from medassist.inference.postprocess import Decision, decision

HIGHEST = "No operating point is known: the class with the highest score is called."
THRESHOLD = "No operating point is known: the package's own threshold is used."
HALF = "No operating point is known: a score of one half or more is called."


def foreign_scores(package: Package, logits: NDArray[np.float32]) -> tuple[ClassScore, ...]:
    """Turn the outputs (K,) of a bundle's network into scores.

    Classes that exclude each other (softmax) are compared with the best of the others; `threshold` is that score. Each
    by itself (sigmoid) is compared with the threshold of the package, else with one half. Refused when an output is
    not a number, or no score.
    """
    rule = decision(package)
    alone = len(logits) == 1 and rule.threshold is None
    shares = _sigmoid(logits) if alone else _shares(rule, logits)
    if not np.isfinite(shares).all():
        raise Refused(
            "The model's score for {label} is not a number, so nothing can be said.", label=package.labels[0].label
        )
    if shares.min() < 0.0 or shares.max() > 1.0:
        raise Refused("The outputs of the model {model} are no scores between 0 and 1.", model=package.name)
    if alone or rule.threshold is not None:
        said = THRESHOLD if rule.decided and not alone else HALF
        thresholds = np.full(len(shares), 0.5 if rule.threshold is None else rule.threshold)
    else:
        said, thresholds = HIGHEST, np.array([_best_other(shares, at) for at in range(len(shares))])
    return tuple(
        ClassScore(label.label, float(shares[label.value]), float(thresholds[label.value]), operating_point=said)
        for label in package.labels
    )


def _shares(rule: Decision, logits: NDArray[np.float32]) -> NDArray[np.float64]:
    values = logits.astype(np.float64)
    if rule.activation == "sigmoid":
        return _sigmoid(logits)
    # A highest class is chosen the same way before and after a softmax, which makes scores of the outputs.
    if rule.activation == "softmax" or rule.threshold is None:
        grown = np.exp(values - values.max())
        shared: NDArray[np.float64] = grown / grown.sum()
        return shared
    return values


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    squashed: NDArray[np.float64] = 0.5 * (1.0 + np.tanh(0.5 * logits.astype(np.float64)))
    return squashed


def _best_other(shares: NDArray[np.float64], at: int) -> float:
    """Return what class `at` must reach to be the one that is called; of equals the first is."""
    before, after = shares[:at], shares[at + 1 :]
    return float(max(np.nextafter(before, 2.0).max(initial=0.0), after.max(initial=0.0)))
