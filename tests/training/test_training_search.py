from __future__ import annotations

import json
import tomllib

import pytest

from medassist.entities.errors import Cancelled, Refused, UsageError
from medassist.progress import Progress, Step
from medassist.training.recipe import read_recipe
from medassist.training.search.space import Choice, Range, space_of, with_values
from medassist.training.search.study import search
from medassist.training.search.trials import score_of, searching

pytest.importorskip("optuna", reason="a search needs Optuna")

SEARCH = """[search]
"optimiser.learning_rate" = { low = 1e-4, high = 0.1, log = true }
"schedule.batch_size" = { low = 1, high = 3 }
"network.channels" = [[4, 8], [2, 4]]
epochs = 2
[optimiser]  # kept
"""


@pytest.fixture
def searched_recipe(segmenter_recipe):
    return lambda *more: segmenter_recipe(("[optimiser]\n", SEARCH), ("epochs = 3", "epochs = 4"), *more)


def test_space_is_read_and_put_into_its_places(searched_recipe) -> None:
    recipe = read_recipe(searched_recipe())
    space = space_of(recipe)
    assert space["optimiser.learning_rate"] == Range(1e-4, 0.1, True)
    assert space["network.channels"] == Choice(("[4, 8]", "[2, 4]"))
    values = {"optimiser.learning_rate": 0.02, "network.channels": [2, 4], "augmentation.1.prob": 0.25}
    found = with_values(recipe, values)
    assert found.optimiser.learning_rate == 0.02
    assert found.network["channels"] == [2, 4]
    assert [table["prob"] for table in found.augmentation] == [0.5, 0.25]
    assert "# kept" in found.text
    assert with_values(recipe, {}).text == recipe.text
    assert recipe.fingerprint == read_recipe(searched_recipe(("low = 1e-4", "low = 1e-3"))).fingerprint


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('"optimiser.rate" = { low = 1, high = 2 }', "does not have it"),
        ('"data.test_folds" = [[1], [2]]', "only keys of"),
        ('"schedule.seed" = { low = 1, high = 2 }', "only keys of"),
        ('"optimiser.learning_rate" = { low = 2, high = 1 }', "neither"),
        ('"optimiser.learning_rate" = { low = 0.0, high = 1.0, log = true }', "neither"),
        ('"optimiser.learning_rate" = { low = nan, high = 1.0 }', "neither"),
        ('"optimiser.learning_rate" = [0.1]', "neither"),
        ("", "lacks the key search"),
        ('epochs = 9\n"optimiser.learning_rate" = [0.1, 0.2]', r"search\.epochs"),
    ],
)
def test_a_space_that_makes_no_sense_is_named(segmenter_recipe, blobs, tmp_path, line, message) -> None:
    recipe = segmenter_recipe(("[optimiser]\n", f"[search]\n{line}\n[optimiser]\n"))
    with pytest.raises(UsageError, match=message):
        search(recipe, blobs, tmp_path / "out", 1, device="cpu")


def test_a_fifth_of_the_training_people_judges_where_nobody_else_does(searched_recipe) -> None:
    assert searching(read_recipe(searched_recipe())).split.validation_share == 0.0
    without = read_recipe(searched_recipe(("validation_folds = [2]", "validation_share = 0.08")))
    assert searching(without).split.validation_share == 0.2
    assert searching(without).split.test_folds == without.split.test_folds
    assert searching(without).schedule.epochs == 2


def test_score_of_the_epoch_that_would_be_shipped(searched_recipe) -> None:
    recipe = read_recipe(searched_recipe())
    curve = [{"epoch": 1.0, "score": 0.9}, {"epoch": 2.0}, {"epoch": 3.0, "score": 0.5}]
    assert score_of(recipe, curve) == 0.5
    assert score_of(read_recipe(searched_recipe(("batch_size = 2", "batch_size = 2\npatience = 1"))), curve) == 0.9
    with pytest.raises(Refused, match="no score"):
        score_of(recipe, curve[1:2])


def test_search_writes_the_best_recipe_and_never_opens_the_test_fold(searched_recipe, blobs, tmp_path) -> None:
    for number in (6, 7):  # the two volumes of fold 3, the test fold
        (blobs / f"images/case{number}.nii.gz").write_bytes(b"must not be read")
    found = search(searched_recipe(), blobs, tmp_path / "out", 4, device="cpu")
    content = json.loads((tmp_path / "out.search/search.json").read_text())
    assert [trial["state"] in ("complete", "pruned") for trial in content["trials"]] == [True] * 4
    own = content["trials"][0]["values"]
    assert own == {"optimiser.learning_rate": 0.01, "schedule.batch_size": 2, "network.channels": [4, 8]}
    complete = [trial["score"] for trial in content["trials"] if trial["state"] == "complete"]
    assert found.score == max(complete) >= content["trials"][0]["score"]
    best = tomllib.loads(found.recipe.read_text(encoding="utf-8"))
    assert best["optimiser"]["learning_rate"] == found.values["optimiser.learning_rate"]
    assert best["network"]["channels"] == found.values["network.channels"]
    assert best["schedule"]["epochs"] == 4, "the best recipe trains as long as the one it came from"
    assert "no test fold was looked at" in found.recipe.read_text(encoding="utf-8")
    again = search(searched_recipe(), blobs, tmp_path / "out", 4, device="cpu")
    assert again == found, "nothing is left to try"


def values_of(folder) -> list[dict[str, object]]:
    return [trial["values"] for trial in json.loads((folder / "search.json").read_text())["trials"]]


def test_a_search_that_was_killed_goes_on_to_the_same_trials(searched_recipe, blobs, tmp_path) -> None:
    trained = []

    def stop(step: Step) -> None:
        if step.stage == "Training":
            trained.append(step.fraction)
            if len(trained) == 7:  # in the second trial
                progress.cancel()

    progress = Progress(stop)
    with pytest.raises(Cancelled):
        search(searched_recipe(), blobs, tmp_path / "cut", 3, device="cpu", progress=progress)
    cut = search(searched_recipe(), blobs, tmp_path / "cut", 3, device="cpu")
    whole = search(searched_recipe(), blobs, tmp_path / "whole", 3, device="cpu")
    assert values_of(tmp_path / "cut.search") == values_of(tmp_path / "whole.search")
    assert cut.score == whole.score


def test_a_trial_that_makes_no_network_fails_alone(searched_recipe, blobs, tmp_path) -> None:
    change = ("[[4, 8], [2, 4]]", "[[4, 8], [4]]")
    search(searched_recipe(change), blobs, tmp_path / "out", 6, device="cpu")
    trials = json.loads((tmp_path / "out.search/search.json").read_text())["trials"]
    failed = [trial for trial in trials if trial["state"] == "fail"]
    assert failed, "no trial took the channels that make no U-Net: the test shows nothing"
    assert all(trial["values"]["network.channels"] == [4] and trial["problem"] for trial in failed)


def test_without_optuna_the_remedy_is_told(searched_recipe, blobs, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("medassist.plugins.find_spec", lambda name: None if name == "optuna" else object())
    with pytest.raises(Refused, match=r"optuna.*medassist\[train\]"):
        search(searched_recipe(), blobs, tmp_path / "out", 1, device="cpu")
