"""Several networks of one recipe in one package: trained apart, answering as one."""

from __future__ import annotations

import json

import pytest
import torch
from monai.networks.nets import DynUNet

from medassist.entities.errors import Refused, UsageError
from medassist.inference.network import load_network
from medassist.inference.networks.ensemble import Ensemble
from medassist.inference.packages import read
from medassist.training.ensemble import member_of
from medassist.training.evaluate import evaluate
from medassist.training.optimise.smaller import _distilled, _pruned
from medassist.training.recipe import read_recipe
from medassist.training.train import train

LAST = "output_block.conv.conv"
ARGUMENTS = {
    "spatial_dims": 3, "in_channels": 1, "out_channels": 2,
    "kernel_size": [3, 3, 3], "strides": [1, 2, 1], "upsample_kernel_size": [2, 1], "filters": [4, 8, 8],
}  # fmt: skip
NETWORK = (
    '_target_ = "UNet"\nspatial_dims = 3\nin_channels = 1\nout_channels = 2\nchannels = [4, 8]\nstrides = [2]',
    '_target_ = "DynUNet"\n' + "\n".join(f"{key} = {value}" for key, value in ARGUMENTS.items()),
)
SEVERAL = ("[optimiser]", f'[ensemble]\nmembers = 2\nlast = "{LAST}"\n[optimiser]')
SHORT = ("epochs = 3", "epochs = 2")


@pytest.fixture
def ensemble_recipe(segmenter_recipe):
    return lambda *more: segmenter_recipe(NETWORK, SEVERAL, SHORT, *more)


def test_the_answer_is_the_mean_of_the_members() -> None:
    torch.manual_seed(0)
    members = [DynUNet(**ARGUMENTS).eval() for _ in range(3)]
    network = Ensemble(3, "DynUNet", LAST, ARGUMENTS).eval()
    network.take([member.state_dict() for member in members])
    image = torch.rand(1, 1, 8, 12, 8)
    wanted = torch.stack([member(image) for member in members]).mean(0)
    torch.testing.assert_close(network(image), wanted, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(wanted, members[0](image), atol=1e-3), "the members differ, so the mean tells something"


@pytest.mark.parametrize(
    ("network", "last", "arguments", "reason"),
    [
        ("Nobody", LAST, ARGUMENTS, "not on the list"),
        ("DenseNet121", LAST, {"pretrained": True}, "not on the list"),
        ("DynUNet", "nowhere", ARGUMENTS, "has no layer"),
        ("DynUNet", "input_block.conv1.conv", ARGUMENTS, "no convolution of one voxel"),
    ],
)
def test_what_cannot_be_joined_is_named(network, last, arguments, reason) -> None:
    with pytest.raises(ValueError, match=reason):
        Ensemble(2, network, last, arguments)


def test_members_differ_by_their_seed_and_only_the_first_is_watched(ensemble_recipe) -> None:
    recipe = read_recipe(ensemble_recipe(("test_folds = [3]", "test_folds = [3]\nvalidation_share = 0.1")))
    first, second = (member_of(recipe, number) for number in (0, 1))
    assert (second.schedule.seed - first.schedule.seed, first.ensemble, second.ensemble) == (1, None, None)
    assert (first.split.validation_share, second.split.validation_share) == (0.1, 0.0)
    assert len({recipe.fingerprint, first.fingerprint, second.fingerprint}) == 3


def test_an_ensemble_is_a_package_like_any_other(blobs, ensemble_recipe, tmp_path) -> None:
    embedding = ("[optimiser]", '[embedding]\nlayer = "members.0.bottleneck"\n[optimiser]')
    out = train(ensemble_recipe(embedding), blobs, tmp_path / "out", device="cpu")
    package = read(out)
    network = load_network(package, "cpu").module
    apart = [load_network(read(tmp_path / f"out.training/member-{n}/package"), "cpu").module for n in (0, 1)]
    image = torch.rand(1, 1, 8, 8, 8)
    with torch.inference_mode():
        wanted = torch.stack([one(image) for one in apart]).mean(0)
        torch.testing.assert_close(network(image), wanted, atol=1e-5, rtol=1e-4)
        assert not torch.allclose(apart[0](image), apart[1](image), atol=1e-3)
    assert package.suitability.embedding is not None
    record = json.loads((out / "configs/training.json").read_text())
    assert record["curve"]
    assert record["fingerprint"] == read_recipe(out / "recipe.toml").fingerprint
    assert set(evaluate(package, blobs, device="cpu").labels) == {"Blob"}


def test_a_killed_ensemble_goes_on(blobs, ensemble_recipe, tmp_path) -> None:
    whole = train(ensemble_recipe(), blobs, tmp_path / "whole", device="cpu")
    again = train(ensemble_recipe(), blobs, tmp_path / "again", device="cpu")
    (again / "models/model.pt").unlink()  # killed while the second member learned
    (tmp_path / "again.training/member-1/checkpoint.pt").unlink()
    again = train(ensemble_recipe(), blobs, again, device="cpu", resume=True)
    states = [torch.load(one / "models/model.pt", weights_only=True) for one in (whole, again)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_scores_have_no_ensemble(films, classifier_recipe, tmp_path) -> None:
    with pytest.raises(UsageError, match="only masks"):
        train(classifier_recipe(SEVERAL), films, tmp_path / "out", device="cpu")


def test_an_ensemble_is_taught_to_one_network_but_not_pruned(ensemble_recipe) -> None:
    recipe = read_recipe(ensemble_recipe())
    assert _distilled(recipe).ensemble is None
    with pytest.raises(Refused, match="ensemble"):
        _pruned(recipe, 0.3)
