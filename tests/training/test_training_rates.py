"""Learning rates: a warm-up, then cosines to zero."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassist.training.rates import share_of_rate
from medassist.training.recipe import read_recipe


def test_a_cycle_falls_to_zero_and_the_next_begins_at_the_full_rate() -> None:
    shares = [share_of_rate(step, warmup=10, total=200, cycles=2) for step in range(200)]
    assert shares[:10] == pytest.approx([(step + 1) / 11 for step in range(10)])
    assert shares[10] == 1.0
    assert shares[99] < 0.001
    assert shares[100] == 1.0
    assert shares[150] == pytest.approx(0.5)
    assert shares[199] < 0.001
    assert share_of_rate(200, warmup=10, total=200, cycles=2) == pytest.approx(0.0)
    assert sorted(shares[10:100], reverse=True) == shares[10:100]
    assert sorted(shares[100:], reverse=True) == shares[100:]


@given(st.integers(1, 5), st.integers(1, 300), st.floats(0.0, 20.0), st.integers(0, 2000))
def test_the_first_cycle_is_the_same_however_many_follow(cycles: int, length: int, warmup: float, step: int) -> None:
    share = share_of_rate(step, warmup=warmup, total=cycles * length, cycles=cycles)
    assert 0.0 <= share <= 1.0
    if step < length:
        assert share == pytest.approx(share_of_rate(step, warmup=warmup, total=length), abs=1e-9)


def test_one_cycle_leaves_the_fingerprint_of_a_recipe_as_it_was(segmenter_recipe) -> None:
    one, said, two = (
        read_recipe(segmenter_recipe(("warmup_epochs = 1", f"warmup_epochs = 1{line}")))
        for line in ("", "\ncycles = 1", "\ncycles = 2")
    )
    assert one.fingerprint == said.fingerprint != two.fingerprint
    assert (one.optimiser.cycles, two.optimiser.cycles) == (1, 2)
