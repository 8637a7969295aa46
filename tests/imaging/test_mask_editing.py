"""Masks changed by hand: what a brush touches in millimetres, what locks keep, and that nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.entities.instances import Instances
from medassist.entities.prediction import Mask, Segment
from medassist.imaging.mask_editing import (
    Patch,
    Pen,
    demand_editable,
    dice,
    difference,
    free_value,
    marked,
    with_patch,
    with_region,
)
from medassist.imaging.mask_editing_brush import erasable, fill, of_values, slab_box, stroke
from medassist.imaging.mask_editing_shape import (
    grown,
    largest_piece,
    shrunk,
    through_slices,
    without_holes,
    without_small,
)

SHAPE = (7, 12, 10)


def turned(spacing=(0.7, 0.9, 2.5), angle=0.4, flip=(1, -1, 1)):
    """Return an oblique, flipped, anisotropic grid."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag(np.array(spacing) * np.array(flip))
    affine[:3, 3] = (-12.0, 31.0, 5.5)
    return Geometry(affine, SHAPE, "1.2")


GRIDS = st.builds(
    turned,
    st.tuples(*(st.floats(0.3, 4.0),) * 3),
    st.floats(-1.0, 1.0),
    st.tuples(*(st.sampled_from([1, -1]),) * 3),
)
MAPS = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).choice(4, SHAPE, p=[0.7, 0.1, 0.1, 0.1]).astype(np.uint8)
)
INDEX = st.tuples(st.integers(0, 9), st.integers(0, 11), st.integers(0, 6))


