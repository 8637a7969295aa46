"""Smaller networks: pruned channel by channel, or taught; judged like everything else that is to be quicker."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch

from medassist.entities.errors import Refused, UsageError
from medassist.inference.bundle import build_network
from medassist.inference.network import forget_networks
from medassist.inference.packages import read
from medassist.inference.self_test import answer, store_answer
from medassist.training.optimise import distil, run, speed
from medassist.training.optimise.channels import channels_of
from medassist.training.optimise.means import Means
from medassist.training.optimise.narrow import narrower
from medassist.training.optimise.prune import pruned_weights
from medassist.training.optimise.run import optimise
from medassist.training.recipe import read_recipe
from medassist.training.train import train

UNET = {"_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 3, "channels": [4, 8], "strides": [2]}
DYN_UNET = {
    "_target_": "DynUNet",
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 3,
    "kernel_size": [3, 3, 3],
    "strides": [1, 2, 2],
    "upsample_kernel_size": [2, 2],
    "filters": [4, 8, 8],
}
DENSE_NET = {
    "_target_": "DenseNet",
    "spatial_dims": 2,
    "in_channels": 1,
    "out_channels": 3,
    "init_features": 8,
    "growth_rate": 4,
    "block_config": [2, 1],
    "bn_size": 2,
}
BASIC_UNET = {
    "_target_": "BasicUNet",
    "spatial_dims": 2,
    "in_channels": 1,
    "out_channels": 2,
    "features": [4, 4, 8, 8, 8, 4],
}
ATTENTION = {
    "_target_": "AttentionUnet",
    "spatial_dims": 2,
    "in_channels": 1,
    "out_channels": 2,
    "channels": [4, 8],
    "strides": [2],
}
NETWORKS = [
    pytest.param({**UNET, "num_res_units": 2}, (1, 1, 16, 16, 16), id="UNet"),
    pytest.param(DYN_UNET, (1, 1, 16, 16, 16), id="DynUNet"),
    pytest.param(DENSE_NET, (1, 1, 32, 32), id="DenseNet"),
    pytest.param(BASIC_UNET, (1, 1, 32, 32), id="BasicUNet"),
    pytest.param(ATTENTION, (1, 1, 32, 32), id="AttentionUnet"),
]


def built(network: dict) -> torch.nn.Module:
    from monai.networks import nets

    torch.manual_seed(0)
    return getattr(nets, network["_target_"])(**{k: v for k, v in network.items() if k != "_target_"}).eval()


def silence_half(module: torch.nn.Module, window: torch.Tensor) -> None:
    """Set to zero all that every second channel touches: taking these out must change nothing."""
    channels = channels_of(module, window)
    alike: dict[frozenset, list] = {}
    for one, places in channels.members().items():
        if one not in channels.fixed:
            alike.setdefault(frozenset(place for place, _ in places), []).append(places)
    state = module.state_dict()
    for group in alike.values():
        for places in group[1::2]:
            for (name, axis), index in places:
                state[name].select(axis, index).zero_()


@pytest.mark.parametrize(("network", "shape"), NETWORKS)
def test_taking_out_silent_channels_changes_nothing(network, shape) -> None:
    module, window = built(network), torch.randn(shape)
    silence_half(module, window)
    narrow = built(narrower(network, 0.5))
    before = sum(value.numel() for value in module.state_dict().values())
    narrow.load_state_dict(pruned_weights(module, window, narrow.state_dict()))
    assert sum(value.numel() for value in narrow.state_dict().values()) < 0.4 * before
    with torch.inference_mode():
        expected, found = module(window), narrow(window)
    assert expected.abs().max() > 0.01
    assert torch.allclose(expected, found, atol=1e-5)


def test_the_weakest_channels_go() -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 1), torch.nn.ReLU(), torch.nn.Conv2d(4, 1, 1)).eval()
    with torch.no_grad():
        for weight in module.parameters():
            weight.fill_(1.0)
        module[0].weight[[0, 2]] = 0.1
    narrow = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1), torch.nn.ReLU(), torch.nn.Conv2d(2, 1, 1))
    left = pruned_weights(module, torch.zeros(1, 1, 2, 2), narrow.state_dict())
    assert left["0.weight"].flatten().tolist() == [1.0, 1.0]


def test_an_operation_nobody_knows_is_named() -> None:
    class Turned(torch.nn.Module):
        def forward(self, image):
            return image.transpose(1, 2)

    with pytest.raises(Refused, match="operation transpose"):
        channels_of(Turned(), torch.zeros(1, 2, 4, 4))


def test_a_network_of_unknown_widths_is_refused() -> None:
    with pytest.raises(Refused, match="widths of the network ViT"):
        narrower({"_target_": "monai.networks.nets.ViT"}, 0.5)


def test_a_teacher_is_imitated(segmenter_recipe) -> None:
    recipe = read_recipe(segmenter_recipe())
    loss, answers = distil.teaching_loss(recipe), torch.randn(2, 2, 4, 4, 4)
    assert float(loss(answers, {"taught": answers})) == pytest.approx(0.0, abs=1e-6)
    assert float(loss(-answers, {"taught": answers})) > 0.01


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("medassist.training.optimise.parity.REPEATS", 40)
    monkeypatch.setattr(speed, "ROUNDS", 2)
    monkeypatch.setattr(run, "MOST_OF_BEFORE", 100.0)  # nothing is said of networks that take microseconds
    forget_networks()
    yield
    forget_networks()


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Packages trained once for all tests, by the name of their kind."""
    return tmp_path_factory.mktemp("kept"), {}


