"""All measures of one map in one go, and what they will cost."""

from __future__ import annotations

from collections.abc import Mapping

from medassist.entities.stamp import Limits, Stamp
from medassist.explain.gradients import FAILS_SANITY
from medassist.explain.protocol import Explainer, Question
from medassist.explain.quality import agreement, randomisation, repeatability, replacing
from medassist.explain.quality.asked import Asked, Within
from medassist.explain.quality.judging import judged, nothing_to_measure
from medassist.explain.quality.remembering import remembered
from medassist.progress import Progress

Numbers = Mapping[str, float]
KNOWN_TO_FAIL = {"guidedbackprop": FAILS_SANITY}
"""Shown to fail by Adebayo et al. (NeurIPS 2018) and Nie et al. (ICML 2018); a shallow network need not show it."""


def passes(explainer: Explainer, question: Question, *, known: bool = False) -> float:
    """Return what a stamp will cost, in forward passes; `known`: parameter randomisation was measured before.

    Random maps and randomised networks are shared: a second map of the same question or method costs less.
    """
    other = agreement.second(explainer, question)
    return passes_for(explainer.passes(question), known=known) + (other.passes(question) if other else 0.0)


def passes_for(one_map: float, *, known: bool = False) -> float:
    """Return the same for a method of which one map costs `one_map` passes, without the second method."""
    maps = repeatability.DRAWS + (0 if known else 2 * randomisation.DRAWS)
    return replacing.PASSES + maps * one_map


def measured(
    asked: Asked, limits: Limits, *, score: float | None = None, known: Numbers | None = None, progress: Progress
) -> Stamp:
    """Measure a map and judge it.

    Args:
        asked: the map, its question and its method.
        limits: where a map fails.
        score: the probability of the target, None where it is not known.
        known: what was measured before of the method on this model; None measures it, once for a network.
        progress: cancelled between the passes.
    """
    empty = not (asked.answer.values > 0.0).any()
    nothing = nothing_to_measure(empty=empty, score=score, threshold=asked.threshold, limits=limits)
    if nothing is not None:
        return nothing
    other = agreement.second(asked.explainer, asked.question)
    shares = _shares(asked, other, known is not None)
    numbers: dict[str, float] = {}
    numbers |= replacing.replaced(asked, Within(progress, 0.0, shares[0]))
    numbers |= repeatability.repeatability(asked, Within(progress, shares[0], shares[1]))
    if other is not None:
        numbers |= agreement.agreement(asked, other, Within(progress, shares[1], shares[2]))
    numbers |= known if known is not None else randomised_once(asked, Within(progress, shares[2], 1.0))
    if "completeness_gap" in asked.answer.quality:
        numbers["completeness_gap"] = asked.answer.quality["completeness_gap"]
    task = "classification" if asked.question.region is None else "segmentation"
    compared = other.title(task) if other is not None and "agreement" in numbers else ""
    return judged(numbers, limits, second_method=compared, known=KNOWN_TO_FAIL.get(asked.explainer.name, ""))


def randomised_once(asked: Asked, progress: Progress) -> Numbers:
    """Return what random weights do to the maps of a method; computed once for a network, layer and settings."""
    question = asked.question
    key = ("randomised", asked.explainer.name, question.layer, tuple(sorted(question.settings.items())))
    return remembered(question, key, lambda: randomisation.randomised(asked, progress))


def _shares(asked: Asked, other: Explainer | None, known: bool) -> tuple[float, float, float]:
    """Return where replacing, repeating and comparing end, as shares of all passes."""
    one = asked.explainer.passes(asked.question)
    costs = (
        replacing.PASSES,
        repeatability.DRAWS * one,
        other.passes(asked.question) if other else 0.0,
        0.0 if known else 2 * randomisation.DRAWS * one,
    )
    ends = [sum(costs[: at + 1]) / sum(costs) for at in range(3)]
    return ends[0], ends[1], ends[2]
