"""Objects one by one: what is learned of them can be read back, and meetings count."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from medassist.entities.errors import Refused, UsageError
from medassist.inference.packages import read
from medassist.inference.separation import Separation, separate
from medassist.training.evaluate import evaluate
from medassist.training.instance_metrics import instance_metrics
from medassist.training.tasks import instances
from medassist.training.tasks.instances import CHANNEL_OF, CORE, GROUND, INSTANCES, Rule, classes_of, rule_of
from medassist.training.train import train


def recipe(**loss: object) -> SimpleNamespace:
    return SimpleNamespace(path=Path("recipe.toml"), loss=loss)


def crowd() -> np.ndarray:
    """Return discs of many sizes, two that touch and one cut by the edge, numbered."""
    labels = np.zeros((90, 120), np.int32)
    rows, columns = np.ogrid[:90, :120]
    circles = ((20, 20, 4), (20, 45, 15), (60, 40, 12), (60, 64, 12), (89, 100, 10), (30, 100, 2), (75, 10, 7))
    for number, (row, column, radius) in enumerate(circles, start=1):
        labels[((rows - row) ** 2 + (columns - column) ** 2 <= radius**2) & (labels == 0)] = number
    return labels


def read_back(classes: np.ndarray) -> np.ndarray:
    channel = np.asarray(CHANNEL_OF)[classes]
    return separate((channel > 0).astype(np.float32), (channel == CORE).astype(np.float32), Separation())


def test_objects_can_be_read_back_from_their_cores() -> None:
    labels = crowd()
    assert instance_metrics(read_back(classes_of(labels, Rule())), labels)["pq"] > 0.98


def test_a_rim_is_a_share_of_the_half_width() -> None:
    labels = np.zeros((80, 80), np.int32)
    labels[5:15, 20:60], labels[30:70, 20:60] = 1, 2
    classes = classes_of(labels, Rule(rim=0.4, least_rim=1.0))
    assert np.count_nonzero(classes[5:15, 40] == CORE) == 10 - 2 * 2
    assert np.count_nonzero(classes[30:70, 40] == CORE) == 40 - 2 * 8


def test_the_edge_of_the_picture_is_no_rim() -> None:
    labels = np.zeros((30, 30), np.int32)
    labels[:10, 10:20] = 1
    assert classes_of(labels, Rule())[0, 15] == CORE


def test_the_smallest_object_has_a_core() -> None:
    labels = np.zeros((9, 9), np.int32)
    labels[4, 4] = 1
    assert classes_of(labels, Rule())[4, 4] == CORE


def test_only_pixels_near_two_objects_are_a_meeting() -> None:
    labels = np.zeros((20, 40), np.int32)
    labels[5:15, 5:15], labels[5:15, 16:26] = 1, 2
    classes = classes_of(labels, Rule(reach=2))
    assert classes[10, 15] == instances.MEETING_GROUND
    assert classes[10, 14] == classes[10, 16] == instances.MEETING_RIM
    assert classes[10, 5] == instances.RIM
    assert classes[10, 30] == GROUND


def test_a_mistake_where_objects_meet_costs_more() -> None:
    loss = INSTANCES.loss(recipe(meeting=10.0), ())
    label = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    label[..., 2:4, 2:4], label[..., 0, 0], label[..., 7, 7] = 1, instances.MEETING_RIM, instances.RIM
    right = 5.0 * torch.nn.functional.one_hot(torch.tensor(CHANNEL_OF)[label.long()][:, 0], 3).permute(0, 3, 1, 2)
    wrong_at_meeting, wrong_elsewhere = right.clone(), right.clone()
    wrong_at_meeting[0, :, 0, 0], wrong_elsewhere[0, :, 7, 7] = torch.tensor([5.0, 0, 0]), torch.tensor([5.0, 0, 0])
    costs = [float(loss(answer, {"label": label})) for answer in (right, wrong_elsewhere, wrong_at_meeting)]
    assert costs[0] < costs[1] < costs[2]


def test_a_perfect_network_scores_one_and_a_blind_one_none() -> None:
    classes = classes_of(crowd(), Rule())
    sample = {"image": torch.zeros(3, *classes.shape[::-1]), "label": torch.from_numpy(classes.T.copy())[None]}
    perfect = 9.0 * torch.nn.functional.one_hot(torch.tensor(CHANNEL_OF)[sample["label"].long()[0]], 3)
    answers = perfect.permute(2, 0, 1)[None].float()
    told = INSTANCES.figures(recipe(), lambda _image: answers, [sample])
    assert told["score"] == pytest.approx(1.0)
    blind = INSTANCES.figures(
        recipe(), lambda _image: torch.zeros_like(answers) + torch.tensor([9.0, 0, 0])[:, None, None], [sample]
    )
    assert blind["f1_iou50"] == 0.0


@pytest.mark.parametrize("loss", [{"rim": 1.5}, {"reach": 0}, {"meeting": "often"}, {"border": 2}, {"rim": True}])
def test_unknown_and_impossible_keys_of_the_loss_are_named(loss: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=f"loss.{next(iter(loss))}"):
        rule_of(recipe(**loss))


def write_tissue(root: Path, count: int = 6) -> Path:
    """Write a training folder of violet discs on a pale ground, in fields of two, folds 0 and 1."""
    for name in ("images", "labels"):
        (root / name).mkdir(parents=True)
    lines = ["id,field,n_nuclei,fold"]
    random = np.random.default_rng(3)
    rows, columns = np.ogrid[:64, :80]
    for at in range(count):
        labels = np.zeros((64, 80), np.uint16)
        for number, (row, column) in enumerate(((15, 15), (15, 33), (45, 20), (40, 60)), start=1):
            down, right = random.integers(-3, 4, 2)
            labels[(rows - row - down) ** 2 + (columns - column - right) ** 2 <= 64] = number
        noise = random.normal(0, 6, (64, 80, 3))
        picture = np.where(labels[..., None] > 0, (95, 40, 140), (220, 205, 235)) + noise
        Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(root / f"images/tile{at}.png")
        Image.fromarray(labels).save(root / f"labels/tile{at}.png")
        lines.append(f"tile{at},field_{at // 2},4,{int(at >= count - 2)}")
    (root / "index.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


RECIPE = """
name = "tiny_nuclei"
version = "0.1.0"
task = "instances"

