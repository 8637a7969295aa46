"""Grids: there and back, the half-cell rule, and what must be refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassist.entities.geometry import RAS_FROM_LPS, Geometry, geometry_from_ras

ANGLES = st.floats(-np.pi, np.pi)
SPACINGS = st.floats(0.1, 10.0)
OFFSETS = st.floats(-500.0, 500.0)
LENGTHS = st.integers(1, 64)


def rotation(a: float, b: float, c: float) -> np.ndarray:
    def about(axis: int, angle: float) -> np.ndarray:
        matrix = np.eye(3)
        i, j = [n for n in range(3) if n != axis]
        matrix[i, i] = matrix[j, j] = np.cos(angle)
        matrix[i, j], matrix[j, i] = -np.sin(angle), np.sin(angle)
        return matrix

    return about(0, a) @ about(1, b) @ about(2, c)


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    affine = np.eye(4)
    turned = rotation(draw(ANGLES), draw(ANGLES), draw(ANGLES))
    flips = np.diag([draw(st.sampled_from([-1.0, 1.0])) for _ in range(3)])
    affine[:3, :3] = turned @ flips @ np.diag([draw(SPACINGS) for _ in range(3)])
    affine[:3, 3] = [draw(OFFSETS) for _ in range(3)]
    return Geometry(affine, (draw(LENGTHS), draw(LENGTHS), draw(LENGTHS)))


@given(geometries(), st.tuples(*[st.floats(-100, 100)] * 3))
def test_index_and_world_are_inverse(geometry: Geometry, index: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(geometry.to_index(geometry.to_world(index)), index, atol=1e-6)


@given(geometries())
def test_spacing_and_volume_agree(geometry: Geometry) -> None:
    assert geometry.voxel_volume_ml == pytest.approx(np.prod(geometry.spacing_mm) / 1000.0)
    np.testing.assert_allclose(np.linalg.norm(geometry.directions_lps, axis=0), 1.0)


@given(geometries(), LENGTHS, LENGTHS, LENGTHS)
def test_coarser_grid_fills_the_same_box(geometry: Geometry, depth: int, height: int, width: int) -> None:
    coarse = geometry.coarser((depth, height, width))
    for grid_corner in (-0.5, None):
        fine = [grid_corner if grid_corner is not None else n - 0.5 for n in geometry.shape_zyx[::-1]]
        cell = [grid_corner if grid_corner is not None else n - 0.5 for n in coarse.shape_zyx[::-1]]
        np.testing.assert_allclose(geometry.to_world(fine), coarse.to_world(cell), atol=1e-6)


@given(geometries())
def test_ras_is_lps_with_two_signs_changed(geometry: Geometry) -> None:
    again = geometry_from_ras(geometry.affine_ras, geometry.shape_zyx)
    assert again.same_grid(geometry)
    np.testing.assert_allclose(geometry.affine_ras, RAS_FROM_LPS @ geometry.affine_lps)


def test_first_voxel_of_a_known_grid() -> None:
    affine = np.array([[0.7, 0, 0, -10], [0, 0.7, 0, 20], [0, 0, 2.5, 5], [0, 0, 0, 1]])
    geometry = Geometry(affine, (8, 64, 32))
    np.testing.assert_allclose(geometry.to_world([2, 3, 4]), [-8.6, 22.1, 15.0])
    assert geometry.spacing_mm == pytest.approx((0.7, 0.7, 2.5))


def test_other_frame_of_reference_is_another_grid() -> None:
    one, other = Geometry(np.eye(4), (1, 2, 3), "1.2"), Geometry(np.eye(4), (1, 2, 3), "1.3")
    assert not one.same_grid(other)


@pytest.mark.parametrize("bad", [np.zeros((4, 4)), np.eye(3), np.full((4, 4), np.nan)])
def test_affine_that_places_nothing_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="affine"):
        Geometry(bad, (1, 1, 1))
