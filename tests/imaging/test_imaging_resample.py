"""From grid to grid: by millimetres, not by indices."""

from __future__ import annotations

import numpy as np
import pytest
from phantoms import CORONAL, SAGITTAL, affine_lps

from medassist.entities.geometry import Geometry
from medassist.imaging.resample import resample


def field(geometry):
    """A linear function of the place in the patient: linear interpolation must reproduce it exactly."""
    k, j, i = np.indices(geometry.shape_zyx)
    x, y, z = np.moveaxis(geometry.to_world(np.stack([i, j, k], axis=-1)), -1, 0)
    return (2 * x - 3 * y + 0.5 * z).astype(np.float32)


def test_same_grid_is_an_exact_copy():
    geometry = Geometry(affine_lps((1, 2, 3)), (4, 5, 6))
    values = np.random.default_rng(0).integers(-99, 99, geometry.shape_zyx).astype(np.int16)
    result = resample(values, geometry, Geometry(geometry.affine_lps, (4, 5, 6)), linear=True)
    np.testing.assert_array_equal(result, values)
    assert result is not values
    assert result.dtype == np.int16


@pytest.mark.parametrize("orientation", [CORONAL, SAGITTAL, (0.8, 0.6, 0, -0.6, 0.8, 0)])
@pytest.mark.parametrize("mirror", [1, -1])
def test_a_linear_field_comes_out_the_same_on_another_grid(orientation, mirror):
    grid = Geometry(affine_lps((2, 2, 2), origin=(-40, -40, -40)), (40, 40, 40))
    affine = affine_lps((1.5, 1.0, 3.0), orientation, (3, -2, 5)) @ np.diag([mirror, 1, 1, 1.0])
    home = Geometry(affine, (4, 6, 8))
    np.testing.assert_allclose(resample(field(grid), grid, home, linear=True), field(home), atol=1e-3)


def test_out_and_home_again_keeps_labels_in_place():
    home = Geometry(affine_lps((1, 1, 2), SAGITTAL, (5, 6, 7)), (10, 12, 14))
    labels = np.zeros(home.shape_zyx, np.uint8)
    labels[3:6, 4:9, 2:5], labels[7, 8, 9] = 1, 2
    fine = Geometry(affine_lps((0.5, 0.5, 0.5), origin=(-10, 0, -20)), (80, 50, 80))
    there = resample(labels, home, fine, linear=False)
    assert there.dtype == np.uint8
    again = resample(there, fine, home, linear=False)
    np.testing.assert_array_equal(again, labels)


def test_coarse_cells_come_home_without_a_shift():
    home = Geometry(affine_lps((1, 1, 1)), (8, 8, 8))
    coarse = home.coarser((2, 2, 2))
    cells = np.zeros((2, 2, 2), np.float32)
    cells[1, 0, 0] = 1
    near = resample(cells, coarse, home, linear=False)
    np.testing.assert_array_equal(near[4:, :4, :4], 1)
    assert near.sum() == 64
    smooth = resample(cells, coarse, home, linear=True)
    assert smooth[7, 0, 0] == 1
    assert (np.array(np.where(smooth > 0.5)).mean(axis=1)[1:] < 3).all()


def test_outside_is_filled():
    grid = Geometry(affine_lps((1, 1, 1)), (3, 3, 3))
    home = Geometry(affine_lps((1, 1, 1), origin=(-2, 0, 0)), (3, 3, 3))
    result = resample(np.ones((3, 3, 3), np.int16), grid, home, linear=True, fill=-1024)
    assert result[:, :, :2].max() == -1024
    assert result[:, :, 2].min() == 1


def test_rounding_does_not_wrap():
    grid = Geometry(affine_lps((1, 1, 1)), (1, 1, 3))
    home = Geometry(affine_lps((1, 1, 1), origin=(0.5, 0, 0)), (1, 1, 2))
    assert resample(np.array([[[0, 255, 255]]], np.uint8), grid, home, linear=True).tolist() == [[[128, 255]]]


def test_another_frame_of_reference_is_refused():
    grid, home = (Geometry(np.eye(4), (2, 2, 2), uid) for uid in ("1.2", "1.3"))
    with pytest.raises(ValueError, match="frames of reference"):
        resample(np.zeros((2, 2, 2)), grid, home, linear=True)
    with pytest.raises(ValueError, match="does not fit"):
        resample(np.zeros((2, 2, 3)), grid, grid, linear=True)
