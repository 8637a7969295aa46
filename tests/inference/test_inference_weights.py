"""Formats of weights: numbers are read anywhere, programs only where the user trusts the very bytes."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from bundles import UNET_3D, change_json
from monai.networks import nets
from torch import nn

from medassist.entities.errors import Refused
from medassist.explain.methods import explain
from medassist.inference.network import LoadedNetwork, load_network
from medassist.inference.packages import read
from medassist.inference.shape import answer_on_meta, ghost_of
from medassist.inference.trust import Trust, as_bytes, content_of, trust_file, trust_of
from medassist.inference.weights import Format, format_of

# the format is deprecated in torch itself; files of it stay around
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")


def put_weights(root: Path, name: str, content: bytes) -> Path:
    """Make `content` the weights of a package, with the hash its metadata promises."""
    (root / "models" / "model.pt").unlink(missing_ok=True)
    (root / "models" / name).write_bytes(content)
    weights = {"file": f"models/{name}", "sha256": hashlib.sha256(content).hexdigest()}
    change_json(root, "metadata", medassist={"weights": weights})
    return root / "models" / name


def trust(root: Path) -> None:
    content = content_of(root)
    line = Trust(content.sha256, content.size_bytes, content.files, root.name, "0.1.0", "me", "2026-01-02T10:11:12Z")
    trust_file().parent.mkdir(parents=True, exist_ok=True)
    trust_file().write_bytes(as_bytes((line,)))


def network(root: Path) -> LoadedNetwork:
    return load_network(read(root), "cpu")


def saved(state: object) -> bytes:
    content = io.BytesIO()
    torch.save(state, content)
    return content.getvalue()


def exported(module: nn.Module) -> bytes:
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(module, (torch.rand(2, 1, 16, 16, 16),), dynamic_shapes=({0: batch},))
    content = io.BytesIO()
    torch.export.save(program, content)
    return content.getvalue()


def scripted(module: nn.Module) -> bytes:
    content = io.BytesIO()
    torch.jit.save(torch.jit.script(module), content)
    return content.getvalue()


@pytest.fixture
def image() -> torch.Tensor:
    return torch.rand(2, 1, 16, 16, 16, generator=torch.Generator().manual_seed(1))


def test_safetensors_give_the_very_same_network(tiny_segmenter: Path, image: torch.Tensor) -> None:
    from safetensors.torch import save

    module = network(tiny_segmenter).module
    put_weights(tiny_segmenter, "model.safetensors", save(module.state_dict()))
    assert read(tiny_segmenter).format is Format.SAFETENSORS
    assert torch.equal(network(tiny_segmenter).module(image), module(image))


def test_broken_safetensors_are_refused(tiny_segmenter: Path) -> None:
    put_weights(tiny_segmenter, "model.safetensors", b"\xff" * 8 + b"{}")
    with pytest.raises(Refused, match="not a plain state dict"):
        network(tiny_segmenter)


def test_the_content_tells_the_format_not_the_name(tiny_segmenter: Path, tmp_path: Path) -> None:
    module = network(tiny_segmenter).module
    for name, content, expected in (
        ("script.pt", scripted(nn.Conv3d(1, 3, 1)), Format.TORCHSCRIPT),
        ("program.pt", exported(module), Format.EXPORTED),
        ("state.pt", saved(module.state_dict()), Format.STATE_DICT),
    ):
        (tmp_path / name).write_bytes(content)
        assert format_of(tmp_path / name) is expected
        assert format_of(io.BytesIO(content), name) is expected


def test_a_trusted_exported_program_runs_and_can_be_watched(tiny_segmenter: Path, image: torch.Tensor) -> None:
    module = network(tiny_segmenter).module
    put_weights(tiny_segmenter, "model.pt2", exported(module))
    package = read(tiny_segmenter)
    assert "program" in package.availability.reason
    with pytest.raises(Refused, match="models trust tiny_segmenter"):
        network(tiny_segmenter)
    trust(tiny_segmenter)
    opened = network(tiny_segmenter).module
    seen: list[torch.Size] = []
    layer = read(tiny_segmenter).explanation.layer
    opened.get_submodule(layer).register_forward_hook(lambda _m, _i, output: seen.append(output.shape))
    assert torch.allclose(opened(image), module(image), atol=1e-6)
    assert seen


def test_an_exported_program_that_nobody_promises_is_refused(tiny_segmenter: Path) -> None:
    put_weights(tiny_segmenter, "model.pt2", exported(network(tiny_segmenter).module))
    change_json(tiny_segmenter, "metadata", medassist={"weights": {"file": "models/model.pt2", "sha256": ""}})
    trust(tiny_segmenter)
    with pytest.raises(Refused):
        network(tiny_segmenter)


def test_trusted_torchscript_runs_and_says_that_it_cannot_be_explained(
    tiny_segmenter: Path, image: torch.Tensor, make_volume
) -> None:
    module = nn.Conv3d(1, 3, 1)
    put_weights(tiny_segmenter, "model.ts", scripted(module))
    with pytest.raises(Refused, match="TorchScript"):
        network(tiny_segmenter)
    trust(tiny_segmenter)
    assert torch.allclose(network(tiny_segmenter).module(image), module(image))
    package = read(tiny_segmenter)
    assert not package.explainable.ok
    volume = make_volume(np.zeros((16, 16, 16), np.int16))
    with pytest.raises(Refused, match="no explanation is possible") as caught:
        explain(package, volume, "Anterior part", method="seg-gradcam")
    assert caught.value.exit_code == 4


class Evil:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.canary),)


def with_evil_member(program: bytes, canary: Path) -> bytes:
    """Return an exported program whose weights are a pickle that makes a folder."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(program)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            old_content = old.read(name)
            if name.endswith("model_weights_config.json"):
                old_content = old_content.replace(b'"use_pickle": false', b'"use_pickle": true')
            evil = "data/weights/weight_" in name
            new.writestr(name, saved({"w": Evil(canary)}) if evil else old_content)
    return made.getvalue()


