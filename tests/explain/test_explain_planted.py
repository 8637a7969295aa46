"""The command about the planted cue says itself what it fails to show."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("captum")

from benchmarks import planted


def rows(**changes):
    """Return a table as it should be, some numbers changed: `edges={"fails": 0.5}`."""
    table = {
        planted.CLASSIFIER: {"accuracy": 0.99},
        "gradcam": {"fails": 0.0, "meaningless": 0.0, "gain_over_random": 0.7, "pointing_hit": 1.0},
        "saliency": {"fails": 1.0, "meaningless": 0.0, "gain_over_random": 0.3, "pointing_hit": 0.2},
        "guidedbackprop": {"fails": 1.0, "meaningless": 0.0, "gain_over_random": 0.7, "pointing_hit": 1.0},
        "edges": {"fails": 1.0, "meaningless": 0.0, "gain_over_random": 0.4, "pointing_hit": 0.0},
        "random": {"fails": 1.0, "meaningless": 0.0, "gain_over_random": 0.0, "pointing_hit": 0.0},
    }
    return {name: {**row, **changes.get(name.strip("()").replace(" ", "_"), {})} for name, row in table.items()}


def test_a_table_as_it_should_be_misses_nothing():
    assert planted.misses(rows()) == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"edges": {"fails": 0.5}}, "edges passes"),
        ({"guidedbackprop": {"fails": 0.9}}, "guidedbackprop passes"),
        ({"random": {"gain_over_random": 0.8}}, "gradcam finds the disc"),
        ({"gradcam": {"gain_over_random": 0.35}}, "gradcam finds the disc"),
        ({"gradcam": {"fails": 0.5, "meaningless": 0.5}}, "gradcam finds the disc"),
        ({"the_classifiers": {"accuracy": 0.6}}, "a classifier is right"),
    ],
)
def test_what_a_table_does_not_show_is_said(changes, word):
    assert [word in one for one in planted.misses(rows(**changes))] == [True]


def test_a_map_that_fails_is_ranked_below_one_that_holds_whatever_it_gains():
    holds = ("a", {"fails": 0.0, "meaningless": 0.0, "gain_over_random": 0.2})
    better = ("b", {"fails": 0.0, "meaningless": 0.0, "gain_over_random": 0.5})
    fails = ("c", {"fails": 1.0, "meaningless": 0.0, "gain_over_random": 0.9})
    nothing = ("d", {"fails": 0.0, "meaningless": 1.0})
    assert [name for name, _ in sorted((nothing, fails, holds, better), key=planted._rank)] == ["b", "a", "c", "d"]
