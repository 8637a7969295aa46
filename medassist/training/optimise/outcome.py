"""What came of an optimisation: the table a person decides by, and the same as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medassist.entities.errors import Refused
from medassist.entities.prediction import ModelRef
from medassist.training.optimise.export import Exported
from medassist.training.optimise.parity import Parity
from medassist.training.optimise.speed import Speed

BEFORE_TORCH, BEFORE_AUTO = "torch, before", "auto, before"
AFTER_TORCH, AFTER_AUTO = "torch, after", "auto, after"


@dataclass(frozen=True)
class Outcome:
    """One optimisation.

    Attributes:
        model: the package it began with.
        names: what was done to it.
        out: the package that was written, None when it was refused.
        tolerance: how much the main figure of a label may fall.
        parity: both models on labelled rows; None where only formats were written.
        speed: how long a window takes: with torch, and with what `auto` takes, before and after.
        looked_at: how many rows were calibrated on or learned from; `of_training` whether they were the training's.
        logit_difference: largest difference of a logit between program and torch, as a share of the largest logit.
        weights_bytes: of the numbers a run reads, before and after.
        exported: other formats that were written.
        refusal: why nothing was written, None when something was.
    """

    model: ModelRef
    names: tuple[str, ...]
    out: Path | None
    tolerance: float
    parity: Parity | None = None
    speed: Speed | None = None
    looked_at: int = 0
    of_training: bool = False
    logit_difference: float = 0.0
    weights_bytes: tuple[int, int] = (0, 0)
    exported: tuple[Exported, ...] = ()
    refusal: Refused | None = field(default=None, compare=False)

    def as_json(self) -> dict[str, Any]:
        """Return the object of the command-line contract."""
        told: dict[str, Any] = {
            "model": {"name": self.model.name, "version": self.model.version, "sha256": self.model.sha256},
            "means": list(self.names),
            "out": None if self.out is None else str(self.out),
            "tolerance": self.tolerance,
            "refusal": None if self.refusal is None else self.refusal.sentence(),
            "exported": [one.as_json() for one in self.exported],
        }
        return told | self.measured()

    def measured(self) -> dict[str, Any]:
        """Return what was measured, as the package keeps it."""
        if self.parity is None:
            return {}
        before, after = self.weights_bytes
        return {
            **self.parity.as_json(),
            "looked_at": {"rows": self.looked_at, "of_training": self.of_training},
            "logit_difference": round(self.logit_difference, 6),
            "weights_bytes": {"before": before, "after": after},
            **({} if self.speed is None else {"speed": {**self.speed.as_json(), "of_torch_before": self.ratios()}}),
        }

    def ratios(self) -> Mapping[str, float]:
        """Return the share of torch's processor time on the original that each way takes."""
        if self.speed is None:
            return {}
        return {way: round(self.speed.ratio(way, BEFORE_TORCH), 4) for way in self.speed.cpu_ms}


def verdict(parity: Parity, tolerance: float) -> Refused | None:
    """Return why a parity is not good enough, None when it is.

    No label may fall by more than the tolerance, and no larger share of the images be refused as another kind.
    """
    worst, (before, after) = parity.worst, parity.refused
    if after - before > tolerance * parity.rows:
        return Refused(
            "It takes {after} of {rows} images for another kind, the package as it was {before}. Nothing was written.",
            remedy="Choose milder means.",
            after=str(after),
            before=str(before),
            rows=str(parity.rows),
        )
    if worst.change.value >= -tolerance:
        return None
    return Refused(
        "The {metric} of {label} falls by {fall} ({before} to {after}); at most {tolerance} was allowed. Nothing was "
        "written.",
        remedy="Choose milder means, or a larger --tolerance.",
        metric=worst.metric,
        label=worst.label,
        fall=f"{-worst.change.value:.4f}",
        before=f"{worst.before:.4f}",
        after=f"{worst.after:.4f}",
        tolerance=f"{tolerance:g}",
    )
