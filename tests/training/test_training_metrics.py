from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassist.training.calibration import Calibration, choose_threshold, fit_platt, log_loss
from medassist.training.mask_metrics import mask_metrics
from medassist.training.metrics import (
    binary_figures,
    bootstrap,
    exclusive_metrics,
    expected_calibration_error,
    finding_metrics,
)


def test_finding_metrics_by_hand() -> None:
    truth = np.array([True, True, False, False])
    figures = finding_metrics(truth, np.array([0.9, 0.4, 0.6, 0.1]), 0.5)
    assert figures["auc"] == 0.75
    assert figures["sensitivity"] == figures["specificity"] == figures["accuracy"] == figures["f1"] == 0.5
    assert figures["precision"] == 0.5
    assert figures["brier"] == pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4)


def test_what_needs_both_classes_is_left_out() -> None:
    figures = finding_metrics(np.array([False, False]), np.array([0.2, 0.7]), 0.5)
    assert figures["specificity"] == 0.5
    assert not {"auc", "auprc", "sensitivity", "f1"} & set(figures)
    assert "precision" not in finding_metrics(np.array([True, False]), np.array([0.1, 0.2]), 0.5)


def test_calibration_error_of_a_constant() -> None:
    truth = np.arange(100) < 30
    assert expected_calibration_error(truth, np.full(100, 0.3)) == pytest.approx(0.0)
    assert expected_calibration_error(truth, np.full(100, 0.8)) == pytest.approx(0.5)
    assert expected_calibration_error(np.array([True]), np.array([1.0])) == 0.0


def test_mask_metrics_by_hand() -> None:
    truth, found = np.zeros((6, 6, 6), bool), np.zeros((6, 6, 6), bool)
    truth[1:5, 1:5, 1:5] = True
    found[2:6, 1:5, 1:5] = True
    figures = mask_metrics(found, truth, (3.0, 1.0, 1.0))
    assert figures["dice"] == 0.75
    assert figures["hd95_mm"] == pytest.approx(3.0)
    assert figures["volume_error_ml"] == figures["volume_bias_ml"] == 0.0
    assert "hd95_mm" not in mask_metrics(np.zeros_like(truth), truth, (1.0, 1.0, 1.0))
    assert mask_metrics(np.zeros_like(truth), truth, (1.0, 1.0, 2.0))["volume_error_ml"] == pytest.approx(0.128)
    assert mask_metrics(np.zeros_like(truth), truth, (1.0, 1.0, 2.0))["volume_bias_ml"] == pytest.approx(-0.128)


def test_borders_within_a_millimetre_are_one() -> None:
    truth = np.zeros((1, 12, 12), bool)
    truth[0, 2:8, 2:8] = True
    shifted = np.roll(truth, 1, axis=2)
    assert mask_metrics(shifted, truth, (5.0, 1.0, 1.0))["surface_dice_1mm"] == 1.0
    # moved by 2 mm: of the 20 pixels of each border 10 lie on the other one and 2 right above or below it
    assert mask_metrics(shifted, truth, (5.0, 1.0, 2.0))["surface_dice_1mm"] == pytest.approx(12 / 20)
    nothing = np.zeros_like(truth)
    assert mask_metrics(nothing, truth, (1.0, 1.0, 1.0))["surface_dice_1mm"] == 0.0
    assert mask_metrics(nothing, nothing, (1.0, 1.0, 1.0))["surface_dice_1mm"] == 1.0


def test_a_film_is_measured_in_its_plane_and_in_pixels_without_millimetres() -> None:
    truth, found = np.zeros((1, 20, 20), bool), np.zeros((1, 20, 20), bool)
    truth[0, 5:15, 5:15] = True
    found[0, 5:15, 8:18] = True
    assert mask_metrics(found, truth, (5.0, 1.0, 2.0))["hd95_mm"] == pytest.approx(6.0)
    larger = truth | found
    flat = mask_metrics(larger, truth, (5.0, 1.0, 2.0))
    assert (flat["area_error_mm2"], flat["area_bias_mm2"]) == (60.0, 60.0)
    assert mask_metrics(truth, larger, (5.0, 1.0, 2.0))["area_bias_mm2"] == -60.0
    assert "volume_error_ml" not in flat
    figures = mask_metrics(found, truth, (5.0, 1.0, 2.0), calibrated=False)
    assert figures == {"dice": pytest.approx(0.7), "hd95_px": pytest.approx(3.0)}


