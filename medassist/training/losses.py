"""What is minimised: Dice with cross-entropy for masks, weighted binary cross-entropy for findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.training.datasets import Row
from medassist.training.recipe import Recipe

if TYPE_CHECKING:
    import torch

Loss = Callable[["torch.Tensor", Mapping[str, "torch.Tensor"]], "torch.Tensor"]


def build_loss(recipe: Recipe) -> Loss:
    """Return `loss(logits, batch)`; `batch` holds what the samples of the task hold."""
    return _mask_loss(recipe) if recipe.task == "segmentation" else _finding_loss(recipe)


def _mask_loss(recipe: Recipe) -> Loss:
    from monai.losses import DiceCELoss

    dice_and_cross_entropy = DiceCELoss(to_onehot_y=True, softmax=True, **recipe.loss)

    def loss(logits: torch.Tensor, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        value: torch.Tensor = dice_and_cross_entropy(logits, batch["label"])
        return value

    return loss


def _finding_loss(recipe: Recipe) -> Loss:
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    smoothing = float(recipe.loss.get("label_smoothing", 0.0))
    rare = torch.tensor(recipe.loss.get("positive_weight", [1.0] * len(recipe.labels)))

    def loss(logits: torch.Tensor, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        soft = batch["label"] * (1.0 - 2.0 * smoothing) + smoothing
        return binary_cross_entropy_with_logits(logits, soft, weight=batch["weight"], pos_weight=rare)

    return loss


def independence_weights(
    rows: Sequence[Row], targets: NDArray[np.float32], columns: Sequence[str]
) -> NDArray[np.float32]:
    """Return (rows, labels) weights under which no label depends on the group that `columns` put a row into.

    Every group gets the prevalence of the whole: w = P(y) / P(y | group) (reweighing, Kamiran and Calders,
    Knowl Inf Syst 33, 2012). Ones when no column is given.
    """
    weights = np.ones_like(targets)
    groups = np.array(["|".join(row.columns.get(name, "") for name in columns) for row in rows])
    overall = targets.mean(axis=0)
    for group in np.unique(groups) if columns else ():
        inside = groups == group
        share = targets[inside].mean(axis=0)
        positive = np.divide(overall, share, out=np.ones_like(share), where=share > 0)
        negative = np.divide(1 - overall, 1 - share, out=np.ones_like(share), where=share < 1)
        weights[inside] = np.where(targets[inside] > 0.5, positive, negative)
    return weights
