"""Models too simple to read an image, cross-validated by person: what they predict was given away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.training.audit.cues import Cue
from medassist.training.audit.people import Parts

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

RIDGE = 1.0
"""Penalty per learning row on standardised pixels: strong, as rows are few and pixels many."""


def pixel_scores(pixels: NDArray[np.float32], truth: Bools, parts: Parts) -> Floats:
    """Return scores (rows,) of a ridge classifier on pixels (rows, pixels), each row by models that never saw it."""
    from sklearn.linear_model import RidgeClassifier

    return _out_of_fold(
        lambda rows: RidgeClassifier(alpha=RIDGE * rows, class_weight="balanced", solver="cholesky"),
        np.asarray(pixels, np.float64),
        truth,
        parts,
    )


def together_scores(cues: Sequence[Cue], truth: Bools, parts: Parts) -> Floats:
    """Return scores (rows,) of a logistic model on all cues, each row by models that never saw it."""
    from sklearn.linear_model import LogisticRegression

    columns = [column for cue in cues for column in _columns(cue)]
    if not columns:
        return np.full(len(truth), np.nan)
    return _out_of_fold(
        lambda _rows: LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000),
        np.stack(columns, axis=1),
        truth,
        parts,
    )


def level_scores(cue: Cue, truth: Bools, parts: Parts) -> Floats:
    """Return, for a cue of several kinds, how often the label goes with the kind of each row among other people."""
    scores, told = np.zeros(len(truth)), np.zeros(len(truth), np.bool_)
    for learn, test in parts:
        overall = truth[learn].mean()
        for level in range(len(cue.levels)):
            mine, others = learn[cue.values[learn] == level], test[cue.values[test] == level]
            # one more person of the common frequency keeps a rare kind from counting as certain
            scores[others] += (truth[mine].sum() + overall) / (len(mine) + 1)
            told[others] = True
    return np.where(told, scores, np.nan)


def _columns(cue: Cue) -> list[Floats]:
    """Return a cue as columns without gaps: unknown numbers become the median, and that they were unknown is told."""
    known = np.isfinite(cue.values)
    if len(cue.levels) > 2:
        return [(cue.values == level).astype(np.float64) for level in range(len(cue.levels))]
    filled = np.where(known, cue.values, np.median(cue.values[known]) if known.any() else 0.0)
    return [filled] if known.all() else [filled, known.astype(np.float64)]


def _out_of_fold(build: Callable[[int], Any], features: Floats, truth: Bools, parts: Parts) -> Floats:
    """Return the sum of decision values over all drawings of folds, NaN for rows that were never tested."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scores, told = np.zeros(len(truth)), np.zeros(len(truth), np.bool_)
    for learn, test in parts:
        model = make_pipeline(StandardScaler(), build(len(learn))).fit(features[learn], truth[learn])
        scores[test] += model.decision_function(features[test])
        told[test] = True
    return np.where(told, scores, np.nan)
