"""Nothing in a package is run: every way to smuggle code in ends with a refusal, exit code 4, and no side effect."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from bundles import DENSENET_2D, RAS, change_json, compose, sign, write_segmenter

from medassist.entities.errors import Refused
from medassist.inference.bundle import build_network, inferer, largest_components, preprocessing
from medassist.inference.network import load_network
from medassist.inference.packages import read
from medassist.inference.prepare import prepare_image

CODE = "$__import__('pathlib').Path('{canary}').touch()"


def build_all(root: Path) -> None:
    package = read(root)
    preprocessing(package)
    inferer(package)
    largest_components(package)
    build_network(package)


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


PLACES = {
    "a whole section": lambda code: {"network_def": code},
    "a target": lambda code: {"network_def": {"_target_": code}},
    "an argument": lambda code: {"network_def": {"_target_": "UNet", "spatial_dims": code}},
    "a nested value": lambda code: {"network_def": {"_target_": "UNet", "channels": [1, {"deep": [code]}]}},
    "a reference": lambda code: {"evil": code, "network_def": {"_target_": "UNet", "spatial_dims": "@evil"}},
    "a transform": lambda code: {"preprocessing": compose({"_target_": "ScaleIntensityd", "keys": code})},
    "the inferer": lambda code: {"inferer": {"_target_": "SlidingWindowInferer", "roi_size": code}},
    "postprocessing": lambda code: {"postprocessing": [code]},
}


@pytest.mark.parametrize("place", PLACES)
def test_expressions_are_refused_and_never_run(tiny_segmenter: Path, canary: Path, place: str) -> None:
    code = CODE.format(canary=canary)
    change_json(tiny_segmenter, "inference", **PLACES[place](code))
    with pytest.raises(Refused, match=r"inference\.json") as caught:
        build_all(tiny_segmenter)
    assert caught.value.exit_code == 4
    assert not canary.exists()


def test_the_line_of_an_expression_is_named(tiny_segmenter: Path) -> None:
    change_json(tiny_segmenter, "inference", inferer={"_target_": "SimpleInferer", "x": "$print(1)"})
    text = (tiny_segmenter / "configs" / "inference.json").read_text().splitlines()
    line = next(number for number, one in enumerate(text, 1) if "$print" in one)
    with pytest.raises(Refused, match=rf"line {line}: inferer\.x holds \$print\(1\)"):
        inferer(read(tiny_segmenter))


def test_sections_no_run_needs_are_never_looked_at(tiny_segmenter: Path, canary: Path) -> None:
    code = CODE.format(canary=canary)
    change_json(tiny_segmenter, "inference", imports=[code], evaluator={"_target_": "os.system", "command": code})
    build_all(tiny_segmenter)
    assert not canary.exists()


@pytest.mark.parametrize(
    "network",
    [
        {"_target_": "os.system", "command": "true"},
        {"_target_": "scripts.net.MyNet"},
        {"_target_": "monai.networks.nets.TorchVisionFCModel", "model_name": "resnet18"},
        {"_target_": "torch.nn.Module"},
        {"_target_": "torch.hub.load"},
        {**DENSENET_2D, "_target_": "DenseNet121", "pretrained": True},
        {**DENSENET_2D, "_requires_": "x"},
        {**DENSENET_2D, "norm": {"_target_": "os.system"}},
        {"_target_": "UNet", "spatial_dims": 3},
        {"_target_": "UNet", "spatial_dims": "@spatial_dims"},
        {"_target_": "UNet", "spatial_dims": "@network_def"},
        "UNet",
    ],
    ids=lambda value: str(value)[:60],
)
def test_networks_off_the_list_are_refused(tiny_segmenter: Path, network: object) -> None:
    change_json(tiny_segmenter, "inference", network_def=network)
    with pytest.raises(Refused, match="network_def"):
        build_network(read(tiny_segmenter))


@pytest.mark.parametrize(
    "transform",
    [
        {"_target_": "Lambdad", "keys": "image", "func": "print"},
        {"_target_": "scripts.transforms.Spacingd", "keys": "image"},
        {"_target_": "monai.transforms.RandFlipd", "keys": "image"},
        {"_target_": "Spacingd", "keys": ["image", "label"], "pixdim": 1.0},
        {"_target_": "Spacingd", "keys": "image", "nosuch": 1.0},
        {"_target_": "os.Spacing"},
    ],
    ids=str,
)
def test_transforms_off_the_list_are_refused(tiny_segmenter: Path, transform: dict[str, object]) -> None:
    change_json(tiny_segmenter, "inference", preprocessing=compose(*RAS, transform))
    with pytest.raises(Refused, match=r"preprocessing\.transforms\[3\]"):
        preprocessing(read(tiny_segmenter))


def test_plain_references_and_dtypes_are_understood(tiny_segmenter: Path) -> None:
    change_json(
        tiny_segmenter,
        "inference",
        image_key="image",
        roi=[8, 8, 8],
        preprocessing=compose({"_target_": "CastToTyped", "keys": "@image_key", "dtype": "$torch.float32"}),
        inferer={"_target_": "monai.inferers.SlidingWindowInferer", "roi_size": "@roi", "sw_batch_size": 2},
    )
    package = read(tiny_segmenter)
    assert inferer(package).windows == {"roi_size": [8, 8, 8], "sw_batch_size": 2}
    assert preprocessing(package)(torch.zeros(1, 2, 2, 2, dtype=torch.float64)).dtype == torch.float32


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("roi_size", {}),
        ("roi_size", {"roi_size": [8, 8]}),
        ("roi_size", {"roi_size": "big"}),
        ("overlap", {"roi_size": 8, "overlap": 1.0}),
        ("sw_batch_size", {"roi_size": 8, "sw_batch_size": 0}),
        ("roi_size", {"roi_size": 2048}),
        ("roi_size", {"roi_size": [10**400, 1, 1]}),
        ("mode", {"roi_size": 8, "mode": "loud"}),
        ("padding_mode", {"roi_size": 8, "padding_mode": "loud"}),
        ("sigma_scale", {"roi_size": 8, "sigma_scale": 0}),
        ("cval", {"roi_size": 8, "cval": float("inf")}),
    ],
)
def test_windows_that_cannot_work_are_refused(tiny_segmenter: Path, name: str, options: dict[str, object]) -> None:
    change_json(tiny_segmenter, "inference", inferer={"_target_": "SlidingWindowInferer", **options})
    with pytest.raises(Refused, match=f"inferer has no usable {name}"):
        inferer(read(tiny_segmenter))


@pytest.mark.parametrize(
    "arguments",
    [
        {"spatial_dims": 10**9, "channels": [4, 8], "strides": [2]},  # IndexError
        {"spatial_dims": 3, "channels": [4, 8], "strides": [2], "norm": ["group", {"num_groups": 0}]},  # divides by it
    ],
)
def test_a_network_that_cannot_be_built_is_refused(tiny_segmenter: Path, arguments: dict[str, object]) -> None:
    network = {"_target_": "UNet", "in_channels": 1, "out_channels": 2, **arguments}
    change_json(tiny_segmenter, "inference", network_def=network)
    with pytest.raises(Refused, match=r"network_def \(UNet\) cannot be built"):
        build_network(read(tiny_segmenter))


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("sigma", {"_target_": "GaussianSmoothd", "keys": "image", "sigma": 10**6}),
        ("radius", {"_target_": "MedianSmoothd", "keys": "image", "radius": [1, 1, 50]}),
    ],
)
def test_filters_that_would_fill_the_memory_are_refused(
    tiny_segmenter: Path, name: str, step: dict[str, object]
) -> None:
    change_json(tiny_segmenter, "inference", preprocessing={"_target_": "Compose", "transforms": [step]})
    with pytest.raises(Refused, match=rf"preprocessing\.transforms\[0\] has no usable {name}"):
        preprocessing(read(tiny_segmenter))


def test_a_step_that_fails_on_the_image_is_refused(tiny_segmenter: Path) -> None:
    step = {"_target_": "CropForegroundd", "keys": "image", "source_key": "image", "margin": 10**400}
    change_json(tiny_segmenter, "inference", preprocessing={"_target_": "Compose", "transforms": [step]})
    with pytest.raises(Refused, match=r"The preparation of the model .* failed on this image"):
        prepare_image(read(tiny_segmenter), np.ones((6, 6, 6), np.float32))


def test_a_step_that_asks_for_all_memory_is_refused_as_such(tiny_segmenter: Path) -> None:
    step = {"_target_": "SpatialPadd", "keys": "image", "spatial_size": [20_000, 20_000, 20_000]}
    change_json(tiny_segmenter, "inference", preprocessing={"_target_": "Compose", "transforms": [step]})
    with pytest.raises(Refused, match="There is not enough memory to run"):
        prepare_image(read(tiny_segmenter), np.ones((6, 6, 6), np.float32))


@pytest.mark.timeout(20)
def test_weights_that_are_a_pipe_are_missing_and_not_waited_for(tiny_segmenter: Path) -> None:
    file = read(tiny_segmenter).weights
    file.unlink()
    os.mkfifo(file)
    assert read(tiny_segmenter).availability.reason == "its weights are missing"


def test_no_network_fetches_weights(tiny_segmenter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda *_, **__: pytest.fail("a download"))
    network = {"_target_": "EfficientNetBN", "model_name": "efficientnet-b0", "spatial_dims": 2, "in_channels": 1}
    change_json(tiny_segmenter, "inference", network_def=network)
    build_network(read(tiny_segmenter))


def test_a_reference_in_a_circle_ends(tiny_segmenter: Path) -> None:
    change_json(tiny_segmenter, "inference", a="@b", b="@a", network_def="@a")
    with pytest.raises(Refused, match="network_def"):
        build_network(read(tiny_segmenter))


def test_a_tampered_weight_file_is_refused(tiny_segmenter: Path) -> None:
    file = tiny_segmenter / "models" / "model.pt"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    package = read(tiny_segmenter)
    with pytest.raises(Refused) as caught:
        load_network(package, "cpu")
    sentence = caught.value.sentence()
    assert str(file) in sentence
    assert package.sha256[:12] in sentence
    assert "Install the model package again" in sentence
    assert caught.value.exit_code == 4


class Evil:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.canary),)


@pytest.mark.parametrize("plain", [True, False], ids=["bare pickle", "inside torch's zip"])
def test_a_pickle_with_code_is_refused(tiny_segmenter: Path, canary: Path, plain: bool) -> None:
    file = tiny_segmenter / "models" / "model.pt"
    if plain:
        file.write_bytes(pickle.dumps({"weight": Evil(canary)}, protocol=2))
    else:
        torch.save({"weight": Evil(canary)}, file)
    sign(tiny_segmenter)
    with pytest.raises(Refused, match="holds code"):
        load_network(read(tiny_segmenter), "cpu")
    assert not canary.exists()


def test_weights_of_another_network_are_refused(tiny_segmenter: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tiny_segmenter / "models" / "model.pt")
    sign(tiny_segmenter)
    with pytest.raises(Refused, match=r"does not fit the network .*Missing key"):
        load_network(read(tiny_segmenter), "cpu")
    (tiny_segmenter / "models" / "model.pt").write_bytes(b"")
    sign(tiny_segmenter)
    with pytest.raises(Refused, match="not a plain state dict"):
        load_network(read(tiny_segmenter), "cpu")


def test_a_network_is_loaded_once_and_checked_again_after_a_change(tiny_segmenter: Path, tmp_path: Path) -> None:
    package = read(tiny_segmenter)
    first = load_network(package, "cpu")
    assert load_network(read(tiny_segmenter), "cpu") is first
    assert not first.module.training
    other = write_segmenter(tmp_path / "other", seed=1)
    assert load_network(read(other), "cpu") is not first
    (tiny_segmenter / "models" / "model.pt").write_bytes((other / "models" / "model.pt").read_bytes())
    sign(tiny_segmenter)
    assert load_network(read(tiny_segmenter), "cpu") is not first


def test_the_config_stays_plain_json(tiny_segmenter: Path) -> None:
    (tiny_segmenter / "configs" / "inference.json").write_text(json.dumps([1]), encoding="utf-8")
    with pytest.raises(Refused, match="must be an object"):
        build_network(read(tiny_segmenter))
