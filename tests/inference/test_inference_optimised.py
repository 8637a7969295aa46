"""The quicker program a package brings: used where it answers as it was measured, and never believed beyond that."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from bundles import change_json, write_segmenter

from medassist.cli import main
from medassist.entities.errors import Refused
from medassist.inference.backends import ir, openvino_backend, optimised_backend
from medassist.inference.backends.protocol import Unsupported
from medassist.inference.embedding import encode, watched
from medassist.inference.network import forget_networks, load_network
from medassist.inference.optimised import Optimised, Promised, content_of
from medassist.inference.packages import read
from medassist.inference.predict import predict
from medassist.training.embedding import fit_embedding

SHAPE = (1, 1, 16, 16, 16)
pytestmark = pytest.mark.skipif(
    not openvino_backend.availability().ok, reason="OpenVINO (the extra cpu) is not installed"
)


def digest(file: Path) -> Promised:
    return Promised(file, sha256(file.read_bytes()).hexdigest())


def optimised(root: Path, *, module: torch.nn.Module | None = None, **changes) -> Optimised:
    """Give a package a program in float32 that calls itself int8: the road is tested here, not the arithmetic."""
    package = read(root)
    network = load_network(package, "cpu").module if module is None else module
    program = root / "models/openvino/int8.xml"
    program.parent.mkdir(exist_ok=True)
    model = openvino_backend.convert(network, SHAPE)
    model.reshape(list(SHAPE))
    openvino_backend.library().save_model(model, program)
    files = digest(program), digest(program.with_suffix(".bin"))
    made = Optimised("int8", *files, package.sha256, SHAPE, 0.01, 0.0, "dice", -0.001, 7)
    made = replace(made, **changes)
    change_json(root, "metadata", medassist={"optimised": content_of(made, root, {})})
    forget_networks()
    return made


@pytest.fixture
def noise(make_volume):
    return make_volume(np.random.default_rng(0).integers(0, 1000, (20, 24, 40)).astype(np.int16))


class Shifted(torch.nn.Module):
    """The network of a package whose features lie far off, as coarse arithmetic may leave them."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        package = read(root)
        self.inner = watched(load_network(package, "cpu").module, package.suitability.embedding)

    def forward(self, image):
        logits, features = self.inner(image)
        return logits, features + 1000.0


def test_no_image_is_doubted_for_coarse_features(tiny_segmenter: Path, noise) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 4))
    content = encode(fit_embedding(rows, np.arange(40) % 4))
    (tiny_segmenter / "models/embedding.npz").write_bytes(content)
    told = {"file": "models/embedding.npz", "sha256": sha256(content).hexdigest(), "layer": "model.0"}
    change_json(tiny_segmenter, "metadata", medassist={"suitability": {"embedding": told}})
    optimised(tiny_segmenter, module=Shifted(tiny_segmenter))
    quick, reference = (predict(read(tiny_segmenter), noise, device="cpu", backend=name) for name in ("auto", "torch"))
    assert quick.manifest.precision == "int8"
    assert [one.found for one in quick.checks] == [one.found for one in reference.checks]


def notes_of(prediction) -> str:
    return " ".join(one if isinstance(one, str) else one.text() for one in prediction.notes)


def test_what_is_written_is_read_back(tiny_segmenter: Path) -> None:
    made = optimised(tiny_segmenter)
    assert read(tiny_segmenter).optimised == made


