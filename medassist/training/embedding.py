"""From the features of training images to the statistics a package knows its kind of image by.

`python -m medassist.training.embedding BUNDLE --data DIR` computes them for a package that was trained before.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.inference.demands import EmbeddingSpec
from medassist.inference.embedding import Embedding, Seen, encode, watched
from medassist.inference.packages import Package, read
from medassist.progress import Progress
from medassist.training.layouts.reading import read_table
from medassist.training.recipe import Recipe, read_recipe
from medassist.training.record import write_json
from medassist.training.table import Row, split_rows, with_folds
from medassist.training.tasks.choosing import task_of

if TYPE_CHECKING:
    from medassist.training.tasks.task import Sample

Floats = NDArray[np.float64]

FILE = "models/embedding.npz"
MOST_AXES = 60
UNUSUAL, UNSUITED = 0.95, 0.98


def fit_embedding(features: Floats, groups: Sequence[int]) -> Embedding:
    """Fit mean, axes and limits to (images, features).

    The limits are the 95 % and 98 % quantiles of the distances of all images, each measured by statistics that were
    made without its group (a fold of patients): distances of images a statistic was made of would be too small.
    """
    count = max(1, min(MOST_AXES, features.shape[1] // 2, len(features) // 3))
    folds = np.asarray(groups)
    distances = np.empty(len(features))
    for fold in np.unique(folds):
        without = _fit(features[folds != fold], count, (1.0, 1.0))
        distances[folds == fold] = [without.distance(one) for one in features[folds == fold]]
    return _fit(features, count, (float(np.quantile(distances, UNUSUAL)), float(np.quantile(distances, UNSUITED))))


def _fit(features: Floats, count: int, limits: tuple[float, float]) -> Embedding:
    center = features.mean(0)
    _, spread, axes = np.linalg.svd(features - center, full_matrices=False)
    variances = np.maximum(spread**2 / len(features), 1e-12)
    outside = features.shape[1] - count
    residual = max(float(variances[count:].sum()) / max(1, outside), 1e-12)
    return Embedding(center, axes[:count], variances[:count], residual, *limits)


def write_embedding(recipe: Recipe, out: Path, samples: Sequence[Sample], rows: Sequence[Row]) -> None:
    """Describe the training images of a finished package as its recipe asks; a recipe that does not ask gets none.

    `samples` are the prepared images of `rows`. The network has seen them, so that others lie a little farther away
    than the limits know: the share of unseen images beyond the limit is for `medassist evaluate` to measure.
    """
    asked = recipe.embedding
    if not asked:
        return
    package = read(out)
    spec = EmbeddingSpec(out / FILE, "", str(asked["layer"]), str(asked.get("pool", "mean")))
    features = np.stack([features_of(package, spec, sample) for sample in samples])
    content = encode(fit_embedding(features.astype(np.float64), [row.fold or 0 for row in rows]))
    (out / FILE).write_bytes(content)
    path = out / "configs/metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    told = {"file": FILE, "sha256": hashlib.sha256(content).hexdigest(), "layer": spec.layer, "pool": spec.pool}
    metadata["medassist"].setdefault("suitability", {})["embedding"] = told
    write_json(path, metadata)


def features_of(package: Package, spec: EmbeddingSpec, sample: Sample) -> NDArray[np.float32]:
    """Return the features (channels,) of one prepared image, by the windows a run would take."""
    from medassist.inference.bundle import inferer
    from medassist.inference.network import load_network
    from medassist.inference.windows import blocks, planned

    image = sample["image"][None]
    seen = Seen(watched(load_network(package, "cpu").module, spec), spec.pool)
    for _ in blocks(seen, image, planned(image, inferer(package)), "cpu", progress=Progress()):
        pass  # what the network answers is of no interest here
    features: NDArray[np.float32] = seen.features
    return features


def describe(bundle: Path, data: Path, *, progress: Progress) -> None:
    """Write the statistics of a package that was trained before, from the folder it was trained on."""
    recipe = read_recipe(bundle / "recipe.toml")
    table = with_folds(recipe, read_table(data, recipe.layout))
    rows, _ = split_rows(recipe, table)
    package = read(bundle)
    plain = replace(package, suitability=replace(package.suitability, embedding=None))
    write_embedding(recipe, bundle, task_of(recipe).samples(recipe, plain, table, rows, progress), rows)


def main() -> None:
    """Read the command line and describe."""
    parser = argparse.ArgumentParser(description="write how the training images of a package look to its network")
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    arguments = parser.parse_args()
    describe(arguments.bundle, arguments.data, progress=Progress())


if __name__ == "__main__":
    main()
