"""The tasks beyond masks and findings of films: anomalies, volumes read slice by slice, masks of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from medassist.entities.errors import UsageError
from medassist.inference.packages import read
from medassist.training.evaluate import evaluate
from medassist.training.recipe import read_recipe
from medassist.training.tasks.choosing import TASKS, task_of
from medassist.training.train import train
from tests.training.conftest import CLASSIFIER, SEGMENTER, write_table

DENSENET = CLASSIFIER[CLASSIFIER.index('_target_ = "DenseNet"') : CLASSIFIER.index("[[preprocessing]]")]
UNET = SEGMENTER[SEGMENTER.index('_target_ = "UNet"') : SEGMENTER.index("[[preprocessing]]")]
AUTOENCODER = """_target_ = "medassist.inference.networks.reconstruction.ReconstructionError"
spatial_dims = 2
in_channels = 1
out_channels = 1
channels = [8, 16]
strides = [2, 2]
"""
READER = """_target_ = "medassist.inference.networks.slice_reader.SliceReader"
in_channels = 1
out_channels = 1
channels = [4, 8]
hidden = 8
"""
FCN = """_target_ = "medassist.inference.networks.fcn.FCN"
spatial_dims = 2
in_channels = 1
out_channels = 2
channels = [8, 8, 8]
"""


def test_anomaly_learns_from_normal_films_and_scores_the_others_higher(films, recipe_file, tmp_path) -> None:
    labels = CLASSIFIER[CLASSIFIER.index("[[labels]]") : CLASSIFIER.index("[package]")]
    recipe = recipe_file(
        CLASSIFIER,
        ('task = "classification"', 'task = "anomaly"'),
        (DENSENET, AUTOENCODER),
        (labels, '[[labels]]\nlabel = "Unlike normal films"\nmembers = ["Bright"]\n'),
        ("epochs = 4", "epochs = 25"),
    )
    out = train(recipe, films, tmp_path / "out")
    package = read(out)
    assert (package.task, package.availability.ok) == ("classification", True)
    assert evaluate(package, films).labels["Unlike normal films"]["auc"].value > 0.9


def test_anomaly_needs_one_label(films, recipe_file, tmp_path) -> None:
    recipe = recipe_file(CLASSIFIER, ('task = "classification"', 'task = "anomaly"'), (DENSENET, AUTOENCODER))
    with pytest.raises(UsageError, match="one label"):
        train(recipe, films, tmp_path / "out")


@pytest.fixture
def ramps(tmp_path):
    """Write sixteen volumes of eight people that brighten upwards or downwards, as files with labels."""
    import SimpleITK

    root, random, lines = tmp_path / "ramps", np.random.default_rng(0), []
    root.mkdir()
    for number in range(16):
        ramp = np.linspace(0, 1, 6)[:, None, None] + random.normal(0, 0.05, (6, 8, 8))
        up = number % 2
        values = (ramp if up else ramp[::-1]).astype(np.float32)
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(values), str(root / f"v{number}.nii.gz"))
        lines.append({"file": f"v{number}.nii.gz", "label": "Up" if up else "Down", "subject": f"s{number // 2}",
                      "fold": number // 2 % 4})  # fmt: skip
    write_table(root / "index.csv", lines)
    return root


def test_volumes_read_slice_by_slice(ramps, recipe_file, tmp_path) -> None:
    steps = CLASSIFIER[CLASSIFIER.index("[[preprocessing]]") : CLASSIFIER.index("[inferer]")]
    labels = CLASSIFIER[CLASSIFIER.index("[[labels]]") : CLASSIFIER.index("[package]")]
    recipe = recipe_file(
        CLASSIFIER,
        ('layout = "films_npz"', 'layout = "files"'),
        ('balance = ["view"]\n', ""),
        (DENSENET, READER),
        (steps, '[[preprocessing]]\n_target_ = "NormalizeIntensityd"\nkeys = ["image"]\n'),
        (labels, '[[labels]]\nlabel = "Brighter upwards"\nmembers = ["Up"]\n'),
        ('dimensions = 2\nvalues = "display"', 'dimensions = 3\nvalues = "modality"'),
        ("learning_rate = 0.01", "learning_rate = 0.03"),
        ("epochs = 4", "epochs = 40"),
    )
    out = train(recipe, ramps, tmp_path / "out")
    assert evaluate(read(out), ramps).labels["Brighter upwards"]["auc"].value == 1.0


def test_masks_of_pictures_by_an_fcn(tmp_path, recipe_file) -> None:
    root, random, lines = tmp_path / "pictures", np.random.default_rng(0), []
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    for number in range(8):
        picture = random.integers(0, 60, (24, 32)).astype(np.uint8)
        y, x = random.integers(2, 10, 2)
        mask = np.zeros_like(picture)
        mask[y : y + 10, x : x + 10] = 1
        Image.fromarray(picture + 150 * mask).save(root / f"images/p{number}.png")
        Image.fromarray(mask).save(root / f"labels/p{number}.png")
        lines.append({"id": f"p{number}", "subject": f"s{number // 2}", "fold": number // 2})
    write_table(root / "index.csv", lines)
    recipe = recipe_file(
        SEGMENTER,
        ('layout = "volume_pairs"', 'layout = "picture_pairs"'),
        (UNET, FCN),
        ('[[preprocessing]]\n_target_ = "Orientationd"\nkeys = ["image"]\naxcodes = "RAS"\n', ""),
        ("roi_size = [8, 8, 8]", "roi_size = [24, 24]"),
        ('dimensions = 3\nvalues = "modality"', 'dimensions = 2\nvalues = "display"'),
        ("epochs = 3", "epochs = 25"),
        ("ema_decay = 0.5", "ema_decay = 0.0"),
    )  # fmt: skip
    out = train(recipe, root, tmp_path / "out")
    assert evaluate(read(out), root).labels["Blob"]["dice"].value > 0.85


def test_positives_may_be_balanced_by_their_number(films, classifier_recipe, tmp_path) -> None:
    import torch

    recipe = read_recipe(classifier_recipe(("[optimiser]", '[loss]\npositive_weight = "balanced"\n[optimiser]')))
    rows = [{"label": torch.tensor([1.0, 0.0])}, *[{"label": torch.tensor([0.0, 1.0])}] * 3]
    loss = task_of(recipe).loss(recipe, rows)
    one = {"weight": torch.ones(1, 2)}
    missed = loss(torch.zeros(1, 2), {**one, "label": torch.tensor([[1.0, 0.0]])})
    other = loss(torch.zeros(1, 2), {**one, "label": torch.tensor([[0.0, 1.0]])})
    assert float(missed) == pytest.approx((3 + 1) * np.log(2) / 2, rel=1e-5)
    assert float(other) == pytest.approx((1 + 1 / 3) * np.log(2) / 2, rel=1e-5)


def test_classes_of_a_mask_may_be_balanced_by_their_voxels(segmenter_recipe) -> None:
    import torch

    label = torch.zeros(1, 1, 10, 10, 10, dtype=torch.uint8)
    label[0, 0, 0] = 1
    samples, logits = [{"label": label[0]}], torch.zeros(1, 2, 10, 10, 10)
    only = "[loss]\nlambda_dice = 0.0\n"
    for written, expected in (('"balanced"', 1.0), ("[1.0, 3.0]", (0.9 + 0.3) / 1.2), ("[1.0, 1.0]", 1.0)):
        recipe = read_recipe(segmenter_recipe(("[optimiser]", f"{only}class_weights = {written}\n[optimiser]")))
        loss = task_of(recipe).loss(recipe, samples)
        assert float(loss(logits, {"label": label})) == pytest.approx(np.log(2) * expected, rel=1e-5)
    logits[:, 1] = -3.0
    balanced = read_recipe(segmenter_recipe(("[optimiser]", f'{only}class_weights = "balanced"\n[optimiser]')))
    plain = read_recipe(segmenter_recipe(("[optimiser]", f"{only}[optimiser]")))
    costs = [float(task_of(one).loss(one, samples)(logits, {"label": label})) for one in (balanced, plain)]
    assert costs[0] > 3 * costs[1], "a tenth of the voxels counts as much as the rest"


def test_every_task_has_its_layouts() -> None:
    from medassist.training.recipe import LAYOUTS

    assert set(TASKS) == set(LAYOUTS)
