"""`--threshold` and `--prevalence` of `analyze`: what the dial of the window sets."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from medassist.entities.errors import UsageError
from medassist.session.actions import Action
from medassist.session.thresholds import SetPrevalence, SetThreshold

if TYPE_CHECKING:
    from medassist.inference.packages import Package


def add_options(verb: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    verb.add_argument(
        "--threshold",
        action="append",
        default=[],
        metavar="LABEL=SHARE",
        help="call LABEL present from this probability (0 to 1) on, instead of the package's own; kept in the report",
    )
    verb.add_argument(
        "--prevalence",
        action="append",
        default=[],
        metavar="LABEL=PERCENT",
        help="how many of 100 of your patients have LABEL; the report then has predictive values",
    )


def settings_of(arguments: argparse.Namespace, package: Package) -> tuple[Action, ...]:
    """Return what was asked for as actions.

    UsageError for a label the model has not, a number out of range, and a model whose package cannot say what another
    threshold catches and misses.
    """
    from medassist.inference.operating import read_curves

    thresholds = _read("--threshold", arguments.threshold, package, lambda share: 0.0 <= share <= 1.0)
    prevalences = _read("--prevalence", arguments.prevalence, package, lambda percent: 0.0 < percent < 100.0)
    known = read_curves(package) if thresholds or prevalences else {}
    for label, _value in (*thresholds, *prevalences):
        if label not in known:
            raise UsageError(
                "The package of {model} has no calibration cases of {label}: what a threshold catches is not known.",
                remedy="Leave --threshold and --prevalence out.",
                model=package.name,
                label=label,
            )
    return (
        *(SetThreshold(package.sha256, label, share) for label, share in thresholds),
        *(SetPrevalence(package.name, label, percent / 100) for label, percent in prevalences),
    )


def _read(
    option: str, values: Sequence[str], package: Package, fits: Callable[[float], bool]
) -> list[tuple[str, float]]:
    labels = [one.label for one in package.labels]
    told = []
    for value in values:
        label, _, number = value.rpartition("=")
        if label not in labels:
            raise UsageError(
                "{option} {value}: the model {model} has no such label; it has {labels}.",
                option=option,
                value=value,
                model=package.name,
                labels=", ".join(labels),
            )
        share = _as_number(number)
        if share is None or not fits(share):
            raise UsageError("{option} {value}: there is no usable number after =.", option=option, value=value)
        told.append((label, share))
    return told


def _as_number(text: str) -> float | None:
    try:
        return float(text.removesuffix("%"))
    except ValueError:
        return None
