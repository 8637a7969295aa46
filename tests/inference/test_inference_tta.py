"""Test-time augmentation: the mean over the flips a package declares, each answer turned back, and who is refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from statistics import fmean, pstdev

import numpy as np
import pytest
import torch
from bundles import (
    RAS,
    SEGMENTS,
    WINDOWS,
    change_json,
    compose,
    metadata,
    write_classifier,
    write_package,
    write_segmenter,
)

from medassist.entities.errors import Cancelled, Refused
from medassist.entities.heatmap import MapKind
from medassist.imaging.load import load
from medassist.imaging.scan import scan
from medassist.inference.averaging import averaged, views
from medassist.inference.bundle import build_network
from medassist.inference.catalogue import find
from medassist.inference.embedding import Seen
from medassist.inference.packages import read
from medassist.inference.predict import class_scores, predict
from medassist.inference.prepare import prepare
from medassist.inference.result_file import decode, encode
from medassist.inference.results import forget_results
from medassist.locations import resources_dir
from medassist.progress import Progress

HIGH, LOW = 2.0, -3.0
"""Logits of the label beside a bright voxel and elsewhere."""


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def entropy(share: float) -> float:
    return -(share * math.log2(share) + (1 - share) * math.log2(1 - share))


def declare(root: Path, flips: object) -> Path:
    change_json(root, "metadata", medassist={"tta": {"flips": flips}})
    return root


def write_neighbour(root: Path, axis: int, *, windows: bool = False) -> Path:
    """Write a segmenter that marks the voxel before a bright one along an axis of its input: it knows a direction."""
    weight = torch.zeros(2, 1, 3, 3, 3)
    at = [1, 1, 1]
    at[axis] = 2
    weight[(1, 0, *at)] = HIGH - LOW
    network = {"_target_": "torch.nn.Conv3d", "in_channels": 1, "out_channels": 2, "kernel_size": 3, "padding": 1}
    inferer = {**WINDOWS, "roi_size": [8, 8, 8]} if windows else {"_target_": "SimpleInferer"}
    parts = {"network_def": network, "preprocessing": compose(*RAS), "inferer": inferer}
    about = metadata("segmentation", SEGMENTS[:1])
    return write_package(
        root, metadata=about, inference=parts, state={"weight": weight, "bias": torch.tensor([0, LOW])}
    )


def by_hand(network: torch.nn.Module, image: torch.Tensor, flips: list[list[int]]) -> torch.Tensor:
    """Return the mean softmax over the image and its flips, each turned back, the plain way."""
    answers = [network(image).softmax(1)]
    for flip in flips:
        axes = [2 + axis for axis in flip]
        answers.append(network(image.flip(axes)).softmax(1).flip(axes))
    return torch.stack(answers).mean(0)


@pytest.mark.parametrize("flips", [[[0]], [[1], [2]], [[0], [1], [0, 1]], [[0, 1, 2]]])
def test_it_is_the_mean_of_the_probabilities_turned_back(tmp_path, flips) -> None:
    package = read(declare(write_segmenter(tmp_path / "p"), flips))
    network = build_network(package).eval()
    image = torch.randn(2, 1, 16, 12, 8, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        found = averaged(network, package.flips, Progress())(image)
        expected = by_hand(network, image, flips)
        assert torch.allclose(found.exp(), expected, atol=1e-6)
        assert torch.allclose(found.softmax(1), expected, atol=1e-6)
        assert not torch.allclose(expected, network(image).softmax(1), atol=1e-3)


def test_the_spread_is_that_of_the_likeliest_class_over_all_views(tmp_path) -> None:
    flips = [[0], [1], [0, 1]]
    package = read(declare(write_segmenter(tmp_path / "p"), flips))
    network = build_network(package).eval()
    image = torch.randn(2, 1, 16, 12, 8, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        found = averaged(network, package.flips, Progress(), spread=True)(image)
        answers = [network(image).softmax(1)]
        for flip in flips:
            axes = [2 + axis for axis in flip]
            answers.append(network(image.flip(axes)).softmax(1).flip(axes))
    every = torch.stack(answers)
    winner = every.mean(0).argmax(1, keepdim=True)
    expected = every.std(0, correction=0).gather(1, winner)
    assert found.shape[1] == 4
    assert torch.allclose(found[:, 3:], expected, atol=1e-6)
    assert torch.allclose(found[:, :3].exp(), every.mean(0), atol=1e-6)
    assert expected.max() > 1e-3


def test_a_volume_in_windows_has_a_spread_at_every_voxel_and_the_same_mask_without_it(tmp_path, make_volume) -> None:
    volume = make_volume(np.random.default_rng(0).normal(100, 30, (20, 24, 28)).astype(np.float32))
    package = read(declare(write_segmenter(tmp_path / "p"), [[0], [2]]))
    found, plain = predict(package, volume, tta=True, uncertainty=True), predict(package, volume, tta=True)
    assert found.spread is not None
    assert 0.0 < found.spread.values_zyx.min() <= found.spread.values_zyx.max() < 0.5
    assert plain.spread is None
    assert found.mask is not None
    assert plain.mask is not None
    assert np.array_equal(found.mask.labels_zyx, plain.mask.labels_zyx)
    back = decode(encode(found), package, volume).spread
    assert back is not None
    assert back.kind is MapKind.SPREAD
    assert np.array_equal(back.values_zyx, found.spread.values_zyx)
    assert back.native_geometry.same_grid(found.spread.native_geometry)
    assert decode(encode(plain), package, volume).spread is None


def test_probabilities_too_small_for_a_float_stay_numbers() -> None:
    logits = torch.tensor([0.0, 1000.0, -1000.0]).reshape(1, 3, 1, 1).expand(1, 3, 4, 4)
    found = averaged(lambda _windows: logits, ((0,),), Progress())(torch.zeros(1, 1, 4, 4))
    assert found.isfinite().all()
    assert torch.allclose(found, logits.log_softmax(1), atol=1e-3)


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_network_that_knows_a_direction_marks_both_sides_half(tmp_path, make_volume, axis, windows) -> None:
    """Of a bright voxel the network marks one neighbour, mirrored the other; the mean is the same on both."""
    array = np.zeros((12, 12, 12), np.float32)
    array[5, 6, 7] = 1.0
    volume = make_volume(array)
    package = read(declare(write_neighbour(tmp_path / "p", axis, windows=windows), [[axis]]))
    sides = [[5, 6, 7], [5, 6, 7]]
    sides[0][2 - axis] -= 1
    sides[1][2 - axis] += 1
    plain = predict(package, volume, uncertainty=True)
    assert plain.mask is not None
    assert [int(plain.mask.labels_zyx[tuple(one)]) for one in sides] in ([0, 1], [1, 0])
    found = predict(package, volume, uncertainty=True, tta=True)
    assert found.uncertainty is not None
    values = found.uncertainty.values_zyx
    expected = entropy((sigmoid(HIGH) + sigmoid(LOW)) / 2)
    assert [float(values[tuple(one)]) for one in sides] == pytest.approx([expected] * 2, abs=1e-5)
    others = np.ones(values.shape, bool)
    for one in sides:
        others[tuple(one)] = False
    assert values[others] == pytest.approx(entropy(sigmoid(LOW)), abs=1e-5)
    assert found.spread is not None
    assert found.spread.kind is MapKind.SPREAD
    assert found.spread.geometry.same_grid(volume.geometry)
    assert found.spread.series_key == volume.series.key
    disagree = (sigmoid(HIGH) - sigmoid(LOW)) / 2
    assert [float(found.spread.values_zyx[tuple(one)]) for one in sides] == pytest.approx([disagree] * 2, abs=1e-5)
    assert found.spread.values_zyx[others] == pytest.approx(0.0, abs=1e-5)
    assert plain.spread is None
    assert found.manifest.flips == ((axis,),)
    assert "mirrored" in str(found.notes)
    assert plain.manifest.flips == ()
    assert "mirrored" not in str(plain.notes)


def test_flips_along_another_axis_keep_the_direction(tmp_path, make_volume) -> None:
    array = np.zeros((8, 8, 8), np.float32)
    array[3, 3, 3] = 1.0
    volume = make_volume(array)
    package = read(declare(write_neighbour(tmp_path / "p", 0), [[1], [2], [1, 2]]))
    plain, found = predict(package, volume), predict(package, volume, tta=True)
    assert plain.mask is not None
    assert found.mask is not None
    assert plain.mask.labels_zyx.any()
    assert np.array_equal(plain.mask.labels_zyx, found.mask.labels_zyx)


def test_a_classifier_gives_mean_and_spread_of_its_scores(tmp_path, make_volume) -> None:
    package = read(declare(write_classifier(tmp_path / "p"), [[0], [1], [0, 1]]))
    volume = make_volume(np.random.default_rng(0).uniform(0, 255, (1, 40, 48)).astype(np.float32))
    image, network = prepare(package, volume).tensor, build_network(package)
    network.load_state_dict(torch.load(package.weights, weights_only=True))
    network.eval()
    with torch.inference_mode():
        views = (image, image.flip([2]), image.flip([3]), image.flip([2, 3]))
        told = [class_scores(package, network(one)[0].numpy()) for one in views]
    found = predict(package, volume, tta=True).scores
    for at, score in enumerate(found):
        every = [one[at].probability for one in told]
        assert score.probability == pytest.approx(fmean(every), abs=1e-6)
        assert score.spread == pytest.approx(pstdev(every), abs=1e-6)
        assert score.spread > 1e-5
    plain = predict(package, volume).scores
    assert [one.spread for one in plain] == [None, None]
    assert [one.probability for one in plain] == pytest.approx([one.probability for one in told[0]], abs=1e-6)


def test_a_package_without_flips_is_refused_it(tmp_path, make_volume) -> None:
    package = read(write_segmenter(tmp_path / "p"))
    assert package.flips == ()
    with pytest.raises(Refused, match="declares no flips"):
        predict(package, make_volume(np.zeros((16, 16, 16), np.float32)), tta=True)
    assert read(declare(tmp_path / "p", [])).flips == ()


@pytest.mark.parametrize(
    "flips",
    [[[3]], [[-1]], [[0, 0]], [[0], [0]], [[0, 1], [1, 0]], [[]], [0], [["x"]], [[True]], [[0.0]], "0", {"0": 1}],
)
def test_what_is_no_list_of_axes_is_refused_by_its_key(tmp_path, flips) -> None:
    root = declare(write_segmenter(tmp_path / "p"), flips)
    with pytest.raises(Refused, match=r"metadata\.json.*medassist\.tta\.flips"):
        read(root)


def test_a_film_has_two_axes(tmp_path) -> None:
    root = write_classifier(tmp_path / "p")
    assert read(declare(root, [[1, 0]])).flips == ((0, 1),)
    with pytest.raises(Refused, match="from 0 to 1"):
        read(declare(root, [[2]]))


def test_an_answer_without_flips_is_not_given_for_one_with_them(tmp_path, make_volume) -> None:
    forget_results()
    package = read(declare(write_classifier(tmp_path / "p"), [[0]]))
    volume = make_volume(np.random.default_rng(0).uniform(0, 255, (1, 40, 48)).astype(np.float32))
    plain = predict(package, volume, reuse=True)
    first, again = (predict(package, volume, reuse=True, tta=True) for _ in range(2))
    assert not first.manifest.from_cache
    assert again.manifest.from_cache
    assert first.scores == again.scores != plain.scores
    assert again.manifest.flips == ((0,),)
    assert str(again.notes).count("mirrored") == 1
    assert predict(package, volume, reuse=True).scores == plain.scores
    forget_results()


def test_a_kept_file_holds_the_flips(tmp_path, make_volume) -> None:
    package = read(declare(write_classifier(tmp_path / "p"), [[0], [0, 1]]))
    volume = make_volume(np.random.default_rng(0).uniform(0, 255, (1, 40, 48)).astype(np.float32))
    answer = predict(package, volume, tta=True)
    back = decode(encode(answer), package, volume)
    assert back.manifest.flips == answer.manifest.flips == ((0,), (0, 1))
    assert back.scores == answer.scores


def test_only_the_image_as_it_is_counts_for_likeness() -> None:
    seen = Seen(lambda windows: (windows.mean((2, 3)), windows[:, :, 0, 0]), "mean")
    image = torch.arange(16.0).reshape(1, 1, 4, 4)
    for view in views(seen, ((0,), (1,))):
        view(image)
    assert seen.features.tolist() == [0.0]


def test_it_stops_between_two_views() -> None:
    progress, calls = Progress(), []

    def forward(windows: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        progress.cancel()
        return windows

    with pytest.raises(Cancelled):
        averaged(forward, ((0,), (1,)), progress)(torch.zeros(1, 2, 4, 4))
    assert len(calls) == 1


def test_the_shipped_film_model_averages_left_and_right() -> None:
    """Axis 0 of its input runs across the film: the mean is that of the film and of the film held the wrong way."""
    series = scan(resources_dir() / "samples/RG1_J2KR.dcm", progress=Progress()).all_series()[0]
    film, package = load(series, progress=Progress()), find("chest_xray_findings")
    assert package.flips == ((0,),)
    recipe = (package.root / "recipe.toml").read_text(encoding="utf-8")
    assert "flips = [[0]]" in recipe
    mirrored = replace(film, array_tzyx=np.ascontiguousarray(film.array_tzyx[:, :, :, ::-1]))
    one, other, both = (predict(package, film), predict(package, mirrored), predict(package, film, tta=True))
    expected = [(a.probability + b.probability) / 2 for a, b in zip(one.scores, other.scores, strict=True)]
    assert [score.probability for score in both.scores] == pytest.approx(expected, abs=2e-3)
    assert max(abs(a.probability - b.probability) for a, b in zip(one.scores, other.scores, strict=True)) > 5e-3
    assert one.checks == both.checks
    told = json.loads((package.root / "configs/metadata.json").read_text(encoding="utf-8"))
    assert told["medassist"]["tta"] == {"flips": [[0]]}
