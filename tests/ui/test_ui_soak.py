"""A short sitting of `benchmarks soak`: what closed studies leave behind."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.soak import TENTH, measure, misses

EARLY = {"rss_mb": 1000.0, "threads": 2.0, "widgets": 700.0, "seconds": 1.0}


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory as Linux tells it")
def test_studies_that_were_closed_leave_nothing_behind():
    rows = measure(TENTH + 4)
    assert len(rows) == TENTH + 4
    assert misses(rows) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("rss_mb", 1200.0, "memory grew"), ("threads", 3.0, "threads"), ("widgets", 701.0, "widgets")],
)
def test_what_grows_is_said(name, value, said):
    found = misses([EARLY] * TENTH + [EARLY | {name: value}])
    assert len(found) == 1
    assert said in found[0]
    assert misses([EARLY] * (TENTH + 1), 4000.0) == ["it took 67 minutes, more than 60"]
