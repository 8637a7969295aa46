"""What a threshold catches and misses, and what one score allows to say: from scores of cases whose truth is known.

A score alone means nothing. The scores a model gave to cases with and without a finding tell how many of either a
threshold gets right (sensitivity and specificity), what a positive answer is worth where the finding is rare or common
(predictive values), and whether one more score is strange among either kind (conformal prediction).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.9
"""Share of the cases with, and of those without the finding, whose answer the conformal verdict keeps possible."""
ROUNDING = 1e-9
Z_95 = 1.959963984540054
"""Half width of a two-sided 95 % interval of the standard normal distribution."""


class Answer(Enum):
    """What conformal prediction leaves possible; CANNOT_SAY when both answers remain, or neither."""

    PRESENT = "present"
    ABSENT = "absent"
    CANNOT_SAY = "cannot_say"


@dataclass(frozen=True)
class Rate:
    """A share in 0..1 with its 95 % interval, and the number of cases it was counted on."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, eq=False)
class OperatingCurve:
    """Scores of calibration cases of one label, which the model did not learn from.

    Where models of the same recipe scored them in its stead (cross-fitting), everything here holds as far as these
    score alike.

    Attributes:
        positive: float64 (n,) sorted probabilities of the cases with the finding, after the package's slope and
            intercept; `negative` of those without. Neither is empty.
        source: where the cases come from, an English sentence of the package.
    """

    positive: Floats
    negative: Floats
    source: str = field(default="")

    def __post_init__(self) -> None:
        """Sort and freeze the scores (ValueError for none, and for what is no score in 0..1)."""
        for name in ("positive", "negative"):
            scores = np.sort(np.asarray(getattr(self, name), np.float64))
            if scores.ndim != 1 or not len(scores) or not (scores[0] >= 0.0 and scores[-1] <= 1.0):
                raise ValueError(f"the {name} cases need scores between 0 and 1")
            scores.setflags(write=False)
            object.__setattr__(self, name, scores)

    @property
    def count(self) -> int:
        """How many calibration cases there are, with and without the finding."""
        return len(self.positive) + len(self.negative)

    def sensitivity(self, threshold: float) -> Rate:
        """Return the share of the cases with the finding whose score reaches `threshold`."""
        below = int(np.searchsorted(self.positive, threshold, side="left"))
        return wilson(len(self.positive) - below, len(self.positive))

    def specificity(self, threshold: float) -> Rate:
        """Return the share of the cases without the finding whose score stays below `threshold`."""
        return wilson(int(np.searchsorted(self.negative, threshold, side="left")), len(self.negative))

    def ppv(self, threshold: float, prevalence: float) -> Rate | None:
        """Return the share of positive answers that are right where a share `prevalence` of the cases has the finding.

        None where nothing would be called positive. By Bayes' rule from sensitivity and specificity; the interval
        takes the lower, and the upper, bounds of both, so it covers at least 90 % and is wider than need be.
        """
        return self._predictive(self.sensitivity(threshold), self.specificity(threshold), prevalence)

    def npv(self, threshold: float, prevalence: float) -> Rate | None:
        """Return the share of negative answers that are right; as `ppv`, with the sides exchanged."""
        return self._predictive(self.specificity(threshold), self.sensitivity(threshold), 1.0 - prevalence)

    def _predictive(self, hit: Rate, other: Rate, share: float) -> Rate | None:
        value = _bayes(hit.value, other.value, share)
        if value is None:
            return None
        low, high = _bayes(hit.low, other.low, share), _bayes(hit.high, other.high, share)
        return Rate(value, min(value, low or 0.0), max(value, 1.0 if high is None else high), self.count)

    def p_values(self, probability: float) -> tuple[float, float]:
        """Return the conformal p-values of "present" and "absent" for one more case with this score.

        p = (1 + number of calibration cases of that kind at least as strange) / (n + 1), each kind by itself
        (label-conditional, "Mondrian"): Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005,
        section 4.5; Shafer and Vovk, J Mach Learn Res 9:371, 2008. A case with the finding is strange when its score
        is low, one without when it is high.
        """
        as_low = int(np.searchsorted(self.positive, probability, side="right"))
        as_high = len(self.negative) - int(np.searchsorted(self.negative, probability, side="left"))
        return (1 + as_low) / (len(self.positive) + 1), (1 + as_high) / (len(self.negative) + 1)

    def possible(self, probability: float, confidence: float = CONFIDENCE) -> tuple[bool, bool]:
        """Return whether "present" and whether "absent" remains when p-values up to 1 - `confidence` are left out.

        Of cases like the calibration cases with the finding, at least a share `confidence` keeps "present", and of
        those without "absent": a promise for exchangeable cases, not for another scanner or another population.
        """
        strange = 1.0 - confidence + ROUNDING
        present, absent = self.p_values(probability)
        return present > strange, absent > strange

    def answer(self, probability: float, confidence: float = CONFIDENCE) -> Answer:
        """Return the one answer that remains possible, CANNOT_SAY where both do, or neither."""
        present, absent = self.possible(probability, confidence)
        if present == absent:
            return Answer.CANNOT_SAY
        return Answer.PRESENT if present else Answer.ABSENT


def wilson(hits: int, n: int) -> Rate:
    """Return hits / n (n > 0) with the score interval of Wilson, J Am Stat Assoc 22:209, 1927, at 95 %."""
    share, z2 = hits / n, Z_95 * Z_95
    center = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Rate(share, max(0.0, min(share, center - half)), min(1.0, max(share, center + half)), n)


def _bayes(hit: float, other: float, share: float) -> float | None:
    """Return hit * share / (hit * share + (1 - other) * (1 - share)), None for 0 / 0."""
    right, wrong = hit * share, (1.0 - other) * (1.0 - share)
    return None if right + wrong <= 0.0 else right / (right + wrong)
