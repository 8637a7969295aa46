"""How good a network is while it learns: quick figures on the prepared validation samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.training.recipe import Recipe
from medassist.training.samples import Sample

if TYPE_CHECKING:
    import torch

Validate = Callable[["torch.nn.Module"], dict[str, float]]


def build_validation(recipe: Recipe, samples: Sequence[Sample]) -> Validate:
    """Return `validate(network)`: figures by name, "score" (larger is better) among them; {} without samples."""

    def validate(network: torch.nn.Module) -> dict[str, float]:
        if not samples:
            return {}
        return _dice(recipe, network, samples) if recipe.task == "segmentation" else _areas(recipe, network, samples)

    return validate


def logits_of(network: torch.nn.Module, samples: Sequence[Sample]) -> NDArray[np.float32]:
    """Return (samples, outputs) logits of a classifier in eval mode."""
    import torch

    network.eval()
    with torch.inference_mode():
        batches = [torch.stack([s["image"] for s in samples[i : i + 64]]) for i in range(0, len(samples), 64)]
        result: NDArray[np.float32] = np.concatenate([network(batch).float().numpy() for batch in batches])
    return result


def _areas(recipe: Recipe, network: torch.nn.Module, samples: Sequence[Sample]) -> dict[str, float]:
    from sklearn.metrics import roc_auc_score

    logits = logits_of(network, samples)
    truth = np.stack([sample["label"].numpy() for sample in samples])
    areas = {
        f"auc {label.label}": float(roc_auc_score(truth[:, i], logits[:, i]))
        for i, label in enumerate(recipe.labels)
        if 0 < truth[:, i].sum() < len(truth)
    }
    return {**areas, "score": float(np.mean(list(areas.values())))} if areas else {}


def _dice(recipe: Recipe, network: torch.nn.Module, samples: Sequence[Sample]) -> dict[str, float]:
    """Return the mean Dice of every label over the samples; 1 where neither has a voxel."""
    import torch

    every = np.zeros((len(samples), len(recipe.labels)))
    network.eval()
    with torch.inference_mode():
        for i, sample in enumerate(samples):
            found, truth = network(sample["image"][None]).argmax(dim=1)[0], sample["label"][0]
            for j, label in enumerate(recipe.labels):
                mine, wanted = found == label.value, truth == label.value
                both = int(mine.sum()) + int(wanted.sum())
                every[i, j] = 2.0 * int((mine & wanted).sum()) / both if both else 1.0
    figures = {f"dice {label.label}": float(every[:, j].mean()) for j, label in enumerate(recipe.labels)}
    return {**figures, "score": float(every.mean())}
