"""Steps of a preparation that ask for more memory than there is, or leave nothing to see, are refused unrun."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from bundles import change_json, compose, sign, write_segmenter

from medassist.entities.errors import Refused
from medassist.inference import growth
from medassist.inference.bundle import inferer, preprocessing
from medassist.inference.growth import ghost, grown, shape_of
from medassist.inference.network import load_network
from medassist.inference.packages import read
from medassist.inference.postprocess import decision
from medassist.inference.prepare import prepare_image
from medassist.language import set_language

IMAGE = np.random.default_rng(0).random((12, 12, 12)).astype(np.float32)
GREEDY = [
    {"_target_": "Resized", "keys": "image", "spatial_size": [1200, 1200, 1200]},
    {"_target_": "SpatialPadd", "keys": "image", "spatial_size": [1200, 1200, 1200]},
    {"_target_": "Spacingd", "keys": "image", "pixdim": [0.01, 0.01, 0.01]},
    {"_target_": "BorderPadd", "keys": "image", "spatial_border": 600},
    {"_target_": "DivisiblePadd", "keys": "image", "k": 1200},
    {"_target_": "ResizeWithPadOrCropd", "keys": "image", "spatial_size": [1200, 1200, 1200]},
    {"_target_": "RepeatChanneld", "keys": "image", "repeats": 1_000_000},
    {"_target_": "CropForegroundd", "keys": "image", "source_key": "image", "margin": 600},
    {"_target_": "CropForegroundd", "keys": "image", "source_key": "image", "k_divisible": 1200},
]


def _package(root: Path, *steps: dict[str, object]):
    change_json(root, "inference", preprocessing=compose(*steps))
    return read(root)


@pytest.mark.parametrize("step", GREEDY, ids=lambda step: f"{step['_target_']}-{list(step)[-1]}")
@pytest.mark.parametrize("first", [(), ({"_target_": "ScaleIntensityd", "keys": "image"},)], ids=["first", "second"])
def test_a_step_that_needs_more_than_is_free_never_runs(
    tiny_segmenter: Path, monkeypatch: pytest.MonkeyPatch, step: dict[str, object], first: tuple[dict[str, object], ...]
) -> None:
    monkeypatch.setattr(
        growth, "free_bytes", lambda _device: 4_000_000_000 if "RepeatChanneld" not in str(step) else 10**9
    )
    with pytest.raises(Refused, match=r"There is not enough memory to run .* GB are free") as caught:
        prepare_image(_package(tiny_segmenter, *first, step), IMAGE)
    assert caught.value.exit_code == 4


def test_what_fits_runs_and_where_nobody_tells_a_limit_holds(
    tiny_segmenter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "free_bytes", lambda _device: None)
    small = {"_target_": "Resized", "keys": "image", "spatial_size": [24, 24, 24]}
    assert prepare_image(_package(tiny_segmenter, small), IMAGE).tensor.shape == (1, 1, 24, 24, 24)
    large = {"_target_": "Resized", "keys": "image", "spatial_size": [2000, 2000, 2000]}
    set_language("zh_CN")
    with pytest.raises(Refused, match="more than the 16 GB allowed"):
        prepare_image(_package(tiny_segmenter, large), IMAGE)


def test_a_crop_before_a_fine_grid_counts(tiny_segmenter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked is the image as it has become, not the one that came."""
    monkeypatch.setattr(growth, "free_bytes", lambda _device: 100_000_000)
    image = np.zeros((64, 64, 64), np.float32)
    image[30:34, 30:34, 30:34] = 1
    crop = {"_target_": "CropForegroundd", "keys": "image", "source_key": "image"}
    fine = {"_target_": "Spacingd", "keys": "image", "pixdim": [0.2, 0.2, 0.2]}
    assert prepare_image(_package(tiny_segmenter, crop, fine), image).tensor.shape[2] < 32
    with pytest.raises(Refused, match="not enough memory"):
        prepare_image(_package(tiny_segmenter, fine), image)


@pytest.mark.parametrize("pixdim", [1e9, 100.0])
def test_a_grid_of_single_voxels_is_refused(tiny_segmenter: Path, pixdim: float) -> None:
    step = {"_target_": "Spacingd", "keys": "image", "pixdim": [pixdim] * 3}
    with pytest.raises(Refused, match=r"would leave 1 x 1 x 1 of 12 x 12 x 12 voxels \(Spacing\)"):
        prepare_image(_package(tiny_segmenter, step), IMAGE)


@pytest.mark.parametrize("margin", [0, 5])
def test_the_foreground_is_never_larger_than_told(tiny_segmenter: Path, margin: int) -> None:
    from monai.transforms import CropForeground

    step = CropForeground(margin=margin, k_divisible=8, allow_smaller=False)
    image = torch.ones(1, 12, 12, 12)
    told = shape_of(grown(step, ghost((1, 12, 12, 12), torch.eye(4))))
    assert all(most >= found for most, found in zip(told, step(image).shape, strict=True))


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("pixdim", {"_target_": "Spacingd", "keys": "image", "pixdim": [float("nan")] * 3}),
        ("threshold", {"_target_": "ThresholdIntensityd", "keys": "image", "threshold": float("nan")}),
        ("num_bins", {"_target_": "HistogramNormalized", "keys": "image", "num_bins": 10**9}),
    ],
)
def test_arguments_that_are_no_numbers_are_refused(tiny_segmenter: Path, name: str, step: dict[str, object]) -> None:
    with pytest.raises(Refused, match=rf"preprocessing\.transforms\[0\] has no usable {name}"):
        preprocessing(_package(tiny_segmenter, step))


def test_a_threshold_that_is_no_number_is_refused(tiny_segmenter: Path) -> None:
    step = {"_target_": "AsDiscreted", "keys": "pred", "threshold": float("nan")}
    change_json(tiny_segmenter, "inference", postprocessing=compose(step))
    with pytest.raises(Refused, match="threshold"):
        decision(read(tiny_segmenter))


def test_windows_that_move_by_next_to_nothing_are_refused(tiny_segmenter: Path) -> None:
    for overlap, usable in ((0.95, True), (0.96, False), (float("nan"), False)):
        change_json(
            tiny_segmenter,
            "inference",
            inferer={"_target_": "SlidingWindowInferer", "roi_size": [8, 8, 8], "overlap": overlap},
        )
        if usable:
            assert inferer(read(tiny_segmenter)).windows is not None
            continue
        with pytest.raises(Refused, match="inferer has no usable overlap"):
            inferer(read(tiny_segmenter))


def test_complex_weights_are_refused(tmp_path: Path) -> None:
    root = write_segmenter(tmp_path / "model")
    file = read(root).weights
    state = {name: value.to(torch.complex64) for name, value in torch.load(file, weights_only=True).items()}
    torch.save(state, file)
    sign(root)
    with pytest.raises(Refused, match="holds complex numbers"):
        load_network(read(root), "cpu")
