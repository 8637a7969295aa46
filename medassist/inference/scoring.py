"""Scores of classifiers: classes that exclude each other, and those of somebody else as its postprocessing says.

Of classes that exclude each other the most likely one is called, if it is likely enough, or none is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.prediction import Check, ClassScore, Verdict
from medassist.inference.packages import Package
from medassist.inference.ports import Label
from medassist.inference.postprocess import Decision, decision

HIGHEST = "No operating point is known: the class with the highest score is called."
THRESHOLD = "No operating point is known: the package's own threshold is used."
ENOUGH = "The most likely class is called when its own threshold is reached; the classes exclude each other."
SUREST = "Most likely class"
HALF = "No operating point is known: a score of one half or more is called."


def exclusive_scores(package: Package, logits: NDArray[np.float32]) -> tuple[ClassScore, ...]:
    """Turn the outputs (K,) of a network whose K classes exclude each other into scores.

    Probabilities are softmax(slope * logits), with the one slope all labels share: a temperature of 1 / slope (Guo et
    al., On calibration of modern neural networks, ICML 2017). Refused when an output is not a number.
    """
    shares = _softmax(package.labels[0].slope * logits.astype(np.float64))
    if not np.isfinite(shares).all():
        raise _no_number(package)
    return called(package, [_of_class(label, float(shares[label.value])) for label in package.labels])


def _of_class(label: Label, share: float) -> ClassScore:
    return ClassScore(
        label=label.label,
        probability=share,
        threshold=label.threshold,
        calibrated=label.calibrated,
        code=label.code,
        title_zh=label.title_zh,
        operating_point=label.operating_point or ENOUGH,
        category=label.category,
        exclusive=True,
    )


def called(package: Package, scores: Sequence[ClassScore]) -> tuple[ClassScore, ...]:
    """Return the scores of a package at what each must reach to be called; where classes exclude each other, one is.

    That is the threshold of the label, and more than any other class has.
    """
    if not package.exclusive:
        return tuple(scores)
    shares = np.array([one.probability for one in scores])
    least = [label.threshold for label in package.labels]
    return tuple(replace(one, threshold=max(least[at], _best_other(shares, at))) for at, one in enumerate(scores))


def certainty(package: Package, scores: Sequence[ClassScore]) -> Check | None:
    """Return the row that says whether one class could be called; None where classes do not exclude each other."""
    if not package.exclusive:
        return None
    best, label = max(zip(scores, package.labels, strict=True), key=lambda pair: pair[0].probability)
    verdict = Verdict.PASS if best.positive else Verdict.UNKNOWN
    return Check(SUREST, f"≥ {label.threshold:.2f}", f"{best.probability:.2f}", verdict)


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
        raise _no_number(package)
    if shares.min() < 0.0 or shares.max() > 1.0:
        raise Refused("The outputs of the model {model} are no scores between 0 and 1.", model=package.name)
    if alone or rule.threshold is not None:
        said = THRESHOLD if rule.decided and not alone else HALF
        thresholds = np.full(len(shares), 0.5 if rule.threshold is None else rule.threshold)
    else:
        said, thresholds = HIGHEST, np.array([_best_other(shares, at) for at in range(len(shares))])
    return tuple(
        ClassScore(
            label.label,
            float(shares[label.value]),
            float(thresholds[label.value]),
            operating_point=said,
            exclusive=said is HIGHEST,
        )
        for label in package.labels
    )


def _shares(rule: Decision, logits: NDArray[np.float32]) -> NDArray[np.float64]:
    values = logits.astype(np.float64)
    if rule.activation == "sigmoid":
        return _sigmoid(logits)
    # A highest class is chosen the same way before and after a softmax, which makes scores of the outputs.
    if rule.activation == "softmax" or rule.threshold is None:
        return _softmax(values)
    return values


def _softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    grown = np.exp(values - values.max())
    shared: NDArray[np.float64] = grown / grown.sum()
    return shared


def _no_number(package: Package) -> Refused:
    return Refused(
        "The model's score for {label} is not a number, so nothing can be said.", label=package.labels[0].label
    )


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    squashed: NDArray[np.float64] = 0.5 * (1.0 + np.tanh(0.5 * logits.astype(np.float64)))
    return squashed


def _best_other(shares: NDArray[np.float64], at: int) -> float:
    """Return what class `at` must reach to be the one that is called; of equals the first is."""
    before, after = shares[:at], shares[at + 1 :]
    return float(max(np.nextafter(before, 2.0).max(initial=0.0), after.max(initial=0.0)))