@pytest.fixture
def segmenter(kept, blobs, segmenter_recipe, tmp_path) -> Path:
    folder, made = kept
    recipe = segmenter_recipe(
        ("ema_decay = 0.5", ""), ("epochs = 3", "epochs = 8"), ("[optimiser]", "[prune]\nepochs = 2\n[optimiser]")
    )
    if "blob" not in made:
        made["blob"] = train(recipe, blobs, folder / "blob")
    return shutil.copytree(made["blob"], tmp_path / "blob")


def test_a_pruned_segmenter_is_a_whole_package(quick, segmenter, blobs, tmp_path) -> None:
    outcome = optimise(read(segmenter), blobs, tmp_path / "out", Means(prune=0.5, tolerance=1.0))
    assert outcome.refusal is None
    made = read(tmp_path / "out")
    assert made.version == "0.1.0+pruned50"
    assert made.sha256 == hashlib.sha256(made.weights.read_bytes()).hexdigest() != read(segmenter).sha256
    assert json.loads(made.config.read_text())["network_def"]["channels"] == [2, 4]
    assert made.metadata["medassist"]["made_from"]["sha256"] == read(segmenter).sha256
    assert sum(one.numel() for one in build_network(made).parameters()) < 0.4 * sum(
        one.numel() for one in build_network(read(segmenter)).parameters()
    )
    card = (made.root / "docs/README.md").read_text(encoding="utf-8")
    assert f"{outcome.parity.changes[0].after:.3f}" in card
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_pruning_that_makes_nothing_quicker_is_refused(quick, segmenter, blobs, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(run, "MOST_OF_BEFORE", 0.0)
    outcome = optimise(read(segmenter), blobs, tmp_path / "out", Means(prune=0.5, tolerance=1.0))
    assert "Without 50% of its channels" in outcome.refusal.sentence()
    assert not (tmp_path / "out").exists()


def test_without_a_recipe_nothing_smaller_can_be_trained(quick, segmenter, blobs, tmp_path) -> None:
    (segmenter / "recipe.toml").unlink()
    with pytest.raises(Refused, match="has no recipe"):
        optimise(read(segmenter), blobs, tmp_path / "out", Means(distill=True))


def test_a_taught_classifier_has_thresholds_of_its_own(quick, films, classifier_recipe, tmp_path) -> None:
    recipe = classifier_recipe(("epochs = 4", "epochs = 2"), ("[optimiser]", "[distill]\nepochs = 2\n[optimiser]"))
    package = read(train(recipe, films, tmp_path / "bright"))
    unlabelled = shutil.copytree(films, tmp_path / "more")
    means = Means(distill=True, tolerance=1.0, unlabelled=unlabelled)
    outcome = optimise(package, films, tmp_path / "out", means)
    assert outcome.refusal is None
    made = read(tmp_path / "out")
    assert made.version == "0.1.0+distilled"
    definition = json.loads(made.config.read_text())["network_def"]
    assert (definition["init_features"], definition["growth_rate"]) == (4, 2)
    cases = json.loads((made.root / "models/calibration.json").read_text())
    assert cases["weights"] == made.sha256
    assert made.labels[0].operating_point


def test_distilling_reads_its_table(quick, segmenter, blobs, tmp_path) -> None:
    text = (segmenter / "recipe.toml").read_text()
    (segmenter / "recipe.toml").write_text(text + '\n[distill]\nepochs = "many"\n')
    with pytest.raises(UsageError, match="epochs"):
        optimise(read(segmenter), blobs, tmp_path / "out", Means(distill=True))


def test_what_is_stored_is_what_the_model_says(tmp_path, segmenter) -> None:
    import nibabel
    import numpy as np

    from medassist.inference.predict import predict
    from medassist.inference.self_test import opened
    from medassist.progress import Progress

    image = tmp_path / "phantom.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.random.default_rng(0).random((12, 10, 8)).astype(np.float32), np.eye(4)), image)
    store_answer(read(segmenter), image, tmp_path / "expected.json")
    said = answer(predict(read(segmenter), opened(image, Progress()), device="cpu"))
    assert json.loads((tmp_path / "expected.json").read_text())["answer"] == said
