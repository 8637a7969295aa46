"""Classes that exclude each other, one per picture. Cross-entropy with label smoothing; the most likely one is called.

The card's one temperature (Guo et al., On calibration of modern neural networks, ICML 2017) is fitted to left-out rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import UnreadableInput
from medassist.inference.packages import Package
from medassist.inference.prepare import prepare
from medassist.progress import Progress
from medassist.training.calibration import SPLITS, Calibration
from medassist.training.layouts.reading import image_of
from medassist.training.recipe import Recipe
from medassist.training.table import Row, Table, targets
from medassist.training.tasks.classification import logits_of
from medassist.training.tasks.task import BALANCED, STAGE, Loss, Sample, Task

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]

LEAST = 0.9
"""Probability from which on the most likely class is called."""


def _samples(recipe: Recipe, package: Package, table: Table, rows: Sequence[Row], progress: Progress) -> list[Sample]:
    """Return `image` and `label` (labels,) with a 1 at the class (UnreadableInput for a row of none or several)."""
    import torch

    wanted = targets(rows, recipe.labels)
    wrong = next((row for row, one in zip(rows, wanted, strict=True) if one.sum() != 1), None)
    if wrong is not None:
        raise UnreadableInput(
            "The row {key} of {path} belongs to {count} classes of the recipe; where classes exclude each other it "
            "must be one.",
            key=wrong.key,
            path=table.root,
            count=int(wanted[rows.index(wrong)].sum()),
        )
    return [
        {"image": prepare(package, image_of(table, row)).tensor[0], "label": torch.from_numpy(target)}
        for row, target in zip(progress.over(rows, STAGE), wanted, strict=True)
    ]


def _loss(recipe: Recipe, samples: Sequence[Sample]) -> Loss:
    from torch.nn.functional import cross_entropy

    smoothing = float(recipe.loss.get("label_smoothing", 0.0))
    weights = _class_weights(recipe, samples)

    def loss(logits: torch.Tensor, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        truth = batch["label"].argmax(dim=1)
        return cross_entropy(logits, truth, weight=weights.to(logits.device), label_smoothing=smoothing)

    return loss


def _class_weights(recipe: Recipe, samples: Sequence[Sample]) -> torch.Tensor:
    """Return what a sample of each class counts: as written, or "balanced", so that all classes count the same."""
    import torch

    written = recipe.loss.get("class_weight", [1.0] * len(recipe.labels))
    if written != BALANCED:
        return torch.tensor(written)
    counts = torch.stack([sample["label"] for sample in samples]).sum(dim=0).clamp(min=1.0)
    return counts.sum() / (len(counts) * counts)


def _figures(recipe: Recipe, network: torch.nn.Module, samples: Sequence[Sample]) -> dict[str, float]:
    """Return the accuracy, and the recall of every class that occurs."""
    found = logits_of(network, samples).argmax(axis=1)
    truth = np.stack([sample["label"].numpy() for sample in samples]).argmax(axis=1)
    recalls = {
        f"recall {label.label}": float((found[truth == label.value] == label.value).mean())
        for label in recipe.labels
        if (truth == label.value).any()
    }
    accuracy = float((found == truth).mean())
    return {**recalls, "accuracy": accuracy, "score": accuracy}


@dataclass(frozen=True)
class CallingPoint:
    """From which probability on the most likely class is called, and what that does on the rows it was measured on."""

    threshold: float
    accuracy: float
    called: float
    right: float
    n: int

    def sentence(self, source: str) -> str:
        """Return the English sentence of the package contract; `source` says which people these are."""
        return (
            f"The most likely class is called from a probability of {self.threshold:g} on; on {source} "
            f"({self.n} pictures) {100 * self.called:.1f} % were called and {100 * self.right:.2f} % of these were "
            f"right; the most likely class was right in {100 * self.accuracy:.2f} %."
        )


def fit_temperature(logits: Floats, truth: NDArray[np.intp], subjects: Sequence[str]) -> Calibration:
    """Fit one temperature to (rows, classes), and keep it only when it lowers the log loss on subjects left out of it.

    The calibration returned holds its inverse as the slope, and no intercept: softmax(slope * logits).
    """
    from sklearn.model_selection import GroupKFold

    untouched = Calibration()
    if len(set(subjects)) < SPLITS:
        return untouched
    loss = [
        class_log_loss(logits[check], truth[check], slope=_slope(logits[learn], truth[learn])) * len(check)
        for learn, check in GroupKFold(SPLITS).split(logits, groups=list(subjects))
    ]
    better = sum(loss) / len(logits) < class_log_loss(logits, truth)
    return Calibration(_slope(logits, truth), 0.0, True) if better else untouched


def _slope(logits: Floats, truth: NDArray[np.intp]) -> float:
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda power: class_log_loss(logits, truth, slope=float(np.exp(power))), bounds=(-3.0, 3.0), method="bounded"
    )
    return float(np.exp(found.x))


def class_log_loss(logits: Floats, truth: NDArray[np.intp], *, slope: float = 1.0) -> float:
    """Return the mean negative log likelihood of the true class under softmax(slope * logits)."""
    from scipy.special import log_softmax

    told: Floats = log_softmax(slope * logits, axis=1)
    return float(-told[np.arange(len(truth)), truth].mean())


def operations(
    logits: NDArray[np.float32], truth: NDArray[np.float32], subjects: Sequence[str]
) -> tuple[tuple[Calibration, CallingPoint], ...]:
    """Calibrate all classes by one temperature and measure the calling, on rows the network has not learned from."""
    from scipy.special import softmax

    scores, wanted = logits.astype(np.float64), truth.argmax(axis=1)
    calibration = fit_temperature(scores, wanted, subjects)
    shares = softmax(calibration.slope * scores, axis=1)
    called, right = shares.max(axis=1) >= LEAST, shares.argmax(axis=1) == wanted
    point = CallingPoint(
        threshold=LEAST,
        accuracy=float(right.mean()),
        called=float(called.mean()),
        right=float(right[called].mean()) if called.any() else 0.0,
        n=len(wanted),
    )
    return tuple((calibration, point) for _ in range(logits.shape[1]))


class _Calls:
    """The statistic of one class for the bootstrap: recall and precision of it, accuracy over all classes."""

    def __init__(self, truth: NDArray[np.bool_], logits: NDArray[np.float32], label: int) -> None:
        self.truth, self.found, self.label = truth.argmax(axis=1), logits.argmax(axis=1), label

    def __call__(self, rows: NDArray[np.intp]) -> dict[str, float]:
        right = self.found[rows] == self.truth[rows]
        groups = {"recall": self.truth[rows] == self.label, "precision": self.found[rows] == self.label}
        shares = {name: float(right[inside].mean()) for name, inside in groups.items() if inside.any()}
        return {**shares, "accuracy": float(right.mean())}


EXCLUSIVE = Task(
    samples=_samples,
    loss=_loss,
    figures=_figures,
    logits=logits_of,
    activation={"softmax": True},
    channels=lambda recipe: len(recipe.labels),
    metadata={"task": "classification", "exclusive": True},
    operations=operations,
    has_curves=False,
    statistic=_Calls,
)
