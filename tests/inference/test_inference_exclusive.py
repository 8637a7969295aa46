"""Classes that exclude each other: one is called, the most likely, when it is likely enough; else none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bundles import change_json
from hypothesis import given
from hypothesis import strategies as st

from medassist.entities.errors import Refused
from medassist.entities.prediction import Check, Verdict
from medassist.entities.study import SeriesKind
from medassist.inference.packages import Package, read
from medassist.inference.ports import Label
from medassist.inference.predict import class_scores, predict
from medassist.inference.result_file import decode, encode
from medassist.inference.scoring import SUREST, certainty
from medassist.report.findings import findings_from

CATEGORY = ["KIND", "99MEDASSIST", "Kind of picture"]
SLOPE = 0.5
KINDS = tuple(
    {
        "value": value,
        "label": label,
        "threshold": 0.8,
        "calibrated": True,
        "calibration": {"slope": SLOPE, "intercept": 0.0},
        "category": CATEGORY,
    }
    for value, label in enumerate(("Chest", "Hand"))
)
THREE = Package(
    Path("three"),
    "three",
    task="classification",
    labels=tuple(Label(value, name, threshold=0.6) for value, name in enumerate("ABC")),
    exclusive=True,
)


@pytest.fixture
def kinds(tiny_classifier: Path) -> Path:
    """A classifier of two kinds of picture, by weights nobody trained."""
    change_json(tiny_classifier, "metadata", medassist={"exclusive": True, "labels": list(KINDS), "suitability": {}})
    return tiny_classifier


@pytest.fixture
def film(make_volume):
    values = np.random.default_rng(1).integers(0, 255, (1, 40, 40)).astype(np.uint8)
    return make_volume(values, kind=SeriesKind.FILM)


def test_probabilities_are_a_softmax_at_the_temperature_of_the_package(kinds: Path) -> None:
    scores = class_scores(read(kinds), np.array([3.0, -1.0], np.float32))
    wanted = np.exp([3.0 * SLOPE, -1.0 * SLOPE])
    assert [one.probability for one in scores] == pytest.approx(list(wanted / wanted.sum()))
    assert [one.calibrated for one in scores] == [True, True]
    assert [one.positive for one in scores] == [True, False]
    assert all(one.exclusive and one.category is not None for one in scores)


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=3))
def test_one_class_at_most_is_called_and_it_is_the_most_likely(logits) -> None:
    scores = class_scores(THREE, np.array(logits, np.float32))
    called = [at for at, one in enumerate(scores) if one.positive]
    assert sum(one.probability for one in scores) == pytest.approx(1.0)
    assert len(called) == (max(one.probability for one in scores) >= 0.6)
    assert called in ([], [int(np.argmax(np.array(logits, np.float32)))])


def test_none_is_called_when_none_is_likely_enough_and_the_table_says_so() -> None:
    unsure = class_scores(THREE, np.array([0.1, 0.0, 0.0], np.float32))
    assert not any(one.positive for one in unsure)
    assert certainty(THREE, unsure) == Check(SUREST, "≥ 0.60", "0.36", Verdict.UNKNOWN)
    sure = class_scores(THREE, np.array([0.0, 9.0, 0.0], np.float32))
    assert certainty(THREE, sure) == Check(SUREST, "≥ 0.60", "1.00", Verdict.PASS)


def test_equal_scores_call_one_class_only() -> None:
    pair = Package(
        Path("two"), "two", labels=(Label(0, "A", threshold=0.4), Label(1, "B", threshold=0.4)), exclusive=True
    )
    scores = class_scores(pair, np.array([1.0, 1.0], np.float32))
    assert [one.positive for one in scores] == [True, False]


def test_a_run_says_how_sure_it_is_and_its_findings_exclude_each_other(kinds: Path, film) -> None:
    prediction = predict(read(kinds), film, device="cpu")
    (row,) = prediction.checks
    assert row.name == SUREST
    found = findings_from(prediction, film)
    assert [one.exclusive for one in found] == [True, True]
    assert [one.category.meaning for one in found if one.category] == ["Kind of picture"] * 2
    assert sum(one.present for one in found) == (row.verdict is Verdict.PASS)


def test_an_answer_kept_on_disk_is_the_same(kinds: Path, film) -> None:
    package = read(kinds)
    prediction = predict(package, film, device="cpu")
    assert decode(encode(prediction), package, film).scores == prediction.scores


def test_the_mean_of_mirrored_views_calls_one_class_too(kinds: Path, film) -> None:
    change_json(kinds, "metadata", medassist={"tta": {"flips": [[0], [1]]}})
    package = read(kinds)
    scores = predict(package, film, device="cpu", tta=True).scores
    best = max(one.probability for one in scores)
    second = min(one.probability for one in scores)
    assert sum(one.probability for one in scores) == pytest.approx(1.0)
    assert {one.threshold for one in scores} == {max(0.8, best), max(0.8, np.nextafter(second, 2.0))}


def test_a_score_that_is_no_number_is_refused(kinds: Path) -> None:
    with pytest.raises(Refused, match="not a number"):
        class_scores(read(kinds), np.array([0.0, np.nan], np.float32))


def test_outputs_without_a_label_are_refused(kinds: Path) -> None:
    with pytest.raises(Refused, match="does not fit its 2 labels"):
        class_scores(read(kinds), np.array([0.0, 1.0, 2.0], np.float32))


@pytest.mark.parametrize(
    "labels",
    [
        [KINDS[0]],
        [KINDS[0], {**KINDS[1], "value": 2}],
        [KINDS[0], {**KINDS[1], "calibration": {"slope": 1.0, "intercept": 0.0}}],
        [{**one, "calibration": {"slope": 1.0, "intercept": 0.1}} for one in KINDS],
        [{**one, "calibration": {"slope": -1.0, "intercept": 0.0}} for one in KINDS],
    ],
    ids=["one class", "a gap", "two temperatures", "an intercept", "a temperature below 0"],
)
def test_a_softmax_has_all_classes_and_one_temperature(kinds: Path, labels) -> None:
    change_json(kinds, "metadata", medassist={"labels": labels})
    with pytest.raises(Refused, match=r"medassist\.exclusive needs a classification"):
        read(kinds)
