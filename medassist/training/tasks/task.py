"""What every task gives the training loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medassist.inference.packages import Package
from medassist.progress import Progress
from medassist.training.recipe import Recipe
from medassist.training.table import Row, Table

if TYPE_CHECKING:
    import torch

Sample = dict[str, "torch.Tensor"]
Loss = Callable[["torch.Tensor", Mapping[str, "torch.Tensor"]], "torch.Tensor"]
Validate = Callable[["torch.nn.Module"], dict[str, float]]
LogitsOf = Callable[["torch.nn.Module", Sequence[Sample]], NDArray[np.float32]]

STAGE = "Reading training data"


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
    """

    samples: Callable[[Recipe, Package, Table, Sequence[Row], Progress], list[Sample]]
    loss: Callable[[Recipe, Sequence[Sample]], Loss]
    figures: Callable[[Recipe, torch.nn.Module, Sequence[Sample]], dict[str, float]]
    logits: LogitsOf | None
    activation: Mapping[str, Any]
    channels: Callable[[Recipe], int]
    metadata: Mapping[str, Any]

    def validation(self, recipe: Recipe, samples: Sequence[Sample]) -> Validate:
        """Return `validate(network)`: its figures on these samples, {} without any."""
        return lambda network: self.figures(recipe, network, samples) if samples else {}
