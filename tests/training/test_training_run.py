from __future__ import annotations

import json

import numpy as np
import pytest

from medassist.entities.errors import Cancelled, Refused, UnreadableInput, UsageError
from medassist.entities.prediction import Verdict
from medassist.inference.likeness import likeness
from medassist.inference.operating import read_curves
from medassist.inference.packages import read
from medassist.progress import Progress, Step
from medassist.training.cross_validation import read_cross_validation
from medassist.training.embedding import describe
from medassist.training.evaluate import evaluate
from medassist.training.judging import judged
from medassist.training.layouts.films import load_films
from medassist.training.layouts.layout import picture_volume
from medassist.training.layouts.reading import read_table
from medassist.training.left_out_audit import read_audit
from medassist.training.recipe import read_recipe
from medassist.training.table import Row, split_rows, subject_hash, targets
from medassist.training.tasks.classification import independence_weights
from medassist.training.train import train

EVERYBODY = "train_folds = [0, 1, 2, 3]\ntest_folds = []\ncross_fit = true"


def drop_column(folder, name: str) -> None:
    lines = [line.split(",") for line in (folder / "index.csv").read_text().splitlines()]
    at = lines[0].index(name)
    text = "\n".join(",".join(cell for i, cell in enumerate(line) if i != at) for line in lines)
    (folder / "index.csv").write_text(text + "\n")


def weights_of(bundle):
    import torch

    return torch.load(bundle / "models/model.pt", weights_only=True)


def same_weights(one, other) -> bool:
    import torch

    first, second = weights_of(one), weights_of(other)
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def stop_at(fraction: float) -> Progress:
    """Return a progress that cancels itself once training has come so far, like a kill between two batches."""

    def listen(step: Step) -> None:
        if step.stage == "Training" and (step.fraction or 0.0) >= fraction:
            progress.cancel()

    progress = Progress(listen)
    return progress


@pytest.mark.parametrize("kind", ["segmenter", "classifier"])
def test_killed_and_resumed_equals_uninterrupted(request, tmp_path, kind) -> None:
    data = request.getfixturevalue("blobs" if kind == "segmenter" else "films")
    recipe = request.getfixturevalue(f"{kind}_recipe")()
    whole = train(recipe, data, tmp_path / "whole")
    with pytest.raises(Cancelled):
        train(recipe, data, tmp_path / "cut", progress=stop_at(0.5))
    assert (tmp_path / "cut.training/checkpoint.pt").is_file()
    assert not read(tmp_path / "cut").availability.ok
    cut = train(recipe, data, tmp_path / "cut", resume=True)
    assert same_weights(whole, cut)
    curves = [(tmp_path / f"{name}.training/curve.jsonl").read_text().splitlines() for name in ("whole", "cut")]
    plain = [[{k: v for k, v in json.loads(row).items() if k != "seconds"} for row in curve] for curve in curves]
    assert plain[0] == plain[1]


def test_bundle_is_complete_and_good(blobs, segmenter_recipe, tmp_path) -> None:
    recipe = segmenter_recipe(("epochs = 3", "epochs = 25"), ("ema_decay = 0.5", "ema_decay = 0.0"))
    out = train(recipe, blobs, tmp_path / "out")
    package = read(out)
    assert package.availability.ok
    names = (
        "configs/metadata.json",
        "configs/inference.json",
        "configs/training.json",
        "models/model.pt",
        "recipe.toml",
    )
    assert all((out / name).is_file() for name in (*names, "docs/README.md", "docs/README.zh-CN.md"))
    evaluation = evaluate(package, blobs).as_json()
    assert evaluation["n"] == 2
    assert evaluation["labels"]["Blob"]["dice"]["value"] > 0.8
    assert set(evaluation["labels"]["Blob"]) == {
        "dice", "hd95_mm", "surface_dice_1mm", "volume_error_ml", "volume_bias_ml"
    }  # fmt: skip
    card = (out / "docs/README.md").read_text(encoding="utf-8")
    assert f"{evaluation['labels']['Blob']['dice']['value']:.3f}" in card
    assert "person" not in (out / "configs/training.json").read_text()


def test_seed_decides(blobs, segmenter_recipe, tmp_path) -> None:
    first = train(segmenter_recipe(("epochs = 3", "epochs = 1")), blobs, tmp_path / "a")
    second = train(segmenter_recipe(("epochs = 3", "epochs = 1\nseed = 9")), blobs, tmp_path / "b")
    assert not same_weights(first, second)


def test_another_recipe_cannot_resume(blobs, segmenter_recipe, tmp_path) -> None:
    train(segmenter_recipe(("epochs = 3", "epochs = 1")), blobs, tmp_path / "out")
    with pytest.raises(Refused, match="another recipe"):
        train(segmenter_recipe(), blobs, tmp_path / "out", resume=True)


