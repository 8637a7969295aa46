"""Two processes of torchrun learn what one learns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from medassist.training.place import Place, facing_cpu, moved
from medassist.training.precision import half
from medassist.training.train import train


def test_every_member_of_a_batch_is_taken_once() -> None:
    for size in (1, 2, 3, 5):
        shares = [Place("cpu", rank, size).share(range(7)) for rank in range(size)]
        assert sorted(member for share in shares for member in share) == list(range(7))
    assert [Place("cpu", rank, 3).share([4]) for rank in range(3)] == [[4], [4], [4]], "an idle process stands in"


def test_what_moves_keeps_its_shape() -> None:
    import torch

    value = {"a": torch.ones(1), "b": [torch.zeros(2), (torch.ones(3), 4)]}
    found = moved(value, "meta")
    assert found["a"].is_meta
    assert found["b"][0].is_meta
    assert isinstance(found["b"][1], tuple)
    assert found["b"][1][1] == 4


def test_hooks_of_validation_are_taken_away() -> None:
    import torch

    network = torch.nn.Linear(2, 2)
    with facing_cpu(network, "meta") as facing:
        assert facing._forward_pre_hooks
    assert not network._forward_pre_hooks
    assert not network._forward_hooks


def test_precision_follows_the_device(monkeypatch) -> None:
    import torch

    assert half("float32", Place("cuda:0")) is None
    assert half("bfloat16", Place("cpu")) is torch.bfloat16
    for able, wanted in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation, able=able: able)
        assert half("bfloat16", Place("cuda:0")) is wanted


def curve_of(training: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (training / "curve.jsonl").read_text().splitlines()]


@pytest.mark.skipif(sys.platform == "win32", reason="torchrun's Gloo is not tried on Windows")
@pytest.mark.parametrize("kind", ["segmenter", "classifier"])
def test_two_processes_learn_what_one_learns(request, tmp_path, kind) -> None:
    """Batches of 2 and 8 (the last of one member: an idle process), a loss over the whole batch, one moving average."""
    if kind == "segmenter":
        data = request.getfixturevalue("blobs")
        recipe = request.getfixturevalue("segmenter_recipe")(
            ("batch_size = 2", "batch_size = 3"), ("[optimiser]", "[loss]\nbatch = true\n[optimiser]")
        )
    else:
        data = request.getfixturevalue("films")
        recipe = request.getfixturevalue("classifier_recipe")(
            ("bn_size = 1", 'bn_size = 1\nnorm = "instance"'),
            ("batch_size = 8", "batch_size = 19\npatience = 2\ngradient_clip = 0.5"),
        )
    train(recipe, data, tmp_path / "one", device="cpu")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    verb = ["-m", "medassist", "train", str(recipe), "--data", str(data), "--out", str(tmp_path / "two")]
    done = subprocess.run(
        [*launch, *verb, "--device", "cpu"],
        capture_output=True, text=True, check=False, timeout=250, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == str(tmp_path / "two"), "one process speaks"
    one, two = curve_of(tmp_path / "one.training"), curve_of(tmp_path / "two.training")
    assert len(one) == len(two)
    for mine, theirs in zip(one, two, strict=True):
        assert theirs.keys() == mine.keys()
        for name in mine.keys() - {"seconds"}:
            assert theirs[name] == pytest.approx(mine[name], abs=1e-5), name
    assert (tmp_path / "two/docs/README.md").is_file()
