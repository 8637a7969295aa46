"""Two maps beside each other: figures with known answers, and what cannot be compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.prediction import ModelRef
from medassist.explain import comparing
from medassist.explain.comparing import compare

MODEL = ModelRef("demo", "1.0", "0" * 64, "Demo")
SHAPES = st.sampled_from([(1, 9, 8), (5, 6, 7), (2, 5, 5)])
WHOLE = st.integers(-50, 50).map(float)  # spaced so far apart that a cube keeps every order in float32


def grid(shape, spacing=(1.0, 1.0, 1.0), uid="1.2"):
    return Geometry(np.diag([*spacing, 1.0]), shape, uid)


def heatmap(values, *, signed=False, native=None, spacing=(1.0, 1.0, 1.0), **fields):
    values = np.array(values, np.float32)
    cells = values.copy() if native is None else np.array(native, np.float32)
    home = grid(values.shape)
    return Heatmap("Grad-CAM", "Target", MODEL, fields.pop("series_key", "one"), values, fields.pop("geometry", home),
                   cells, grid(cells.shape, spacing), signed=signed, **fields)  # fmt: skip


def maps():
    def build(shape):
        values = hnp.arrays(np.float32, shape, elements=WHOLE)
        return st.tuples(values, values)

    return SHAPES.flatmap(build)


@settings(max_examples=25, deadline=None)
@given(maps(), st.booleans())
def test_symmetric_and_the_difference_changes_its_sign(pair, signed):
    one, other = (heatmap(values, signed=signed) for values in pair)
    there, back = compare(one, other), compare(other, one)
    assert there.rank_correlation == pytest.approx(back.rank_correlation)
    assert there.ssim == pytest.approx(back.ssim)
    np.testing.assert_allclose(there.difference.values_zyx, -back.difference.values_zyx, atol=1e-6)
    assert np.abs(there.difference.values_zyx).max() <= 1.0 + 1e-6


@settings(max_examples=25, deadline=None)
@given(maps())
def test_a_map_is_like_itself_and_the_opposite_of_its_negative(pair):
    values = pair[0]
    assume(np.ptp(values) > 0)
    one, flipped = heatmap(values, signed=True), heatmap(-values, signed=True)
    same = compare(one, heatmap(values, signed=True))
    assert same.rank_correlation == pytest.approx(1.0)
    assert same.ssim is None or same.ssim == pytest.approx(1.0)
    assert not same.difference.values_zyx.any()
    assert compare(one, flipped).rank_correlation == pytest.approx(-1.0)


@settings(max_examples=25, deadline=None)
@given(maps(), st.floats(0.01, 100.0))
def test_ranks_ask_for_the_order_only_and_the_difference_not_for_the_unit(pair, factor):
    one, other = (heatmap(values, signed=True) for values in pair)
    before = compare(one, other)
    cubed = compare(one, heatmap(pair[1] ** 3, signed=True))
    assert cubed.rank_correlation == pytest.approx(before.rank_correlation)
    scaled = compare(one, heatmap(pair[1] * np.float32(factor), signed=True))
    assert scaled.rank_correlation == pytest.approx(before.rank_correlation)
    np.testing.assert_allclose(scaled.difference.values_zyx, before.difference.values_zyx, atol=1e-5)


def test_the_rank_correlation_is_spearmans():
    from scipy.stats import spearmanr

    numbers = np.random.default_rng(1)
    pair = [numbers.normal(size=(3, 8, 9)) for _ in range(2)]
    found = compare(*(heatmap(one, signed=True) for one in pair))
    assert found.rank_correlation == pytest.approx(spearmanr(*(np.float32(one).ravel() for one in pair))[0], abs=1e-6)
    assert found.voxels == 3 * 8 * 9


def test_the_ends_of_the_difference_are_as_far_apart_as_two_maps_can_be():
    left, right = np.zeros((1, 8, 8)), np.zeros((1, 8, 8))
    left[0, 2, 2], right[0, 6, 6] = 5.0, 300.0
    apart = compare(heatmap(left), heatmap(right)).difference
    assert (apart.values_zyx[0, 2, 2], apart.values_zyx[0, 6, 6], apart.full_scale) == (1.0, -1.0, 1.0)
    assert apart.kind is MapKind.DIFFERENCE
    assert apart.signed
    left[0, 4, 4], right[0, 4, 4] = 5.0, -300.0
    apart = compare(heatmap(left, signed=True), heatmap(right, signed=True)).difference
    assert apart.values_zyx[0, 4, 4] == 1.0, "for in one, against in the other"
    assert apart.values_zyx[0, 2, 2] == 0.5


def test_of_a_signed_and_an_unsigned_map_what_speaks_for_the_target_is_compared():
    values = np.random.default_rng(2).normal(size=(1, 12, 12))
    found = compare(heatmap(values, signed=True), heatmap(np.maximum(values, 0)))
    assert found.rank_correlation == pytest.approx(1.0)
    assert not found.difference.values_zyx.any()
    assert found.notes[0].text().startswith("Only one of the maps also shows what speaks against its target")


def test_a_constant_map_has_no_rank_correlation_and_says_so():
    values = np.random.default_rng(3).random((1, 9, 9))
    found = compare(heatmap(np.zeros((1, 9, 9))), heatmap(values))
    assert (found.rank_correlation, found.ssim) == (None, None)
    assert found.notes[0].text() == "Map A has the same value everywhere, so there is no rank correlation."
    np.testing.assert_allclose(found.difference.values_zyx, -values / values.max(), rtol=1e-6)
    both = compare(heatmap(np.ones((1, 9, 9))), heatmap(np.ones((1, 9, 9))))
    assert len(both.notes) == 2
    assert both.rank_correlation is None


def test_cells_of_another_size_and_shared_zeros_are_told():
    values = np.random.default_rng(4).random((1, 16, 16))
    coarse = heatmap(values, native=np.ones((1, 4, 4)), spacing=(4.0, 4.0, 1.0))
    (note,) = compare(heatmap(values), coarse).notes
    assert note.text().startswith("Map B was computed on cells 4.0 times as wide as those of map A")
    spot = np.zeros((1, 16, 16))
    spot[0, 3, 3] = 1.0
    found = compare(heatmap(spot), heatmap(2 * spot))
    assert [note.text() for note in found.notes] == [
        "Both maps are zero in 99 % of the image, which can raise the figures."
    ]


def test_two_slices_are_too_few_for_structural_similarity():
    values = np.random.default_rng(5).random((2, 9, 9))
    found = compare(heatmap(values), heatmap(values))
    assert found.ssim is None
    assert found.rank_correlation == pytest.approx(1.0)


def test_large_images_are_looked_at_evenly(monkeypatch):
    monkeypatch.setattr(comparing, "MOST_VOXELS", 1000)
    values = np.random.default_rng(6).random((20, 20, 20))
    found = compare(heatmap(values), heatmap(values))
    assert found.voxels == 1000
    assert found.rank_correlation == pytest.approx(1.0)
    assert found.difference.values_zyx.shape == (20, 20, 20)


def test_maps_stay_as_they_were():
    values = np.random.default_rng(7).normal(size=(1, 9, 9))
    values[0, 0, 0] = np.nan
    one, other = heatmap(values, signed=True), heatmap(values[:, ::-1], signed=True)
    found = compare(one, other)
    np.testing.assert_array_equal(one.values_zyx, np.float32(values))
    assert np.isfinite(found.difference.values_zyx).all()
    assert found.rank_correlation is not None
    assert np.isfinite(found.rank_correlation)


def test_what_cannot_be_compared_is_refused():
    one = heatmap(np.ones((1, 4, 4)))
    elsewhere = grid((1, 4, 4), (2.0, 1.0, 1.0))
    for other, word in (
        (replace(one, series_key="two"), "different series"),
        (replace(one, geometry=elsewhere), "different grids"),
        (replace(one, kind=MapKind.UNCERTAINTY), "map of uncertainty"),
    ):
        with pytest.raises(Refused, match=word):
            compare(one, other)
