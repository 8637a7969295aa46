from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

SEGMENTER = """
name = "tiny_segmenter"
version = "0.1.0"
task = "segmentation"
[data]
layout = "volume_pairs"
train_folds = [0, 1]
validation_folds = [2]
test_folds = [3]
[network]
_target_ = "UNet"
spatial_dims = 3
in_channels = 1
out_channels = 2
channels = [4, 8]
strides = [2]
[[preprocessing]]
_target_ = "Orientationd"
keys = ["image"]
axcodes = "RAS"
[[preprocessing]]
_target_ = "NormalizeIntensityd"
keys = ["image"]
[[augmentation]]
_target_ = "RandFlipd"
keys = ["image", "label"]
prob = 0.5
spatial_axis = 0
[[augmentation]]
_target_ = "RandGaussianNoised"
keys = ["image"]
prob = 0.5
[inferer]
_target_ = "SlidingWindowInferer"
roi_size = [8, 8, 8]
[optimiser]
learning_rate = 0.01
warmup_epochs = 1
[schedule]
epochs = 3
batch_size = 2
ema_decay = 0.5
[[labels]]
value = 1
label = "Blob"
code = ["4147007", "SCT", "Mass"]
[package]
title = { en = "Blob", zh_CN = "团块" }
[package.input]
dimensions = 3
values = "modality"
[card]
references = ["Nobody et al."]
[card.en]
purpose = "Finds blobs."
limits = ["Only blobs."]
"""

CLASSIFIER = """
name = "tiny_classifier"
version = "0.1.0"
task = "classification"
[data]
layout = "films_npz"
train_folds = [0, 1]
validation_folds = [2]
test_folds = [3]
balance = ["view"]
[network]
_target_ = "DenseNet"
spatial_dims = 2
in_channels = 1
out_channels = 2
init_features = 8
growth_rate = 4
block_config = [1, 1]
bn_size = 1
[[preprocessing]]
_target_ = "Resized"
keys = ["image"]
spatial_size = [32, 32]
mode = "area"
[[preprocessing]]
_target_ = "NormalizeIntensityd"
keys = ["image"]
[inferer]
_target_ = "SimpleInferer"
[optimiser]
learning_rate = 0.01
[schedule]
epochs = 4
batch_size = 8
[[labels]]
label = "Bright"
members = ["Bright"]
[[labels]]
label = "Abnormal"
unless = ["No Finding"]
[package]
title = { en = "Bright", zh_CN = "明亮" }
[package.input]
dimensions = 2
values = "display"
[card]
"""


def write_table(path: Path, lines: list[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    """Eight volumes of four people with a bright box each; the two of one person share a fold."""
    import SimpleITK

    random, root = np.random.default_rng(0), tmp_path / "blobs"
    lines = []
    for number in range(8):
        image = random.normal(0.0, 0.1, (8, 10, 12)).astype(np.float32)
        mask = np.zeros(image.shape, np.uint8)
        z, y, x = random.integers(1, 4, 3)
        mask[z : z + 4, y : y + 4, x : x + 4] = 1
        for folder, array in (("images", image + 3 * mask), ("labels", mask)):
            (root / folder).mkdir(parents=True, exist_ok=True)
            SimpleITK.WriteImage(SimpleITK.GetImageFromArray(array), str(root / folder / f"case{number}.nii.gz"))
        lines.append({"id": f"case{number}", "subject": f"person{number // 2}", "fold": number // 2})
    write_table(root / "index.csv", lines)
    return root


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Forty little films of twenty people, bright ones labelled so; PA and AP by turns of people."""
    random, root = np.random.default_rng(1), tmp_path / "films"
    root.mkdir()
    lines, images = [], []
    for number in range(40):
        person = number // 2
        bright = (person // 4 + number) % 2 == 0
        film = random.integers(0, 60, (32, 32)).astype(np.uint8)
        if bright:
            film[8:20, 8:20] += 150
        images.append(film)
        found = "Bright|Other" if bright else ("Other" if number % 3 else "No Finding")
        lines.append(
            {"row": number, "labels": found, "patient_id": f"p{person}", "age": 30 + person, "sex": "FM"[person % 2],
             "view": ("PA", "AP")[person % 2], "fold": person % 4}
        )  # fmt: skip
    np.savez(root / "images64.npz", images=np.stack(images))
    write_table(root / "index.csv", lines)
    return root


@pytest.fixture
def recipe_file(tmp_path: Path):
    """Write one of the tiny recipes with pieces of its text replaced."""

    def write(text: str, *replacements: tuple[str, str]) -> Path:
        for old, new in replacements:
            assert old in text, f"the recipe does not hold {old!r}"
            text = text.replace(old, new)
        path = tmp_path / "recipe.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def segmenter_recipe(recipe_file):
    return lambda *replacements: recipe_file(SEGMENTER, *replacements)


@pytest.fixture
def classifier_recipe(recipe_file):
    return lambda *replacements: recipe_file(CLASSIFIER, *replacements)


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """Tests look at figures, not at the last digit of their intervals."""
    monkeypatch.setattr("medassist.training.evaluate.REPEATS", 40)
    monkeypatch.setattr("medassist.training.cross_validation.REPEATS", 40)
    monkeypatch.setattr("medassist.training.evaluate.SUBGROUP_REPEATS", 20)
