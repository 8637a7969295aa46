"""Masks: every voxel belongs to one label or to none. Dice with cross-entropy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from medassist.inference.packages import Package
from medassist.inference.prepare import prepare, restore
from medassist.progress import Progress
from medassist.training.layouts.reading import image_of, mask_of
from medassist.training.recipe import Recipe
from medassist.training.table import Row, Table
from medassist.training.tasks.task import BALANCED, STAGE, Loss, Sample, Task

if TYPE_CHECKING:
    import torch


def _samples(
    recipe: Recipe,  # noqa: ARG001 - the door of every task
    package: Package,
    table: Table,
    rows: Sequence[Row],
    progress: Progress,
) -> list[Sample]:
    """Return `image` and `label`, the mask (1, x, y[, z]) uint8."""
    return [_sample(package, table, row) for row in progress.over(rows, STAGE)]


def _sample(package: Package, table: Table, row: Row) -> Sample:
    import torch

    volume = image_of(table, row)
    mask = mask_of(table, row, volume).astype(np.uint8)
    prepared = prepare(package, volume)
    label = restore(mask, volume.geometry, prepared.grid, linear=False).T
    image = prepared.tensor[0]
    return {"image": image, "label": torch.from_numpy(np.ascontiguousarray(label.reshape(image.shape[1:])))[None]}


def _loss(recipe: Recipe, samples: Sequence[Sample]) -> Loss:
    from monai.losses import DiceCELoss

    arguments = {key: value for key, value in recipe.loss.items() if key != "class_weights"}
    dice_and_cross_entropy = DiceCELoss(
        to_onehot_y=True, softmax=True, weight=_class_weights(recipe, samples), **arguments
    )

    def loss(logits: torch.Tensor, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        value: torch.Tensor = dice_and_cross_entropy.to(logits.device)(logits, batch["label"])
        return value

    return loss


def _class_weights(recipe: Recipe, samples: Sequence[Sample]) -> torch.Tensor | None:
    """Return what each class counts, background first: as written, or "balanced", one over its share of voxels."""
    import torch

    written = recipe.loss.get("class_weights")
    if written != BALANCED:
        return None if written is None else torch.tensor([float(one) for one in written])
    classes = 1 + max(label.value for label in recipe.labels)
    counts = sum(torch.bincount(sample["label"].flatten().long(), minlength=classes)[:classes] for sample in samples)
    share = torch.as_tensor(counts, dtype=torch.float32).clamp_min(1.0)
    return share.sum() / (classes * share)


def _figures(recipe: Recipe, network: torch.nn.Module, samples: Sequence[Sample]) -> dict[str, float]:
    """Return the mean Dice of every label over the samples; 1 where neither has a voxel."""
    import torch

    every = np.zeros((len(samples), len(recipe.labels)))
    run = _by_windows(recipe)
    network.eval()
    with torch.inference_mode():
        for i, sample in enumerate(samples):
            found, truth = run(sample["image"][None], network).argmax(dim=1)[0], sample["label"][0]
            for j, label in enumerate(recipe.labels):
                mine, wanted = found == label.value, truth == label.value
                both = int(mine.sum()) + int(wanted.sum())
                every[i, j] = 2.0 * int((mine & wanted).sum()) / both if both else 1.0
    figures = {f"dice {label.label}": float(every[:, j].mean()) for j, label in enumerate(recipe.labels)}
    return {**figures, "score": float(every.mean())}


def _by_windows(recipe: Recipe) -> Callable[[torch.Tensor, torch.nn.Module], torch.Tensor]:
    """Return how the package will run its network: an image larger than a window is not given to it whole."""
    from monai.inferers import SimpleInferer, SlidingWindowInferer

    arguments = {key: value for key, value in recipe.inferer.items() if key != "_target_"}
    windows = str(recipe.inferer["_target_"]).endswith("SlidingWindowInferer")
    run: Callable[..., torch.Tensor] = SlidingWindowInferer(**arguments) if windows else SimpleInferer()
    return run


SEGMENTATION = Task(
    samples=_samples,
    loss=_loss,
    figures=_figures,
    logits=None,
    activation={"softmax": True},
    channels=lambda recipe: len(recipe.labels) + 1,
    metadata={"task": "segmentation"},
)
