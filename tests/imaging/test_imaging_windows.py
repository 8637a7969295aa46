"""The window a picture starts with: the file's, unless it hides the picture."""

from __future__ import annotations

import numpy as np
import pytest

from medassist.entities.geometry import Geometry
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import Volume, Window
from medassist.imaging.windows import starting_window


def _mr(values, window, **fields):
    array = np.asarray(values, np.float32).reshape(10, 40, 30)
    series = Series("one", fields.pop("kind", SeriesKind.VOLUME), (), modality=fields.pop("modality", "MR"))
    return Volume(series, array[None], Geometry(np.eye(4), array.shape), windows=(Window(*window),), **fields)


@pytest.mark.parametrize(
    ("window", "fields", "automatic"),
    [
        ((470.0, 950.0), {}, True),  # values up to 100 in a window of 950: nearly black
        ((20.0, 40.0), {}, True),  # more than half lies above: washed out
        ((60.0, 150.0), {}, False),
        ((5000.0, 100.0), {}, True),  # nothing at all to be seen
        ((470.0, 950.0), {"modality": "CT", "unit": "HU"}, False),
        ((470.0, 950.0), {"unit": "Hz"}, False),
        ((470.0, 950.0), {"kind": SeriesKind.FILM}, False),
    ],
)
def test_a_window_of_the_file_that_hides_the_picture_is_not_where_reading_starts(window, fields, automatic):
    volume = _mr(np.linspace(0, 100, 12000), window, **fields)
    found = starting_window(volume)
    assert (found.name == "Automatic") is automatic
    if automatic:
        assert 0 <= found.center - found.width / 2 < 5
        assert 95 < found.center + found.width / 2 <= 100


def test_padding_does_not_count_as_hidden():
    values = np.linspace(0, 100, 12000)
    values[:6000] = 4000
    assert starting_window(_mr(values, (60.0, 150.0), padding=(4000, 4000))).name == ""
