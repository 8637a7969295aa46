"""What is unlike the normal images: an autoencoder learns to redraw these, and its error is the score of the others.

The one label is what is not normal: `unless = ["No Finding"]`. Only rows without it are learned from; rows with it are
needed among the left-out ones, to choose a threshold and to measure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from medassist.entities.errors import UsageError
from medassist.training.recipe import Recipe
from medassist.training.tasks.classification import CLASSIFICATION
from medassist.training.tasks.task import Loss, Sample

if TYPE_CHECKING:
    import torch


def _loss(recipe: Recipe, samples: Sequence[Sample]) -> Loss:
    """Return the mean error of the redrawings, over the normal images of a batch."""
    if len(recipe.labels) != 1:
        raise UsageError("The recipe {path} needs one label, what is not normal.", path=recipe.path)
    if not any(_normal(sample["label"]) for sample in samples):
        raise UsageError("The recipe {path} leaves no normal rows to learn from.", path=recipe.path)

    def loss(errors: torch.Tensor, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        normal = 1.0 - batch["label"]
        return (errors * normal).sum() / normal.sum().clamp_min(1.0)

    return loss


def _normal(label: torch.Tensor) -> bool:
    return float(label[0]) < 0.5


ANOMALY = replace(CLASSIFICATION, loss=_loss)
