"""What a package does not say, so that its reader is told instead of left to suppose."""

from __future__ import annotations

from dataclasses import fields

from medassist.inference.packages import Package

LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "docs/LICENSE", "LICENCE", "COPYING")


def licence(package: Package) -> str:
    """Return the terms of a package in one line: what its metadata says, else the first line of its licence file."""
    for key in ("license", "licence", "copyright"):
        value = package.metadata.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
    for name in LICENCES:
        path = package.root / name
        if path.is_file() and path.resolve().is_relative_to(package.root.resolve()):
            with path.open(encoding="utf-8", errors="replace") as file:
                lines = (line.strip(" #*\n") for line in (file.readline(1000) for _ in range(20)))
                return next((line for line in lines if line), "")
    return ""


def missing(package: Package) -> tuple[str, ...]:
    """Return what a reader would want to know and the package does not tell (English texts to translate)."""
    demands = package.suitability
    classifier = package.task == "classification"
    told = {
        "no SHA-256 of its weights is promised: a change would not be noticed": bool(_promised(package)),
        "no model card": bool(package.cards),
        "no licence": bool(licence(package)),
        "no intended use": bool(package.metadata.get("intended_use")),
        "no demands on the input: nothing can be checked for it": any(
            getattr(demands, one.name) for one in fields(demands)
        ),
        "no operating point: a threshold without known sensitivity and specificity": not classifier
        or all(label.operating_point for label in package.labels),
        "no calibration cases: what other thresholds catch and miss is not known": not classifier
        or package.calibration is not None,
        "not every score is calibrated: one that is not is no probability": not classifier
        or all(label.calibrated for label in package.labels),
        "no codes for its labels: other systems get their names only": all(label.code for label in package.labels),
        "no layer to explain": bool(package.explanation.layer) or not package.explainable.ok,
        "no explanation is possible for TorchScript weights": package.explainable.ok,
        "no test image of its own": "self_test" in _own(package),
    }
    return tuple(text for text, fulfilled in told.items() if not fulfilled)


def _promised(package: Package) -> object:
    """Return the hash the metadata promises, not one computed here."""
    weights = _own(package).get("weights", {})
    return weights.get("sha256") if isinstance(weights, dict) else None


def _own(package: Package) -> dict[str, object]:
    own = package.metadata.get("medassist", {})
    return own if isinstance(own, dict) else {}
