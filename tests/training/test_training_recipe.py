from __future__ import annotations

import pytest

from medassist.entities.errors import MedAssistError, UsageError
from medassist.locations import shipped_models_dir
from medassist.training.recipe import read_recipe


def test_recipe_reads_what_it_says(segmenter_recipe) -> None:
    recipe = read_recipe(segmenter_recipe())
    assert (recipe.name, recipe.task, recipe.schedule.epochs) == ("tiny_segmenter", "segmentation", 3)
    assert recipe.split.test_folds == (3,)
    assert recipe.labels[0].metadata["code"] == ["4147007", "SCT", "Mass"]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("epochs = 3", "", "schedule.epochs"),
        ("epochs = 3", 'epochs = "3"', "schedule.epochs"),
        ("epochs = 3", "epochs = 0", "schedule.epochs"),
        ("epochs = 3", "epochs = true", "schedule.epochs"),
        ('task = "segmentation"', 'task = "magic"', "task"),
        ('layout = "volume_pairs"', 'layout = "films_npz"', "data.layout"),
        ('_target_ = "UNet"', "", "network._target_"),
        ("learning_rate = 0.01", "learning_rate = -1", "optimiser.learning_rate"),
        ("[[labels]]", "[[other]]", "labels"),
    ],
)
def test_error_names_file_and_key(segmenter_recipe, old, new, key) -> None:
    path = segmenter_recipe((old, new))
    with pytest.raises(UsageError) as caught:
        read_recipe(path)
    assert key in str(caught.value)
    assert str(path) in str(caught.value)


def test_broken_toml_and_missing_file_are_named(tmp_path) -> None:
    (tmp_path / "bad.toml").write_text("a = [", encoding="utf-8")
    for name in ("bad.toml", "none.toml"):
        with pytest.raises(UsageError, match=name):
            read_recipe(tmp_path / name)


def test_one_fold_in_two_parts_is_refused(segmenter_recipe) -> None:
    with pytest.raises(MedAssistError, match="two parts"):
        read_recipe(segmenter_recipe(("test_folds = [3]", "test_folds = [1]")))


def test_fingerprint_follows_the_weights_not_the_words(segmenter_recipe) -> None:
    first = read_recipe(segmenter_recipe()).fingerprint
    assert read_recipe(segmenter_recipe(("Finds blobs.", "Finds every blob."))).fingerprint == first
    assert read_recipe(segmenter_recipe(("learning_rate = 0.01", "learning_rate = 0.02"))).fingerprint != first


@pytest.mark.parametrize("name", ["hippocampus_mr", "chest_xray_findings"])
def test_shipped_recipes_are_valid(name) -> None:
    assert read_recipe(shipped_models_dir() / name / "recipe.toml").name == name
