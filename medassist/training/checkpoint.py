"""One file from which an interrupted training goes on as if nothing had happened."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medassist.entities.errors import Refused, UnwritableOutput


@dataclass(frozen=True)
class Checkpoint:
    """State after `epoch` whole epochs; `fingerprint` must be that of the recipe it is resumed with.

    `scaler` is the scale of float16 gradients; checkpoints of other types, and older ones, have none.
    """

    fingerprint: str
    epoch: int
    network: dict[str, Any]
    average: dict[str, Any] | None
    optimiser: dict[str, Any]
    schedule: dict[str, Any]
    best_epoch: int
    best_score: float
    best_network: dict[str, Any] | None
    curve: list[dict[str, float]]
    scaler: dict[str, Any] | None = None


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write atomically: a kill leaves the old file or the new one (UnwritableOutput when the disk refuses)."""
    import torch

    partial = path.with_suffix(".partial")
    try:
        torch.save(asdict(checkpoint), partial)
        os.replace(partial, path)  # noqa: PTH105 - Path.replace is the same call, this names the guarantee
    except (OSError, RuntimeError) as error:
        raise UnwritableOutput("{path} cannot be written: {reason}.", path=path, reason=error) from error


def load_checkpoint(path: Path, fingerprint: str) -> Checkpoint | None:
    """Return the checkpoint, None when there is none; Refused when it belongs to another recipe."""
    import torch

    if not path.is_file():
        return None
    checkpoint = Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
    if checkpoint.fingerprint != fingerprint:
        raise Refused(
            "The checkpoint {path} was made with another recipe.",
            path=path,
            remedy="Start again without --resume, or use the recipe it was made with.",
        )
    return checkpoint
