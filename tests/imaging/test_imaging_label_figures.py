"""Figures under labels: against plain numpy, with what has no value left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassist.entities.errors import Cancelled
from medassist.entities.geometry import Geometry
from medassist.entities.prediction import Mask, Segment
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import Volume
from medassist.imaging.label_figures import label_figures
from medassist.progress import Progress

SHAPE = (4, 6, 5)
GRID = Geometry(np.diag([0.5, 0.5, 2.0, 1.0]), SHAPE)


def volume_of(values, **fields) -> Volume:
    series = Series("a", fields.pop("kind", SeriesKind.VOLUME), (), shape_zyx=SHAPE)
    return Volume(series, np.asarray(values)[None], GRID, **fields)


def mask_of(labels, overlapping: bool = False) -> Mask:
    segments = tuple(Segment(value, f"label {value}") for value in (1, 2, 3))
    return Mask(np.asarray(labels, np.uint8), GRID, segments, overlapping)


def measured(mask, volume, time=0):
    return label_figures(mask, volume, time, progress=Progress())


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_they_are_those_of_plain_numpy(seed, overlapping) -> None:
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 8 if overlapping else 4, SHAPE)
    values = (draw.normal(1e6, 3.0, SHAPE)).astype(np.float64)
    found = measured(mask_of(labels, overlapping), volume_of(values))
    for value in (1, 2, 3):
        inside = (labels >> (value - 1)) % 2 == 1 if overlapping else labels == value
        one = found.of(value)
        assert one.voxels == one.values == np.count_nonzero(inside)
        assert one.volume_ml == pytest.approx(one.voxels * 0.5 * 0.5 * 2.0 / 1000)
        if one.voxels:
            assert one.mean == pytest.approx(values[inside].mean(), rel=1e-12)
            assert one.sd == pytest.approx(values[inside].std(), abs=1e-6)
            assert (one.low, one.high) == (values[inside].min(), values[inside].max())
            areas = np.count_nonzero(inside, axis=(1, 2))
            assert areas[one.largest_slice] == areas.max()
            i, j, k = np.rint(GRID.to_index(one.largest_lps)).astype(int)
            assert k == one.largest_slice
            assert inside[k, j, i]


def test_an_empty_label_has_no_figures() -> None:
    one = measured(mask_of(np.zeros(SHAPE)), volume_of(np.ones(SHAPE))).of(2)
    assert (one.voxels, one.mean, one.largest_lps, one.volume_ml) == (0, None, None, 0.0)


def test_padding_lost_slices_and_no_numbers_are_left_out_of_values_not_of_size() -> None:
    labels, values = np.ones(SHAPE), np.full(SHAPE, 7.0)
    values[1, 0, 0], values[2, 0, 0] = np.nan, -2000.0
    values[3] = 99.0
    one = measured(mask_of(labels), volume_of(values, padding=(-2000.0, -1500.0), lost_slices=(3,))).of(1)
    assert (one.voxels, one.values) == (120, 88)
    assert (one.mean, one.sd, one.low, one.high) == (7.0, 0.0, 7.0, 7.0)


def test_films_have_no_volume_and_colours_no_values() -> None:
    film = measured(mask_of(np.ones(SHAPE)), volume_of(np.ones(SHAPE), kind=SeriesKind.FILM)).of(1)
    assert film.volume_ml is None
    assert film.mean == 1.0
    colored = measured(mask_of(np.ones(SHAPE)), volume_of(np.ones((*SHAPE, 3), np.uint8))).of(1)
    assert (colored.voxels, colored.mean) == (120, None)


def test_another_grid_is_refused_and_cancelling_stops() -> None:
    elsewhere = Volume(Series("a", SeriesKind.VOLUME, ()), np.ones((1, *SHAPE)), Geometry(np.eye(4), SHAPE))
    with pytest.raises(ValueError, match="another grid"):
        measured(mask_of(np.ones(SHAPE)), elsewhere)
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        label_figures(mask_of(np.ones(SHAPE)), volume_of(np.ones(SHAPE)), 0, progress=progress)
