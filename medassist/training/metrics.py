"""Figures and their 95 % intervals: people, not pictures, are drawn again (bootstrap by subject)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]

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
    from sklearn.metrics import average_precision_score, roc_auc_score

    positive = probability >= threshold
    hits, misses = int((positive & truth).sum()), int((~positive & truth).sum())
    alarms, passes = int((positive & ~truth).sum()), int((~positive & ~truth).sum())
    figures = {
        "accuracy": (hits + passes) / len(truth),
        "ece": expected_calibration_error(truth, probability),
        "brier": float(np.mean((probability - truth) ** 2)),
    }
    if hits + misses:
        figures |= {"sensitivity": hits / (hits + misses), "f1": 2 * hits / (2 * hits + misses + alarms)}
    if alarms + passes:
        figures["specificity"] = passes / (alarms + passes)
    if hits + misses and alarms + passes:
        figures["auc"] = float(roc_auc_score(truth, probability))
        figures["auprc"] = float(average_precision_score(truth, probability))
    return figures


def expected_calibration_error(truth: Bools, probability: Floats, bins: int = ECE_BINS) -> float:
    """Return the mean gap between probability and frequency over bins of equal width, weighted by their rows.

    Guo et al., On calibration of modern neural networks, ICML 2017, for a binary label.
    """
    where = np.minimum((probability * bins).astype(int), bins - 1)
    gaps = np.bincount(where, weights=probability - truth, minlength=bins)
    return float(np.abs(gaps).sum() / len(truth))


def mask_metrics(found: Bools, truth: Bools, spacing_zyx_mm: tuple[float, float, float]) -> dict[str, float]:
    """Return Dice, 95 % Hausdorff distance (mm, both ways, by MONAI) and absolute volume error (ml) of one label.

    The distance is left out when either mask is empty; Dice is 1 when both are.
    """
    both = int(found.sum()) + int(truth.sum())
    voxel_ml = float(np.prod(spacing_zyx_mm)) / 1000.0
    figures = {
        "dice": 2.0 * int((found & truth).sum()) / both if both else 1.0,
        "volume_error_ml": abs(int(found.sum()) - int(truth.sum())) * voxel_ml,
    }
    if found.any() and truth.any():
        figures["hd95_mm"] = _hausdorff_95(found, truth, spacing_zyx_mm)
    return figures


def _hausdorff_95(found: Bools, truth: Bools, spacing_zyx_mm: tuple[float, float, float]) -> float:
    import torch
    from monai.metrics import compute_hausdorff_distance

    masks = [torch.from_numpy(mask[None, None].astype(np.float32)) for mask in (found, truth)]
    with warnings.catch_warnings():
        # MONAI 1.6 warns here about an argument that MONAI itself passes.
        warnings.simplefilter("ignore", FutureWarning)
        distance = compute_hausdorff_distance(
            masks[0], masks[1], include_background=True, percentile=95, spacing=list(spacing_zyx_mm)
        )
    return float(distance[0, 0])
