"""From measures to a verdict: what a map must not do, and the sentence that says it did."""

from __future__ import annotations

from collections.abc import Mapping

from medassist.entities.stamp import Limits, Stamp, Standing
from medassist.entities.study import Warned, warned


def nothing_to_measure(*, empty: bool, score: float | None, threshold: float, limits: Limits) -> Stamp | None:
    """Return the stamp of a map that means nothing: it is empty, or the target hardly scores; None for others."""
    reasons: list[Warned] = []
    if empty:
        reasons.append(warned("Nothing in the map speaks for the target, so it shows nothing."))
    if score is not None and score < limits.share_of_threshold * threshold:
        reasons.append(
            warned(
                "The target hardly scores ({score}; it counts as present from {threshold}), so the map shows nothing.",
                score=f"{score:.3f}",
                threshold=f"{threshold:.3f}",
            )
        )
    return Stamp(Standing.MEANINGLESS, {}, tuple(reasons)) if reasons else None


def judged(numbers: Mapping[str, float], limits: Limits, *, second_method: str = "", known: str = "") -> Stamp:
    """Return the stamp of what was measured; what was not measured cannot fail.

    `known` is why every map of the method fails, whatever its measures ("" for other methods).
    """
    told = (Warned(known),) if known else ()
    reasons = (*told, *(one for one in _failures(numbers, limits) if one is not None))
    return Stamp(Standing.FAILS if reasons else Standing.HOLDS, dict(numbers), reasons, second_method)


def _failures(numbers: Mapping[str, float], limits: Limits) -> tuple[Warned | None, ...]:
    top, every = numbers.get("randomised_top_ssim", 0.0), numbers.get("randomised_all_ssim", 0.0)
    gain = numbers.get("gain_over_random", 1.0)
    steady, gap = numbers.get("repeatability", 1.0), numbers.get("completeness_gap", 0.0)
    return (
        None
        if top <= limits.randomised_top
        else warned(
            "With random weights in its last layer the network gives nearly the same map (likeness {value}, at most "
            "{limit}): it shows the image, not what was learned.",
            value=f"{top:.2f}",
            limit=f"{limits.randomised_top:.2f}",
        ),
        None
        if every <= limits.randomised_all
        else warned(
            "With random weights in every layer the network still gives a similar map (likeness {value}, at most "
            "{limit}): it shows the image, not what was learned.",
            value=f"{every:.2f}",
            limit=f"{limits.randomised_all:.2f}",
        ),
        None
        if gain >= limits.gain
        else warned(
            "Taking away what the map marks changes the score hardly more than random places do (gain {value}, at "
            "least {limit}).",
            value=f"{gain:.2f}",
            limit=f"{limits.gain:.2f}",
        ),
        None
        if steady >= limits.repeatability
        else warned(
            "Noise nobody would see changes the map (rank correlation {value}, at least {limit}).",
            value=f"{steady:.2f}",
            limit=f"{limits.repeatability:.2f}",
        ),
        None
        if abs(gap) <= limits.completeness_gap
        else warned(
            "The map does not account for {value} of the score (at most {limit}).",
            value=f"{abs(gap):.0%}",
            limit=f"{limits.completeness_gap:.0%}",
        ),
    )