@given(GRIDS, INDEX, INDEX, st.floats(0.01, 6.0), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_stroke_is_every_voxel_within_the_radius_of_its_way(geometry, begin, end, radius, flat):
    slab = (1, begin[1]) if flat else None
    end = (end[0], begin[1], end[2]) if flat else end
    ends = geometry.to_world(begin), geometry.to_world(end)
    patch = stroke(geometry, *ends, radius, slab)
    k, j, i = np.meshgrid(*(np.arange(size) for size in SHAPE), indexing="ij")
    centres = geometry.to_world(np.stack([i, j, k], axis=-1))
    way = ends[1] - ends[0]
    along = np.clip((centres - ends[0]) @ way / max(way @ way, 1e-30), 0, 1)
    far = np.linalg.norm(centres - ends[0] - along[..., None] * way, axis=-1)
    touched = np.zeros(SHAPE, bool)
    touched[patch.at] = patch.inside
    allowed = (j == begin[1]) if flat else np.ones(SHAPE, bool)
    assert touched[begin[::-1]]  # however thin the brush
    assert touched[end[::-1]]
    assert not (touched & ~allowed).any()
    assert not (allowed & (far < radius - 1e-6) & ~touched).any()
    thickest = max(geometry.spacing_mm) * np.sqrt(3)  # the voxels the way goes through
    assert not (touched & (far > max(radius, thickest) + 1e-6)).any()
    if radius > thickest:
        assert not (touched & (far > radius + 1e-6)).any()


def test_a_flat_brush_on_thick_slices_is_round_in_millimetres():
    geometry = Geometry(np.diag([1.0, 1.0, 5.0, 1.0]), (9, 40, 40), "1")
    ball = stroke(geometry, (20, 20, 20), (20, 20, 20), 5.0, None)
    depth, height, width = ball.inside.shape
    touched = [int(np.ptp(np.flatnonzero(ball.inside.any(axis=others)))) + 1 for others in ((1, 2), (0, 2), (0, 1))]
    assert touched == [3, 11, 11]
    assert (depth, height, width) >= (3, 11, 11)
    coronal = stroke(geometry, (20, 20, 20), (20, 20, 20), 5.0, (1, 20))
    assert coronal.inside.shape[1] == 1
    assert np.count_nonzero(coronal.inside) == 11 + 2  # ten mm across, one voxel above and below


def test_a_stroke_beside_the_image_touches_nothing():
    geometry = turned()
    assert stroke(geometry, geometry.to_world([-40, 2, 2]), geometry.to_world([-30, 2, 2]), 1.0, None) is None
    assert stroke(geometry, geometry.to_world([2, 2, 9]), geometry.to_world([2, 2, 9]), 50.0, (2, 9)) is None


@given(MAPS, GRIDS, INDEX, st.floats(0.1, 5.0))
@settings(max_examples=40, deadline=None)
def test_what_is_painted_on_background_and_erased_is_as_before(labels, geometry, at, radius):
    patch = stroke(geometry, geometry.to_world(at), geometry.to_world(at), radius, None)
    pen = Pen(5, background_only=True)
    painted = with_patch(labels, patch, pen)
    assert np.array_equal(with_patch(painted, patch, pen, erase=True), labels)
    changed = painted != labels
    touched = np.zeros(SHAPE, bool)
    touched[patch.at] = patch.inside
    assert np.array_equal(changed, touched & (labels == 0))


@given(MAPS, INDEX, st.floats(0.1, 9.0), st.booleans(), st.sets(st.integers(1, 3)), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_locked_labels_never_change(labels, at, radius, erase, locked, value):
    geometry = turned()
    patch = stroke(geometry, geometry.to_world(at), geometry.to_world(at), radius, None)
    pen = Pen(value, frozenset(locked))
    after = with_patch(labels, patch, pen, erase=erase)
    assert set(difference(labels, after)).isdisjoint(locked)
    others = {1, 2, 3} - locked - {value}
    if erase:
        assert set(difference(labels, after)) <= {value}
    for one in others:  # what is not locked only loses where it was painted over
        assert not ((after == one) & (labels != one)).any()


def test_a_map_that_does_not_change_is_the_same_array():
    labels = np.full(SHAPE, 2, np.uint8)
    everywhere = Patch((slice(0, 7), slice(0, 12), slice(0, 10)), np.ones(SHAPE, bool))
    assert with_patch(labels, everywhere, Pen(2)) is labels
    assert with_patch(labels, everywhere, Pen(1), erase=True) is labels
    assert with_patch(labels, everywhere, Pen(1, frozenset({2}))) is labels
    assert (with_patch(labels, everywhere, Pen(1)) == 1).all()
    assert (labels == 2).all()


@given(MAPS, st.integers(1, 3), st.booleans())
@settings(max_examples=40, deadline=None)
def test_labels_that_overlap_never_lose_a_voxel_to_another(bits, value, erase):
    patch = Patch((slice(1, 5), slice(2, 9), slice(0, 7)), np.ones((4, 7, 7), bool))
    pen = Pen(value, overlapping=True)
    after = with_patch(bits, patch, pen, erase=erase)
    assert set(difference(bits, after, overlapping=True)) <= {value}
    assert bool(pen.region(after[patch.at]).any()) is not erase
    locked = Pen(value, frozenset({value}), overlapping=True)
    assert with_patch(bits, patch, locked, erase=erase) is bits


@given(MAPS, GRIDS, st.floats(0.1, 5.0))
@settings(max_examples=40, deadline=None)
def test_growing_contains_and_shrinking_is_contained(labels, geometry, mm):
    pen = Pen(1, background_only=True)
    bigger = with_region(labels, grown(labels, pen, geometry, mm), pen)
    smaller = with_region(labels, shrunk(labels, pen, geometry, mm), pen)
    before = labels == 1
    assert (before <= (bigger == 1)).all()
    assert ((smaller == 1) <= before).all()
    for other in (2, 3):  # neither takes anything from another label
        assert np.array_equal(bigger == other, labels == other)
        assert np.array_equal(smaller == other, labels == other)


def test_growing_is_by_millimetres_on_every_axis():
    geometry = Geometry(np.diag([1.0, 2.0, 5.0, 1.0]), (9, 21, 21), "1")
    labels = np.zeros(geometry.shape_zyx, np.uint8)
    labels[4, 10, 10] = 1
    after = with_region(labels, grown(labels, Pen(1), geometry, 5.0), Pen(1))
    assert [np.flatnonzero((after == 1).any(axis=others)).tolist() for others in ((1, 2), (0, 2), (0, 1))] == [
        [3, 4, 5], [8, 9, 10, 11, 12], list(range(5, 16)),
    ]  # fmt: skip
    back = with_region(after, shrunk(after, Pen(1), geometry, 4.0), Pen(1))
    assert back[4, 10, 10] == 1
    assert np.count_nonzero(back) < np.count_nonzero(after)


def test_nothing_is_shrunk_away_from_the_edge_of_the_image():
    geometry = Geometry(np.eye(4), (5, 9, 9), "1")
    labels = np.ones(geometry.shape_zyx, np.uint8)
    assert with_region(labels, shrunk(labels, Pen(1), geometry, 2.0), Pen(1)) is labels
    labels[:, :, 8] = 0
    after = with_region(labels, shrunk(labels, Pen(1), geometry, 2.0), Pen(1))
    assert np.array_equal(np.flatnonzero((after == 1).all(axis=(0, 1))), np.arange(6))


def test_slanted_axes_are_refused_rather_than_measured_wrong():
    affine = np.eye(4)
    affine[1, 2] = 0.3
    labels = np.ones((3, 4, 4), np.uint8)
    for change in (grown, shrunk):
        with pytest.raises(Refused, match="slanted"):
            change(labels, Pen(1), Geometry(affine, (3, 4, 4)), 1.0)


def test_slices_between_are_drawn_by_shape():
    geometry = Geometry(np.diag([1.0, 1.0, 3.0, 1.0]), (9, 40, 40), "1")
    y, x = np.mgrid[0:40, 0:40]
    labels = np.zeros(geometry.shape_zyx, np.uint8)
    labels[1] = (np.hypot(x - 15, y - 20) <= 4) * 1
    labels[7] = (np.hypot(x - 24, y - 20) <= 10) * 1
    labels[4, 0, 0] = 2
    pen = Pen(1, background_only=True)
    after = with_region(labels, through_slices(labels, pen, geometry, 2), pen)
    areas = np.count_nonzero(after == 1, axis=(1, 2))
    assert areas[0] == areas[8] == 0
    assert (np.diff(areas[1:8]) > 0).all()
    assert np.array_equal(after[1], labels[1])
    assert np.array_equal(after[7], labels[7])
    middle = ndimage.center_of_mass(after[4] == 1)
    assert middle == pytest.approx((20, 19.5), abs=1.0)
    # as far from both outlines: the distances to the centres add up to 14, an ellipse
    assert areas[4] == pytest.approx(np.pi * 7 * np.sqrt(7**2 - 4.5**2), rel=0.05)
    assert after[4, 0, 0] == 2


def test_holes_pieces_and_specks():
    labels = np.zeros((3, 20, 20), np.uint8)
    labels[1, 2:12, 2:12] = 1
    labels[1, 5:8, 5:8] = 0
    labels[1, 6, 6] = 2  # another label in the hole stays
    labels[1, 16:18, 16:18] = 1
    labels[2, 0, 19] = 1
    pen = Pen(1, background_only=True)
    closed = with_region(labels, without_holes(labels, pen, 2), pen)
    assert closed[1, 6, 6] == 2
    assert np.count_nonzero(closed[1, 2:12, 2:12] == 1) == 99
    assert np.count_nonzero(with_region(labels, largest_piece(labels, pen), pen) == 1) == 91
    rest = with_region(labels, without_small(labels, pen, 4), pen)
    assert rest[2, 0, 19] == 0
    assert rest[1, 16, 16] == 1


def test_an_empty_label_has_no_shape():
    labels, geometry, pen = np.zeros(SHAPE, np.uint8), turned(), Pen(1)
    assert grown(labels, pen, geometry, 2.0) is None
    assert shrunk(labels, pen, geometry, 2.0) is None
    assert through_slices(labels, pen, geometry, 2) is None
    assert largest_piece(labels, pen) is without_small(labels, pen, 2) is without_holes(labels, pen, 1) is None


def test_a_fill_stays_within_a_closed_outline_and_is_refused_outside():
    labels = np.zeros((3, 20, 20), np.uint8)
    labels[1, 4:14, 4:14] = 1
    labels[1, 6:12, 6:12] = 0
    patch = fill(labels, None, (0, 0), (1, 8, 8), (2, 1))
    assert np.count_nonzero(patch.inside) == 36
    after = with_patch(labels, patch, Pen(3))
    assert np.count_nonzero(after == 3) == 36
    assert not after[0].any()
    assert fill(labels, None, (0, 0), (1, 0, 0), (2, 1)) is None  # the background runs to the edge
    assert np.count_nonzero(fill(labels, None, (0, 0), (1, 4, 4), (2, 1)).inside) == 64  # the ring itself
    assert erasable(labels, (1, 8, 8), (2, 1), Pen(1)) is None
    assert np.count_nonzero(erasable(labels, (1, 4, 4), (2, 1), Pen(1)).inside) == 64


def test_a_fill_by_values_stops_where_they_leave_the_range():
    values = np.zeros(SHAPE)
    values[3, 2:6, 2:6] = 100
    values[3, 9:11, 2:6] = 100
    patch = fill(np.zeros(SHAPE, np.uint8), values, (90, 110), (3, 3, 3), (2, 3))
    assert np.count_nonzero(patch.inside) == 16
    assert fill(np.zeros(SHAPE, np.uint8), values, (90, 110), (3, 0, 0), (2, 3)) is None
    sagittal = fill(np.zeros(SHAPE, np.uint8), values, (90, 110), (3, 3, 3), (0, 3))
    assert sagittal.inside.shape == (7, 12, 1)
    assert np.count_nonzero(sagittal.inside) == 4
    whole = Patch(slab_box(SHAPE, (2, 3)), np.ones((1, 12, 10), bool))
    assert np.count_nonzero(of_values(whole, values, 90, 110).inside) == 24


def test_a_mask_that_counts_objects_is_not_painted():
    geometry = turned()
    labels = np.zeros(SHAPE, np.uint8)
    mask = Mask(labels, geometry, (Segment(1, "Nuclei"),), instances=Instances(labels.astype(np.int32), geometry))
    with pytest.raises(Refused, match="one by one"):
        demand_editable(mask)
    demand_editable(Mask(labels, geometry, (Segment(1, "Liver"),)))


def test_a_new_label_takes_a_free_value_or_is_refused():
    geometry, labels = turned(), np.zeros(SHAPE, np.uint8)
    mask = Mask(labels, geometry, (Segment(1, "a"), Segment(3, "b")))
    assert free_value(mask, frozenset({2})) == 4
    full = Mask(labels, geometry, tuple(Segment(value, "x") for value in range(1, 9)), overlapping=True)
    with pytest.raises(Refused, match="8 labels at most"):
        free_value(full, frozenset())
    with pytest.raises(Refused, match="255 labels at most"):
        free_value(mask, frozenset(range(256)))


def test_dice_of_two_regions():
    one, other = np.zeros(10, bool), np.zeros(10, bool)
    assert dice(one, other) is None
    one[:4], other[2:6] = True, True
    assert dice(one, other) == pytest.approx(0.5)
    assert dice(one, one) == 1.0


def test_marking_keeps_the_type_of_the_map():
    part = np.zeros((2, 2, 2), np.uint8)
    for pen in (Pen(200), Pen(8, overlapping=True)):
        painted = marked(part, np.ones((2, 2, 2), bool), pen)
        assert painted.dtype == np.uint8
        assert pen.region(painted).all()
        assert not marked(painted, np.ones((2, 2, 2), bool), pen, erase=True).any()
