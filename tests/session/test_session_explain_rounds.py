"""Explain, cancel, explain through the job of the window, sixty times: nothing stays behind."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("captum")

from bundles import write_segmenter  # noqa: E402

from benchmarks import rounds  # noqa: E402
from medassist.entities.geometry import Geometry  # noqa: E402
from medassist.entities.prediction import Mask  # noqa: E402
from medassist.entities.study import Series, SeriesKind  # noqa: E402
from medassist.entities.volume import Volume  # noqa: E402
from medassist.inference.network import forget_networks, load_network  # noqa: E402
from medassist.inference.packages import read  # noqa: E402


@pytest.fixture
def asked(tmp_path):
    forget_networks()
    package = read(write_segmenter(tmp_path / "tiny"))
    array = np.random.default_rng(0).normal(size=(16, 16, 16)).astype(np.float32)
    series = Series("1.2", SeriesKind.VOLUME, (), modality="MR", shape_zyx=array.shape)
    volume = Volume(series, array[None], Geometry(np.eye(4), array.shape, "1.2.3"))
    part = package.segments[0]
    mask = Mask(np.full(array.shape, part.value, np.uint8), volume.geometry, package.segments)
    yield rounds.Asked(package, volume, part.label, mask)
    forget_networks()


def test_sixty_rounds_leave_nothing(asked):
    row = rounds.play(asked, 60)
    assert row["cancelled"] == 60
    assert (row["hooks"], row["gradients"], row["tensors"]) == (0, 0, 0)
    assert rounds.misses({"tiny": {**row, "growth": 0.0}}) == ()


def test_what_stays_is_seen(asked):
    """The counting itself: a hook, a gradient and a tensor that stay are told."""
    kept = []
    module = load_network(asked.package, "cpu").module

    def leave(_module, _inputs, output):
        kept.append(output.detach())

    module.register_forward_hook(lambda *_: None)
    before = rounds._left(asked.package)
    module.register_forward_hook(leave)
    next(module.parameters()).grad = torch.zeros_like(next(module.parameters()))
    asked.job("gradcam", {}, rounds.Progress())
    after = rounds._left(asked.package)
    assert after.hooks == before.hooks + 1
    assert after.gradients == 1
    assert after.tensors > before.tensors
    told = {"rounds": 1, "cancelled": 0, "hooks": 1, "gradients": 1, "tensors": 2, "growth": 0.5}
    assert len(rounds.misses({"tiny": told})) == 5