def test_classifier_is_calibrated_and_evaluated_by_group(films, classifier_recipe, tmp_path) -> None:
    out = train(classifier_recipe(), films, tmp_path / "out")
    package = read(out)
    assert all(0.0 < label.threshold < 1.0 and "Youden" in label.operating_point for label in package.labels)
    content = evaluate(package, films).as_json()
    assert content["n"] == 10
    assert content["labels"]["Bright"]["auc"]["value"] > 0.9
    assert {"view=AP", "sex=M", "age=0-39"} & set(content["subgroups"]) == {"view=AP", "sex=M", "age=0-39"}
    assert sum(content["subgroups"][name]["n"] for name in content["subgroups"] if name.startswith("age")) == 10


def test_a_package_that_was_asked_knows_its_kind_of_image(films, classifier_recipe, tmp_path) -> None:
    recipe = classifier_recipe(
        ("[optimiser]", '[embedding]\nlayer = "features"\n[optimiser]'), ("epochs = 4", "epochs = 2")
    )
    package = read(train(recipe, films, tmp_path / "out"))
    seen, stripes = load_films(read_table(films, "films_npz"))[0], np.indices((32, 32))[0] % 2 * 255
    verdicts = [likeness(package, picture_volume(one.astype(np.uint8), "1"), device="cpu") for one in (seen, stripes)]
    assert [one.verdict for one in verdicts if one is not None] == [Verdict.PASS, Verdict.FAIL]
    before = (package.root / "models/embedding.npz").read_bytes()
    describe(package.root, films, progress=Progress())
    assert (package.root / "models/embedding.npz").read_bytes() == before
    assert read(package.root) == package


def test_the_layer_that_is_asked_must_be_named(films, classifier_recipe, tmp_path) -> None:
    recipe = classifier_recipe(("[optimiser]", '[embedding]\npool = "mean"\n[optimiser]'))
    with pytest.raises(UsageError, match=r"embedding\.layer"):
        train(recipe, films, tmp_path / "out")


def test_cross_fit_calibrates_on_people_left_out(films, classifier_recipe, tmp_path) -> None:
    changes = (("balance", "cross_fit = true\nbalance"), ("validation_folds = [2]", ""), ("epochs = 4", "epochs = 1"))
    out = train(classifier_recipe(*changes), films, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out.training").glob("without-*")) == [
        "without-fold-0",
        "without-fold-1",
    ]
    assert all("20 films" in label.operating_point for label in read(out).labels)
    rows = [row for row in read_table(films, "films_npz").rows if row.fold in (0, 1)]
    labels = read_recipe(out / "recipe.toml").labels
    positives = dict(zip([one.label for one in labels], targets(rows, labels).sum(axis=0), strict=True))
    curves = read_curves(read(out))
    assert {label: len(one.positive) for label, one in curves.items()} == positives
    assert all(len(one.positive) + len(one.negative) == 20 for one in curves.values())
    crossed = read_cross_validation(out)
    assert crossed["all"].n == crossed["view=AP"].n + crossed["view=PA"].n == 20
    assert {"auc", "ece", "sensitivity", "specificity"} <= set(crossed["all"].labels["Bright"])
    assert crossed["view=AP"].labels["Abnormal"] == {}, "fewer than five people have it, or lack it"
    assert "Cross-validation" in (out / "docs/README.md").read_text(encoding="utf-8")


def test_cross_fit_holds_its_models_against_trivial_things(films, classifier_recipe, tmp_path) -> None:
    """Everybody teaches the package: its figures are those of the models that left each fold out."""
    changes = (
        ("train_folds = [0, 1]\nvalidation_folds = [2]\ntest_folds = [3]", EVERYBODY),
        ("epochs = 4", "epochs = 2"),
    )
    out = train(classifier_recipe(*changes), films, tmp_path / "out")
    found = read_audit(out)
    assert set(found) == {"Bright"}, "no label of the folder is a member of 'Abnormal'"
    told = found["Bright"]["model"]
    assert 0.0 <= told["whole"]["value"] <= 1.0
    assert told["over_frame"]["value"] == pytest.approx(
        told["whole"]["value"] - found["Bright"]["frame"]["value"], abs=0.02
    )
    english = (out / "docs/README.md").read_text(encoding="utf-8")
    assert "no fold is left to test them" in english
    assert "model above frame" in english
    assert "高出外框" in (out / "docs/README.zh-CN.md").read_text(encoding="utf-8")
    with pytest.raises(Refused, match="20 of the 20 people in this data took part"):
        evaluate(read(out), films)


