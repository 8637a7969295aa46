from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bundles import RAS, change_json, compose, write_classifier, write_segmenter

from medassist.entities.study import SeriesKind
from medassist.inference import expected
from medassist.inference.expected import MemoryForecast, expect, tensor_shape
from medassist.inference.network import forget_networks
from medassist.inference.packages import read
from medassist.inference.predict import predict
from medassist.inference.prepare import prepare
from medassist.language import set_language


@pytest.fixture
def slab(make_volume):
    """Build a volume whose axes are no multiples of each other, columns to the left, slices down."""
    values = np.random.default_rng(0).integers(0, 1000, (20, 24, 40)).astype(np.int16)
    return make_volume(values, np.diag([0.7, 1.0, 3.0, 1.0]))


STEPS = (
    {"_target_": "Spacingd", "keys": "image", "pixdim": [1.0, 1.0, 1.5], "mode": "bilinear"},
    {"_target_": "ScaleIntensityd", "keys": "image"},
    {"_target_": "SpatialPadd", "keys": "image", "spatial_size": [48, 16, 16]},
)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_the_shape_is_told_that_the_preparation_gives(tmp_path: Path, slab, count) -> None:
    root = write_segmenter(tmp_path / "model")
    change_json(root, "inference", preprocessing=compose(*RAS, *STEPS[:count]))
    package = read(root)
    assert tensor_shape(package, slab) == tuple(prepare(package, slab).tensor.shape)


def test_the_shape_of_a_film_is_told(tmp_path: Path, make_volume) -> None:
    film = make_volume(np.zeros((1, 60, 50), np.uint8), kind=SeriesKind.FILM, modality="CR")
    package = read(write_classifier(tmp_path / "chest"))
    assert tensor_shape(package, film) == tuple(prepare(package, film).tensor.shape)


def test_before_a_run_the_same_is_told_as_in_its_result(tiny_segmenter: Path, slab) -> None:
    package = read(tiny_segmenter)
    told, run = expect(package, slab, device="cpu"), predict(package, slab, device="cpu").manifest
    assert told is not None
    assert run.forecast_bytes is not None
    assert told.expected_mb == math.ceil(run.forecast_bytes / 1e6)
    assert told.device == "cpu"


def test_no_pixel_is_touched_and_no_memory_taken(tiny_segmenter: Path, make_volume) -> None:
    """A series of 64 GB, of which only the header exists."""
    array = np.lib.stride_tricks.as_strided(np.zeros(1, np.int16), (1, 2000, 4000, 4000), (0, 0, 0, 0))
    small = make_volume(np.zeros((2, 2, 2), np.int16))
    huge = replace(small, array_tzyx=array, geometry=replace(small.geometry, shape_zyx=array.shape[1:]))
    told = expect(read(tiny_segmenter), huge, device="cpu")
    assert told is not None
    assert told.expected_mb > 4 * 2000 * 4000 * 4000 / 1e6
    assert not told.fits


def test_the_sentence_names_both_figures_and_warns_when_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MemoryForecast(83, 2000, "cpu").text.endswith("83 MB of memory on cpu; 2000 MB are free.")
    short = MemoryForecast(3000, 2000, "cpu")
    assert not short.fits
    assert "only 2000 MB are free" in short.text
    assert MemoryForecast(83, None, "mps").fits
    set_language("zh_CN")
    assert "仅有 2000 MB" in short.text


def test_where_it_cannot_be_told_nothing_is(tiny_segmenter: Path, slab, monkeypatch: pytest.MonkeyPatch) -> None:
    package = read(tiny_segmenter)
    monkeypatch.setattr(expected, "forecast", lambda *_: None)
    assert expect(package, slab, device="cpu") is None
    monkeypatch.undo()
    forget_networks()
    (tiny_segmenter / "models" / "model.pt").write_bytes(b"damaged")
    assert expect(read(tiny_segmenter), slab, device="cpu") is None
