"""Turned and scaled views: where they look, that their answers come home, and that the answer is their mean."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bundles import change_json, write_classifier, write_segmenter
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import affine_transform

from medassist.entities.errors import Cancelled, Refused
from medassist.inference.averaging import averaged
from medassist.inference.bundle import build_network
from medassist.inference.packages import read
from medassist.inference.predict import predict
from medassist.inference.turns import Turn, turned, turned_back
from medassist.progress import Progress

VIEWS = [{"scale": 0.9}, {"degrees": [8, 0, 0]}, {"scale": 1.1, "degrees": [0, -5, 3]}]
TURNS = (Turn(0.9), Turn(degrees=(8.0, 0.0, 0.0)), Turn(1.1, (0.0, -5.0, 3.0)))


def smooth(shape: tuple[int, ...]) -> torch.Tensor:
    """Return a bump off the middle, too smooth for linear sampling to matter much."""
    axes = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij")
    away = sum((axis - shift) ** 2 for axis, shift in zip(axes, (0.15, -0.1, 0.2), strict=True))
    return torch.as_tensor(np.exp(-3.0 * away), dtype=torch.float32)[None, None]


@pytest.mark.parametrize("turn", TURNS)
def test_a_view_looks_where_scipy_looks(turn: Turn) -> None:
    image = torch.rand(1, 1, 14, 10, 17)
    middle = (np.array(image.shape[2:]) - 1) / 2
    wanted = affine_transform(
        image[0, 0].numpy(), turn.matrix, middle - turn.matrix @ middle, order=1, mode="grid-constant"
    )
    np.testing.assert_allclose(turned(image, turn)[0, 0].numpy(), wanted, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.85, 1.2), st.tuples(*[st.floats(-15, 15)] * 3))
def test_what_is_turned_comes_home(scale: float, degrees: tuple[float, float, float]) -> None:
    image, turn = smooth((40, 52, 44)), Turn(scale, degrees)
    home, held = turned_back(turned(image, turn), turn)
    inside = (slice(None), slice(None), *(slice(13, -13),) * 3)
    assert (home - image)[inside].abs().max() < 0.02
    assert held.min() >= 0.0
    assert held[inside].min() > 0.999
    assert held.max() < 1.0001


def test_the_answer_is_the_mean_of_all_views(tmp_path) -> None:
    root = write_segmenter(tmp_path / "p")
    change_json(root, "metadata", medassist={"turns": VIEWS, "tta": {"flips": [[0]]}})
    package = read(root)
    assert package.turns == TURNS
    network, image = build_network(package).eval(), torch.rand(2, 1, 8, 12, 16)
    with torch.inference_mode():
        found = averaged(network, package.flips, Progress(), turns=package.turns)(image).exp()
        total, seen = network(image).softmax(1), torch.ones(2, 1, 8, 12, 16)
        total, seen = total + network(image.flip([2])).softmax(1).flip([2]), seen + 1
        for turn in TURNS:
            share, held = turned_back(network(turned(image, turn)).softmax(1), turn)
            total, seen = total + share, seen + held
    torch.testing.assert_close(found, total / seen, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.sum(1), torch.ones(2, 8, 12, 16), atol=1e-4, rtol=0)


def test_a_run_takes_them_unasked(tmp_path, make_volume) -> None:
    root = write_segmenter(tmp_path / "p")
    volume = make_volume(np.random.default_rng(0).normal(size=(16, 16, 16)).astype(np.float32))
    plain = predict(read(root), volume)
    change_json(root, "metadata", medassist={"turns": [{"scale": 0.8}, {"scale": 1.25}, {"degrees": [25, 25, 25]}]})
    found = predict(read(root), volume)
    assert plain.mask is not None
    assert found.mask is not None
    assert found.mask.labels_zyx.shape == plain.mask.labels_zyx.shape
    assert (found.mask.labels_zyx != plain.mask.labels_zyx).any(), "views so far apart change some voxel"


def test_it_stops_between_two_views(tmp_path) -> None:
    progress = Progress()

    def forward(windows: torch.Tensor) -> torch.Tensor:
        progress.cancel()
        return torch.zeros(len(windows), 2, *windows.shape[2:])

    with pytest.raises(Cancelled):
        averaged(forward, (), progress, turns=TURNS)(torch.zeros(1, 1, 4, 4, 4))


@pytest.mark.parametrize(
    "told",
    [
        {"scale": 0.9}, [{}], [{"scale": 2.0}], [{"scale": True}], [{"degrees": [5, 0]}], [{"degrees": [45, 0, 0]}],
        [{"degrees": ["5", 0, 0]}], [{"scale": 1.0, "shear": 1}], ["0.9"], [{"scale": 0.95}] * 9,
    ],
)  # fmt: skip
def test_what_is_no_view_is_refused(tmp_path, told) -> None:
    root = write_segmenter(tmp_path / "p")
    change_json(root, "metadata", medassist={"turns": told})
    with pytest.raises(Refused, match="turns"):
        read(root)


def test_scores_have_no_turned_views(tmp_path) -> None:
    root = write_classifier(tmp_path / "p")
    change_json(root, "metadata", medassist={"turns": [{"scale": 0.9}]})
    with pytest.raises(Refused, match="turns"):
        read(root)
