"""What every task gives the training loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from medassist.inference.packages import Package
from medassist.progress import Progress
from medassist.training.calibration import Calibration
from medassist.training.recipe import Recipe
from medassist.training.table import Row, Table

if TYPE_CHECKING:
    import torch

Sample = dict[str, "torch.Tensor"]
Loss = Callable[["torch.Tensor", Mapping[str, "torch.Tensor"]], "torch.Tensor"]
Validate = Callable[["torch.nn.Module"], dict[str, float]]
LogitsOf = Callable[["torch.nn.Module", Sequence[Sample]], NDArray[np.float32]]

Statistic = Callable[[NDArray[np.intp]], dict[str, float]]
Operations = Callable[
    [NDArray[np.float32], NDArray[np.float32], Sequence[str]], tuple[tuple[Calibration, "OperatingPoint"], ...]
]


class OperatingPoint(Protocol):
    """A threshold on the probability, and what it does on rows the network has not learned from."""

    @property
    def threshold(self) -> float:
        """The probability from which on a label is called."""

    def sentence(self, source: str) -> str:
        """Return the English sentence of the package contract; `source` says which people these are."""


STAGE = "Reading training data"
BALANCED = "balanced"
"""What a recipe writes for class weights that follow from how often each class occurs."""


@dataclass(frozen=True)
class Task:
    """One thing a recipe can teach.

    Attributes:
        samples: one dictionary of tensors per row, on the network's grid by the package's own preprocessing: `image` is
            (channel, x, y[, z]) float32, the rest is what `loss` reads.
        loss: from a recipe and its training samples to `loss(output, batch)`.
        figures: of a network in eval mode on prepared samples; "score" among them is better when larger.
        logits: what calibration and thresholds are made from, (samples, outputs); None for tasks without scores.
        activation: the arguments of Activationsd under which MONAI's own runner gives what MedAssist gives.
        channels: how many outputs the network has.
        metadata: what the "medassist" section of the package says of the task.
        operations: calibration and operating point of every label, from the logits (rows, labels), truth and subjects
            of rows the network has not learned from; None stands for each label by itself.
        has_curves: whether the scores of such rows travel with the package, as what a threshold catches.
        statistic: what cross-validation measures of label `j`, from truth and logits (rows, labels); None stands for
            the figures of a finding, and its labels are audited for shortcuts.
    """

    samples: Callable[[Recipe, Package, Table, Sequence[Row], Progress], list[Sample]]
    loss: Callable[[Recipe, Sequence[Sample]], Loss]
    figures: Callable[[Recipe, torch.nn.Module, Sequence[Sample]], dict[str, float]]
    logits: LogitsOf | None
    activation: Mapping[str, Any]
    channels: Callable[[Recipe], int]
    metadata: Mapping[str, Any]
    operations: Operations | None = None
    has_curves: bool = True
    statistic: Callable[[NDArray[np.bool_], NDArray[np.float32], int], Statistic] | None = None

    def validation(self, recipe: Recipe, samples: Sequence[Sample]) -> Validate:
        """Return `validate(network)`: its figures on these samples, {} without any."""
        return lambda network: self.figures(recipe, network, samples) if samples else {}
