"""The calibration cases a package brings: what makes its scores mean something.

`medassist.calibration` of the metadata names a JSON file and its SHA-256:
`{"weights": SHA-256, "source": "…", "labels": {LABEL: {"positive": [logit, …], "negative": [logit, …]}}}`, the logits
of cases with and without the finding, from models that had not seen them. A threshold belongs to its weights, and so
do these: a file for other weights is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.operating import OperatingCurve
from medassist.entities.prediction import ClassScore
from medassist.inference.promised import promised
from medassist.inference.schema import Section, as_section, inside

if TYPE_CHECKING:
    from medassist.inference.packages import Package
    from medassist.inference.ports import Label

MAX_BYTES = 8_000_000


@dataclass(frozen=True)
class CalibrationSpec:
    """Where the calibration cases lie, and the SHA-256 the metadata promises."""

    file: Path
    sha256: str


def read_spec(own: Section, root: Path) -> CalibrationSpec | None:
    """Read the section "calibration" of the package in `root`, None when it has none (Refused naming file and key)."""
    if "calibration" not in own.data:
        return None
    section = own.section("calibration")
    sha256 = section.sha256()
    return CalibrationSpec(inside(root, section.file, section.place("file"), section.text("file")), sha256)


def read_curves(package: Package) -> Mapping[str, OperatingCurve]:
    """Return the curve of every label that has calibration cases, by label; empty for a package without.

    Refused when the file is not the promised one, is for other weights, or holds no usable numbers.
    """
    spec = package.calibration
    if spec is None:
        return {}
    whole = as_section(spec.file, "", _parsed(package, spec))
    if whole.text("weights").lower() != package.sha256:
        raise Refused(
            "{file} holds the scores of other weights than those of {model}, so its thresholds have no known effect.",
            remedy="Install the model package again from a source you trust.",
            file=spec.file,
            model=package.name,
        )
    source, labels = whole.text("source", ""), whole.section("labels")
    known = (one for one in package.labels if one.label in labels.data)
    return {one.label: _curve(one, labels.section(one.label), source) for one in known}


def with_curves(scores: Sequence[ClassScore], curves: Mapping[str, OperatingCurve]) -> tuple[ClassScore, ...]:
    """Return scores with the curves of their labels: they are the package's, so no remembered answer holds them."""
    return tuple(replace(one, curve=curves.get(one.label)) for one in scores)


def probabilities(label: Label, logits: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return sigmoid(slope * logit + intercept) of any shape: Platt scaling with the package's parameters."""
    squashed: NDArray[np.float64] = 0.5 * (1.0 + np.tanh(0.5 * (label.slope * np.asarray(logits) + label.intercept)))
    return squashed


def _parsed(package: Package, spec: CalibrationSpec) -> object:
    content = promised(spec.file, spec.sha256, package.name, MAX_BYTES)
    try:
        parsed: object = json.loads(content, parse_int=float)  # an integer too long for a float is infinite then
    except (ValueError, RecursionError) as error:
        raise Refused("{file} is not valid JSON: {reason}.", file=spec.file, reason=error) from error
    return parsed


def _curve(label: Label, section: Section, source: str) -> OperatingCurve:
    positive, negative = (probabilities(label, _logits(section, kind)) for kind in ("positive", "negative"))
    return OperatingCurve(positive, negative, source)


def _logits(section: Section, kind: str) -> NDArray[np.float64]:
    items = section.items(kind)
    numbers = [one for one in items if isinstance(one, float)]
    if not items or len(numbers) != len(items) or not np.isfinite(numbers).all():
        raise Refused(
            "{file}: the key {key} must be a list of numbers that is not empty.",
            file=section.file,
            key=section.place(kind),
        )
    return np.array(numbers)
