"""Areas under the ROC curve with intervals: people are drawn again, all areas on the same draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medassist.training.metrics import Measured

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

REPEATS = 1000
FEWEST_REPEATS = 200
MOST_DRAWN = 2_000_000
"""Rows drawn in all: more than 2000 rows are drawn less often, as their intervals are narrow anyway."""
SEED = 0
_AT_ONCE = 4_000_000
"""Weights held in memory at a time (draws x rows)."""


@dataclass(frozen=True, eq=False)
class Area:
    """One area under the curve: `value` on all rows and `drawn`, the areas of the draws (draws,), NaN where none."""

    value: float
    drawn: Floats = field(repr=False)
    n: int

    def turned(self) -> Area:
        """Return the area of the score the other way round."""
        return Area(1.0 - self.value, 1.0 - self.drawn, self.n)

    def measured(self, outside: float = 0.05) -> Measured:
        """Return the value with its percentile interval, which leaves this share of the draws outside."""
        return _measured(self.value, self.drawn, self.n, outside)

    def above(self, other: Area) -> Measured:
        """Return how much this area is larger than another of the same rows, draw by draw."""
        return _measured(self.value - other.value, self.drawn - other.drawn, self.n)


def _measured(value: float, drawn: Floats, n: int, outside: float = 0.05) -> Measured:
    told = drawn[np.isfinite(drawn)]
    if not len(told):
        return Measured(value, 0.0, 1.0, n)
    low, high = np.quantile(told, [outside / 2, 1 - outside / 2])
    return Measured(value, float(low), float(high), n)


@dataclass(frozen=True, eq=False)
class Draws:
    """`repeats` draws of whole people, with replacement; `people` (rows,) says whose each row is, numbered from 0."""

    people: NDArray[np.intp]
    repeats: int
    seed: int = SEED

    @classmethod
    def of(cls, people: NDArray[np.intp]) -> Draws:
        """Return the usual draws for rows of these people (rows,), however they are numbered."""
        repeats = min(REPEATS, max(FEWEST_REPEATS, MOST_DRAWN // max(len(people), 1)))
        return cls(np.unique(people, return_inverse=True)[1].astype(np.intp), repeats)

    def weights(self) -> Iterator[Floats]:
        """Yield how often each row was drawn, (some draws, rows), draw by draw the same whoever asks."""
        count = int(self.people.max()) + 1
        random = np.random.default_rng(self.seed)
        step = max(1, _AT_ONCE // max(len(self.people), 1))
        for start in range(0, self.repeats, step):
            size = min(step, self.repeats - start)
            drawn = random.multinomial(count, np.full(count, 1.0 / count), size=size)
            yield drawn[:, self.people].astype(np.float64)


def area(scores: Floats, truth: Bools, draws: Draws) -> Area | None:
    """Return the area under the ROC curve of `scores` (rows,) for `truth` (rows,), ties counted half.

    Rows whose score is NaN are left out; None when one of the two classes is then empty. Mann and Whitney, 1947.
    """
    known = np.isfinite(scores)
    if not truth[known].any() or truth[known].all():
        return None
    order = np.flatnonzero(known)[np.argsort(scores[known], kind="stable")]
    sorted_scores, hits = scores[order], truth[order]
    starts = np.flatnonzero(np.r_[True, sorted_scores[1:] != sorted_scores[:-1]])
    whole = _weighted(np.ones((1, len(order))), hits, starts)[0]
    drawn = np.concatenate([_weighted(weights[:, order], hits, starts) for weights in draws.weights()])
    return Area(float(whole), drawn, len(order))


def _weighted(weights: Floats, hits: Bools, starts: NDArray[np.intp]) -> Floats:
    """Return the area for each row of weights (draws, rows in order of their scores)."""
    positive = np.add.reduceat(weights * hits, starts, axis=1)
    negative = np.add.reduceat(weights * ~hits, starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Floats = (positive * below).sum(axis=1) / pairs
    return result
