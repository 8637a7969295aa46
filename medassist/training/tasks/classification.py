"""Findings, each present or absent by itself. Weighted binary cross-entropy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.inference.packages import Package
from medassist.inference.prepare import prepare
from medassist.progress import Progress
from medassist.training.layouts.reading import image_of
from medassist.training.recipe import Recipe
from medassist.training.table import Row, Table, targets
from medassist.training.tasks.task import BALANCED, STAGE, Loss, Sample, Task

if TYPE_CHECKING:
    import torch

BATCH = 64


def _samples(recipe: Recipe, package: Package, table: Table, rows: Sequence[Row], progress: Progress) -> list[Sample]:
    """Return `image`, `label` (labels,) of 0 and 1, and `weight` (labels,), what the loss of each counts."""
    import torch

    wanted = targets(rows, recipe.labels)
    weights = independence_weights(rows, wanted, recipe.balance)
    return [
        {
            "image": prepare(package, image_of(table, row)).tensor[0],
            "label": torch.from_numpy(target),
            "weight": torch.from_numpy(weight),
        }
        for row, target, weight in zip(progress.over(rows, STAGE), wanted, weights, strict=True)
    ]


def _loss(recipe: Recipe, samples: Sequence[Sample]) -> Loss:
    from torch.nn.functional import binary_cross_entropy_with_logits

    smoothing = float(recipe.loss.get("label_smoothing", 0.0))
    rare = _positive_weight(recipe, samples)

    def loss(logits: torch.Tensor, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        soft = batch["label"] * (1.0 - 2.0 * smoothing) + smoothing
        return binary_cross_entropy_with_logits(logits, soft, weight=batch["weight"], pos_weight=rare.to(logits.device))

    return loss


def _positive_weight(recipe: Recipe, samples: Sequence[Sample]) -> torch.Tensor:
    """Return what a positive counts for each label: as written, or "balanced", negatives per positive."""
    import torch

    written = recipe.loss.get("positive_weight", [1.0] * len(recipe.labels))
    if written != BALANCED:
        return torch.tensor(written)
    share = torch.stack([sample["label"] for sample in samples]).mean(dim=0).clamp(1e-3, 1.0 - 1e-3)
    return (1.0 - share) / share


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


def logits_of(network: torch.nn.Module, samples: Sequence[Sample]) -> NDArray[np.float32]:
    """Return (samples, outputs) logits of a classifier in eval mode."""
    import torch

    network.eval()
    with torch.inference_mode():
        batches = [torch.stack([s["image"] for s in samples[i : i + BATCH]]) for i in range(0, len(samples), BATCH)]
        result: NDArray[np.float32] = np.concatenate([network(batch).float().numpy() for batch in batches])
    return result


def _figures(recipe: Recipe, network: torch.nn.Module, samples: Sequence[Sample]) -> dict[str, float]:
    """Return the area under the ROC curve of every label that both occurs and is missing."""
    from sklearn.metrics import roc_auc_score

    logits = logits_of(network, samples)
    truth = np.stack([sample["label"].numpy() for sample in samples])
    areas = {
        f"auc {label.label}": float(roc_auc_score(truth[:, i], logits[:, i]))
        for i, label in enumerate(recipe.labels)
        if 0 < truth[:, i].sum() < len(truth)
    }
    return {**areas, "score": float(np.mean(list(areas.values())))} if areas else {}


CLASSIFICATION = Task(
    samples=_samples,
    loss=_loss,
    figures=_figures,
    logits=logits_of,
    activation={"sigmoid": True},
    channels=lambda recipe: len(recipe.labels),
    metadata={"task": "classification"},
)
