"""Figures of drawings against closed formulas, in every orientation, spacing and plane."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ellipe

from medassist.entities.geometry import Geometry
from medassist.entities.measurement import Measurement, Shape
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import Volume
from medassist.imaging.measuring import quantities, remarks
from medassist.imaging.measuring_plane import even_odd_area, index_of_points, points_of_index
from medassist.imaging.scales import DETECTOR_PLANE

SHAPE = (12, 44, 36)


def turned(a, b, c, spacing, flip, origin):
    turn_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    turn_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    turn_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = turn_z @ turn_y @ turn_x @ np.diag(np.array(spacing) * (flip, 1, 1))
    affine[:3, 3] = origin
    return affine


def volume_of(affine=None, *, calibrated=True, array=None, series=None, **fields):
    array = np.arange(np.prod(SHAPE), dtype=np.int32).reshape(SHAPE) if array is None else array
    grid = Geometry(np.eye(4) if affine is None else affine, array.shape[:3], "1.2.3", calibrated)
    one = series or Series("one", SeriesKind.VOLUME, (), shape_zyx=array.shape[:3])
    return Volume(one, array[None], grid, **{"unit": "HU", **fields})


def drawn(volume, shape, index_xyz, slice_index=None, time=0):
    points = points_of_index(np.array(index_xyz, float), slice_index, volume)
    return Measurement("1.2.3", "one", shape, points, slice_index, time)


def figures(volume, shape, index_xyz, slice_index=None, time=0):
    return {one.name: one for one in quantities(drawn(volume, shape, index_xyz, slice_index, time), volume)}


@st.composite
def volumes(draw):
    angle = st.floats(-np.pi, np.pi)
    spacing = [draw(st.floats(0.2, 5)) for _ in range(3)]
    origin = [draw(st.floats(-200, 200)) for _ in range(3)]
    return volume_of(turned(draw(angle), draw(angle), draw(angle), spacing, draw(st.sampled_from([1, -1])), origin))


def on_plane(axis, at, first, second):
    """Put two indices on a plane across a voxel axis; the lower of the two other axes comes first."""
    place = [first, second]
    place.insert(axis, at)
    return place


planes = st.sampled_from([0, 1, 2])
inner = st.floats(1.3, 8.7)
tenths = st.integers(13, 87).map(lambda one: one / 10)


@settings(max_examples=40, deadline=None)
@given(volumes(), planes, inner, inner, inner, inner)
def test_a_length_is_the_distance_in_the_patient(volume, axis, x0, y0, x1, y1):
    ends = [on_plane(axis, 4, x0, y0), on_plane(axis, 4, x1, y1)]
    found = figures(volume, Shape.LENGTH, ends, 4 if axis == 2 else None)["length"]
    others = [volume.geometry.spacing_mm[one] for one in range(3) if one != axis]
    assert found.unit == "mm"
    assert found.value == pytest.approx(math.hypot((x1 - x0) * others[0], (y1 - y0) * others[1]), abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(volumes(), planes, st.floats(1.0, 179.0), st.floats(0, 2 * np.pi), st.floats(2, 9), st.floats(2, 9))
def test_angles_are_those_of_the_patient_not_of_the_pixels(volume, axis, degrees, start, one_mm, other_mm):
    steps = np.array([volume.geometry.spacing_mm[each] for each in range(3) if each != axis])

    def at(turn, length_mm):
        return on_plane(axis, 5, *(5 + length_mm * np.array([np.cos(turn), np.sin(turn)]) / steps))

    vertex, turn = on_plane(axis, 5, 5, 5), start + np.radians(degrees)
    rays = [at(start, one_mm), vertex, at(turn, other_mm)]
    assert figures(volume, Shape.ANGLE, rays)["angle"].value == pytest.approx(degrees, abs=1e-6)
    lines = [vertex, at(start, one_mm), vertex, at(turn, other_mm)]
    cobb = figures(volume, Shape.COBB, lines)["cobb_angle"]
    assert cobb.value == pytest.approx(min(degrees, 180 - degrees), abs=1e-6)
    assert cobb.unit == "deg"


@settings(max_examples=40, deadline=None)
@given(volumes(), planes, st.floats(0.6, 4), st.floats(0.6, 4), st.floats(0, 2 * np.pi))
def test_an_ellipse_has_the_area_and_perimeter_of_its_axes(volume, axis, one_mm, other_mm, turn):
    steps = np.array([volume.geometry.spacing_mm[each] for each in range(3) if each != axis])
    ends = [
        on_plane(axis, 5, *(5.2 + sign * half * np.array([np.cos(at), np.sin(at)]) / steps))
        for half, at in ((one_mm, turn), (other_mm, turn + np.pi / 2))
        for sign in (-1, 1)
    ]
    found = figures(volume, Shape.ELLIPSE, ends, 5 if axis == 2 else None)
    low, high = sorted((one_mm, other_mm))
    assert found["area"].value == pytest.approx(np.pi * one_mm * other_mm, rel=1e-6)
    assert found["area"].unit == "mm2"
    assert found["perimeter"].value == pytest.approx(4 * high * ellipe(1 - (low / high) ** 2), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(volumes(), planes, st.lists(st.tuples(tenths, tenths), min_size=3, max_size=9))
def test_statistics_are_those_of_the_pixels_whose_centre_is_inside(volume, axis, corners):
    index = 3
    found = figures(volume, Shape.POLYGON, [on_plane(axis, index, *one) for one in corners], 3 if axis == 2 else None)
    plane = np.moveaxis(volume.array_zyx, 2 - axis, 0)[index]
    marked = np.array([[crossed(corners, x, y) for x in range(plane.shape[1])] for y in range(plane.shape[0])])
    assert found["pixels"].value == marked.sum()
    if marked.any():
        values = plane[marked].astype(float)
        told = {"mean": values.mean(), "sd": values.std(), "min": values.min(), "max": values.max()}
        assert {name: found[name].value for name in told} == pytest.approx(told, rel=1e-9)
        assert found["median"].value == np.median(values)
        assert {found[name].unit for name in told} == {"[hnsf'U]"}
    else:
        assert "mean" not in found


def crossed(corners, x, y):
    """Even-odd rule, one pixel at a time: how many edges lie to the left."""
    left = 0
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if min(y0, y1) <= y < max(y0, y1):
            left += x0 + (y - y0) * (x1 - x0) / (y1 - y0) <= x + 1e-9
    return left % 2 == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 9), st.floats(0, 6.28)), min_size=3, max_size=12), st.floats(0, 6.28))
def test_the_area_of_a_simple_polygon_is_that_of_its_triangles(spokes, turn):
    radii, angles = np.array(sorted(spokes, key=lambda one: one[1])).T
    points = radii[:, None] * np.stack([np.cos(angles + turn), np.sin(angles + turn)], axis=1)
    after = np.roll(points, -1, axis=0)
    gaps = np.diff(np.append(angles, angles[0] + 2 * np.pi))
    if gaps.max() < np.pi:  # then the middle lies inside and no edge crosses another
        expected = abs(float((points[:, 0] * after[:, 1] - points[:, 1] * after[:, 0]).sum())) / 2
        assert even_odd_area(points) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 6.28), st.floats(1, 9))
def test_where_an_outline_crosses_itself_its_parts_do_not_cancel(turn, half):
    bow_tie = np.array([[-half, -half], [half, half], [half, -half], [-half, half]])
    around = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    assert even_odd_area(bow_tie @ around.T + 3) == pytest.approx(2 * half**2, rel=1e-9)


def test_a_bidirectional_measurement_names_its_longer_axis_long():
    found = figures(volume_of(), Shape.BIDIRECTIONAL, [(5, 5, 2), (8, 5, 2), (6, 1, 2), (6, 9, 2)], 2)
    assert (found["long_axis"].value, found["short_axis"].value) == (8.0, 3.0)


def test_a_rectangle_has_four_sides():
    volume = volume_of(np.diag([0.5, 2.0, 3.0, 1.0]))
    found = figures(volume, Shape.RECTANGLE, [(1.5, 1.5, 2), (5.5, 1.5, 2), (5.5, 4.5, 2), (1.5, 4.5, 2)], 2)
    assert found["area"].value == pytest.approx(4 * 0.5 * 3 * 2)
    assert found["perimeter"].value == pytest.approx(2 * (2 + 6))
    assert found["pixels"].value == 12
    assert found["mean"].value == volume.array_zyx[2, 2:5, 2:6].mean()


def test_a_hand_that_drags_need_not_wait_for_the_values_of_a_large_area():
    volume = volume_of()
    box = drawn(volume, Shape.RECTANGLE, [(1.5, 1.5, 2), (5.5, 1.5, 2), (5.5, 4.5, 2), (1.5, 4.5, 2)], 2)
    assert [one.name for one in quantities(box, volume, most_pixels=11)] == ["area", "perimeter"]
    assert quantities(box, volume, most_pixels=13) == quantities(box, volume)


def test_arrows_and_texts_have_no_figures_and_no_remarks():
    volume = volume_of(np.diag([0.5, 2.0, 3.0, 1.0]), calibrated=False)
    for shape, points in ((Shape.ARROW, [(1, 1, 1), (4, 4, 1)]), (Shape.TEXT, [(1, 1, 1)])):
        assert quantities(drawn(volume, shape, points), volume) == ()
        assert remarks(drawn(volume, shape, points), volume) == ()


LINE = [(2, 3, 1), (5, 7, 1)]
ROUND = [(2, 6, 1), (10, 6, 1), (6, 2, 1), (6, 10, 1)]


def test_without_a_scale_lengths_are_pixels_and_never_millimetres():
    volume = volume_of(calibrated=False)
    found = figures(volume, Shape.LENGTH, LINE, 1)["length"]
    assert (found.value, found.unit) == (5.0, "{pixels}")
    assert {one.unit for one in figures(volume, Shape.ELLIPSE, ROUND, 1).values()} == {"{pixels}", "1", "[hnsf'U]"}
    assert remarks(drawn(volume, Shape.LENGTH, LINE, 1), volume) == ()


def test_pixels_that_are_not_square_give_no_length_and_say_why():
    volume = volume_of(np.diag([1.0, 2.0, 1.0, 1.0]), calibrated=False)
    assert figures(volume, Shape.LENGTH, LINE, 1) == {}
    assert set(figures(volume, Shape.ELLIPSE, ROUND, 1)) == {
        "area", "pixels", "mean", "sd", "min", "max", "median"}  # fmt: skip
    assert "not square" in remarks(drawn(volume, Shape.LENGTH, LINE, 1), volume)[0].text()
    right_angle = [(5, 2, 1), (2, 2, 1), (2, 9, 1)]
    assert figures(volume, Shape.ANGLE, right_angle, 1)["angle"].value == pytest.approx(90)
    across = [(2 + 4, 2, 1), (2, 2, 1), (2 + 4, 2 + 2, 1)]
    assert figures(volume, Shape.ANGLE, across, 1)["angle"].value == pytest.approx(45)


def test_millimetres_of_the_detector_say_so():
    film = Series("film", SeriesKind.FILM, (), warnings=(DETECTOR_PLANE,), shape_zyx=SHAPE)
    volume = volume_of(np.diag([0.2, 0.2, 1.0, 1.0]), series=film)
    assert figures(volume, Shape.LENGTH, LINE, 1)["length"].value == pytest.approx(1.0)
    assert remarks(drawn(volume, Shape.LENGTH, LINE, 1), volume) == (DETECTOR_PLANE,)
    assert remarks(drawn(volume, Shape.COBB, [*LINE, *LINE], 1), volume) == ()


def test_padding_lost_slices_and_what_is_no_number_do_not_count():
    array = np.full(SHAPE, 10.0, np.float32)
    array[1, 6, 3:6] = [-2000, np.nan, 40]
    volume = volume_of(array=array, padding=(-2000.0, -2000.0))
    whole = figures(volume_of(array=np.zeros(SHAPE)), Shape.ELLIPSE, ROUND, 1)["pixels"].value
    found = figures(volume, Shape.ELLIPSE, ROUND, 1)
    assert found["pixels"].value == whole - 2
    assert (found["min"].value, found["max"].value, found["median"].value) == (10, 40, 10)
    lost = volume_of(array=array, lost_slices=(1,))
    assert figures(lost, Shape.ELLIPSE, ROUND, 1)["pixels"].value == 0
    assert "could not be read" in remarks(drawn(lost, Shape.ELLIPSE, ROUND, 1), lost)[0].text()
    upright = [(2, 6, 1), (10, 6, 1), (10, 6, 3), (2, 6, 3)]
    many = figures(volume_of(), Shape.POLYGON, upright)["pixels"].value
    assert 0 < figures(volume_of(lost_slices=(1,)), Shape.POLYGON, upright)["pixels"].value < many


def test_colours_have_a_size_but_no_values():
    volume = volume_of(array=np.zeros((*SHAPE, 3), np.uint8), unit="")
    found = figures(volume, Shape.ELLIPSE, ROUND, 1)
    assert set(found) == {"area", "perimeter", "pixels"}


def test_pet_values_are_told_as_uptake_too():
    volume = volume_of(array=np.full(SHAPE, 5000.0), unit="BQML", suv_factor=0.001)
    found = figures(volume, Shape.ELLIPSE, ROUND, 1)
    assert (found["mean"].value, found["mean"].unit) == (5000.0, "Bq/ml")
    assert (found["suv_max"].value, found["suv_max"].unit) == (5.0, "{SUVbw}g/ml")


def test_every_time_point_has_its_own_values():
    array = np.stack([np.zeros(SHAPE), np.ones(SHAPE)])
    one = Volume(Series("one", SeriesKind.VOLUME, (), times=2), array, Geometry(np.eye(4), SHAPE))
    assert [figures(one, Shape.ELLIPSE, ROUND, 1, time)["mean"].value for time in (0, 1)] == [0, 1]
    assert "mean" not in figures(one, Shape.ELLIPSE, ROUND, 1, 2)


def test_an_outline_that_crosses_planes_has_no_values_inside_and_says_so():
    volume = volume_of()
    slanted = drawn(volume, Shape.POLYGON, [(1, 1, 1), (9, 1, 4), (9, 9, 8), (1, 9, 5)])
    assert quantities(slanted, volume) == ()
    assert "one plane" in remarks(slanted, volume)[0].text()
    outside = drawn(volume, Shape.ELLIPSE, [(x, y, 40) for x, y, _ in ROUND])
    assert quantities(outside, volume) == ()


def test_what_lies_beyond_the_edge_of_the_picture_does_not_count():
    found = figures(volume_of(), Shape.RECTANGLE, [(-5.5, -5.5, 2), (1.5, -5.5, 2), (1.5, 1.5, 2), (-5.5, 1.5, 2)], 2)
    assert found["pixels"].value == 4
    assert found["area"].value == pytest.approx(49)


def test_slices_of_an_irregular_stack_are_measured_where_they_are():
    origins = np.array([[0, 0, float(k * k)] for k in range(SHAPE[0])])
    series = Series("one", SeriesKind.STACK, (), irregularity="uneven", shape_zyx=SHAPE)
    volume = volume_of(series=series, slice_origins_lps=origins)
    measured = drawn(volume, Shape.RECTANGLE, [(1.5, 1.5, 7), (5.5, 1.5, 7), (5.5, 4.5, 7), (1.5, 4.5, 7)], 7)
    assert {point[2] for point in measured.points_lps} == {49.0}
    assert {one.name: one.value for one in quantities(measured, volume)}["mean"] == volume.array_zyx[7, 2:5, 2:6].mean()
    np.testing.assert_allclose(index_of_points(measured.points_lps, 7, volume)[:, 2], 7)


def test_damaged_points_give_no_figures():
    broken = replace(drawn(volume_of(), Shape.LENGTH, LINE, 1), points_lps=((0.0, 0.0, 0.0), (math.nan, 1.0, 1.0)))
    assert quantities(broken, volume_of()) == ()
    assert figures(volume_of(), Shape.ANGLE, [(1, 1, 1), (1, 1, 1), (4, 4, 1)]) == {}
