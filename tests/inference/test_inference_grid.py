"""A marker at a known place comes back to that place, through every grid change a package may ask for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bundles import compose, write_classifier, write_segmenter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medassist.entities.errors import Cancelled, Refused
from medassist.entities.geometry import Geometry
from medassist.entities.study import SeriesKind
from medassist.entities.volume import Window
from medassist.inference.packages import read
from medassist.inference.prepare import displayed, prepare, prepare_image, restore, restore_labels, voxels_coincide
from medassist.progress import Progress, Step

CHAINS_3D = {
    "as it is": (),
    "orientation": ({"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},),
    "other letters": ({"_target_": "Orientationd", "keys": "image", "axcodes": "PIL"},),
    "spacing": (
        {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
        {"_target_": "Spacingd", "keys": "image", "pixdim": [1.3, 1.1, 0.9], "mode": "bilinear"},
    ),
    "pads and crops": (
        {"_target_": "DivisiblePadd", "keys": "image", "k": 8},
        {"_target_": "CropForegroundd", "keys": "image", "source_key": "image", "margin": 4, "allow_smaller": True},
        {"_target_": "ResizeWithPadOrCropd", "keys": "image", "spatial_size": [25, 22, 31]},
        {"_target_": "SpatialPadd", "keys": "image", "spatial_size": [28, 28, 28]},
    ),
    "resize": (
        {"_target_": "Flipd", "keys": "image", "spatial_axis": 1},
        {"_target_": "Resized", "keys": "image", "spatial_size": [30, 21, 26], "mode": "trilinear"},
    ),
}
CHAINS_2D = {
    "as it is": (),
    "area": ({"_target_": "Resized", "keys": "image", "spatial_size": [17, 26], "mode": "area"},),
    "square": (
        {"_target_": "SpatialPadd", "keys": "image", "spatial_size": [48, 48]},
        {"_target_": "CenterSpatialCropd", "keys": "image", "roi_size": [40, 40]},
        {"_target_": "Resized", "keys": "image", "spatial_size": [24, 24], "mode": "bilinear", "align_corners": False},
    ),
    "longest": ({"_target_": "Resized", "keys": "image", "spatial_size": 24, "size_mode": "longest"},),
    "spacing": ({"_target_": "Spacingd", "keys": "image", "pixdim": [1.0, 1.0]},),
}


@pytest.fixture(scope="module")
def segmenters(tmp_path_factory):
    root = tmp_path_factory.mktemp("chains")
    return {
        name: read(write_segmenter(root / str(at), preprocessing=compose(*chain)))
        for at, (name, chain) in enumerate(CHAINS_3D.items())
    }


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory):
    root = tmp_path_factory.mktemp("films")
    return {
        name: read(write_classifier(root / str(at), preprocessing=compose(*chain)))
        for at, (name, chain) in enumerate(CHAINS_2D.items())
    }


@st.composite
def affines(draw, low=0.6, high=2.0):
    """Anisotropic, oblique, in any order of axes and with flips, anywhere in space."""
    angles = [draw(st.floats(-3.1, 3.1)) for _ in range(3)]
    rotation = np.eye(3)
    for axis, angle in enumerate(angles):
        turn = np.eye(3)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turn[[first, first, second, second], [first, second, first, second]] = (
            np.cos(angle),
            -np.sin(angle),
            np.sin(angle),
            np.cos(angle),
        )
        rotation = rotation @ turn
    signs = [draw(st.sampled_from([-1.0, 1.0])) for _ in range(3)]
    spacing = [draw(st.floats(low, high)) for _ in range(3)]
    affine = np.eye(4)
    affine[:3, :3] = rotation @ np.diag(signs) @ np.diag(spacing)
    affine[:3, 3] = [draw(st.floats(-200, 200)) for _ in range(3)]
    return affine


def blob(geometry: Geometry, center_mm: np.ndarray, sigma_mm: float) -> np.ndarray:
    """A round bright marker on a dark background."""
    k, j, i = np.indices(geometry.shape_zyx)
    distance = np.linalg.norm(geometry.to_world(np.stack([i, j, k], axis=-1)) - center_mm, axis=-1)
    return np.exp(-0.5 * (distance / sigma_mm) ** 2).astype(np.float32)


def centroid_mm(values: np.ndarray, geometry: Geometry) -> np.ndarray:
    """The centre of what is brighter than a tenth of the maximum, in mm."""
    weight = np.where(values > 0.1 * values.max(), values, 0.0)
    k, j, i = np.indices(geometry.shape_zyx)
    world = geometry.to_world(np.stack([i, j, k], axis=-1))
    return (world * weight[..., None]).sum(axis=(0, 1, 2)) / weight.sum()


SLOW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("chain", CHAINS_3D)
@SLOW
@given(affine=affines(), where=st.tuples(*[st.floats(0.4, 0.6)] * 3))
def test_a_marker_comes_home_through_any_grid(segmenters, chain, affine, where) -> None:
    home = Geometry(affine, (22, 26, 24), "1.2.3")
    place = home.to_world(np.array(where) * [23, 25, 21])
    prepared = prepare_image(segmenters[chain], blob(home, place, 2.5), home)
    on_grid = prepared.to_zyx(prepared.tensor[0, 0].numpy())
    half_voxel = 0.5 * min(prepared.grid.spacing_mm)
    assert prepared.grid.frame_of_reference_uid == "1.2.3"
    assert np.linalg.norm(centroid_mm(on_grid, prepared.grid) - place) < half_voxel
    back = restore(on_grid, prepared.grid, home, linear=True)
    assert np.linalg.norm(centroid_mm(back, home) - place) < half_voxel


@pytest.mark.parametrize("chain", CHAINS_2D)
@SLOW
@given(affine=affines(), where=st.tuples(*[st.floats(0.4, 0.6)] * 2))
def test_a_marker_on_a_film_comes_home(classifiers, chain, affine, where) -> None:
    home = Geometry(affine, (1, 44, 36))
    place = home.to_world([where[0] * 35, where[1] * 43, 0])
    prepared = prepare_image(classifiers[chain], blob(home, place, 3.0), home)
    on_grid = prepared.to_zyx(prepared.tensor[0, 0].numpy())
    assert on_grid.shape == prepared.grid.shape_zyx
    half_voxel = 0.5 * min(prepared.grid.spacing_mm[:2])
    assert np.linalg.norm(centroid_mm(on_grid, prepared.grid) - place) < half_voxel
    back = restore(on_grid, prepared.grid, home, linear=True)
    assert np.linalg.norm(centroid_mm(back, home) - place) < half_voxel


def test_x_comes_first_in_the_tensor(classifiers, segmenters) -> None:
    film = np.zeros((44, 36))
    film[5, 30] = 1
    tensor = prepare_image(classifiers["as it is"], film).tensor
    assert tensor.shape == (1, 1, 36, 44)
    assert tensor[0, 0, 30, 5] == 1
    volume = np.zeros((20, 22, 24))
    volume[3, 5, 7] = 1
    assert prepare_image(segmenters["as it is"], volume).tensor[0, 0, 7, 5, 3] == 1


@given(affine=affines(), shape=st.tuples(*[st.integers(1, 6)] * 3))
@settings(max_examples=25, deadline=None)
def test_an_identical_grid_gives_an_exact_copy(affine, shape) -> None:
    grid = Geometry(affine, shape, "1.2.3")
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    back = restore(values, grid, Geometry(affine.copy(), shape, "1.2.3"), linear=True)
    assert np.array_equal(back, values)
    assert back is not values


@pytest.mark.parametrize("chain", ["orientation", "other letters"])
@SLOW
@given(affine=affines(), seed=st.integers(0, 9))
def test_labels_come_home_exactly_when_voxels_only_change_places(segmenters, chain, affine, seed) -> None:
    home = Geometry(affine, (5, 6, 7), "1.2.3")
    labels = np.random.default_rng(seed).integers(0, 3, home.shape_zyx).astype(np.uint8)
    prepared = prepare_image(segmenters[chain], labels, home)
    on_grid = prepared.to_zyx(prepared.tensor[0, 0].numpy())
    assert voxels_coincide(prepared.grid, home)
    scores = np.stack([(on_grid == value).astype(np.float32) for value in range(3)])
    assert np.array_equal(restore_labels(scores, prepared.grid, home), labels)


def test_labels_of_a_coarser_grid_fill_the_same_box() -> None:
    home = Geometry(np.diag([1.0, 1.0, 1.0, 1.0]), (12, 12, 12))
    coarse = home.coarser((4, 4, 4))
    inside = np.zeros((4, 4, 4), np.float32)
    inside[:, 1:3, :2] = 1
    labels = restore_labels(np.stack([1 - inside, inside]), coarse, home)
    assert not voxels_coincide(coarse, home)
    assert np.flatnonzero(labels[5, 6]).tolist() == [0, 1, 2, 3, 4, 5]
    assert np.flatnonzero(labels[5, :, 2]).tolist() == [3, 4, 5, 6, 7, 8]
    assert np.flatnonzero(labels[:, 6, 2]).tolist() == list(range(12))


def test_the_way_home_of_many_labels_can_be_cancelled_between_two() -> None:
    home = Geometry(np.eye(4), (8, 8, 8))
    steps = []

    def listen(step: Step) -> None:
        steps.append(step.fraction)
        if step.fraction == 0.5:
            progress.cancel()

    progress = Progress(listen)
    with pytest.raises(Cancelled):
        restore_labels(np.zeros((5, 4, 4, 4), np.float32), home.coarser((4, 4, 4)), home, progress=progress)
    assert steps == [0.0, 0.25, 0.5]


def test_outside_the_grid_is_background() -> None:
    home = Geometry(np.eye(4), (8, 8, 8))
    shifted = np.diag([1.1, 1.1, 1.1, 1.0])
    small = Geometry(shifted, (3, 3, 3))
    scores = np.stack([np.full((3, 3, 3), value, np.float32) for value in (0.2, 0.8)])
    labels = restore_labels(scores, small, home)
    assert labels[1, 1, 1] == 1
    assert labels[5:].max() == 0


def test_what_does_not_match_is_refused_never_guessed() -> None:
    home = Geometry(np.eye(4), (4, 5, 6), "1.2.3")
    other = Geometry(np.eye(4), (4, 5, 6), "1.2.4")
    with pytest.raises(Refused, match="do not fit their grid"):
        restore(np.zeros((6, 5, 4)), home, home, linear=True)
    with pytest.raises(Refused, match="different frames of reference"):
        restore(np.zeros((4, 5, 6)), other, home, linear=True)


def test_irregular_series_are_refused(segmenters, make_volume) -> None:
    volume = make_volume(
        np.zeros((4, 5, 6), np.int16), irregularity="a gap of 6 mm after 3.dcm.", kind=SeriesKind.STACK
    )
    with pytest.raises(Refused, match=r"regular grid: a gap of 6 mm after 3.dcm\.$"):
        prepare(segmenters["orientation"], volume)


def test_dimensions_and_channels_must_fit(segmenters, classifiers, make_volume) -> None:
    with pytest.raises(Refused, match="takes 2-dimensional images; this one has 4 slices"):
        prepare(classifiers["area"], make_volume(np.zeros((4, 5, 6), np.int16)))
    with pytest.raises(Refused, match="takes 3-dimensional images; this one has 1 slices"):
        prepare(segmenters["orientation"], make_volume(np.zeros((1, 5, 6), np.int16)))
    color = np.zeros((1, 5, 6, 3), np.uint8)
    color[..., 0] = 9
    with pytest.raises(Refused, match="takes 1 colour channels; this image has 3"):
        prepare(classifiers["area"], make_volume(color))


def test_a_film_reaches_the_network_as_a_reader_sees_it(classifiers, make_volume) -> None:
    values = np.linspace(0, 1000, 44 * 36).reshape(1, 44, 36).astype(np.int16)
    window = (Window(500, 501),)
    dark_bones = make_volume(values, kind=SeriesKind.FILM, windows=window, inverted=True)
    plain = make_volume(values, kind=SeriesKind.FILM, windows=window)
    assert np.array_equal(displayed(dark_bones), 255 - displayed(plain))
    tensor = prepare(classifiers["as it is"], plain).tensor
    assert (tensor.min(), tensor.max()) == (0, 255)
    assert np.array_equal(tensor[0, 0].numpy().T[None], displayed(plain))
    assert displayed(plain)[values < 249].max() == 0
    assert displayed(plain)[values > 750].min() == 255


def test_grey_films_stored_as_colour_are_taken(classifiers, make_volume) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (1, 44, 36, 1)).astype(np.uint8)
    tensor = prepare(classifiers["as it is"], make_volume(np.repeat(grey, 3, axis=-1), kind=SeriesKind.FILM)).tensor
    assert np.array_equal(tensor[0, 0].numpy().T, grey[0, ..., 0])


def test_the_chosen_time_point_is_prepared(segmenters) -> None:
    from medassist.entities.study import Series
    from medassist.entities.volume import Volume

    array = np.stack([np.full((4, 4, 4), time, np.int16) for time in (1, 2)])
    volume = Volume(Series("k", SeriesKind.VOLUME, ()), array, Geometry(np.eye(4), (4, 4, 4)))
    assert prepare(segmenters["as it is"], volume, time=1).tensor.unique().tolist() == [2.0]


@pytest.mark.parametrize("inverted", [False, True])
def test_what_holds_no_data_does_not_reach_the_network(segmenters, make_volume, inverted) -> None:
    values = np.full((6, 6, 6), 40, np.int16)
    values[2:4] = -1000
    values[0] = -32768
    volume = replace(make_volume(values, inverted=inverted), padding=(-32768.0, -2000.0))
    tensor = prepare(segmenters["as it is"], volume).tensor[0, 0]
    assert sorted(tensor.unique().tolist()) == [-1000, 40]
    assert tensor[:, :, 0].unique().tolist() == [40 if inverted else -1000]
    assert volume.array_zyx.min() == -32768
