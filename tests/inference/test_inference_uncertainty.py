"""The map of where a segmenter is undecided: its values, its place, and when there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from bundles import write_classifier, write_segmenter, write_threshold_segmenter
from zoo import write
from zoo_layouts import brats

from medassist.entities.errors import Refused
from medassist.entities.heatmap import MapKind
from medassist.inference.packages import read
from medassist.inference.predict import predict
from medassist.inference.prepare import Prepared
from medassist.inference.results import forget_results
from medassist.inference.uncertainty import Doubt, of_classes
from medassist.inference.windows import Block


def entropy(*shares: float) -> float:
    return -sum(p * math.log(p) for p in shares) / math.log(len(shares))


@pytest.mark.parametrize("classes", [2, 3, 104])
def test_equal_labels_are_one_and_a_sure_one_is_zero(classes: int) -> None:
    even = torch.zeros(classes, 2, 2, 2)
    assert of_classes(even).numpy() == pytest.approx(1.0, abs=1e-6)
    sure = even.clone()
    sure[0] = 1000.0
    assert of_classes(sure).numpy() == pytest.approx(0.0, abs=1e-6)
    assert of_classes(torch.randn(classes, 3, 3, 3)).isfinite().all()


def test_entropy_of_a_known_network_lies_on_the_grid_of_the_series(tmp_path, make_volume) -> None:
    """The logits are 0 and value - 5, so the probability of the label is the sigmoid of that."""
    array = np.zeros((4, 5, 6), np.float32)
    array[1, 2, 3], array[3, 0, 5] = 5.0, 7.0
    affine = np.diag([1.5, 2.0, 3.0, 1.0])
    affine[:3, 3] = 10, -20, 30
    volume = make_volume(array, affine)
    found = predict(read(write_threshold_segmenter(tmp_path / "p", 5.0)), volume, uncertainty=True)
    doubt = found.uncertainty
    assert doubt is not None
    assert doubt.kind is MapKind.UNCERTAINTY
    assert doubt.geometry.same_grid(volume.geometry)
    assert doubt.series_key == volume.series.key
    assert doubt.values_zyx[1, 2, 3] == pytest.approx(1.0)
    high = 1 / (1 + math.exp(-2.0))
    assert doubt.values_zyx[3, 0, 5] == pytest.approx(entropy(high, 1 - high), abs=1e-5)
    low = 1 / (1 + math.exp(5.0))
    assert doubt.values_zyx[0, 0, 0] == pytest.approx(entropy(low, 1 - low), abs=1e-5)
    assert doubt.full_scale == 1.0


def test_windows_and_resampling_leave_no_voxel_out(tmp_path, make_volume) -> None:
    """Random weights are undecided everywhere: a voxel at 0 would be one that no block has filled."""
    volume = make_volume(np.random.default_rng(0).normal(100, 30, (20, 24, 28)).astype(np.float32))
    found = predict(read(write_segmenter(tmp_path / "p")), volume, uncertainty=True)
    doubt = found.uncertainty
    assert doubt is not None
    assert doubt.values_zyx.shape == volume.geometry.shape_zyx
    assert 0.0 < doubt.values_zyx.min() <= doubt.values_zyx.max() <= 1.0
    plain = predict(read(tmp_path / "p"), volume)
    assert plain.uncertainty is None
    assert found.mask is not None
    assert plain.mask is not None
    assert np.array_equal(plain.mask.labels_zyx, found.mask.labels_zyx)


def test_a_remembered_answer_without_the_map_is_not_given_for_one_with_it(tmp_path, make_volume) -> None:
    forget_results()
    package, volume = read(write_segmenter(tmp_path / "p")), make_volume(np.ones((16, 16, 16), np.float32))
    assert predict(package, volume, reuse=True).uncertainty is None
    first = predict(package, volume, reuse=True, uncertainty=True)
    again = predict(package, volume, reuse=True, uncertainty=True)
    assert not first.manifest.from_cache
    assert again.manifest.from_cache
    assert again.uncertainty is not None
    forget_results()


def test_a_classifier_has_no_map(tmp_path, make_volume) -> None:
    package = read(write_classifier(tmp_path / "p"))
    with pytest.raises(Refused, match="marks no voxels"):
        predict(package, make_volume(np.zeros((1, 32, 32), np.float32)), uncertainty=True)


def test_overlapping_labels_are_as_unsure_as_the_least_sure_of_them(tmp_path, make_volume) -> None:
    """Two sigmoids that answer 1.5 and -0.25 everywhere."""
    write(brats(), tmp_path / "p")
    package = read(tmp_path / "p")
    channels = 1 + max(label.output for label in package.labels)
    array = np.zeros((4, 4, 4), np.float32)
    volume = make_volume(array)
    doubt = Doubt(package, Prepared(torch.zeros(1, 1, 4, 4, 4), volume.geometry, volume.geometry))
    logits = torch.full((channels, 4, 4, 4), 1.5)
    logits[-1] = -0.25
    doubt.add(Block((0, 0, 0), logits))
    share = 1 / (1 + math.exp(0.25))
    assert doubt.finish("one").values_zyx == pytest.approx(entropy(share, 1 - share), abs=1e-5)


def test_the_blocks_of_a_turned_grid_lie_where_they_belong(tmp_path, make_volume) -> None:
    """Logits come as (K, X, Y, Z); the voxel x=2, y=1, z=0 alone is undecided."""
    package = read(write_threshold_segmenter(tmp_path / "p", 5.0))
    volume = make_volume(np.zeros((4, 5, 6), np.float32))
    doubt = Doubt(package, Prepared(torch.zeros(1, 1, 6, 5, 4), volume.geometry, volume.geometry))
    logits = torch.zeros(2, 6, 5, 4)
    logits[0] = 50.0
    logits[0, 2, 1, 0] = 0.0
    doubt.add(Block((0, 0, 0), logits[:, :3]))
    doubt.add(Block((3, 0, 0), logits[:, 3:]))
    values = doubt.finish("one").values_zyx
    assert np.argwhere(values > 0.5).tolist() == [[0, 1, 2]]
