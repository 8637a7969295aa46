"""How well found objects agree with true ones: two label maps, 0 background, one number per object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int32]
Counts = NDArray[np.int64]

MATCH = 0.5
"""Objects with a larger intersection over union belong together; above 0.5 nothing can belong to two."""


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Which found object lies how far on which true one; only pairs that touch, so that memory grows with objects.

    Attributes:
        true: (true,) pixels of each true object.
        found: (found,) pixels of each found object.
        of_true: (pairs,) index into `true`.
        of_found: (pairs,) index into `found`.
        shared: (pairs,) pixels both have, at least 1.
    """

    true: Counts
    found: Counts
    of_true: Counts
    of_found: Counts
    shared: Counts

    @property
    def unions(self) -> Counts:
        """(pairs,) pixels that either has."""
        either: Counts = self.true[self.of_true] + self.found[self.of_found] - self.shared
        return either

    @property
    def ratios(self) -> NDArray[np.float64]:
        """(pairs,) intersection over union."""
        ratio: NDArray[np.float64] = self.shared / self.unions
        return ratio


def overlaps(found: Labels, truth: Labels) -> Overlaps:
    """Count the pixels of every object and of every touching pair of two label maps (ValueError unless of one shape).

    Numbers may have gaps; an object may consist of several pieces.
    """
    if found.shape != truth.shape:
        raise ValueError(f"label maps {found.shape} and {truth.shape} differ in shape")
    # the background comes first in both, so that index 0 is never an object
    _, true_at = np.unique(np.append(0, truth), return_inverse=True)
    found_names, found_at = np.unique(np.append(0, found), return_inverse=True)
    sizes = [np.bincount(at)[1:] for at in (true_at, found_at)]
    both = (true_at > 0) & (found_at > 0)
    pairs, shared = np.unique(true_at[both] * len(found_names) + found_at[both], return_counts=True)
    of_true, of_found = np.divmod(pairs, len(found_names))
    return Overlaps(sizes[0], sizes[1], of_true - 1, of_found - 1, shared)


def instance_metrics(found: Labels, truth: Labels) -> dict[str, float]:
    """Return the figures of one picture.

    `f1_iou50` is the F1 of matches with intersection over union above 0.5; `pq` is panoptic quality, the mean ratio
    of the matches times that F1 (Kirillov et al., CVPR 2019); `aji` is the aggregated Jaccard index (Kumar et al.,
    IEEE TMI 36:1550, 2017), where every true object takes the found one of the largest ratio, even one that another
    took. All are 1 when neither map has an object. `count_error` is the absolute difference in objects, `count_bias`
    the signed one: positive where too many were found.
    """
    one = overlaps(found, truth)
    objects = len(one.true) + len(one.found)
    ratios = one.ratios
    matched = ratios[ratios > MATCH]
    surplus = len(one.found) - len(one.true)
    return {
        "pq": 2.0 * float(matched.sum()) / objects if objects else 1.0,
        "aji": _aggregated_jaccard(one) if objects else 1.0,
        "f1_iou50": 2.0 * len(matched) / objects if objects else 1.0,
        "count_error": float(abs(surplus)),
        "count_bias": float(surplus),
    }


def _aggregated_jaccard(one: Overlaps) -> float:
    best_first = np.lexsort((-one.ratios, one.of_true))
    touched, at = np.unique(one.of_true[best_first], return_index=True)
    best = best_first[at]
    missed = one.true.sum() - one.true[touched].sum()
    unused = one.found.sum() - one.found[np.unique(one.of_found[best])].sum()
    return float(one.shared[best].sum() / (one.unions[best].sum() + missed + unused))
