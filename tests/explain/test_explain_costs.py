"""What is told before a run: the passes a method will take, and the layers that can be read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

import numpy as np  # noqa: E402
from bundles import write_segmenter  # noqa: E402
from networks_to_explain import densenet121_2d, unet_3d  # noqa: E402

from benchmarks import explain as benchmark  # noqa: E402
from benchmarks.explain_memory import HERE  # noqa: E402
from medassist.entities.geometry import Geometry  # noqa: E402
from medassist.entities.prediction import Mask  # noqa: E402
from medassist.entities.study import Series, SeriesKind  # noqa: E402
from medassist.entities.volume import Volume  # noqa: E402
from medassist.explain.costs import passes_of  # noqa: E402
from medassist.explain.layers import layers_of, written_maps  # noqa: E402
from medassist.explain.methods import explain, find  # noqa: E402
from medassist.inference.network import load_network  # noqa: E402
from medassist.inference.packages import read  # noqa: E402
from medassist.inference.shape import ghost_of  # noqa: E402
from medassist.progress import Progress  # noqa: E402

ROOT = Path(__file__).parents[2]


def test_passes_are_told_from_shapes_alone():
    assert passes_of(find("rise", "classification"), (8, 8), region=False, settings={"masks": 60}) == 61
    assert passes_of(find("scorecam", "segmentation"), (8, 8, 8), region=True, settings={}) == 50
    window = find("occlusion", "classification")
    coarse, fine = (passes_of(window, (64, 64), region=False, settings={"window": share}) for share in (0.5, 0.1))
    assert coarse == 2 + 3 * 3
    assert fine > 10 * coarse


def test_layers_that_write_a_map_are_named_and_others_are_not():
    names = written_maps(ghost_of(densenet121_2d().eval()), (1, 1, 64, 64))
    assert {"features.conv0", "features.denseblock4", "features.norm5"} <= set(names)
    assert "class_layers.out" not in names
    assert written_maps(ghost_of(unet_3d().eval()), (1, 1, 16)) == (), "an input the network cannot take"


def test_every_layer_of_a_package_that_is_named_can_be_explained(tmp_path):
    package = read(write_segmenter(tmp_path / "tiny"))
    array = np.random.default_rng(0).normal(size=(16, 16, 16)).astype(np.float32)
    series = Series("1.2", SeriesKind.VOLUME, (), modality="MR", shape_zyx=array.shape)
    volume = Volume(series, array[None], Geometry(np.eye(4), array.shape, "1.2.3"))
    names = layers_of(package, volume, progress=Progress())
    assert package.explanation.layer in names
    segment = package.segments[0].label
    mask = Mask(np.full(array.shape, package.segments[0].value, np.uint8), volume.geometry, package.segments)
    found = explain(package, volume, segment, layer=names[0], mask=mask)
    assert found.layer == names[0]
    assert found.passes > 0.0
    assert found.seconds > 0.0


@pytest.mark.parametrize(
    ("method", "settings"), [("occlusion", {"window": 0.5}), ("integratedgradients", {"steps": 8})]
)
def test_a_map_tells_the_passes_it_took(tmp_path, method, settings):
    """Seconds are foretold from them; integrated gradients take what the score demands."""
    package = read(write_segmenter(tmp_path / "tiny"))
    array = np.random.default_rng(0).normal(size=(16, 16, 16)).astype(np.float32)
    series = Series("1.2", SeriesKind.VOLUME, (), modality="MR", shape_zyx=array.shape)
    volume = Volume(series, array[None], Geometry(np.eye(4), array.shape, "1.2.3"))
    mask = Mask(np.full(array.shape, package.segments[0].value, np.uint8), volume.geometry, package.segments)
    taken = []

    def count(_module, inputs):
        taken.append(len(inputs[0]) * (2.5 if inputs[0].requires_grad and torch.is_grad_enabled() else 1.0))

    settings = {"window": 0.5} if method == "occlusion" else {"steps": 8}
    handle = load_network(package, "cpu").module.register_forward_pre_hook(count)
    found = explain(
        package, volume, package.segments[0].label, method=method, settings=settings, mask=mask, device="cpu"
    )
    handle.remove()
    unseen = 2.5 if method == "integratedgradients" else 0.0  # the pass that looks for what has no gradient
    assert found.passes == pytest.approx(sum(taken) - unseen)
    assert found.passes > 8


def test_the_benchmark_names_the_limits_that_are_missed():
    rows = {
        f"{benchmark.FLAT} | {name}": {"forward passes": 1.1, "MB": size}
        for name, size in (("gradcam", 1.0), (benchmark.FIRST, 9.0), (benchmark.CAPTUM, 100.0))
    } | {f"{benchmark.FLAT} | {benchmark.INTEGRATED}": {"forward passes": 300.0, "MB": 600.0}}
    assert benchmark.misses(rows) == ()
    rows[f"{benchmark.FLAT} | {benchmark.FIRST}"]["MB"] = 60.0
    rows[f"{benchmark.FLAT} | gradcam"]["forward passes"] = 1.5
    rows[f"{benchmark.FLAT} | {benchmark.INTEGRATED}"]["MB"] = 1200.0
    assert [one.split()[0] for one in benchmark.misses(rows)] == ["Grad-CAM", "Grad-CAM", "integrated"]


@pytest.mark.skipif(not HERE, reason="the peak of a process is told by the kernel of Linux")
def test_what_a_call_takes_alone_is_measured():
    """In a process of its own, as the benchmark runs: what a test before this one freed would be used again."""
    lines = (
        "from benchmarks.explain_memory import alone",
        "print(alone(lambda: bytearray(50_000_000), lambda: None, lambda: None).peak)",
        "print(alone(lambda: 1 / 0, lambda: None, lambda: None))",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    peak, failed = done.stdout.split()
    assert 45e6 < float(peak) < 60e6
    assert failed == "None"
    assert "ZeroDivisionError" in done.stderr
