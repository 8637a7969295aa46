"""Statistics of many values, and the values along a line."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ValueStatistics:
    """What values of one slice or region are like.

    Attributes:
        count: how many there are, without padding and what is no number; the rest is None or empty for 0.
        unit: of the series, "" for none.
        mean, sd, low, high, median: `sd` is that of the population.
        counts: how many values lie in each of the bins, whose `edges` are one more; the last edge is inside.
    """

    count: int
    unit: str = ""
    mean: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    median: float | None = None
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    edges: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, eq=False)
class LineProfile:
    """Values along a line, from its first point to its second.

    Attributes:
        distances: from the first point; in mm, or in pixels where the series has no scale (`in_mm` False).
        values: between pixels linear; NaN outside of the picture, on lost slices and next to padding.
    """

    distances: NDArray[np.float64]
    values: NDArray[np.float64]
    unit: str = ""
    in_mm: bool = True


@dataclass(frozen=True, eq=False)
class Inspected:
    """What the page of statistics shows: of a slice, or of a drawing with this UID."""

    series_key: str
    slice_index: int
    time: int
    measurement_uid: str = ""
    statistics: ValueStatistics | None = None
    profile: LineProfile | None = None
