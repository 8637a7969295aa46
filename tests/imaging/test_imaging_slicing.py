"""Display orientation: the right side of the patient on the left of the screen, and exact ways there and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phantoms import AXIAL, CORONAL, SAGITTAL, affine_lps, write_ct_series, write_film

from medassist.entities.geometry import Geometry
from medassist.imaging.load import load
from medassist.imaging.scan import scan
from medassist.imaging.slicing import (
    Plane,
    direction_letters,
    edge_letters,
    has_orientation,
    layout,
    native_plane,
    plane,
)

SHAPE = (4, 5, 6)


def grid(orientation=AXIAL, spacing=(0.5, 0.6, 2.0), flips=(1, 1, 1)):
    return Geometry(affine_lps(spacing, orientation, (-3, 4, 5)) @ np.diag([*flips, 1.0]), SHAPE)


angles = st.floats(-np.pi, np.pi)


@st.composite
def grids(draw):
    a, b, c = (draw(angles) for _ in range(3))
    turn_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    turn_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    turn_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = turn_z @ turn_y @ turn_x @ np.diag([draw(st.floats(0.2, 5)) for _ in range(3)])
    affine[:3, :3] *= [draw(st.sampled_from([1, -1])), 1, 1]
    affine[:3, 3] = [draw(st.floats(-200, 200)) for _ in range(3)]
    shape = tuple(draw(st.integers(1, 7)) for _ in range(3))
    return Geometry(affine, shape)


@settings(max_examples=150, deadline=None)
@given(grids(), st.sampled_from(Plane), st.data())
def test_every_display_pixel_is_the_voxel_at_its_millimetres(geometry, view, data):
    values = np.arange(np.prod(geometry.shape_zyx)).reshape(geometry.shape_zyx)
    shown = layout(geometry, view)
    index = data.draw(st.integers(0, shown.count - 1))
    picture = plane(values, geometry, view, index)
    assert picture.shape == shown.shape
    row, column = (data.draw(st.integers(0, size - 1)) for size in picture.shape)
    place = shown.to_lps(row, column, index)
    i, j, k = np.rint(geometry.to_index(place)).astype(int)
    assert picture[row, column] == values[k, j, i]
    np.testing.assert_allclose(shown.to_display(place), [row, column, index], atol=1e-6)
    assert shown.index_of(place) == index


@settings(max_examples=150, deadline=None)
@given(grids())
def test_the_three_views_run_through_three_different_axes(geometry):
    views = [layout(geometry, view) for view in Plane]
    assert sorted(view.through_axis for view in views) == [0, 1, 2]
    for view in views:
        assert {view.right_axis, view.down_axis, view.through_axis} == {0, 1, 2}
    assert native_plane(geometry) in Plane


LETTERS = {
    Plane.AXIAL: ("R", "L", "A", "P"),
    Plane.CORONAL: ("R", "L", "H", "F"),
    Plane.SAGITTAL: ("A", "P", "H", "F"),
}


@pytest.mark.parametrize("orientation", [AXIAL, CORONAL, SAGITTAL])
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (1, -1, -1)])
@pytest.mark.parametrize("view", list(Plane))
def test_letters_do_not_depend_on_how_the_series_was_stored(orientation, flips, view):
    assert layout(grid(orientation, flips=flips), view).letters() == LETTERS[view]


@pytest.mark.parametrize(("orientation", "native"), list(zip((AXIAL, CORONAL, SAGITTAL), Plane, strict=True)))
def test_native_plane(orientation, native):
    geometry = grid(orientation)
    assert native_plane(geometry) is native
    assert layout(geometry, native).count == SHAPE[0]
    assert layout(geometry, native).spacing_mm == pytest.approx((0.6, 0.5))
    assert layout(geometry, native).through_mm == pytest.approx(2.0)


def test_oblique_edges_carry_two_letters():
    turn = np.radians(30)
    geometry = grid((np.cos(turn), -np.sin(turn), 0, np.sin(turn), np.cos(turn), 0))
    assert layout(geometry, Plane.AXIAL).letters() == ("RP", "LA", "AR", "PL")


def test_letters_of_directions():
    assert direction_letters([1, 0, 0]) == "L"
    assert direction_letters([-0.9, 0.05, 0.4]) == "RH"
    assert direction_letters([0, 0, 0]) == ""


def test_colour_is_sliced_like_grey():
    values = np.random.default_rng(0).integers(0, 255, (*SHAPE, 3))
    for view in Plane:
        colour = plane(values, grid(CORONAL), view, 1)
        np.testing.assert_array_equal(colour[..., 1], plane(values[..., 1], grid(CORONAL), view, 1))


def test_left_of_the_patient_is_on_the_right_of_the_screen(tmp_path):
    values = np.zeros((3, 32, 32), np.int16)
    values[:, 20:28, 24:30] = 500  # large column: towards +x, patient left; large row: posterior
    write_ct_series(tmp_path, slices=3, rows=32, columns=32, values_hu=values)
    volume = load(scan(tmp_path).all_series()[0])
    picture = plane(volume.array_zyx, volume.geometry, Plane.AXIAL, 1)
    assert picture[24, 26] == 500
    coronal = plane(volume.array_zyx, volume.geometry, Plane.CORONAL, 24)
    assert coronal.shape == (3, 32)
    assert coronal[1, 26] == 500
    assert has_orientation(volume)


@pytest.mark.parametrize(
    ("towards", "letters"),
    [
        (["L", "F"], ("R", "L", "H", "F")),
        (["R", "F"], ("L", "R", "H", "F")),
        (["A", "F"], ("P", "A", "H", "F")),
        ([], None),
        (["L"], None),
        (["X", "F"], None),
    ],
)
def test_letters_of_a_film_come_from_patient_orientation(tmp_path, towards, letters):
    volume = load(scan(write_film(tmp_path, PatientOrientation=towards)).all_series()[0])
    assert edge_letters(volume, layout(volume.geometry, native_plane(volume.geometry))) == letters


def test_a_film_without_position_has_no_sides(tmp_path):
    assert not has_orientation(load(scan(write_film(tmp_path)).all_series()[0]))