def test_card_and_list_name_the_precision(tiny_segmenter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    optimised(tiny_segmenter)
    for option in ([], ["--json"]):
        with pytest.raises(SystemExit) as ended:
            main(["models", "card", str(tiny_segmenter), *option])
        assert ended.value.code == 0
    said, told = capsys.readouterr().out.split("\n{", 1)
    assert "Quicker form: int8 on a CPU: on 7 measured rows its dice changes by -0.0010 at most." in said
    assert json.loads("{" + told)["optimised"] == {"precision": "int8", "metric": "dice", "change": -0.001}


def test_auto_runs_the_program_and_says_so_and_torch_stays_the_reference(tiny_segmenter: Path, noise) -> None:
    optimised(tiny_segmenter)
    quick, reference = (predict(read(tiny_segmenter), noise, device="cpu", backend=name) for name in ("auto", "torch"))
    assert (quick.manifest.backend, quick.manifest.precision) == ("openvino", "int8")
    assert (reference.manifest.backend, reference.manifest.precision) == ("torch", "f32")
    assert "ran in int8: on 7 measured rows its dice changes by -0.0010" in notes_of(quick)
    assert "int8" not in notes_of(reference)
    assert (quick.mask.labels_zyx == reference.mask.labels_zyx).mean() > 0.999


@pytest.mark.parametrize("name", ["int8.xml", "int8.bin"])
def test_a_changed_byte_is_refused(tiny_segmenter: Path, noise, name: str) -> None:
    optimised(tiny_segmenter)
    file = tiny_segmenter / "models/openvino" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(Refused, match="not the file"):
        predict(read(tiny_segmenter), noise, device="cpu", backend="auto")


def test_no_program_outside_of_the_package(tiny_segmenter: Path) -> None:
    optimised(tiny_segmenter)
    told = content_of(read(tiny_segmenter).optimised, tiny_segmenter.resolve(), {})
    told["program"]["file"] = "../elsewhere.xml"
    change_json(tiny_segmenter, "metadata", medassist={"optimised": told})
    with pytest.raises(Refused, match="outside the package"):
        read(tiny_segmenter)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"of_weights": "0" * 64}, "other weights"), ({"shape": (1, 1, 8, 16, 16)}, "windows of 1 x 1 x 8 x 16 x 16")],
)
def test_what_does_not_fit_is_left_and_told(tiny_segmenter: Path, noise, changes, reason) -> None:
    optimised(tiny_segmenter, **changes)
    found = predict(read(tiny_segmenter), noise, device="cpu", backend="auto")
    assert found.manifest.precision == "f32"
    assert reason in notes_of(found)


def test_a_program_that_answers_otherwise_than_measured_is_left(tmp_path: Path, tiny_segmenter: Path, noise) -> None:
    other = load_network(read(write_segmenter(tmp_path / "other", seed=5)), "cpu").module
    optimised(tiny_segmenter, module=other)
    quick, reference = (predict(read(tiny_segmenter), noise, device="cpu", backend=name) for name in ("auto", "torch"))
    assert "further from torch's" in notes_of(quick)
    assert quick.manifest.precision == "f32"
    assert (quick.mask.labels_zyx == reference.mask.labels_zyx).mean() > 0.999


def test_a_processor_that_cannot_leaves_it(tiny_segmenter: Path, noise, monkeypatch: pytest.MonkeyPatch) -> None:
    optimised(tiny_segmenter)
    monkeypatch.setitem(optimised_backend.NEEDS, "int8", "NO SUCH THING")
    found = predict(read(tiny_segmenter), noise, device="cpu", backend="auto")
    assert (found.manifest.precision, "does not compute in int8" in notes_of(found)) == ("f32", True)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (b'<!DOCTYPE net [<!ENTITY a "b">]><net/>', "document type"),
        (b'<net><layers><layer type="ReadFile"/></layers></net>', "'ReadFile'"),
        (b"<net><layers>", "no XML"),
        (b"\x00\x01", "no XML"),
    ],
)
def test_a_program_is_looked_through_before_openvino_reads_it(program: bytes, reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        ir.look_through(program)


def test_a_program_that_asks_for_more_memory_than_there_is_is_not_compiled(tiny_segmenter: Path) -> None:
    made = optimised(tiny_segmenter)
    library = openvino_backend.library()
    from openvino import opset13 as ops

    entry = ops.parameter(SHAPE, np.float32)
    model = library.Model([ops.broadcast(entry, np.array([1, 1, 65536, 4096, 4096, 16, 16, 16]))], [entry], "bomb")
    library.save_model(model, made.program.file)
    files = digest(made.program.file), digest(made.numbers.file)
    with pytest.raises(Unsupported, match="more memory"):
        ir.open_program(replace(made, program=files[0], numbers=files[1]), "x", openvino_backend.core())