def test_an_evil_exported_program_runs_nothing_until_it_is_trusted(tiny_segmenter: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    evil = with_evil_member(exported(network(tiny_segmenter).module), canary)
    put_weights(tiny_segmenter, "model.pt2", evil)
    with pytest.raises(Refused, match="can run code"):
        network(tiny_segmenter)
    assert not canary.exists()
    # why the refusal is needed: torch itself runs it
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever torch says after the folder was made
        torch.export.load(io.BytesIO(evil))
    assert canary.exists()


class WritesWhenOpened(nn.Module):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x

    @torch.jit.export
    def __getstate__(self) -> tuple[str, bool]:
        return self.path, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.path = state[0]
        self.training = state[1]
        torch.save(torch.ones(1), self.path)


def test_evil_torchscript_runs_nothing_until_it_is_trusted(tiny_segmenter: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    evil = scripted(WritesWhenOpened(str(canary)))
    put_weights(tiny_segmenter, "model.pt", evil)
    canary.unlink(missing_ok=True)
    with pytest.raises(Refused, match="can run code"):
        network(tiny_segmenter)
    assert not canary.exists()
    # why the refusal is needed: torch itself runs it
    torch.jit.load(io.BytesIO(evil))
    assert canary.exists()


def test_a_whole_pickled_module_is_refused(tiny_segmenter: Path) -> None:
    module = network(tiny_segmenter).module
    for content in (saved(module), pickle.dumps(module)):
        put_weights(tiny_segmenter, "model.pt", content)
        with pytest.raises(Refused, match="not a plain state dict, or holds code"):
            network(tiny_segmenter)


def test_a_weight_file_that_unpacks_to_more_than_itself_is_refused(tiny_segmenter: Path) -> None:
    state = network(tiny_segmenter).module.state_dict()
    packed = io.BytesIO()
    stored = io.BytesIO(saved({**state, "bomb": torch.zeros(2_000_000)}))
    with zipfile.ZipFile(stored) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    assert len(packed.getvalue()) < 500_000
    put_weights(tiny_segmenter, "model.pt", packed.getvalue())
    with pytest.raises(Refused, match="unpack to more"):
        network(tiny_segmenter)


GREEDY = {
    "one huge layer": {**UNET_3D, "channels": [200_000, 200_000]},
    "layers without end": {**UNET_3D, "num_res_units": 10_000_000},
    "a huge picture": {"_target_": "UNETR", "in_channels": 1, "out_channels": 2, "img_size": [16000, 16000, 16000]},
    "a huge plane": {"_target_": "Linear", "in_features": 10**6, "out_features": 10**6},
}


@pytest.mark.parametrize("network_def", GREEDY.values(), ids=GREEDY.keys())
def test_a_network_that_would_take_all_memory_is_not_built(tiny_segmenter: Path, network_def) -> None:
    resource = pytest.importorskip("resource")
    target = network_def["_target_"]
    library = "torch.nn" if target == "Linear" else "monai.networks.nets"
    named = {**network_def, "_target_": f"{library}.{target.rpartition('.')[2]}"}
    change_json(tiny_segmenter, "inference", network_def=named)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Refused, match="far more memory"):
        network(tiny_segmenter)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20  # kB


def test_usual_networks_are_built_within_the_bound(tiny_segmenter: Path) -> None:
    from medassist.inference.bounded import bounded

    package = read(tiny_segmenter)
    with bounded(package, 0):
        nets.DenseNet121(spatial_dims=2, in_channels=1, out_channels=2)
        nets.SwinUNETR(in_channels=1, out_channels=2, feature_size=12)
        nets.EfficientNetBN("efficientnet-b0", pretrained=False, spatial_dims=2, in_channels=1)


def test_any_changed_byte_ends_the_trust(tiny_segmenter: Path) -> None:
    trust(tiny_segmenter)
    assert read(tiny_segmenter).trusted
    card = tiny_segmenter / "docs" / "README.md"
    text = card.read_bytes()
    card.write_bytes(text.replace(b"A", b"B", 1))
    assert not read(tiny_segmenter).trusted
    card.write_bytes(text)
    assert read(tiny_segmenter).trusted
    (tiny_segmenter / "more").write_bytes(b"")
    assert not read(tiny_segmenter).trusted


def test_names_belong_to_the_content(tiny_segmenter: Path) -> None:
    before = content_of(tiny_segmenter)
    (tiny_segmenter / "docs" / "README.md").rename(tiny_segmenter / "docs" / "readme.md")
    assert content_of(tiny_segmenter).sha256 != before.sha256


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_package_with_a_link_cannot_be_trusted(tiny_segmenter: Path, tmp_path: Path) -> None:
    (tiny_segmenter / "scripts").symlink_to(tmp_path)
    with pytest.raises(Refused, match="link"):
        content_of(tiny_segmenter)
    assert trust_of(tiny_segmenter) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"trusted": [1]}', b'{"trusted": [{"by": "x"}]}'])
def test_a_damaged_list_trusts_nothing(tiny_segmenter: Path, content: bytes) -> None:
    trust_file().parent.mkdir(parents=True)
    trust_file().write_bytes(content)
    assert not read(tiny_segmenter).trusted


@pytest.mark.parametrize("count", [1, 3])
def test_a_program_for_a_fixed_number_of_windows_runs_on_any(tiny_segmenter: Path, image: torch.Tensor, count) -> None:
    module = network(tiny_segmenter).module
    content = io.BytesIO()
    torch.export.save(torch.export.export(module, (torch.rand(count, 1, 16, 16, 16),)), content)
    put_weights(tiny_segmenter, "model.pt2", content.getvalue())
    trust(tiny_segmenter)
    program = network(tiny_segmenter).module
    windows = torch.rand(5, 1, 16, 16, 16)
    with torch.inference_mode():
        for few in (windows[:1], windows[:3], windows):
            assert torch.allclose(program(few), module(few), atol=1e-5)
    told = answer_on_meta(ghost_of(program), (5, 1, 16, 16, 16))
    assert told is not None
    assert (told.shape, told.device.type) == (module(windows).shape, "meta")
