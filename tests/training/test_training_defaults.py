"""A recipe of a few lines: what it leaves out is filled in, written down, and never mixed with what it says."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest

from medassist.inference.bundle import build_network
from medassist.inference.packages import read
from medassist.training.bundle import write_skeleton
from medassist.training.recipe import LAYOUTS, read_recipe
from medassist.training.tasks.choosing import task_of
from medassist.training.train import train
from tests.training.conftest import CLASSIFIER, SEGMENTER, write_table

SHORT = """name = "short"
task = "{task}"
package.input.dimensions = {dimensions}
labels = [{{ label = "Spot", value = 1, members = ["Spot"] }}]
"""
EXCLUSIVE = 'labels = [{ label = "Spot", members = ["Spot"] }, { label = "None", members = ["None"] }]'


KINDS = 'labels = [{ label = "Spot", members = ["Spot"] }, { label = "None", members = ["None"] }]'


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("task", sorted(set(LAYOUTS) - {"instances"}))
def test_every_task_can_be_said_in_four_lines(tmp_path, task, dimensions) -> None:
    path = tmp_path / "short.toml"
    text = SHORT.format(task=task, dimensions=dimensions)
    if task == "exclusive_classification":
        text = text.replace(text.splitlines()[-1], KINDS)
    path.write_text(text)
    recipe = read_recipe(path)
    assert (recipe.layout, recipe.drawn_folds, recipe.split.test_folds) == ("files", 5, (4,))
    write_skeleton(recipe, tmp_path / "out")
    package = read(tmp_path / "out")
    assert package.input.dimensions == dimensions
    assert sum(one.numel() for one in build_network(package).parameters()) > 1000
    assert task_of(recipe).channels(recipe) == (1 if task in ("classification", "anomaly") else 2)


def test_the_bundle_keeps_the_whole_recipe(tmp_path) -> None:
    path = tmp_path / "short.toml"
    path.write_text(SHORT.format(task="segmentation", dimensions=3))
    recipe = read_recipe(path)
    write_skeleton(recipe, tmp_path / "out")
    kept = read_recipe(tmp_path / "out/recipe.toml")
    assert kept.fingerprint == recipe.fingerprint
    assert kept.text == recipe.text
    assert tomllib.loads(kept.text)["network"]["_target_"] == "DynUNet"


def test_a_table_that_is_there_stays_as_it_is(tmp_path) -> None:
    path = tmp_path / "short.toml"
    path.write_text(SHORT.format(task="classification", dimensions=2) + "[schedule]\nepochs = 3\nbatch_size = 2\n")
    recipe = read_recipe(path)
    assert (recipe.schedule.epochs, recipe.schedule.ema_decay, recipe.schedule.patience) == (3, 0.0, 0)


@pytest.mark.parametrize("text", [SEGMENTER, CLASSIFIER])
def test_a_recipe_with_a_network_is_taken_as_it_is(recipe_file, text) -> None:
    recipe = read_recipe(recipe_file(text))
    assert recipe.text == text
    assert recipe.loss == {}


def test_a_short_recipe_trains_on_volumes_of_any_size(tmp_path) -> None:
    """Ten people, masks of their own file, sizes that no stride divides."""
    import SimpleITK

    random, lines, root = np.random.default_rng(0), [], tmp_path / "data"
    root.mkdir()
    for number in range(5):
        shape = tuple(int(one) for one in random.integers(11, 19, 3))
        image, mask = random.normal(0, 0.1, shape).astype(np.float32), np.zeros(shape, np.uint8)
        mask[3:8, 3:8, 3:8] = 1
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(image + 2 * mask), str(root / f"{number}.nii.gz"))
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(mask), str(root / f"{number}_mask.nii.gz"))
        lines.append({"file": f"{number}.nii.gz", "mask": f"{number}_mask.nii.gz", "subject": f"s{number}"})
    write_table(root / "index.csv", lines)
    path = tmp_path / "short.toml"
    path.write_text(SHORT.format(task="segmentation", dimensions=3) + "[schedule]\nepochs = 1\nbatch_size = 2\n")
    out = train(path, root, tmp_path / "out")
    assert read(out).availability.ok
