"""The probabilities of a segmenter: their values, their place, and what is said where there are none."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from bundles import write_segmenter, write_threshold_segmenter

from medassist.inference import probabilities, results
from medassist.inference.packages import read
from medassist.inference.postprocess import decision
from medassist.inference.predict import predict
from medassist.inference.prepare import Prepared
from medassist.inference.probabilities import Shares
from medassist.inference.result_file import decode, encode
from medassist.inference.results import forget_results
from medassist.inference.windows import Block

STEP = 1 / 255


def test_a_known_network_is_kept_voxel_for_voxel_within_a_step(tmp_path, make_volume) -> None:
    """The logits are 0 and value - 5, so the probability of the label is the sigmoid of that."""
    array = np.random.default_rng(3).uniform(0, 10, (4, 5, 6)).astype(np.float32)
    affine = np.diag([1.5, 2.0, 3.0, 1.0])
    affine[:3, 3] = 10, -20, 30
    volume = make_volume(array, affine)
    found = predict(read(write_threshold_segmenter(tmp_path / "p", 5.0)), volume, probabilities=True)
    kept = found.probabilities
    assert kept is not None
    assert found.mask is not None
    assert kept.geometry.same_grid(volume.geometry)
    shares = kept.of(found.mask.segments[0].value)
    assert shares is not None
    assert abs(shares / 255 - 1 / (1 + np.exp(5.0 - array))).max() <= STEP
    assert np.array_equal(shares > 130, found.mask.labels_zyx * (shares > 130) > 0)


def test_interpolated_probabilities_agree_with_the_mask_decided_from_them(tmp_path, make_volume) -> None:
    volume = make_volume(np.random.default_rng(0).normal(100, 30, (20, 24, 28)).astype(np.float32))
    package = read(write_segmenter(tmp_path / "p"))
    found, plain = predict(package, volume, probabilities=True), predict(package, volume)
    assert plain.probabilities is None
    assert found.mask is not None
    assert plain.mask is not None
    assert np.array_equal(plain.mask.labels_zyx, found.mask.labels_zyx)
    kept = found.probabilities
    assert kept is not None
    assert kept.values == tuple(one.value for one in package.segments)
    background = 255 - kept.shares_lzyx.astype(int).sum(axis=0)
    every = np.concatenate([background[None], kept.shares_lzyx])
    mine = np.take_along_axis(every, found.mask.labels_zyx[None].astype(int), axis=0)[0]
    assert decision(package).cleanup == ()
    assert (mine + 2 * len(every) >= every.max(axis=0)).all()


def test_the_blocks_of_a_turned_grid_lie_where_they_belong(tmp_path, make_volume) -> None:
    package = read(write_threshold_segmenter(tmp_path / "p", 5.0))
    volume = make_volume(np.zeros((4, 5, 6), np.float32))
    shares = Shares(package, Prepared(torch.zeros(1, 1, 6, 5, 4), volume.geometry, volume.geometry))
    logits = torch.zeros(2, 6, 5, 4)
    logits[0] = 50.0
    logits[:, 5, 1, 0] = torch.tensor([0.0, math.log(3)])
    shares.add(Block((0, 0, 0), logits[:, :3]))
    shares.add(Block((3, 0, 0), logits[:, 3:]))
    kept = shares.finish().shares_lzyx
    assert np.argwhere(kept).tolist() == [[0, 0, 1, 5]]
    assert kept.max() == round(0.75 * 255)


def test_they_are_remembered_and_come_back_from_a_file(tmp_path, make_volume) -> None:
    forget_results()
    package, volume = read(write_segmenter(tmp_path / "p")), make_volume(np.ones((16, 16, 16), np.float32))
    assert predict(package, volume, reuse=True).probabilities is None
    first = predict(package, volume, reuse=True, probabilities=True)
    again = predict(package, volume, reuse=True, probabilities=True)
    assert not first.manifest.from_cache
    assert again.manifest.from_cache
    assert again.probabilities is first.probabilities is not None
    back = decode(encode(first), package, volume).probabilities
    assert back is not None
    assert back.values == first.probabilities.values
    assert np.array_equal(back.shares_lzyx, first.probabilities.shares_lzyx)
    assert results._bytes(first) > first.probabilities.shares_lzyx.nbytes
    forget_results()


@pytest.mark.parametrize("free", [0, None])
def test_where_memory_is_short_the_mask_comes_without_them_and_says_so(
    tmp_path, make_volume, monkeypatch, free
) -> None:
    monkeypatch.setattr(probabilities, "free_bytes", lambda _device: free)
    monkeypatch.setattr(probabilities, "MOST_BYTES", 10**9 if free == 0 else 10)
    found = predict(
        read(write_segmenter(tmp_path / "p")), make_volume(np.ones((16, 16, 16), np.float32)), probabilities=True
    )
    assert found.mask is not None
    assert found.probabilities is None
    assert any("were not kept" in getattr(one, "message", "") for one in found.notes)
