"""Sensitivity, specificity, predictive values and conformal answers, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from medassist.entities.operating import Answer, OperatingCurve, wilson

SHARE = st.floats(0.0, 1.0, allow_nan=False)
SCORES = st.lists(st.integers(0, 50).map(lambda n: n / 50), min_size=1, max_size=40)


@given(positive=SCORES, negative=SCORES, low=SHARE, high=SHARE)
def test_a_higher_threshold_catches_less_and_alarms_less(positive, negative, low, high) -> None:
    low, high = sorted((low, high))
    curve = OperatingCurve(np.array(positive), np.array(negative))
    assert curve.sensitivity(low).value >= curve.sensitivity(high).value
    assert curve.specificity(low).value <= curve.specificity(high).value


@given(positive=SCORES, negative=SCORES, threshold=SHARE)
def test_shares_are_counted_as_findings_are_called(positive, negative, threshold) -> None:
    curve = OperatingCurve(np.array(positive), np.array(negative))
    assert curve.sensitivity(threshold).value == pytest.approx(np.mean([one >= threshold for one in positive]))
    assert curve.specificity(threshold).value == pytest.approx(np.mean([not one >= threshold for one in negative]))
    assert (curve.sensitivity(threshold).n, curve.specificity(threshold).n) == (len(positive), len(negative))


@given(positive=SCORES, negative=SCORES, threshold=SHARE, prevalence=SHARE)
def test_every_rate_lies_in_its_interval(positive, negative, threshold, prevalence) -> None:
    curve = OperatingCurve(np.array(positive), np.array(negative))
    rates = [curve.sensitivity(threshold), curve.specificity(threshold)]
    rates += [one for one in (curve.ppv(threshold, prevalence), curve.npv(threshold, prevalence)) if one is not None]
    assert all(0.0 <= one.low <= one.value <= one.high <= 1.0 for one in rates)


@given(n=st.integers(1, 500), data=st.data())
def test_wilson_is_the_interval_scipy_computes(n, data) -> None:
    hits = data.draw(st.integers(0, n))
    interval = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    rate = wilson(hits, n)
    assert (rate.low, rate.high) == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_predictive_values_by_bayes() -> None:
    # 8 of 10 with the finding reach 0.5, 9 of 10 without stay below.
    curve = OperatingCurve(np.array([0.9] * 8 + [0.1] * 2), np.array([0.1] * 9 + [0.9]))
    rare, common = curve.ppv(0.5, 0.01), curve.ppv(0.5, 0.5)
    assert rare is not None
    assert rare.value == pytest.approx(0.008 / (0.008 + 0.099))
    assert common is not None
    assert common.value == pytest.approx(0.8 / 0.9)
    negative = curve.npv(0.5, 0.01)
    assert negative is not None
    assert negative.value == pytest.approx(0.891 / (0.891 + 0.002))


def test_nothing_called_positive_has_no_predictive_value() -> None:
    curve = OperatingCurve(np.array([0.4, 0.5]), np.array([0.1, 0.2]))
    assert curve.ppv(0.9, 0.1) is None
    assert curve.npv(0.9, 0.1) is not None


@given(positive=SCORES, negative=SCORES, low=SHARE, high=SHARE)
def test_p_values_follow_the_score_and_are_never_zero(positive, negative, low, high) -> None:
    low, high = sorted((low, high))
    curve = OperatingCurve(np.array(positive), np.array(negative))
    (present_low, absent_low), (present_high, absent_high) = curve.p_values(low), curve.p_values(high)
    assert 0.0 < present_low <= present_high <= 1.0
    assert 0.0 < absent_high <= absent_low <= 1.0


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), confidence=st.sampled_from([0.8, 0.9, 0.95]))
def test_the_promised_share_of_exchangeable_cases_keeps_its_answer(seed, confidence) -> None:
    """Mean coverage over draws of calibration and new cases is at least the confidence, for each kind by itself."""
    random = np.random.default_rng(seed)
    kept = {Answer.PRESENT: [], Answer.ABSENT: []}
    for _ in range(300):
        positive, negative = random.beta(3, 2, 41), random.beta(2, 4, 41)
        curve = OperatingCurve(positive[1:], negative[1:])
        present, absent = curve.answer(positive[0], confidence), curve.answer(negative[0], confidence)
        kept[Answer.PRESENT].append(curve.p_values(positive[0])[0] > 1 - confidence + 1e-9)
        kept[Answer.ABSENT].append(curve.p_values(negative[0])[1] > 1 - confidence + 1e-9)
        assert present is not Answer.PRESENT or kept[Answer.PRESENT][-1]
        assert absent is not Answer.ABSENT or kept[Answer.ABSENT][-1]
    spread = 5 * np.sqrt(confidence * (1 - confidence) / 300)
    assert all(np.mean(one) >= confidence - spread for one in kept.values())


def test_a_score_between_both_kinds_cannot_be_called() -> None:
    overlapping = OperatingCurve(np.linspace(0.3, 0.9, 50), np.linspace(0.1, 0.7, 50))
    assert overlapping.answer(0.95) is Answer.PRESENT
    assert overlapping.answer(0.02) is Answer.ABSENT
    assert overlapping.answer(0.5) is Answer.CANNOT_SAY
    apart = OperatingCurve(np.linspace(0.8, 0.9, 50), np.linspace(0.1, 0.2, 50))
    assert apart.p_values(0.5) == (1 / 51, 1 / 51)
    assert apart.answer(0.5) is Answer.CANNOT_SAY  # strange among both: neither answer remains


def test_nine_cases_exclude_an_answer_at_nine_in_ten() -> None:
    curve = OperatingCurve(np.full(9, 0.9), np.full(9, 0.1))
    assert curve.answer(0.95) is Answer.PRESENT
    assert curve.answer(0.05) is Answer.ABSENT


def test_few_cases_never_exclude_an_answer() -> None:
    """Eight cases cannot show that something happens less often than one time in ten."""
    curve = OperatingCurve(np.full(8, 0.9), np.full(8, 0.1))
    assert curve.answer(0.5) is Answer.CANNOT_SAY


@pytest.mark.parametrize("scores", [[], [0.2, np.nan], [1.5], [-0.1, 0.2]])
def test_what_is_no_score_is_refused(scores) -> None:
    with pytest.raises(ValueError, match="positive"):
        OperatingCurve(np.array(scores), np.array([0.5]))
