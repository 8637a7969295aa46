"""Learning classes that exclude each other: one class per picture, one temperature, one class called."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from medassist.entities.errors import UnreadableInput
from medassist.inference.packages import read
from medassist.inference.predict import predict
from medassist.training.layouts.layout import picture_volume
from medassist.training.layouts.reading import read_table
from medassist.training.recipe import read_recipe
from medassist.training.table import split_rows
from medassist.training.tasks.choosing import task_of
from medassist.training.tasks.exclusive import class_log_loss, fit_temperature, operations
from medassist.training.train import train
from tests.training.conftest import CLASSIFIER

KINDS = ("Bright", "Dark", "Striped")
RECIPE = (
    ('task = "classification"', 'task = "exclusive_classification"'),
    ('layout = "films_npz"', 'layout = "pictures_npz"'),
    ('balance = ["view"]', ""),
    ("out_channels = 2", "out_channels = 3"),
    (
        '_target_ = "NormalizeIntensityd"\nkeys = ["image"]\n',
        '_target_ = "ScaleIntensityRanged"\nkeys = ["image"]\na_min = 0\na_max = 255\n',
    ),
    ("epochs = 4", "epochs = 12"),
    (
        CLASSIFIER[CLASSIFIER.index("[[labels]]") : CLASSIFIER.index("[package]")],
        "".join(f'[[labels]]\nlabel = "{kind}"\nmembers = ["{kind}"]\n' for kind in KINDS),
    ),
)  # fmt: skip


@pytest.fixture
def pictures(tmp_path):
    """Sixty pictures of three kinds; numbers 200 apart are strangers, so that every picture is its own subject."""
    random, root = np.random.default_rng(0), tmp_path / "pictures"
    root.mkdir()
    labels = np.arange(60) % 3
    images = np.array([200, 40, 120])[labels][:, None, None] + random.normal(0, 8, (60, 32, 32))
    images[labels == 2] += 60 * (np.arange(32) % 8 < 4)[:, None]
    np.savez(
        root / "pictures.npz",
        images=images.clip(0, 255).astype(np.uint8),
        labels=labels,
        class_names=np.array(KINDS),
        source_index=np.arange(60) // 3 * 200,
        fold=np.arange(60) // 15,
    )
    return root


def test_a_recipe_becomes_a_package_that_calls_one_class(pictures, recipe_file, tmp_path) -> None:
    out = train(recipe_file(CLASSIFIER, *RECIPE), pictures, tmp_path / "out")
    package = read(out)
    assert package.exclusive
    assert [one.label for one in package.labels] == list(KINDS)
    assert {(one.threshold, one.slope, one.intercept) for one in package.labels} == {
        (0.9, package.labels[0].slope, 0.0)
    }
    assert "called from a probability of 0.9 on" in package.labels[0].operating_point
    assert package.calibration is None
    told = json.loads((out / "configs/inference.json").read_text(encoding="utf-8"))
    assert told["postprocessing"]["transforms"][0] == {"_target_": "Activationsd", "keys": "pred", "softmax": True}
    dark = picture_volume(np.full((32, 32), 40, np.uint8), "dark")
    assert max(predict(package, dark, device="cpu").scores, key=lambda one: one.probability).label == "Dark"


def test_cross_fitted_accuracy_and_recall_are_kept_with_the_package(pictures, recipe_file, tmp_path) -> None:
    changes = ("train_folds = [0, 1]\nvalidation_folds = [2]", "train_folds = [0, 1, 2]\ncross_fit = true")
    out = train(recipe_file(CLASSIFIER, *RECIPE, changes), pictures, tmp_path / "out")
    told = json.loads((out / "docs/cross_validation.json").read_text(encoding="utf-8"))["all"]
    assert told["n"] == 45
    assert set(told["labels"]) == set(KINDS)
    for one in told["labels"].values():
        assert one["recall"]["low"] <= one["recall"]["value"] <= one["recall"]["high"] <= 1.0
        assert one["accuracy"]["n"] == 45


def test_a_picture_of_no_class_of_the_recipe_is_refused(pictures, recipe_file, tmp_path) -> None:
    recipe = read_recipe(recipe_file(CLASSIFIER, *RECIPE, ('members = ["Dark"]', 'members = ["Grey"]')))
    table = read_table(pictures, "pictures_npz")
    rows, _ = split_rows(recipe, table)
    with pytest.raises(UnreadableInput, match=r"row 1 of .* belongs to 0 classes"):
        task_of(recipe).samples(recipe, None, table, rows, None)  # type: ignore[arg-type]


def test_the_loss_is_a_balanced_cross_entropy(recipe_file) -> None:
    recipe = read_recipe(
        recipe_file(CLASSIFIER, *RECIPE, ("[optimiser]", '[loss]\nclass_weight = "balanced"\n[optimiser]'))
    )
    classes = torch.tensor([0, 0, 0, 1, 1, 2])
    samples = [{"label": one} for one in torch.nn.functional.one_hot(classes, 3).float()]
    loss = task_of(recipe).loss(recipe, samples)
    logits = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    each = -logits.log_softmax(1)[torch.arange(6), classes]
    by_class = torch.stack([each[classes == one].mean() for one in range(3)]).mean()
    assert loss(logits, {"label": torch.stack([one["label"] for one in samples])}).item() == pytest.approx(
        by_class.item()
    )


def drawn(scale: float, count: int = 900) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Logits whose true classes were drawn from softmax(logits / scale): they are `scale` times too sure."""
    random = np.random.default_rng(0)
    honest = random.normal(0, 2, (count, 3))
    shares = np.exp(honest) / np.exp(honest).sum(1, keepdims=True)
    truth = np.array([random.choice(3, p=one) for one in shares])
    return honest * scale, truth, [str(at // 3) for at in range(count)]


def test_the_temperature_undoes_overconfidence() -> None:
    logits, truth, subjects = drawn(4.0)
    found = fit_temperature(logits, truth, subjects)
    assert found.fitted
    assert found.slope == pytest.approx(1 / 4.0, rel=0.15)
    assert found.intercept == 0.0
    assert class_log_loss(logits, truth, slope=found.slope) < class_log_loss(logits, truth)


def test_a_temperature_that_helps_nobody_left_out_is_not_kept() -> None:
    logits, truth, _ = drawn(4.0)
    assert not fit_temperature(logits, truth, ["one person"] * len(truth)).fitted
    opposite = [str(at % 5) for at in range(len(truth))]
    sharp = np.where((np.arange(len(truth)) % 5 == 0)[:, None], logits, np.eye(3)[truth])  # four groups want sharper
    found = fit_temperature(sharp, truth, opposite)
    assert (found.slope, found.fitted) == (1.0, False)


def test_the_calling_point_counts_what_is_called_and_what_of_it_is_right() -> None:
    sure, unsure = np.array([8.0, 0.0, 0.0]), np.array([0.5, 0.0, 0.0])
    logits = np.stack([sure, sure, sure, unsure]).astype(np.float32)
    truth = np.eye(3, dtype=np.float32)[[0, 0, 1, 0]]
    (calibration, point), *_ = operations(logits, truth, ["a", "b", "c", "d"])
    assert not calibration.fitted
    assert (point.called, point.right, point.accuracy, point.n) == (0.75, pytest.approx(2 / 3), 0.75, 4)
    assert "75.0 % were called and 66.67 % of these were right" in point.sentence("nobody")