def test_a_fold_is_judged_by_what_the_others_taught() -> None:
    random = np.random.default_rng(0)
    rows = [Row(str(at), f"p{at}", at % 3, {}) for at in range(120)]
    truth = random.random(120) < 0.4
    logits = random.normal(2.0 * truth, 1.0)
    probability, answered = judged(rows, truth, logits)
    other = truth.copy()
    other[::3] = ~other[::3]
    again, also = judged(rows, other, logits)
    np.testing.assert_array_equal(again[::3], probability[::3])
    np.testing.assert_array_equal(also[::3], answered[::3])
    assert np.abs(again[1::3] - probability[1::3]).mean() > 0.1
    assert probability[truth].mean() > probability[~truth].mean() + 0.2


def test_label_that_is_not_offered_is_not_spoken_of(films, classifier_recipe, tmp_path) -> None:
    recipe = classifier_recipe(
        ('label = "Abnormal"', 'label = "Abnormal"\noffered = false'), ("epochs = 4", "epochs = 1")
    )
    out = train(recipe, films, tmp_path / "out")
    assert [label.label for label in read(out).labels] == ["Bright"]
    assert list(evaluate(read(out), films).labels) == ["Bright"]
    assert "not offered" in (out / "docs/README.md").read_text(encoding="utf-8")


def test_nothing_to_choose_thresholds_on_is_refused(films, classifier_recipe, tmp_path) -> None:
    changes = (("validation_folds = [2]", ""), ("epochs = 4", "epochs = 1"))
    with pytest.raises(UsageError, match="thresholds"):
        train(classifier_recipe(*changes), films, tmp_path / "out")


def test_leaking_evaluation_is_refused(films, classifier_recipe, tmp_path) -> None:
    package = read(train(classifier_recipe(), films, tmp_path / "out"))
    with pytest.raises(Refused, match="took part in the training"):
        evaluate(package, films, folds=[3, 0])
    drop_column(films, "fold")
    with pytest.raises(Refused, match="15 of the 20"):
        evaluate(package, films)


def test_folder_without_folds_is_evaluated_whole(blobs, segmenter_recipe, tmp_path) -> None:
    package = read(train(segmenter_recipe(("epochs = 3", "epochs = 1")), blobs, tmp_path / "out"))
    text = (blobs / "index.csv").read_text().replace("person", "stranger")
    (blobs / "index.csv").write_text(text)
    drop_column(blobs, "fold")
    assert evaluate(package, blobs).n == 8


def test_people_of_two_parts_are_refused(blobs, segmenter_recipe) -> None:
    recipe = read_recipe(segmenter_recipe())
    text = (blobs / "index.csv").read_text().replace("person3", "person0")
    (blobs / "index.csv").write_text(text)
    with pytest.raises(UnreadableInput, match="two parts"):
        split_rows(recipe, read_table(blobs, recipe.layout))


def test_validation_share_takes_whole_people(blobs, segmenter_recipe) -> None:
    change = ("validation_folds = [2]", "validation_share = 0.5")
    recipe = read_recipe(segmenter_recipe(change))
    learn, check = split_rows(recipe, read_table(blobs, recipe.layout))
    assert len(learn) == len(check) == 2
    assert {row.subject for row in learn}.isdisjoint(row.subject for row in check)


def test_weights_make_label_and_view_independent(films, classifier_recipe) -> None:
    recipe = read_recipe(classifier_recipe())
    rows = read_table(films, recipe.layout).rows
    truth = targets(rows, recipe.labels)
    weights = independence_weights(rows, truth, ["view"])
    for view in ("PA", "AP"):
        inside = np.array([row.columns["view"] == view for row in rows])
        share = (weights * truth)[inside].sum(axis=0) / weights[inside].sum(axis=0)
        assert share == pytest.approx(truth.mean(axis=0), abs=1e-6)
    assert (independence_weights(rows, truth, []) == 1.0).all()


def test_bad_data_is_named(films, classifier_recipe, tmp_path) -> None:
    with pytest.raises(UnreadableInput, match=r"index\.csv"):
        train(classifier_recipe(), tmp_path / "none", tmp_path / "out")
    (films / "images64.npz").write_bytes(b"no archive")
    with pytest.raises(UnreadableInput, match="images64"):
        train(classifier_recipe(), films, tmp_path / "out")
    drop_column(films, "patient_id")
    with pytest.raises(UnreadableInput, match="patient_id"):
        train(classifier_recipe(), films, tmp_path / "out")


def test_unknown_augmentation_is_refused(blobs, segmenter_recipe, tmp_path) -> None:
    for name in ("SaveImaged", "RandFlip", "Nonsense"):
        with pytest.raises(UsageError, match=name):
            train(segmenter_recipe(('_target_ = "RandFlipd"', f'_target_ = "{name}"')), blobs, tmp_path / "out")


def test_subject_hash_hides_and_tells_apart() -> None:
    assert subject_hash("17") == subject_hash("17") != subject_hash("18")
    assert len(subject_hash("17")) == 16
