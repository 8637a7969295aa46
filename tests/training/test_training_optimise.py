"""A quicker form of a model: written with what was measured of it, or not at all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from bundles import write_classifier, write_threshold_segmenter

from medassist.cli import main
from medassist.entities.errors import Cancelled, Refused, UnwritableOutput, UsageError
from medassist.inference.backends import openvino_backend, optimised_backend
from medassist.inference.network import forget_networks, load_network
from medassist.inference.packages import read
from medassist.inference.predict import predict
from medassist.inference.weights import Format, read_program
from medassist.plugins import needs
from medassist.progress import Progress, Step
from medassist.training.layouts.reading import image_of, read_table
from medassist.training.metrics import Measured
from medassist.training.optimise import quantise, speed
from medassist.training.optimise.means import Means
from medassist.training.optimise.outcome import verdict
from medassist.training.optimise.parity import Change, Parity
from medassist.training.optimise.rows import choose_rows
from medassist.training.optimise.run import optimise
from medassist.training.table import subject_hash

pytestmark = pytest.mark.skipif(
    not openvino_backend.availability().ok, reason="OpenVINO (the extra cpu) is not installed"
)
needs_nncf = pytest.mark.skipif(not needs(["nncf"]).ok, reason="NNCF (the extra optimise) is not installed")
needs_onnx = pytest.mark.skipif(not needs(["onnx", "onnxscript"]).ok, reason="onnx (the extra optimise) is not there")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("medassist.training.optimise.parity.REPEATS", 40)
    monkeypatch.setattr(speed, "ROUNDS", 2)
    forget_networks()
    yield
    forget_networks()


def remember(root: Path, layout: str, labels: list[dict]) -> Path:
    """Write into a package that it learned from the folds 0 to 2 of the tiny data."""
    people = [subject_hash(f"{name}{number}") for name in ("person", "p") for number in range(20) if number % 4 != 3]
    known = {"layout": layout, "test_folds": [3], "labels": labels, "subjects": {"train": people, "validation": []}}
    (root / "configs/training.json").write_text(json.dumps(known))
    return root


@pytest.fixture
def segmenter(tmp_path) -> Path:
    """A network of one layer that needs no training: what is brighter than half a blob is one."""
    root = write_threshold_segmenter(tmp_path / "blob", 1.5)
    label = {"value": 1, "label": "Anterior part", "members": [], "unless": []}
    return remember(root, "volume_pairs", [label])


@pytest.fixture
def classifier(tmp_path) -> Path:
    root = write_classifier(tmp_path / "bright", size=16)
    labels = [
        {"value": 0, "label": "Effusion", "members": ["Bright"], "unless": []},
        {"value": 1, "label": "Cardiomegaly", "members": [], "unless": ["No Finding"]},
    ]
    return remember(root, "films_npz", labels)


def left_behind(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".") or path.name == "out"]


@pytest.mark.parametrize("precision", [pytest.param("int8", marks=needs_nncf), "bf16"])
def test_a_segmenter_in_fewer_bits_is_whole_and_measured(segmenter, blobs, tmp_path, precision) -> None:
    if precision == "bf16" and not openvino_backend.knows_bf16():
        pytest.skip("this processor does not compute in bf16")
    package = read(segmenter)
    outcome = optimise(package, blobs, tmp_path / "out", Means(precision, tolerance=0.2))
    assert outcome.refusal is None
    found = read(tmp_path / "out")
    assert found.version == f"0.1.0+{precision}"
    assert found.sha256 == package.sha256
    assert (found.root / "models/model.pt").read_bytes() == package.weights.read_bytes()
    made = found.optimised
    assert (made.precision, made.of_weights, made.rows) == (precision, package.sha256, 2)
    assert hashlib.sha256(made.program.file.read_bytes()).hexdigest() == made.program.sha256
    table = read_table(blobs, "volume_pairs")
    ran = predict(found, image_of(table, table.rows[-1]), device="cpu", backend="auto")
    assert (ran.manifest.backend, ran.manifest.precision) == ("openvino", precision)
    told = outcome.as_json()
    change = told["labels"]["Anterior part"]["dice"]["change"]
    assert set(told["labels"]["Anterior part"]["dice"]) == {"before", "after", "change"}
    assert change["low"] <= change["value"] <= change["high"]
    assert set(told["speed"]["cpu_ms"]) == {"torch, before", "auto, before", "torch, after", "auto, after"}
    assert told["looked_at"] == {"rows": 6, "of_training": True}
    kept = json.loads((found.root / "configs/metadata.json").read_text())["medassist"]["optimised"]["measured"]
    assert kept["labels"] == told["labels"]
    assert not [name for name in left_behind(tmp_path) if name != "out"]


@needs_nncf
def test_a_classifier_in_int8_keeps_its_thresholds(classifier, films, tmp_path) -> None:
    outcome = optimise(read(classifier), films, tmp_path / "out", Means("int8", tolerance=0.5))
    assert outcome.refusal is None
    assert outcome.parity.kind == "findings"
    assert outcome.parity.decisions == 20
    assert [one.threshold for one in read(tmp_path / "out").labels] == [
        one.threshold for one in read(classifier).labels
    ]


@pytest.fixture
def blurred(monkeypatch):
    """A converter that makes another network than it was given."""
    plain = quantise.convert

    def broken(module, shape):
        worse = torch.nn.Sequential(torch.nn.AvgPool3d(3, 1, 1), torch.nn.AvgPool3d(3, 1, 1), module)
        return plain(worse.eval(), shape)

    monkeypatch.setattr(quantise, "convert", broken)
    monkeypatch.setitem(optimised_backend.NEEDS, "bf16", "FP32")


def test_what_is_worse_is_refused_and_leaves_nothing(blurred, segmenter, blobs, tmp_path) -> None:
    outcome = optimise(read(segmenter), blobs, tmp_path / "out", Means("bf16"))
    assert outcome.parity.worst.change.value < -0.005
    assert "dice of Anterior part falls by" in outcome.refusal.sentence()
    assert outcome.refusal.exit_code == 4
    assert outcome.out is None
    assert not left_behind(tmp_path)


def run_verb(*arguments: object) -> object:
    with pytest.raises(SystemExit) as ended:
        main(["optimize", *map(str, arguments)])
    return ended.value.code


def test_the_verb_prints_a_table_and_where_the_package_is(segmenter, blobs, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setitem(optimised_backend.NEEDS, "bf16", "FP32")
    options = ("--export", "pt2", "--quantize", "bf16", "--tolerance", "0.5")
    assert run_verb(segmenter, "--data", blobs, "-o", tmp_path / "out", *options) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["Label", "Metric", "Before"]
    assert lines[1].startswith("Anterior part  dice")
    assert any(line.startswith("model.pt2: up to ") for line in lines)
    assert lines[-1] == str(tmp_path / "out")


def test_the_verb_refuses_with_its_figures_and_code_4(blurred, segmenter, blobs, tmp_path, capsys) -> None:
    options = ("--data", blobs, "-o", tmp_path / "out", "--quantize", "bf16", "--json")
    assert run_verb(segmenter, *options) == 4
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert told["out"] is None
    assert "falls by" in told["refusal"]
    assert told["refused"] == {"before": 0, "after": 0}
    assert told["labels"]["Anterior part"]["dice"]["change"]["value"] < -0.005
    assert "Nothing was written" in said.err
    assert not left_behind(tmp_path)


def test_images_of_different_sizes_need_a_window(segmenter, blobs, tmp_path) -> None:
    import SimpleITK

    for folder in ("images", "labels"):
        file = blobs / folder / "case0.nii.gz"
        SimpleITK.WriteImage(SimpleITK.ReadImage(str(file))[:-2], str(file))
    with pytest.raises(Refused, match="takes images of different sizes"):
        optimise(read(segmenter), blobs, tmp_path / "out", Means("bf16"))
    assert not left_behind(tmp_path)


def test_images_it_no_longer_knows_are_a_reason_against_it() -> None:
    fine = Change("a", "dice", 0.9, 0.9, Measured(0.0, 0.0, 0.0, 10))
    assert verdict(Parity("masks", 10, 5, (fine,), 0, 10, (1, 1)), 0.005) is None
    reason = verdict(Parity("masks", 10, 5, (fine,), 0, 10, (1, 3)), 0.005)
    assert "takes 3 of 10 images for another kind" in reason.sentence()


def test_interrupted_leaves_nothing(segmenter, blobs, tmp_path) -> None:
    def listen(step: Step) -> None:
        if step.stage == "Comparing":
            progress.cancel()

    progress = Progress(listen)
    before = sorted(path.relative_to(segmenter) for path in segmenter.rglob("*"))
    with pytest.raises(Cancelled):
        optimise(read(segmenter), blobs, tmp_path / "out", Means("bf16", tolerance=1.0), progress=progress)
    assert not left_behind(tmp_path)
    assert sorted(path.relative_to(segmenter) for path in segmenter.rglob("*")) == before


def test_nothing_is_overwritten(segmenter, blobs, tmp_path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(UnwritableOutput, match="is there already"):
        optimise(read(segmenter), blobs, tmp_path / "out", Means("bf16"))


@pytest.mark.parametrize(
    ("means", "reason"),
    [
        (Means(), "Nothing was asked for"),
        (Means("int4"), "--quantize knows bf16, int8, not int4"),
        (Means(export=("h5",)), "--export knows pt2, onnx, not h5"),
        (Means(prune=0.5, distill=True), "two ways"),
        (Means(prune=0.95), "between 0 and 0.9"),
        (Means("int8", tolerance=-1.0), "--tolerance must lie"),
    ],
)
def test_means_that_make_no_sense(segmenter, blobs, tmp_path, means, reason) -> None:
    with pytest.raises(UsageError, match=reason):
        optimise(read(segmenter), blobs, tmp_path / "out", means)


def test_without_nncf_the_remedy_is_told(segmenter, blobs, tmp_path, monkeypatch) -> None:
    missing = type("Missing", (), {"ok": False})()
    monkeypatch.setattr(quantise, "needs", lambda modules: missing)
    with pytest.raises(Refused, match=r"medassist\[optimise\]"):
        optimise(read(segmenter), blobs, tmp_path / "out", Means("int8"))


def test_judged_people_are_never_looked_at(segmenter, blobs) -> None:
    rows = choose_rows(read(segmenter), blobs, Means())
    assert {row.fold for row in rows.judged} == {3}
    assert rows.of_training
    assert not {row.subject for row in rows.judged} & {row.subject for row in rows.learned}
    with pytest.raises(Refused, match="took part in the training"):
        choose_rows(read(segmenter), blobs, Means(folds=(0,)))


def test_of_new_people_alone_one_in_five_is_looked_at(segmenter, blobs) -> None:
    lines = (blobs / "index.csv").read_text().splitlines()
    new = [f"case{number},stranger{number}" for number in range(8)]
    (blobs / "index.csv").write_text("\n".join([",".join(lines[0].split(",")[:2]), *new]) + "\n")
    rows = choose_rows(read(segmenter), blobs, Means())
    assert (len(rows.judged), len(rows.learned), rows.of_training) == (7, 1, False)


def test_training_rows_may_lie_elsewhere(segmenter, blobs, tmp_path) -> None:
    import shutil

    apart = tmp_path / "apart"
    shutil.copytree(blobs, apart)
    (apart / "index.csv").write_text("id,subject\ncase0,stranger0\ncase1,stranger1\n")
    rows = choose_rows(read(segmenter), apart, Means(training_data=blobs))
    assert (len(rows.judged), rows.of_training) == (2, True)
    assert {row.subject for row in rows.learned} == {"person0", "person1", "person2"}


@needs_onnx
def test_other_formats_give_the_same_numbers(segmenter, blobs, tmp_path) -> None:
    outcome = optimise(read(segmenter), blobs, tmp_path / "out", Means(export=("pt2", "onnx")))
    assert [one.format for one in outcome.exported] == ["pt2", "onnx"]
    assert all(one.relative <= 1e-3 for one in outcome.exported)
    file = tmp_path / "out/models/model.pt2"
    program = read_program(file, file.read_bytes(), Format.EXPORTED, "cpu")
    network = load_network(read(segmenter), "cpu").module
    images = torch.randn(3, 1, 12, 10, 8)
    with torch.inference_mode():
        assert torch.allclose(program(images), network(images), atol=1e-4)
    assert (tmp_path / "out/models/model.onnx").stat().st_size > 1000


def test_a_format_that_answers_otherwise_is_refused(segmenter, blobs, tmp_path, monkeypatch) -> None:
    from medassist.training.optimise import export

    monkeypatch.setattr(export, "MOST_DIFFERENCE", -1.0)
    with pytest.raises(Refused, match="differ from torch's"):
        optimise(read(segmenter), blobs, tmp_path / "out", Means(export=("pt2",)))
    assert not left_behind(tmp_path)
