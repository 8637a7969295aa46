"""Slabs: the right slices, and the largest, smallest or mean value of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassist.entities.slab import Projection, Slab
from medassist.imaging.projection import project, slices_of

ALL = {Projection.MAXIMUM: np.max, Projection.MINIMUM: np.min, Projection.MEAN: np.mean}


@pytest.mark.parametrize(
    ("thickness", "through", "slices"),
    [
        (10.0, 1.0, range(45, 56)), (10.0, 2.0, range(48, 53)), (3.0, 1.0, range(49, 52)), (1.0, 1.0, range(50, 51)),
        (0.5, 3.0, range(50, 51)), (1e9, 1.0, range(100)), (float("nan"), 1.0, range(50, 51)), (-5, 1, range(50, 51)),
    ],
)  # fmt: skip
def test_a_slab_has_as_many_slices_before_as_behind(thickness, through, slices):
    assert slices_of(Slab(Projection.MEAN, thickness), 50, 100, through) == slices


def test_a_slab_ends_with_the_volume_and_is_none_without_one():
    assert slices_of(Slab(Projection.MEAN, 9.0), 1, 20, 1.0) == range(6)
    assert slices_of(Slab(Projection.MEAN, 9.0), 19, 20, 1.0) == range(15, 20)
    assert slices_of(None, 7, 20, 1.0) == range(7, 8)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(Projection), st.sampled_from([np.int16, np.uint8, np.float32]))
def test_projections_are_what_they_say(seed, projection, dtype):
    values = np.random.default_rng(seed).integers(0, 200, (5, 4, 3)).astype(dtype)
    seen = project(values, projection)
    np.testing.assert_allclose(seen, ALL[projection](values.astype(float), axis=0), rtol=1e-6)
    assert projection is Projection.MEAN or seen.dtype == dtype
    np.testing.assert_array_equal(project(values[2:3], projection), values[2])


def test_what_is_not_known_does_not_count():
    values = np.array([[[1.0, np.nan]], [[3.0, np.nan]], [[np.nan, np.nan]]], np.float32)
    for projection, expected in ((Projection.MAXIMUM, 3.0), (Projection.MINIMUM, 1.0), (Projection.MEAN, 2.0)):
        seen = project(values, projection)
        assert seen[0, 0] == expected
        assert np.isnan(seen[0, 1])
