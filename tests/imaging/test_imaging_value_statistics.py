"""Statistics of slices and outlines, and values along a length, against plain numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassist.entities.geometry import Geometry
from medassist.entities.measurement import Measurement, Shape
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import Volume
from medassist.imaging.measuring import quantities
from medassist.imaging.value_statistics import line_profile, region_statistics, slice_statistics

SHAPE = (4, 20, 30)
TURNED = np.array([[0, 0, 2.0, 5.0], [0.5, 0, 0, -7.0], [0, 0.25, 0, 3.0], [0, 0, 0, 1]])


def volume_of(values, affine=TURNED, **fields) -> Volume:
    calibrated = fields.pop("calibrated", True)
    grid = Geometry(affine, SHAPE, calibrated=calibrated)
    return Volume(Series("a", SeriesKind.VOLUME, (), shape_zyx=SHAPE), np.asarray(values)[None], grid, **fields)


def length(volume, *ends, slice_index=1) -> Measurement:
    points = tuple(tuple(volume.geometry.to_world(end).tolist()) for end in ends)
    return Measurement("1.2", "a", Shape.LENGTH, points, slice_index)


def ramp() -> np.ndarray:
    k, j, i = np.indices(SHAPE)
    return (3.0 * i + 100.0 * j + 10_000.0 * k).astype(np.float64)


@settings(max_examples=20)
@given(st.tuples(st.floats(0, 29), st.floats(0, 19)), st.tuples(st.floats(0, 29), st.floats(0, 19)))
def test_along_a_ramp_the_profile_is_the_ramp(begin, end) -> None:
    volume = volume_of(ramp())
    told = line_profile(length(volume, (*begin, 1), (*end, 1)), volume)
    share = np.linspace(0, 1, len(told.values))
    at = np.array(begin) + share[:, None] * (np.array(end) - np.array(begin))
    assert told.values == pytest.approx(3 * at[:, 0] + 100 * at[:, 1] + 10_000, abs=1e-6)
    mm = np.hypot(0.5 * (end[0] - begin[0]), 0.25 * (end[1] - begin[1]))
    assert told.distances[0] == 0
    assert told.distances[-1] == pytest.approx(mm, abs=1e-9)
    assert told.in_mm


def test_a_profile_begins_at_the_first_point_and_samples_every_half_pixel() -> None:
    volume = volume_of(ramp())
    told = line_profile(length(volume, (20, 5, 1), (10, 5, 1)), volume)
    assert len(told.values) == 21
    assert told.values[0] == 10_000 + 500 + 60
    assert told.values[-1] == 10_000 + 500 + 30


def test_a_profile_across_slices_follows_them() -> None:
    volume = volume_of(ramp())
    told = line_profile(length(volume, (5, 5, 0), (5, 5, 3), slice_index=None), volume)
    assert told.distances[-1] == pytest.approx(6.0)
    assert told.values == pytest.approx(np.linspace(0, 30_000, len(told.values)) + 515)


def test_a_lost_neighbour_slice_takes_nothing_from_a_profile_and_a_lost_one_all() -> None:
    whole = volume_of(ramp(), lost_slices=(2,))
    assert np.isfinite(line_profile(length(whole, (2, 2, 1), (9, 7, 1)), whole).values).all()
    lost = volume_of(ramp(), lost_slices=(1,))
    assert np.isnan(line_profile(length(lost, (2, 2, 1), (9, 7, 1)), lost).values).all()


def test_padding_and_outside_are_gaps() -> None:
    values = ramp()
    values[1, 5, 10] = -2000
    volume = volume_of(values, padding=(-2000.0, -2000.0))
    told = line_profile(length(volume, (8, 5, 1), (12, 5, 1)), volume)
    assert np.flatnonzero(np.isnan(told.values)).tolist() == [3, 4, 5]
    out = line_profile(length(volume, (25, 8, 1), (35, 8, 1)), volume)
    assert np.isfinite(out.values[:9]).all()
    assert np.isnan(out.values[9:]).all()


def test_without_a_scale_distances_are_in_pixels() -> None:
    volume = volume_of(ramp(), calibrated=False)
    told = line_profile(length(volume, (0, 0, 1), (3, 4, 1)), volume)
    assert (told.distances[-1], told.in_mm) == (pytest.approx(5.0), False)


def test_only_lengths_on_grey_pictures_have_a_profile() -> None:
    volume = volume_of(ramp())
    arrow = replace(length(volume, (0, 0, 1), (3, 4, 1)), shape=Shape.ARROW)
    assert line_profile(arrow, volume) is None
    colored = volume_of(np.zeros((*SHAPE, 3), np.uint8))
    assert line_profile(length(colored, (0, 0, 1), (3, 4, 1)), colored) is None


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3000]), st.booleans())
def test_statistics_of_a_slice_are_those_of_plain_numpy(seed, spread, whole) -> None:
    values = np.random.default_rng(seed).normal(0, spread, SHAPE)
    values = values.astype(np.int16) if whole else values
    told = slice_statistics(volume_of(values, unit="HU"), 2, 0)
    plane = values[2].astype(float)
    assert told.count == told.counts.sum() == plane.size
    assert (told.mean, told.sd) == (pytest.approx(plane.mean()), pytest.approx(plane.std()))
    assert (told.low, told.high, told.median) == (plane.min(), plane.max(), np.median(plane))
    assert len(told.edges) == len(told.counts) + 1 <= 260
    assert told.unit == "HU"
    if whole:
        steps = np.diff(told.edges)
        assert (steps == steps[0]).all()
        assert steps[0] == round(steps[0])


def test_padding_is_no_value_and_a_lost_slice_has_none() -> None:
    values = np.full(SHAPE, 5, np.int16)
    values[2, :5] = -2000
    volume = volume_of(values, padding=(-2000.0, -2000.0), lost_slices=(3,))
    assert slice_statistics(volume, 2, 0).count == 15 * 30
    assert slice_statistics(volume, 2, 0).low == slice_statistics(volume, 2, 0).high == 5
    assert (slice_statistics(volume, 3, 0).count, slice_statistics(volume, 3, 0).mean) == (0, None)
    assert slice_statistics(volume_of(np.zeros((*SHAPE, 3), np.uint8)), 0, 0) is None


def test_a_region_has_the_figures_of_its_own_measurement() -> None:
    volume = volume_of(np.random.default_rng(3).normal(0, 50, SHAPE))
    corners = [(3, 2, 1), (20, 2, 1), (20, 15, 1), (3, 15, 1)]
    drawn = replace(length(volume, *corners), shape=Shape.RECTANGLE)
    told = region_statistics(drawn, volume)
    figures = {one.name: one.value for one in quantities(drawn, volume)}
    assert (told.count, told.mean, told.sd) == (figures["pixels"], figures["mean"], figures["sd"])
    assert (told.low, told.high, told.median) == (figures["min"], figures["max"], figures["median"])
    assert told.counts.sum() == told.count
    across = replace(drawn, points_lps=drawn.points_lps[:3] + length(volume, (0, 0, 3)).points_lps, slice_index=None)
    assert region_statistics(across, volume) is None
