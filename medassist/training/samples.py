"""Cases ready for the network: brought to its grid by the package's own preprocessing, once, and kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from medassist.inference.packages import Package
from medassist.inference.prepare import prepare, restore
from medassist.progress import Progress
from medassist.training.datasets import Row, Table, film_volume, load_films, load_volume_pair, targets
from medassist.training.losses import independence_weights
from medassist.training.recipe import Recipe

if TYPE_CHECKING:
    import torch

Sample = dict[str, "torch.Tensor"]

STAGE = "Reading training data"


def prepare_samples(
    recipe: Recipe, package: Package, table: Table, rows: Sequence[Row], *, progress: Progress
) -> list[Sample]:
    """Return one dictionary per row.

    `image` is (channel, x, y[, z]) float32; `label` is the mask (1, x, y, z) uint8, or the targets (labels,)
    float32 with their loss weights under `weight`.
    """
    if not rows:
        return []
    if recipe.task == "segmentation":
        return [_volume(package, table, row) for row in progress.over(rows, STAGE)]
    return _films(recipe, package, table, rows, progress)


def _volume(package: Package, table: Table, row: Row) -> Sample:
    import torch

    volume, mask = load_volume_pair(table.root, row.key)
    prepared = prepare(package, volume)
    label = restore(mask, volume.geometry, prepared.grid, linear=False)
    return {"image": prepared.tensor[0], "label": torch.from_numpy(np.ascontiguousarray(label.T))[None]}


def _films(recipe: Recipe, package: Package, table: Table, rows: Sequence[Row], progress: Progress) -> list[Sample]:
    import torch

    films = load_films(table)
    wanted = targets(rows, recipe.labels)
    weights = independence_weights(rows, wanted, recipe.balance)
    return [
        {
            "image": prepare(package, film_volume(films[int(row.key)], row.key)).tensor[0],
            "label": torch.from_numpy(target),
            "weight": torch.from_numpy(weight),
        }
        for row, target, weight in zip(progress.over(rows, STAGE), wanted, weights, strict=True)
    ]
