from __future__ import annotations

import zipfile

import pytest

from medassist.entities.errors import Refused, UsageError
from medassist.training.bundle import write_skeleton
from medassist.training.recipe import read_recipe
from medassist.training.run import fresh_network
from medassist.training.train import train

FIRST = ("[optimiser]", '[initial]\nweights = "{}"\n[optimiser]')


@pytest.fixture
def pretrained(blobs, segmenter_recipe, tmp_path):
    """A package trained for one epoch, and what a recipe must say to begin with it."""
    bundle = train(segmenter_recipe(("epochs = 3", "epochs = 1")), blobs, tmp_path / "first", device="cpu")
    return bundle, (FIRST[0], FIRST[1].format("first"))


def test_learning_begins_where_another_ended(blobs, segmenter_recipe, tmp_path, pretrained) -> None:
    import torch

    bundle, change = pretrained
    recipe = read_recipe(segmenter_recipe(change))
    given = torch.load(bundle / "models/model.pt", weights_only=True)
    network = fresh_network(recipe, bundle)
    assert all(torch.equal(value, given[key]) for key, value in network.state_dict().items())
    out = train(segmenter_recipe(change, ("epochs = 3", "epochs = 1")), blobs, tmp_path / "second", device="cpu")
    assert "began with" in (tmp_path / "second.training/log.txt").read_text()
    assert (out / "models/model.pt").is_file()


def test_only_what_fits_is_taken(segmenter_recipe, tmp_path, pretrained, caplog) -> None:
    import torch

    bundle, change = pretrained
    wider = ("out_channels = 2", "out_channels = 3")
    recipe = read_recipe(segmenter_recipe(change, wider))
    write_skeleton(recipe, tmp_path / "wide")
    with caplog.at_level("INFO", "medassist.training"):
        network = fresh_network(recipe, tmp_path / "wide")
    given, own = torch.load(bundle / "models/model.pt", weights_only=True), network.state_dict()
    same = {key for key in own if own[key].shape == given[key].shape}
    assert 0 < len(same) < len(own)
    assert all(torch.equal(own[key], given[key]) for key in same)
    assert all(key in caplog.text for key in own.keys() - same)


def test_other_weights_are_another_training(segmenter_recipe, pretrained, tmp_path) -> None:
    bundle, change = pretrained
    plain, first = read_recipe(segmenter_recipe()).fingerprint, read_recipe(segmenter_recipe(change)).fingerprint
    assert plain != first
    weights = bundle / "models/model.pt"
    (tmp_path / "copy.pt").write_bytes(weights.read_bytes())
    assert read_recipe(segmenter_recipe((FIRST[0], FIRST[1].format("copy.pt")))).fingerprint == first
    weights.write_bytes(weights.read_bytes() + b" ")
    assert read_recipe(segmenter_recipe(change)).fingerprint != first


def test_what_cannot_be_begun_with_is_named(blobs, segmenter_recipe, tmp_path) -> None:
    import torch

    def begin(name: str) -> None:
        recipe = segmenter_recipe((FIRST[0], FIRST[1].format(name)), ("epochs = 3", "epochs = 1"))
        train(recipe, blobs, tmp_path / "out", device="cpu")

    with pytest.raises(UsageError, match=r"no weights at .*absent\.pt"):
        begin("absent.pt")
    torch.save({"elsewhere": torch.ones(3)}, tmp_path / "other.pt")
    with pytest.raises(UsageError, match=r"No weight of .*other\.pt"):
        begin("other.pt")
    (tmp_path / "evil.pt").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(Refused, match=r"evil\.pt"):
        begin("evil.pt")
    with zipfile.ZipFile(tmp_path / "program.pt", "w") as archive:
        archive.writestr("program/constants.pkl", b"")
    with pytest.raises(Refused, match="program"):
        begin("program.pt")


def test_fingerprint_of_before_still_fits(segmenter_recipe) -> None:
    """Checkpoints of long trainings hang on it: what recipes learned to say later must not change this one."""
    before = "3ee092ec9b39b5a43c9d9455bead40461b7347a7773368850c3e073a0331c0d0"
    assert read_recipe(segmenter_recipe()).fingerprint == before
