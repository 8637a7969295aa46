"""How alike two maps are, region by region.

Maps are compared, and parts of the image taken away, over at most 12 boxes along each axis. Maps of single voxels
change from one to the next: taken away in their order, voxels spread over the image, and the blur between them leaves
what they show.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WINDOW = 7
REGIONS = 12


def similarity(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return the structural similarity (Wang et al. 2004) of what speaks for the target, each map on its own scale.

    1 for the same picture; 0 where one of them is empty.
    """
    from skimage.metrics import structural_similarity

    heats = [np.maximum(np.asarray(each, dtype=np.float64), 0.0) for each in (one, other)]
    tops = [float(each.max(initial=0.0)) for each in heats]
    if min(tops) <= 0.0:
        return 0.0
    window = min(WINDOW, min(one.shape) - 1 + min(one.shape) % 2)
    if window < 3:
        return abs(rank_correlation(one, other))
    first, second = (heat / top for heat, top in zip(heats, tops, strict=True))
    return float(structural_similarity(first, second, win_size=window, data_range=1.0))


def rank_correlation(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return Spearman's rank correlation, 0 where one of the maps has a single value."""
    from scipy.stats import rankdata

    ranks = [rankdata(np.asarray(each).ravel()) for each in (one, other)]
    if min(float(each.std()) for each in ranks) == 0.0:
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def edges_of(voxels: int, most: int = REGIONS) -> NDArray[np.int64]:
    """Return where the regions along an axis of that length begin, and where the last one ends."""
    return np.linspace(0, voxels, min(most, voxels) + 1).astype(np.int64)


def pooled(values: NDArray[Any], most: int = REGIONS) -> NDArray[Any]:
    """Return the means over at most `most` boxes along each axis."""
    for axis in range(values.ndim):
        edges = edges_of(values.shape[axis], most)
        sums = np.add.reduceat(values.astype(np.float64), edges[:-1], axis=axis)
        shape = [-1 if at == axis else 1 for at in range(values.ndim)]
        values = sums / np.diff(edges).reshape(shape)
    return values
