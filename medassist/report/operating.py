"""What a score means at its threshold, in the words of each format: never a number alone."""

from __future__ import annotations

from typing import Any

from medassist.entities.finding import Finding
from medassist.entities.operating import CONFIDENCE, Answer, OperatingCurve, Rate
from medassist.entities.study import Warned, warned


def sentences(finding: Finding) -> list[Warned]:
    """Say what a person must know about the score of a classifier's finding; nothing for other findings."""
    return [*about_score(finding), *about_answer(finding)]


def about_score(finding: Finding) -> list[Warned]:
    """Say where the threshold comes from, what it catches and misses, and which answer the score leaves possible."""
    if finding.probability is None or finding.threshold is None:
        return []
    moved = changed(finding)
    told = [] if moved is None else [moved]
    if finding.curve is not None:
        return [
            *told,
            at_threshold(finding.curve, finding.threshold),
            conformal(finding.curve, finding.probability),
        ]
    if not finding.operating_point:
        told.append(warned("The model's package does not say what its threshold catches and misses."))
    return told


def changed(finding: Finding) -> Warned | None:
    """Say that the reader moved the threshold, None where it is the package's own."""
    if finding.package_threshold is None or finding.threshold is None:
        return None
    return warned(
        "Threshold changed by the reader from {before} to {after}.",
        before=number(finding.package_threshold),
        after=number(finding.threshold),
    )


def at_threshold(curve: OperatingCurve, threshold: float) -> Warned:
    """Say what a threshold catches and misses on the calibration cases."""
    return warned(
        "At the threshold {threshold}: sensitivity {sensitivity}, specificity {specificity}, "
        "on {count} images (95 % intervals).",
        threshold=number(threshold),
        sensitivity=rate(curve.sensitivity(threshold)),
        specificity=rate(curve.specificity(threshold)),
        count=curve.count,
    )


def about_answer(finding: Finding) -> list[Warned]:
    """Say what an answer is worth where the finding is as common as the reader says; nothing until then."""
    curve, threshold, prevalence = finding.curve, finding.threshold, finding.prevalence
    if curve is None or threshold is None or prevalence is None:
        return []
    return [
        warned(
            "At a local prevalence of {prevalence} %: positive predictive value {ppv}, negative {npv}.",
            prevalence=f"{100 * prevalence:.3g}",
            ppv=rate(curve.ppv(threshold, prevalence)),
            npv=rate(curve.npv(threshold, prevalence)),
        )
    ]


def conformal(curve: OperatingCurve, probability: float) -> Warned:
    """Say which answer the score leaves possible."""
    share = f"{100 * CONFIDENCE:.0f}"
    present, absent = curve.possible(probability)
    if present and absent:
        return warned(
            "Cannot say: such a score is usual with the finding and without it ({confidence} % confidence).",
            confidence=share,
        )
    if present:
        return warned("Such a score is unusual without the finding ({confidence} % confidence).", confidence=share)
    if absent:
        return warned("Such a score is unusual with the finding ({confidence} % confidence).", confidence=share)
    return warned(
        "Cannot say: such a score is unusual with the finding and without it ({confidence} % confidence).",
        confidence=share,
    )


def cannot_say(finding: Finding) -> bool:
    """Tell whether the score fits both answers, or none."""
    curve, probability = finding.curve, finding.probability
    return curve is not None and probability is not None and curve.answer(probability) is Answer.CANNOT_SAY


def as_json(finding: Finding) -> dict[str, Any]:
    """Return it for scripts; what is not known is null."""
    curve, threshold, probability = finding.curve, finding.threshold, finding.probability
    told: dict[str, Any] = dict.fromkeys(("sensitivity", "specificity", "conformal", "ppv", "npv", "calibration_cases"))
    told |= {"prevalence": finding.prevalence, "package_threshold": finding.own_threshold}
    told |= {"threshold_changed_by_reader": finding.package_threshold is not None}
    if curve is None or threshold is None or probability is None:
        return told
    told["sensitivity"] = _rate(curve.sensitivity(threshold))
    told["specificity"] = _rate(curve.specificity(threshold))
    cases = {"source": curve.source, "positive": len(curve.positive), "negative": len(curve.negative)}
    told["calibration_cases"] = cases
    present, absent = curve.p_values(probability)
    answer = curve.answer(probability).value
    told["conformal"] = {"verdict": answer, "confidence": CONFIDENCE, "p_present": present, "p_absent": absent}
    if finding.prevalence is not None:
        told["ppv"] = _rate(curve.ppv(threshold, finding.prevalence))
        told["npv"] = _rate(curve.npv(threshold, finding.prevalence))
    return told


def as_parameters(finding: Finding) -> list[str]:
    """Return it as parameters of the algorithm for a structured report, in English."""
    if finding.threshold is None or finding.probability is None:
        return []
    told = []
    if finding.package_threshold is not None:
        told += [f"threshold_of_package={finding.package_threshold:.6g}", "threshold_changed_by=reader"]
    if finding.curve is not None:
        told += [
            f"sensitivity={rate(finding.curve.sensitivity(finding.threshold))}",
            f"specificity={rate(finding.curve.specificity(finding.threshold))}",
            f"conformal_{100 * CONFIDENCE:.0f}={finding.curve.answer(finding.probability).value}",
        ]
    return told


def number(threshold: float) -> str:
    """Write a threshold with three decimals."""
    return f"{threshold:.3f}"


def rate(value: Rate | None) -> str:
    """Write a share with its 95 % interval; a dash where there is none."""
    return "—" if value is None else f"{value.value:.2f} ({value.low:.2f}–{value.high:.2f})"


def _rate(value: Rate | None) -> dict[str, float | int] | None:
    return None if value is None else {"value": value.value, "low": value.low, "high": value.high, "n": value.n}
