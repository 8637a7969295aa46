"""What an optimisation was asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medassist.entities.errors import UsageError
from medassist.inference.optimised import PRECISIONS

TOLERANCE = 0.005
FORMATS = ("pt2", "onnx")


@dataclass(frozen=True)
class Means:
    """How a package is made quicker.

    Attributes:
        quantize: "int8", "bf16", or "" for neither.
        prune: share of the channels of every layer that is taken out, 0 for none.
        distill: whether a smaller network learns from the answers of the package's own.
        export: formats the network is written in besides, of "pt2" and "onnx".
        tolerance: how much the main figure of any label may fall.
        folds: which folds are judged on; () for those that took no part in the training.
        training_data: where the training rows are, None when they are in the folder that is judged on.
        unlabelled: a folder of images without truth that a smaller network learns from too, None for none.
    """

    quantize: str = ""
    prune: float = 0.0
    distill: bool = False
    export: tuple[str, ...] = ()
    tolerance: float = TOLERANCE
    folds: tuple[int, ...] = ()
    training_data: Path | None = None
    unlabelled: Path | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What is done to the network, in order, as version and card name it."""
        pruned = (f"pruned{round(100 * self.prune)}",) if self.prune else ()
        return (*pruned, *(("distilled",) if self.distill else ()), *((self.quantize,) if self.quantize else ()))


def checked(means: Means) -> Means:
    """Return means that make sense together (UsageError for what does not)."""
    if not means.names and not means.export:
        raise UsageError("Nothing was asked for.", remedy="Say --quantize, --prune, --distill or --export.")
    _one_of("--quantize", (means.quantize,) if means.quantize else (), PRECISIONS)
    _one_of("--export", means.export, FORMATS)
    if means.prune and means.distill:
        raise UsageError("--prune and --distill are two ways to a smaller network: choose one.")
    if not 0.0 <= means.prune <= 0.9:
        raise UsageError("--prune must lie between 0 and 0.9, not {value}.", value=means.prune)
    if not 0.0 <= means.tolerance <= 1.0:
        raise UsageError("--tolerance must lie between 0 and 1, not {value}.", value=means.tolerance)
    if means.unlabelled is not None and not means.distill:
        raise UsageError("--unlabelled belongs to --distill.")
    return means


def _one_of(option: str, asked: Sequence[str], known: Sequence[str]) -> None:
    for one in asked:
        if one not in known:
            raise UsageError("{option} knows {known}, not {value}.", option=option, known=", ".join(known), value=one)
