"""From the features of training images to the statistics a package knows its kind of image by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medassist.inference.embedding import Embedding

Floats = NDArray[np.float64]

MOST_AXES = 60
UNUSUAL, UNSUITED = 0.95, 0.98


def fit_embedding(features: Floats, groups: Sequence[int]) -> Embedding:
    """Fit mean, axes and limits to (images, features).

    The limits are the 95 % and 98 % quantiles of the distances of all images, each measured by statistics that were
    made without its group (a fold of patients): distances of images a statistic was made of would be too small.
    """
    count = min(MOST_AXES, features.shape[1] // 2, len(features) // 3)
    folds = np.asarray(groups)
    distances = np.empty(len(features))
    for fold in np.unique(folds):
        without = _fit(features[folds != fold], count, (1.0, 1.0))
        distances[folds == fold] = [without.distance(one) for one in features[folds == fold]]
    return _fit(features, count, (float(np.quantile(distances, UNUSUAL)), float(np.quantile(distances, UNSUITED))))


def _fit(features: Floats, count: int, limits: tuple[float, float]) -> Embedding:
    center = features.mean(0)
    _, spread, axes = np.linalg.svd(features - center, full_matrices=False)
    variances = np.maximum(spread**2 / len(features), 1e-12)
    outside = features.shape[1] - count
    residual = max(float(variances[count:].sum()) / max(1, outside), 1e-12)
    return Embedding(center, axes[:count], variances[:count], residual, *limits)