def test_exclusive_classes_by_hand() -> None:
    truth = np.array([0, 0, 1, 2])
    shares = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.1, 0.9, 0.0], [0.2, 0.1, 0.7]])
    figures = exclusive_metrics(truth, shares)
    assert figures["accuracy"] == 0.75
    assert figures["balanced_accuracy"] == pytest.approx((0.5 + 1 + 1) / 3)
    assert figures["f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert figures["brier"] == pytest.approx((0.06 + 0.86 + 0.02 + 0.14) / 4)
    assert figures["ece"] == pytest.approx((abs(0.8 - 1) + abs(0.6 - 0) + abs(0.9 - 1) + abs(0.7 - 1)) / 4)
    one = binary_figures(truth == 1, shares[:, 1], shares.argmax(axis=1) == 1)(np.arange(4))
    assert (one["sensitivity"], one["precision"], one["specificity"]) == (1.0, 0.5, pytest.approx(2 / 3))
    assert one["auc"] == 1.0
    assert one["brier"] == pytest.approx((0.01 + 0.36 + 0.01 + 0.01) / 4)


def test_bootstrap_draws_people_not_pictures() -> None:
    """Ten copies of every case of one person must not narrow the interval."""
    values = np.random.default_rng(0).normal(size=20)

    def width(copies: int) -> float:
        repeated = np.repeat(values, copies)
        people = [str(i) for i in np.repeat(np.arange(20), copies)]
        found = bootstrap(lambda rows: {"mean": float(repeated[rows].mean())}, people, repeats=400)["mean"]
        assert found.n == 20 * copies
        assert found.low < found.value < found.high
        return found.high - found.low

    assert width(10) == pytest.approx(width(1))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=40), st.floats(0.01, 0.99))
def test_figures_stay_in_their_range(rows, threshold) -> None:
    truth, probability = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    assert all(0.0 <= value <= 1.0 for value in finding_metrics(truth, probability, threshold).values())


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=30), st.data())
def test_ranking_is_that_of_scikit_learn_on_any_draw(rows, data) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    truth, score = np.array([row[0] for row in rows]), np.array([row[1] / 8 for row in rows])
    drawn = np.array(data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=40)))
    mine = binary_figures(truth, score, score >= 0.5)(drawn)
    plain = finding_metrics(truth[drawn], score[drawn], 0.5)
    assert mine == {name: pytest.approx(value, abs=1e-12) for name, value in plain.items()}
    if truth[drawn].any() and not truth[drawn].all():
        assert mine["auc"] == pytest.approx(roc_auc_score(truth[drawn], score[drawn]))
        assert mine["auprc"] == pytest.approx(average_precision_score(truth[drawn], score[drawn]))


def _logits(seed: int, count: int = 400, scale: float = 1.0):
    random = np.random.default_rng(seed)
    true_logit = random.normal(-1.0, 1.5, count)
    truth = (random.random(count) < 1 / (1 + np.exp(-true_logit))).astype(float)
    return scale * true_logit, truth, [str(i) for i in range(count)]


def test_platt_repairs_overconfident_logits() -> None:
    logits, truth, people = _logits(0, scale=4.0)
    fitted = fit_platt(logits, truth, people)
    assert fitted.fitted
    assert fitted.slope == pytest.approx(0.25, abs=0.08)
    assert log_loss(fitted.probability(logits), truth) < log_loss(Calibration().probability(logits), truth)


def test_platt_is_dropped_where_it_does_not_help() -> None:
    for seed in range(4):
        logits, truth, people = _logits(seed, count=60)
        fitted = fit_platt(logits, truth, people)
        assert fitted == Calibration() or fitted.slope > 0
    assert fit_platt(np.zeros(20), np.zeros(20), [str(i) for i in range(20)]) == Calibration()
    logits, truth, people = _logits(1, scale=-1.0)
    assert fit_platt(logits, truth, people) == Calibration()


def test_threshold_separates_what_can_be_separated() -> None:
    probability = np.concatenate([np.linspace(0.1, 0.4, 30), np.linspace(0.6, 0.9, 10)])
    truth = (probability > 0.5).astype(float)
    point = choose_threshold(probability, truth, [str(i) for i in range(40)])
    assert 0.4 < point.threshold <= 0.7
    assert point.specificity == 1.0
    assert "the test people (40 films, 10 positive)" in point.sentence("the test people")
