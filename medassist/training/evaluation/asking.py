"""Put rows to a model, by the road a reader's images take, and hold each answer against the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused, UnreadableInput
from medassist.entities.prediction import ClassScore, Mask, Prediction, Verdict
from medassist.entities.volume import Volume
from medassist.inference.packages import Package
from medassist.inference.predict import predict
from medassist.inference.scoring import SUREST
from medassist.progress import Progress
from medassist.training.evaluation.result import ALL, Case
from medassist.training.instance_metrics import instance_metrics
from medassist.training.layouts.reading import image_of, mask_of
from medassist.training.mask_metrics import mask_metrics
from medassist.training.recipe import Label
from medassist.training.table import Row, Table, targets

FINDINGS, CLASSES, MASKS, OBJECTS, REFUSALS = "findings", "classes", "masks", "objects", "refusals"


@dataclass(frozen=True, eq=False)
class Said:
    """What a model said of one image; `refused` and `unsure` as in `Case`."""

    scores: tuple[ClassScore, ...] = ()
    mask: Mask | None = None
    refused: bool = False
    unsure: bool = False


@dataclass(frozen=True)
class Question:
    """Which model is asked about which rows; `labels` say what counts as positive, in the package's order."""

    package: Package
    table: Table
    labels: tuple[Label, ...]
    device: str = "auto"

    @property
    def kind(self) -> str:
        """How its answers are judged."""
        return kind_of(self.package)

    def truth(self, rows: Sequence[Row]) -> NDArray[np.bool_]:
        """Return (rows, labels): which labels a row has."""
        return targets(rows, self.labels) > 0.5


Ask = Callable[[Question, Row, Volume], Said]


def kind_of(package: Package) -> str:
    """Return how the answers of a package are judged."""
    if package.task == "classification":
        return CLASSES if package.exclusive else FINDINGS
    return MASKS if package.task == "segmentation" else OBJECTS


def ask(question: Question, row: Row, volume: Volume) -> Said:  # noqa: ARG001 - the door of every way of asking
    """Ask as a reader would."""
    return said(predict(question.package, volume, device=question.device, progress=Progress()))


def said(prediction: Prediction) -> Said:
    """Return the part of a prediction that can be judged."""
    red = any(check.verdict is Verdict.FAIL for check in prediction.checks)
    unsure = any(check.name == SUREST and check.verdict is not Verdict.PASS for check in prediction.checks)
    return Said(prediction.scores, prediction.mask, red, unsure)


def cases(
    question: Question, rows: Sequence[Row], *, stage: str, progress: Progress, ask: Ask = ask
) -> tuple[Case, ...]:
    """Ask about every row (UnreadableInput names a row whose image or truth is missing)."""
    return tuple(_case(question, row, ask) for row in progress.over(rows, stage))


def _case(question: Question, row: Row, ask: Ask) -> Case:
    volume = image_of(question.table, row)
    answer = ask(question, row, volume)
    judge = {FINDINGS: _findings, CLASSES: _classes, MASKS: _masks, OBJECTS: _objects}[question.kind]
    return Case(row.subject, judge(question, row, volume, answer), answer.refused, answer.unsure)


def _findings(question: Question, row: Row, _volume: Volume, answer: Said) -> dict[str, dict[str, float]]:
    truth = question.truth([row])[0]
    return {
        score.label: {"truth": float(wanted), "score": score.probability}
        for score, wanted in zip(answer.scores, truth, strict=True)
    }


def _classes(question: Question, row: Row, volume: Volume, answer: Said) -> dict[str, dict[str, float]]:
    found = _findings(question, row, volume, answer)
    wanted = [at for at, one in enumerate(found.values()) if one["truth"]]
    if len(wanted) != 1:
        raise UnreadableInput(
            "{path}: row {key} belongs to {count} classes of {model}; it must be one.",
            path=question.table.root,
            key=row.key,
            count=len(wanted),
            model=question.package.name,
        )
    best = int(np.argmax([one["score"] for one in found.values()]))
    return {ALL: {"truth": float(wanted[0]), "answer": float(best)}, **found}


def _masks(question: Question, row: Row, volume: Volume, answer: Said) -> dict[str, dict[str, float]]:
    truth, mask, grid = mask_of(question.table, row, volume), _mask(question.package, answer), volume.geometry
    column, line, slice_ = grid.spacing_mm
    spacing = (slice_, line, column)
    return {
        label.label: mask_metrics(
            mask.region(label.segment()), truth == label.value, spacing, calibrated=grid.calibrated
        )
        for label in question.package.labels
    }


def _objects(question: Question, row: Row, volume: Volume, answer: Said) -> dict[str, dict[str, float]]:
    truth, mask = mask_of(question.table, row, volume), _mask(question.package, answer)
    if mask.instances is None:
        raise Refused("The model {model} gave no usable answer on this image.", model=question.package.name)
    found = mask.instances.labels_zyx
    inside, marked = truth > 0, found > 0
    both = int(inside.sum()) + int(marked.sum())
    dice = 2.0 * int((inside & marked).sum()) / both if both else 1.0
    return {question.package.labels[0].label: {**instance_metrics(found, truth), "dice": dice}}


def _mask(package: Package, answer: Said) -> Mask:
    if answer.mask is None:
        raise Refused("The model {model} gave no usable answer on this image.", model=package.name)
    return answer.mask
