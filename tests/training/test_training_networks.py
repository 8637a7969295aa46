"""Every family of networks the documentation names goes the whole road: recipe, training, package, evaluation."""

from __future__ import annotations

import pytest

from medassist.inference.packages import read
from medassist.training.evaluate import evaluate
from medassist.training.train import train
from tests.training.conftest import CLASSIFIER, SEGMENTER
from tests.training.test_training_tasks import DENSENET, UNET

CLASSIFIERS = {
    "ResNet": """block = "basic"
layers = [1, 1, 1, 1]
block_inplanes = [4, 4, 8, 8]
n_input_channels = 1
num_classes = 2""",
    "EfficientNetBN": """model_name = "efficientnet-b0"
in_channels = 1
num_classes = 2""",
    "ViT": """in_channels = 1
img_size = [32, 32]
patch_size = [8, 8]
hidden_size = 16
mlp_dim = 16
num_layers = 2
num_heads = 2
classification = true
num_classes = 2
post_activation = false""",
}
SEGMENTERS = {
    "SegResNet": """in_channels = 1
out_channels = 2
init_filters = 8
blocks_down = [1, 1]
blocks_up = [1]""",
    "DynUNet": """in_channels = 1
out_channels = 2
kernel_size = [3, 3, 3]
strides = [1, 2, 2]
upsample_kernel_size = [2, 2]
filters = [4, 8, 8]""",
    "SwinUNETR": """in_channels = 1
out_channels = 2
feature_size = 12
depths = [1, 1, 1, 1]
num_heads = [1, 1, 2, 2]""",
}
PAD = """[[preprocessing]]
_target_ = "SpatialPadd"
keys = ["image"]
spatial_size = {size}
"""
CROP = """[[augmentation]]
_target_ = "RandSpatialCropd"
keys = ["image", "label"]
roi_size = {size}
random_size = false
"""


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers(films, recipe_file, tmp_path, name) -> None:
    network = f'_target_ = "{name}"\nspatial_dims = 2\n{CLASSIFIERS[name]}\n'
    out = train(recipe_file(CLASSIFIER, (DENSENET, network), ("epochs = 4", "epochs = 1")), films, tmp_path / "out")
    assert 0.0 <= evaluate(read(out), films).labels["Bright"]["auc"].value <= 1.0


@pytest.mark.parametrize("name", SEGMENTERS)
def test_segmenters(blobs, recipe_file, tmp_path, name) -> None:
    network = f'_target_ = "{name}"\nspatial_dims = 3\n{SEGMENTERS[name]}\n'
    size = [64, 32, 32] if name == "SwinUNETR" else [8, 8, 8]
    recipe = recipe_file(
        SEGMENTER,
        ("roi_size = [8, 8, 8]", f"roi_size = {size}"),
        (UNET, network + PAD.format(size=size)),
        ("epochs = 3", "epochs = 1"),
        ("[inferer]", CROP.format(size=size) + "[inferer]"),
    )
    assert 0.0 <= evaluate(read(train(recipe, blobs, tmp_path / "out")), blobs).labels["Blob"]["dice"].value <= 1.0
