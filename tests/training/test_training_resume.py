"""A training that is killed goes on to the very weights and curve it would have had."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medassist.entities.errors import Refused
from medassist.training.train import train

KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from medassist.progress import Progress, Step
from medassist.training.train import train

torch.set_num_threads(1)

def listen(step: Step) -> None:
    if step.stage == "Training" and (step.fraction or 0.0) >= float(sys.argv[4]):
        os.kill(os.getpid(), signal.SIGKILL)

train(*map(Path, sys.argv[1:4]), device="cpu", progress=Progress(listen))
"""

EVERYTHING = (
    "ema_decay = 0.5",
    'ema_decay = 0.5\nprecision = "bfloat16"\npatience = 2\ngradient_clip = 1.0\nseed = 3',
)


@pytest.fixture
def one_thread():
    """Sums are split by the number of threads: both halves of a run must have the same."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def curve_of(training: Path) -> list[dict[str, float]]:
    lines = (training / "curve.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


def weights_equal(one: Path, other: Path) -> bool:
    import torch

    first, second = (torch.load(path / "models/model.pt", weights_only=True) for path in (one, other))
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
@pytest.mark.parametrize("kind", ["segmenter", "classifier"])
def test_killed_in_the_middle_of_an_epoch(request, tmp_path, kind, one_thread) -> None:
    if kind == "segmenter":
        data, recipe = request.getfixturevalue("blobs"), request.getfixturevalue("segmenter_recipe")(EVERYTHING)
    else:
        data = request.getfixturevalue("films")
        recipe = request.getfixturevalue("classifier_recipe")(
            ("batch_size = 8", "batch_size = 8\n" + EVERYTHING[1]),
            ("[inferer]", '[[augmentation]]\n_target_ = "RandFlipd"\nkeys = ["image"]\nprob = 0.5\n[inferer]'),
            ("bn_size = 1", "bn_size = 1\ndropout_prob = 0.2"),
        )
    whole = train(recipe, data, tmp_path / "whole", device="cpu")
    epochs = len(curve_of(tmp_path / "whole.training"))
    assert epochs >= 3, "nothing of a resumed run would be seen"
    arguments = [sys.executable, "-c", KILLED, str(recipe), str(data), str(tmp_path / "cut"), "0.6"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=dict(os.environ), timeout=200)
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    before = len(curve_of(tmp_path / "cut.training"))
    assert 0 < before < epochs
    assert not (tmp_path / "cut/models/model.pt").is_file()
    cut = train(recipe, data, tmp_path / "cut", resume=True, device="cpu")
    assert curve_of(tmp_path / "cut.training") == curve_of(tmp_path / "whole.training")
    assert weights_equal(whole, cut)


def test_what_was_finished_is_not_trained_again(blobs, segmenter_recipe, tmp_path, one_thread) -> None:
    recipe, seen = segmenter_recipe(), []
    out = train(recipe, blobs, tmp_path / "out", device="cpu", watch=lambda curve: seen.append(len(curve)))
    assert seen == [1, 2, 3]
    first = (out / "models/model.pt").read_bytes()
    seen.clear()
    train(recipe, blobs, tmp_path / "out", resume=True, device="cpu", watch=lambda curve: seen.append(len(curve)))
    assert seen == [3]
    assert (out / "models/model.pt").read_bytes() == first


def test_float16_keeps_the_scale_of_its_gradients(blobs, segmenter_recipe, tmp_path, monkeypatch, one_thread) -> None:
    import torch

    from medassist.training.checkpoint import load_checkpoint
    from medassist.training.recipe import read_recipe

    monkeypatch.setattr("medassist.training.state.half", lambda precision, place: torch.float16)
    recipe = segmenter_recipe(("epochs = 3", "epochs = 2"))
    whole = train(recipe, blobs, tmp_path / "whole", device="cpu")
    kept = load_checkpoint(tmp_path / "whole.training/checkpoint.pt", read_recipe(recipe).fingerprint)
    assert kept is not None
    assert kept.scaler is not None
    assert kept.scaler["scale"] > 1.0
    assert curve_of(tmp_path / "whole.training")[-1]["loss"] < curve_of(tmp_path / "whole.training")[0]["loss"]
    assert (whole / "models/model.pt").is_file()


def test_a_loss_that_is_no_number_is_refused(blobs, segmenter_recipe, tmp_path) -> None:
    bright = (
        '"RandGaussianNoised"\nkeys = ["image"]\nprob = 0.5',
        '"RandScaleIntensityd"\nkeys = ["image"]\nfactors = 1e38',
    )
    with pytest.raises(Refused, match="came apart"):
        train(segmenter_recipe(bright, ("[inferer]", "prob = 1.0\n[inferer]")), blobs, tmp_path / "out", device="cpu")
