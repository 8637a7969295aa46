"""From a box to a mask: where the picture lies, what is remembered, and how a region is followed through slices."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from medassist.entities.errors import Cancelled, Refused, UsageError
from medassist.entities.geometry import Geometry
from medassist.entities.prompt import Box
from medassist.entities.volume import Window
from medassist.inference.catalogue import find
from medassist.inference.interactive import outline as room
from medassist.inference.interactive.follow import box_around, follow, reason_to_stop
from medassist.inference.interactive.outline import embed, forget_embeddings, outline
from medassist.inference.interactive.picture import PICTURE, Grey, grey_levels, plane_of, square_of, to_picture
from medassist.inference.network import LoadedNetwork
from medassist.progress import Progress

GREY = Grey(Window(50, 100))


class BrightInBox(torch.nn.Module):
    """Marks what is bright inside the box: exact, so that places can be checked to the voxel."""

    def __init__(self):
        super().__init__()
        self.embedded = 0

    def embed(self, picture):
        self.embedded += 1
        return picture[:, :1]

    def forward(self, features, box):
        centers = torch.arange(PICTURE) + 0.5
        inside = (centers > box[0]) & (centers < box[2])
        rows = (centers > box[1]) & (centers < box[3])
        return torch.where(rows[:, None] & inside & (features[0, 0] > 0.5), 5.0, -5.0)[None, None]


@pytest.fixture
def package():
    return find("litemedsam")


@pytest.fixture
def network(package, monkeypatch):
    module = BrightInBox()
    loaded = LoadedNetwork(module, package, "cpu")
    monkeypatch.setattr(room, "load_network", lambda _package, _device: loaded)
    forget_embeddings()
    yield module
    forget_embeddings()


def ball(depth=20, rows=64, columns=96, radius=12.0, center=(10, 30, 50)):
    z, y, x = np.ogrid[:depth, :rows, :columns]
    inside = (z - center[0]) ** 2 * 4 + (y - center[1]) ** 2 + (x - center[2]) ** 2 < radius**2
    return np.where(inside, 100, 0).astype(np.int16), inside


def outlined(package, volume, box, grey=GREY):
    return outline(embed(package, volume, box.slice_index, grey, device="cpu", progress=Progress()), box,
                   progress=Progress())  # fmt: skip


def test_the_longer_side_in_millimetres_fills_the_picture():
    wide = square_of(Geometry(np.diag([1.0, 1.0, 5.0, 1.0]), (1, 50, 200)))
    assert (wide.rows, wide.columns) == (64, 256)
    flat_pixels = square_of(Geometry(np.diag([0.5, 2.0, 5.0, 1.0]), (1, 100, 200)))
    assert (flat_pixels.rows, flat_pixels.columns) == (256, 128)
    with pytest.raises(Refused, match="too narrow"):
        square_of(Geometry(np.eye(4), (1, 1, 2000)))


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 1.25), (2.0, 0.7)])
def test_a_box_comes_home_where_it_was_drawn(network, package, make_volume, spacing):
    array = np.full((3, 96, 160), 100, np.int16)
    array[1, 0, 0] = 0  # so that the picture has a range
    volume = make_volume(array, np.diag([*spacing, 3.0, 1.0]))
    mask = outlined(package, volume, Box(30, 20, 69, 49, 1))
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    # the corners of a box are the centres of its outermost voxels, so half a voxel of either may be lost
    np.testing.assert_allclose([columns[0], columns[-1], rows[0], rows[-1]], [30, 69, 20, 49], atol=1.5)
    assert abs(columns.mean() - 49.5) <= 0.5
    assert abs(rows.mean() - 34.5) <= 0.5


def test_a_mask_reaches_the_edge_of_the_slice(network, package, make_volume):
    array = np.zeros((1, 100, 100), np.int16)
    array[0, :40, 60:] = 100
    mask = outlined(package, make_volume(array), Box(50, -5, 120, 45, 0))
    assert mask[0, 80]
    assert mask[20, 99]
    assert not mask[60].any()


def test_the_model_sees_what_the_reader_sees(make_volume):
    array = np.array([[[0, 50, 100, 200]]], np.int16).repeat(4, axis=1)
    volume = make_volume(array)
    shown = grey_levels(volume, 0, Grey(Window(100, 201, function="LINEAR")))
    swapped = grey_levels(volume, 0, Grey(Window(100, 201, function="LINEAR"), inverted=True))
    assert shown[0, 0].tolist() == sorted(shown[0, 0])
    np.testing.assert_array_equal(shown, 255 - swapped)
    film = replace(volume, inverted=True)
    np.testing.assert_array_equal(grey_levels(film, 0, Grey(Window(100, 201, function="LINEAR"))), swapped)
    with pytest.raises(Refused, match="window"):
        grey_levels(volume, 0, Grey(None))


def test_colour_is_seen_as_colour(make_volume):
    array = np.zeros((2, 4, 6, 3), np.uint8)
    array[1, ..., 2] = 200
    volume = make_volume(array)
    assert grey_levels(volume, 1, Grey(None))[:, 0, 0].tolist() == [0, 0, 200]


def test_the_picture_ends_in_zeros(make_volume):
    volume = make_volume(np.full((1, 50, 100), 70, np.int16))
    square = square_of(plane_of(volume, 0))
    levels = np.broadcast_to(np.linspace(20, 90, 100, dtype=np.float32), (3, 50, 100)).copy()
    picture = to_picture(levels, square)
    assert picture.shape == (1, 3, 256, 256)
    assert (float(picture.min()), float(picture.max())) == (0.0, 1.0)
    assert not picture[:, :, 128:].any()


def test_a_slice_is_embedded_once_per_window(network, package, make_volume):
    array, _ = ball()
    volume, other = make_volume(array), make_volume(array)
    for column in (30, 35, 40):
        outlined(package, volume, Box(column, 10, 80, 50, 10))
    assert network.embedded == 1
    outlined(package, volume, Box(30, 10, 80, 50, 11))
    outlined(package, volume, Box(30, 10, 80, 50, 10), Grey(Window(40, 80)))
    outlined(package, other, Box(30, 10, 80, 50, 10))
    assert network.embedded == 4
    outlined(package, volume, Box(30, 10, 80, 50, 10))
    assert network.embedded == 4


@pytest.mark.parametrize("box", [Box(200, 10, 220, 20, 10), Box(5, 5, 5, 40, 10), Box(-9, -9, -1, -1, 10)])
def test_a_box_that_covers_nothing_is_bad_usage(network, package, make_volume, box):
    with pytest.raises(UsageError, match="covers less than two"):
        outlined(package, make_volume(ball()[0]), box)


@pytest.mark.parametrize("index", [-1, 20, 999])
def test_a_slice_that_does_not_exist_is_bad_usage(network, package, make_volume, index):
    with pytest.raises(UsageError, match="has no slice"):
        outlined(package, make_volume(ball()[0]), Box(30, 10, 80, 50, index))


def test_a_model_without_boxes_takes_none(make_volume):
    with pytest.raises(UsageError, match="takes no box"):
        embed(find("hippocampus_mr"), make_volume(ball()[0]), 1, GREY, progress=Progress())


def test_a_ball_is_followed_to_both_its_ends(network, package, make_volume):
    array, inside = ball()
    volume = make_volume(array)
    start = outlined(package, volume, Box(36, 16, 64, 44, 10))
    found = follow(package, volume, start, 10, GREY, device="cpu", progress=Progress())
    touched = np.flatnonzero(inside.any(axis=(1, 2)))
    assert set(found.slices) <= set(touched.tolist())
    assert min(found.slices) <= touched[0] + 1
    assert max(found.slices) >= touched[-1] - 1
    whole = np.zeros(array.shape, bool)
    for index, mask in found.slices.items():
        whole[index] = mask
    assert 2 * np.count_nonzero(whole & inside) / (np.count_nonzero(whole) + np.count_nonzero(inside)) > 0.95
    assert all("marked" in reason for reason in found.ended)


def test_a_region_that_reaches_the_last_slice_ends_there(network, package, make_volume):
    array = np.zeros((6, 64, 64), np.int16)
    array[:, 20:40, 20:40] = 100
    volume = make_volume(array)
    start = outlined(package, volume, Box(16, 16, 44, 44, 3))
    found = follow(package, volume, start, 3, GREY, device="cpu", progress=Progress())
    assert list(found.slices) == [0, 1, 2, 3, 4, 5]
    assert found.ended == ("the series ends here", "the series ends here")


def test_following_stops_where_it_would_leak():
    small, large, away = (np.zeros((40, 40), bool) for _ in range(3))
    small[10:20, 10:20] = large[5:30, 5:30] = away[22:32, 22:32] = True
    assert reason_to_stop(small, small) == ""
    assert "doubles" in reason_to_stop(small, large)
    assert "elsewhere" in reason_to_stop(small, away)
    assert "nothing more" in reason_to_stop(small, np.zeros_like(small))


def test_nothing_and_irregular_slices_are_not_followed(network, package, make_volume):
    volume = make_volume(ball()[0])
    with pytest.raises(Refused, match="nothing marked"):
        follow(package, volume, np.zeros((64, 96), bool), 3, GREY, progress=Progress())
    tilted = make_volume(ball()[0], irregularity="slices are missing")
    with pytest.raises(Refused, match="slices are missing"):
        follow(package, tilted, np.ones((64, 96), bool), 3, GREY, progress=Progress())


def test_following_stops_at_the_next_slice_when_cancelled(network, package, make_volume):
    array = np.zeros((30, 64, 64), np.int16)
    array[:, 20:40, 20:40] = 100
    volume = make_volume(array)
    start = outlined(package, volume, Box(16, 16, 44, 44, 15))
    before = network.embedded
    progress = Progress(lambda step: progress.cancel() if network.embedded == before + 2 else None)
    with pytest.raises(Cancelled):
        follow(package, volume, start, 15, GREY, device="cpu", progress=progress)
    assert network.embedded == before + 2


def test_one_network_is_asked_by_one_thread_at_a_time(network, package, make_volume):
    volume = make_volume(ball()[0])
    embedding = embed(package, volume, 10, GREY, device="cpu", progress=Progress())
    done = threading.Event()
    with embedding.network.lock:
        asked = threading.Thread(
            target=lambda: (outline(embedding, Box(36, 16, 64, 44, 10), progress=Progress()), done.set())
        )
        asked.start()
        assert not done.wait(0.3)
    asked.join()
    assert done.is_set()


def test_box_around_reaches_the_margin_further():
    mask = np.zeros((30, 40), bool)
    mask[5:9, 20:31] = True
    assert box_around(mask, 4, margin=3) == Box(17, 2, 33, 11, 4)
