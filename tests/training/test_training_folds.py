"""Cross-validation: every row is judged by a model that never saw its subject."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from medassist.entities.errors import UsageError
from medassist.training.folds import left_out
from medassist.training.recipe import read_recipe
from medassist.training.table import subject_hash
from medassist.training.train import train

SHORT = ("epochs = 3", "epochs = 1")


def test_every_fold_is_left_out_and_the_others_learn(segmenter_recipe) -> None:
    recipe = read_recipe(segmenter_recipe())  # learns 0 and 1, watches 2, tests 3
    for fold in range(5):
        split = left_out(recipe, range(5), fold).split
        assert split.test_folds == (fold,)
        assert len(split.validation_folds) == 1
        assert sorted((*split.train_folds, *split.validation_folds, fold)) == [0, 1, 2, 3, 4]
    assert left_out(recipe, range(5), 4).split.validation_folds == (0,)
    with pytest.raises(UsageError, match="no fold to learn from"):
        left_out(recipe, [0, 1], 0)


def test_a_recipe_without_validation_folds_learns_all_others(segmenter_recipe) -> None:
    """A model trained before by such a recipe, written by hand, is taken over by --resume."""
    change = ("train_folds = [0, 1]\nvalidation_folds = [2]", "train_folds = [0, 1, 2]\nvalidation_share = 0.1")
    by_hand = change[1].replace("[0, 1, 2]", "[0, 2, 3]")
    moved = left_out(read_recipe(segmenter_recipe(change)), range(4), 1)
    written = read_recipe(segmenter_recipe((change[0], by_hand), ("test_folds = [3]", "test_folds = [1]")))
    assert moved.fingerprint == written.fingerprint


def content_of(out: Path) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads((out / "docs/cross_validation.json").read_text())
    return found


def test_folds_of_a_segmenter(blobs, segmenter_recipe, tmp_path) -> None:
    out = train(segmenter_recipe(SHORT), blobs, tmp_path / "out", device="cpu", cross_validate=True)
    content = content_of(out)
    assert [name for name in content if name.startswith("fold=")] == ["fold=0", "fold=1", "fold=2", "fold=3"]
    assert content["all"]["n"] == 8
    folds = [content[f"fold={fold}"]["labels"]["Blob"]["dice"]["value"] for fold in range(4)]
    assert content["all"]["labels"]["Blob"]["dice"]["value"] == pytest.approx(sum(folds) / 4, abs=1e-5)
    shipped = json.loads((out / "docs/evaluation.json").read_text())
    assert folds[3] == shipped["labels"]["Blob"]["dice"]["value"], "the shipped model speaks for its own test fold"
    for fold in range(3):
        package = tmp_path / f"out.training/fold-{fold}/package"
        seen = json.loads((package / "configs/training.json").read_text())["subjects"]
        assert subject_hash(f"person{fold}") not in {*seen["train"], *seen["validation"]}
        assert len({*seen["train"], *seen["validation"]}) == 3
    assert "person" not in (out / "docs/cross_validation.json").read_text()
    for name in ("README.md", "README.zh-CN.md"):
        card = (out / "docs" / name).read_text(encoding="utf-8")
        assert f"| fold=0 | 2 | {folds[0]:.3f} (" in card
        assert "](curve.png)" in card
    assert (out / "docs/curve.png").is_file()


def test_some_folds_alone(blobs, segmenter_recipe, tmp_path) -> None:
    nothing_apart = ("test_folds = [3]", "test_folds = []")
    recipe = segmenter_recipe(SHORT, nothing_apart)
    out = train(recipe, blobs, tmp_path / "out", device="cpu", cross_validate=True, folds=(1,))
    content = content_of(out)
    assert [name for name in content if name.startswith("fold=")] == ["fold=1"]
    assert content["all"]["n"] == content["fold=1"]["n"] == 2
    with pytest.raises(UsageError, match="no fold 7; it has 0, 1, 2, 3"):
        train(recipe, blobs, tmp_path / "out", resume=True, device="cpu", cross_validate=True, folds=(1, 7))


def test_models_trained_elsewhere_are_taken_over(blobs, segmenter_recipe, tmp_path) -> None:
    out = train(segmenter_recipe(SHORT), blobs, tmp_path / "out", device="cpu", cross_validate=True)
    first = content_of(out)
    (tmp_path / "new.training").mkdir()
    shutil.copy(tmp_path / "out.training/checkpoint.pt", tmp_path / "new.training/checkpoint.pt")
    for fold in range(3):
        (tmp_path / f"new.training/fold-{fold}").mkdir()
        name = f"fold-{fold}/checkpoint.pt"
        shutil.copy(tmp_path / "out.training" / name, tmp_path / "new.training" / name)
    trained: list[int] = []
    new = train(
        segmenter_recipe(SHORT), blobs, tmp_path / "new",
        resume=True, device="cpu", cross_validate=True, watch=lambda curve: trained.append(len(curve)),
    )  # fmt: skip
    assert trained == [1, 1, 1, 1], "every model was finished: its curve is shown once"
    assert content_of(new) == first


def test_folds_of_a_classifier_without_validation_rows(films, classifier_recipe, tmp_path) -> None:
    """Thresholds of the shipped model come from models that leave a fold out; those of a fold from some of the rest."""
    changes = (("balance", "cross_fit = true\nbalance"), ("validation_folds = [2]", ""), ("epochs = 4", "epochs = 2"))
    withheld = ('label = "Abnormal"', 'label = "Abnormal"\noffered = false')
    out = train(classifier_recipe(*changes, withheld), films, tmp_path / "out", device="cpu", cross_validate=True)
    content = content_of(out)
    assert content["all"]["n"] == sum(content[f"fold={fold}"]["n"] for fold in range(4)) == 40
    assert {"auc", "sensitivity", "ece"} <= set(content["all"]["labels"]["Bright"])
    assert content["all"]["labels"]["Bright"]["auc"]["value"] > 0.9
    assert {"auc", "ece"} <= set(content["all"]["labels"]["Abnormal"]), "cross-fitting tells both of a withheld label"
    assert content["all"]["labels"]["Abnormal"]["auc"]["n"] == 20, "of the training folds only, and says so"
    assert content["view=AP"]["n"] == content["view=PA"]["n"] == 20
    card = (out / "docs/README.md").read_text(encoding="utf-8")
    assert "| Abnormal | 20 |" in card


def test_folds_that_were_drawn(blobs, segmenter_recipe, tmp_path) -> None:
    """A folder that names no folds: each model is measured on the people it was drawn without."""
    lines = [line.rsplit(",", 1)[0] for line in (blobs / "index.csv").read_text().splitlines()]
    (blobs / "index.csv").write_text("\n".join(lines) + "\n")
    change = (
        "train_folds = [0, 1]\nvalidation_folds = [2]\ntest_folds = [3]",
        "folds = 2\ntrain_folds = [0]\ntest_folds = [1]",
    )
    out = train(segmenter_recipe(SHORT, change), blobs, tmp_path / "out", device="cpu", cross_validate=True)
    content = content_of(out)
    assert content["all"]["n"] == content["fold=0"]["n"] + content["fold=1"]["n"] == 8
    assert content["fold=0"]["n"] > 0
