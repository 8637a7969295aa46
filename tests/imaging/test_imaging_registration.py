"""A template laid over images made of it: the place is known to a fraction of a millimetre."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from medassist.entities.errors import Cancelled
from medassist.entities.geometry import Geometry
from medassist.imaging.coarse import below_top, isotropic
from medassist.imaging.load import load
from medassist.imaging.registration import Alignment, align
from medassist.imaging.scan import scan
from medassist.locations import shipped_models_dir
from medassist.progress import Progress

LANDMARKS = np.array([[25.0, 23.0, -12.0], [-25.0, 23.0, -12.0], [0.0, -50.0, 20.0], [0.0, 80.0, 30.0]])


@pytest.fixture(scope="module")
def brain():
    """Return the shipped template, a brain without its skull."""
    path = shipped_models_dir() / "hippocampus_mr" / "template" / "mni152_t1_2mm.nii.gz"
    return load(scan(path, progress=Progress()).studies[0].series[0])


def head_of(brain, change: np.ndarray):
    """Return a head (values, grid): the brain in a bright shell, uneven and noisy, moved by `change` (4 x 4, LPS)."""
    from scipy import ndimage

    values = np.pad(np.asarray(brain.array_zyx, np.float32), 12)
    distance = ndimage.distance_transform_edt(values == 0, sampling=2.0)
    scalp = (distance > 8.0) & (distance < 14.0)
    _slices, rows, _columns = np.indices(values.shape) / np.array(values.shape)[:, None, None, None]
    uneven = (values + 220.0 * scalp) * (0.7 + 0.6 * rows) + np.random.default_rng(0).normal(0.0, 6.0, values.shape)
    shift = np.eye(4)
    shift[:3, 3] = -12
    return uneven.astype(np.float32), Geometry(change @ brain.geometry.affine_lps @ shift, values.shape)


def moved(degrees: tuple[float, float, float], scale: tuple[float, float, float]) -> np.ndarray:
    change = np.eye(4)
    change[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() @ np.diag(scale)
    change[:3, 3] = (40.0, -25.0, 300.0)
    return change


def test_place_size_and_turn_of_a_head_are_found(brain):
    change = moved((14.0, -5.0, 8.0), (0.92, 0.88, 1.05))
    found = align(brain.array_zyx, brain.geometry, *head_of(brain, change), progress=Progress())
    truth = LANDMARKS @ change[:3, :3].T + change[:3, 3]
    assert np.linalg.norm(found.place(LANDMARKS) - truth, axis=1).max() < 1.0
    assert found.similarity > 0.7
    assert found.covered == pytest.approx(1.0)
    assert found.scales == pytest.approx((0.88, 0.92, 1.05), abs=0.02)


def test_storage_order_of_a_head_changes_nothing(brain):
    values, grid = head_of(brain, moved((5.0, 0.0, 0.0), (0.9, 0.9, 0.9)))
    as_it_is = align(brain.array_zyx, brain.geometry, values, grid, progress=Progress())
    flip = np.diag([-1.0, 1.0, -1.0, 1.0])
    flip[:3, 3] = (values.shape[2] - 1, 0, values.shape[0] - 1)
    other = Geometry(grid.affine_lps @ flip, grid.shape_zyx)
    flipped = align(brain.array_zyx, brain.geometry, values[::-1, :, ::-1], other, progress=Progress())
    assert np.abs(flipped.place(LANDMARKS) - as_it_is.place(LANDMARKS)).max() < 0.5


def test_a_head_upside_down_is_not_like_the_template(brain):
    values, grid = head_of(brain, np.eye(4))
    found = align(brain.array_zyx, brain.geometry, values[::-1], grid, progress=Progress())
    assert found.similarity < 0.3


def test_a_bright_ball_is_not_like_the_template(brain):
    slices, rows, columns = np.indices((90, 100, 80))
    ball = (((slices - 45) / 37) ** 2 + ((rows - 50) / 44) ** 2 + ((columns - 40) / 35) ** 2 < 1) * 100.0
    noisy = ball + np.random.default_rng(0).normal(0.0, 4.0, ball.shape)
    grid = Geometry(np.diag([2.0, 2.0, 2.0, 1.0]), ball.shape)
    assert align(brain.array_zyx, brain.geometry, noisy, grid, progress=Progress()).similarity < 0.2


def test_an_empty_image_gives_no_likeness_and_no_crash(brain):
    grid = Geometry(np.diag([2.0, 2.0, 2.0, 1.0]), (80, 80, 80))
    found = align(brain.array_zyx, brain.geometry, np.zeros((80, 80, 80), np.int16), grid, progress=Progress())
    assert found.similarity == 0.0


def test_cancel_stops_the_registration(brain):
    steps = []

    def stop_at_third(step) -> None:
        steps.append(step)
        if len(steps) == 3:
            progress.cancel()

    progress = Progress(stop_at_third)
    with pytest.raises(Cancelled):
        align(brain.array_zyx, brain.geometry, *head_of(brain, np.eye(4)), progress=progress)
    assert len(steps) == 3


def test_figures_of_an_alignment():
    turn = Rotation.from_euler("x", 20, degrees=True).as_matrix()
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ np.diag([0.8, 1.1, 0.9])
    found = Alignment(matrix, 0.5, 1.0)
    assert found.scales == pytest.approx((0.8, 0.9, 1.1))
    assert found.degrees == pytest.approx(20.0)
    assert np.allclose(found.rotation, turn)


def test_coarse_copy_keeps_places_and_means():
    values = np.zeros((40, 60, 50), np.int16)
    values[10:20, 20:40, 15:35] = 800
    affine = np.array([[0.0, 0.0, 1.5, -20.0], [0.5, 0.0, 0.0, 7.0], [0.0, -0.5, 0.0, 90.0], [0.0, 0.0, 0.0, 1.0]])
    grid = Geometry(affine, values.shape)
    coarse, upright = isotropic(values, grid, 2.0)
    centre = np.argwhere(coarse > 400)[:, ::-1].mean(axis=0)
    assert np.abs(upright.to_world(centre) - grid.to_world([24.5, 29.5, 14.5])).max() < 0.8
    assert coarse.max() == pytest.approx(800, rel=0.01)
    assert np.allclose(upright.affine_lps[:3, :3], np.diag([2.0, 2.0, 2.0]))


def test_point_below_the_top_ignores_what_hangs_below():
    values = np.zeros((100, 60, 60), np.float32)
    values[60:90, 10:50, 10:50] = 100.0
    values[:50, 40:60, :] = 100.0
    values[50:60, 40:50, 20:40] = 100.0
    grid = Geometry(np.diag([2.0, 2.0, 2.0, 1.0]), values.shape)
    point = below_top(values, grid, 30.0)
    assert point == pytest.approx((59.0, 59.0, 178.0 - 30.0), abs=2.5)
