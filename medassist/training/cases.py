"""The calibration cases of a classifier, beside its weights: what makes a score mean something at a threshold."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medassist.inference.packages import read
from medassist.training.recipe import Recipe
from medassist.training.record import write_json

FILE = "models/calibration.json"
DIGITS = 4


def write_cases(
    recipe: Recipe, out: Path, logits: NDArray[np.float32], truth: NDArray[np.float32], source: str
) -> None:
    """Write the logits of cases with and without each finding, and name the file in the metadata.

    Args:
        recipe: its offered labels are written.
        out: the finished package; the cases are bound to the SHA-256 of its weights.
        logits: (cases, labels) of networks that had not seen the case.
        truth: (cases, labels) of 0 and 1.
        source: an English sentence that says whose cases these are.
    """
    present = truth > 0.5
    cases = {
        label.label: {
            "positive": _sorted(logits[present[:, label.value], label.value]),
            "negative": _sorted(logits[~present[:, label.value], label.value]),
        }
        for label in recipe.offered
    }
    usable = {label: one for label, one in cases.items() if one["positive"] and one["negative"]}
    content = json.dumps({"weights": read(out).sha256, "source": source, "labels": usable}) + "\n"
    (out / FILE).write_text(content, encoding="utf-8")
    path = out / "configs/metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    told = {"file": FILE, "sha256": hashlib.sha256(content.encode()).hexdigest()}
    metadata["medassist"]["calibration"] = told
    write_json(path, metadata)


def _sorted(logits: NDArray[np.float32]) -> list[float]:
    """Return logits in order, which tells nothing of whose they were, to a precision that changes no figure."""
    return sorted(round(float(one), DIGITS) for one in logits)