[data]
layout = "picture_pairs"
train_folds = [0]
test_folds = [1]

[network]
_target_ = "UNet"
spatial_dims = 2
in_channels = 3
out_channels = 3
channels = [8, 16]
strides = [2]

[[preprocessing]]
_target_ = "ScaleIntensityRanged"
keys = ["image"]
a_min = 0.0
a_max = 255.0
b_min = -1.0
b_max = 1.0

[inferer]
_target_ = "SlidingWindowInferer"
roi_size = [48, 48]
overlap = 0.25
mode = "gaussian"

[[augmentation]]
_target_ = "RandFlipd"
keys = ["image", "label"]
prob = 0.5
spatial_axis = 0

[loss]
rim = 0.4

[optimiser]
learning_rate = 2.0e-2
weight_decay = 1.0e-4
warmup_epochs = 1

[schedule]
epochs = 20
batch_size = 2
seed = 1
precision = "float32"
ema_decay = 0.0
patience = 0
validate_every = 20
gradient_clip = 5.0

[[labels]]
value = 1
label = "Nucleus"

[package]
title = { en = "Tiny nuclei", zh_CN = "微型细胞核" }
intended_use = "Tests only."
input = { dimensions = 2, channels = 3, values = "display" }
instances = { least_object = 10 }

[card]
data_source = "Drawn for a test."
"""


def test_a_recipe_becomes_a_model_that_counts_unseen_nuclei(tmp_path: Path) -> None:
    """From recipe to package: what comes out is measured on a field that was not learned, and finds its nuclei."""
    (tmp_path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    data = write_tissue(tmp_path / "tissue")
    package = read(train(tmp_path / "recipe.toml", data, tmp_path / "tiny_nuclei"))
    assert package.separation is not None
    assert package.separation.least_object == 10
    told = json.loads((package.root / "docs/evaluation.json").read_text(encoding="utf-8"))
    assert told["labels"]["Nucleus"]["f1_iou50"]["value"] > 0.9
    assert told["labels"]["Nucleus"]["pq"]["value"] > 0.6
    assert told["n"] == 2
    assert set(package.cards) == {"en", "zh_CN"}
    with pytest.raises(Refused, match="took part"):
        evaluate(package, data, folds=[0])
