"""What calibration and thresholds are worth: fitted to some folds, measured on another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medassist.training.calibration import choose_threshold, fit_platt
from medassist.training.table import Row

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def judged(rows: Sequence[Row], truth: Bools, logits: Floats) -> tuple[Floats, Bools]:
    """Return (probability, answered), (rows,) each, of one label.

    The calibration and the threshold of every fold come from the other folds, as those of a package come from people
    that its readers' patients are not. With one fold alone they come from itself. `logits` (rows,) are of models that
    had not seen the row.
    """
    probability, answered = np.empty(len(rows)), np.empty(len(rows), np.bool_)
    folds = np.array([-1 if row.fold is None else row.fold for row in rows])
    for fold in np.unique(folds):
        inside = folds == fold
        others = ~inside if not inside.all() else inside
        subjects = [row.subject for row, other in zip(rows, others, strict=True) if other]
        wanted = truth[others].astype(np.float64)
        calibration = fit_platt(logits[others], wanted, subjects)
        point = choose_threshold(calibration.probability(logits[others]), wanted, subjects)
        probability[inside] = calibration.probability(logits[inside])
        answered[inside] = probability[inside] >= point.threshold
    return probability, answered
