"""Planes turned out of the volume: exact ways to the patient and back, and the right values and letters on them."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from medassist.entities.geometry import Geometry
from medassist.entities.turn import STRAIGHT, angle_between, matrix, turned
from medassist.imaging.oblique import COARSE_PIXELS, ObliqueLayout, placed
from medassist.imaging.slicing import Plane, layout

SHAPE = (24, 20, 22)
FEW = settings(max_examples=30, deadline=None, phases=(Phase.explicit, Phase.generate))
unit = st.floats(-1, 1)
axes = st.tuples(unit, unit, unit).filter(lambda axis: np.linalg.norm(axis) > 0.1)


@st.composite
def turns(draw):
    return turned(turned(STRAIGHT, draw(axes), draw(st.floats(-180, 180))), draw(axes), draw(st.floats(-90, 90)))


@st.composite
def grids(draw):
    affine = np.eye(4)
    affine[:3, :3] = matrix(draw(turns())) @ np.diag([draw(st.floats(0.3, 4)) for _ in range(3)])
    affine[:3, 0] *= draw(st.sampled_from([1, -1]))
    affine[:3, 3] = [draw(st.floats(-200, 200)) for _ in range(3)]
    return Geometry(affine, tuple(draw(st.integers(2, 9)) for _ in range(3)))


@FEW
@given(grids(), st.sampled_from(Plane), turns(), st.data())
def test_display_and_patient_agree_and_every_voxel_is_on_some_slice(geometry, view, turn, data):
    shown = placed(geometry, view, turn, (3.0, -2.0, 1.0))
    place = [data.draw(st.floats(-20, 20)) for _ in range(3)]
    world = shown.to_lps(*place)
    np.testing.assert_allclose(shown.to_display(world), place, atol=1e-7)
    np.testing.assert_allclose(shown.to_lps(*shown.to_display(world)), world, atol=1e-6)
    corners = [[i, j, k] for k in (0, geometry.shape_zyx[0] - 1) for j in (0, geometry.shape_zyx[1] - 1)
               for i in (0, geometry.shape_zyx[2] - 1)]  # fmt: skip
    placed_corners = shown.to_display(geometry.to_world(corners))
    assert (placed_corners > -0.5 - 1e-6).all()
    assert (placed_corners < np.array([*shown.shape, shown.count]) - 0.5 + 1e-6)[:, :2].all()


@FEW
@given(grids(), st.sampled_from(Plane))
def test_a_plane_that_is_not_turned_is_the_stored_one(geometry, view):
    plain = layout(geometry, view)
    assert placed(geometry, view, STRAIGHT, (1.0, 2.0, 3.0)) == plain
    values = np.arange(np.prod(geometry.shape_zyx)).reshape(geometry.shape_zyx)
    seen = placed(geometry, view, STRAIGHT).extract(values, 0, linear=True)
    assert np.shares_memory(seen, values)
    np.testing.assert_array_equal(seen, plain.extract(values, 0))


def test_turning_in_a_plane_leaves_it_as_stored():
    geometry = Geometry(np.diag([0.5, 0.7, 2.0, 1.0]), SHAPE)
    turn = turned(STRAIGHT, (0, 0, 1), 33.0)
    assert not isinstance(placed(geometry, Plane.AXIAL, turn), ObliqueLayout)
    for plane in (Plane.CORONAL, Plane.SAGITTAL):
        shown = placed(geometry, plane, turn)
        assert isinstance(shown, ObliqueLayout)
        assert shown.frame.degrees == pytest.approx(33.0)


@FEW
@given(grids(), st.sampled_from(Plane), turns())
def test_a_turned_plane_shows_what_lies_there(geometry, view, turn):
    """A field linear in the patient is read exactly between voxels; labels end where the volume does."""
    k, j, i = np.indices(geometry.shape_zyx)
    world = geometry.to_world(np.stack([i, j, k], axis=-1))
    slope = np.array([0.3, -0.7, 0.5])
    field = world @ slope
    middle = tuple(geometry.to_world((np.array(geometry.shape_zyx[::-1]) - 1) / 2).tolist())
    shown = placed(geometry, view, turn, middle)
    assume(isinstance(shown, ObliqueLayout))
    index = shown.index_of(middle)
    rows, columns = np.indices(shown.shape)
    at = shown.to_lps(rows, columns, index)
    voxels = geometry.to_index(at)
    within = (voxels >= 0).all(axis=-1) & (voxels <= np.array(geometry.shape_zyx[::-1]) - 1).all(axis=-1)
    seen = shown.extract(field, index, linear=True)
    np.testing.assert_allclose(seen[within], (at @ slope)[within], atol=2e-3)
    assert (shown.to_display(middle)[2] - index) == pytest.approx(0, abs=1e-6), "the plane goes through its point"
    labels = np.ones(geometry.shape_zyx, np.uint8)
    np.testing.assert_array_equal(shown.extract(labels, index) == 1, shown.inside(index))
    assert shown.extract(labels, index).dtype == np.uint8


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("sign", [1, -1])
def test_a_marker_is_at_its_millimetres_however_the_series_was_stored(order, sign):
    directions = np.zeros((3, 3))
    for column, axis in enumerate(order):
        directions[axis, column] = sign
    affine = np.eye(4)
    affine[:3, :3] = directions * (1.1, 0.7, 2.3)
    geometry = Geometry(affine, SHAPE)
    where = (11, 9, 12)
    values = np.zeros(SHAPE, np.int16)
    values[where] = 1000
    world = geometry.to_world(where[::-1])
    turn = turned(turned(STRAIGHT, (1, 0.2, 0), 25.0), (0, 0.1, 1), -18.0)
    for view in Plane:
        shown = placed(geometry, view, turn, tuple(world.tolist()))
        index = shown.index_of(world)
        row, column, _ = shown.to_display(world)
        for linear in (True, False):
            seen = shown.extract(values, index, linear=linear).astype(float)
            rows, columns = np.indices(seen.shape)
            assert (rows * seen).sum() / seen.sum() == pytest.approx(row, abs=0.6)
            assert (columns * seen).sum() / seen.sum() == pytest.approx(column, abs=0.6)


def test_letters_tell_where_a_turned_plane_points():
    geometry = Geometry(np.eye(4), SHAPE)
    turn = turned(turned(STRAIGHT, (1, 0, 0), 30.0), (0, 0, 1), 30.0)
    shown = placed(geometry, Plane.CORONAL, turn)
    left, right, top, bottom = shown.letters()
    assert (set(left), set(right)) == (set("RA"), set("LP"))
    assert top[0] == "H"
    assert bottom[0] == "F"
    assert len(top) > 1
    steep = placed(geometry, Plane.AXIAL, turned(STRAIGHT, (1, 1, 0), 70.0)).letters()
    assert steep == ("RHA", "LFP", "AFR", "PHL")


def test_a_plane_turned_all_the_way_round_is_no_accident():
    geometry = Geometry(np.eye(4), SHAPE)
    shown = placed(geometry, Plane.AXIAL, turned(STRAIGHT, (1, 0, 0), 180.0))
    right, down = (np.array(one) for one in (shown.frame.right_lps, shown.frame.down_lps))
    assert np.isfinite(right).all()
    assert right @ down == pytest.approx(0, abs=1e-9)
    assert shown.letters()[0] == "L", "seen from the head, the left of the patient is on the left"


def test_planes_that_follow_the_mouse_are_coarse():
    geometry = Geometry(np.diag([0.5, 0.5, 1, 1]), (300, 400, 400))
    turn = turned(STRAIGHT, (1, 0, 0), 20.0)
    assert max(placed(geometry, Plane.AXIAL, turn, coarse=True).shape) <= COARSE_PIXELS + 1


@given(turns(), axes, st.floats(-170, 170))
@FEW
def test_a_turn_is_a_rotation(turn, axis, degrees):
    for each in (turn, turned(turn, axis, degrees)):
        np.testing.assert_allclose(matrix(each) @ matrix(each).T, np.eye(3), atol=1e-12)
        assert np.linalg.det(matrix(each)) == pytest.approx(1)
    np.testing.assert_allclose(matrix(turned(turned(turn, axis, degrees), axis, -degrees)), matrix(turn), atol=1e-9)


def test_right_hand_turns_left_towards_the_back():
    np.testing.assert_allclose(matrix(turned(STRAIGHT, (0, 0, 2), 90.0)) @ (1, 0, 0), (0, 1, 0), atol=1e-12)
    assert angle_between((1, 0, 0), (0, 3, 0)) == pytest.approx(90)


@pytest.mark.parametrize("broken", [(0, 0, 0, 0), (np.nan, 0, 0, 1), (np.inf, 0, 0, 0)])
def test_numbers_that_are_no_turn_turn_nothing(broken):
    np.testing.assert_array_equal(matrix(broken), np.eye(3))
