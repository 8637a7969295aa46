"""Calibration cases of a package: read, bound to their weights, refused when they are not the promised ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from bundles import change_json, write_calibration

from medassist.entities.errors import Refused
from medassist.entities.study import SeriesKind
from medassist.inference.missing import missing
from medassist.inference.operating import read_curves, with_curves
from medassist.inference.packages import read
from medassist.inference.predict import class_scores, predict, probability
from medassist.inference.results import forget_results
from medassist.inference.verify import check_parts

CASES = {"Effusion": {"positive": [2.0, 0.5], "negative": [-1.0, 0.0, 1.0]}}


def test_a_package_without_calibration_cases_says_so(tiny_classifier: Path) -> None:
    package = read(tiny_classifier)
    assert read_curves(package) == {}
    assert any("calibration cases" in text for text in missing(package))


def test_logits_become_the_probabilities_of_a_run(tiny_classifier: Path) -> None:
    write_calibration(tiny_classifier, CASES)
    package = read(tiny_classifier)
    curve = read_curves(package)["Effusion"]
    label = package.labels[0]
    assert curve.positive.tolist() == [probability(label, 0.5), probability(label, 2.0)]
    assert curve.count == 5
    assert curve.source == "Invented for tests."
    assert not any("calibration cases" in text for text in missing(package))


def test_scores_carry_the_curve_of_their_label_alone(tiny_classifier: Path) -> None:
    write_calibration(tiny_classifier, CASES)
    package = read(tiny_classifier)
    scores = class_scores(package, np.array([0.5, 0.5], np.float32))
    effusion, cardiomegaly = with_curves(scores, read_curves(package))
    assert effusion.curve is not None
    assert effusion.curve.sensitivity(effusion.probability).value == 1.0  # 0.5 is the lowest of the positive cases
    assert cardiomegaly.curve is None


def test_a_remembered_answer_has_the_curve_too(tiny_classifier: Path, make_volume) -> None:
    forget_results()
    write_calibration(tiny_classifier, CASES)
    package = read(tiny_classifier)
    film = make_volume(np.zeros((1, 32, 32), np.float32), kind=SeriesKind.FILM)
    first, again = (predict(package, film, reuse=True) for _ in range(2))
    assert again.manifest.from_cache
    assert [one.curve is not None for one in first.scores] == [True, False]
    assert [one.curve is not None for one in again.scores] == [True, False]
    forget_results()


def test_a_run_is_refused_before_it_begins(tiny_classifier: Path, make_volume) -> None:
    write_calibration(tiny_classifier, CASES, weights="0" * 64)
    (tiny_classifier / "models" / "model.pt").unlink()  # else the missing weights would be named
    with pytest.raises(Refused, match="other weights"):
        predict(read(tiny_classifier), make_volume(np.zeros((1, 32, 32), np.float32), kind=SeriesKind.FILM))


def test_cases_of_other_weights_are_refused(tiny_classifier: Path) -> None:
    write_calibration(tiny_classifier, CASES, weights="0" * 64)
    with pytest.raises(Refused, match="other weights"):
        read_curves(read(tiny_classifier))
    with pytest.raises(Refused, match="other weights"):
        check_parts(read(tiny_classifier))


def test_a_changed_file_is_refused(tiny_classifier: Path) -> None:
    file = write_calibration(tiny_classifier, CASES)
    file.write_text(file.read_text().replace("2.0", "2.1"))
    with pytest.raises(Refused, match="not the file the metadata"):
        read_curves(read(tiny_classifier))


def test_a_missing_file_is_refused(tiny_classifier: Path) -> None:
    write_calibration(tiny_classifier, CASES).unlink()
    with pytest.raises(Refused, match="cannot be read"):
        read_curves(read(tiny_classifier))


def test_a_file_outside_the_package_is_refused(tiny_classifier: Path) -> None:
    own = {"calibration": {"file": "../other/calibration.json", "sha256": "0" * 64}}
    change_json(tiny_classifier, "metadata", medassist=own)
    with pytest.raises(Refused, match="outside the package"):
        read(tiny_classifier)


@pytest.mark.parametrize(
    "cases",
    [
        {"positive": [], "negative": [0.0]},
        {"positive": [1.0], "negative": ["x"]},
        {"positive": [1.0], "negative": [True]},
        {"positive": [float("nan")], "negative": [0.0]},
        {"positive": [float("inf")], "negative": [0.0]},
        {"positive": [10**400], "negative": [0.0]},
        {"positive": [1.0]},
    ],
)
def test_what_is_no_list_of_numbers_is_refused_by_name(tiny_classifier: Path, cases: dict) -> None:
    write_calibration(tiny_classifier, {"Effusion": cases})
    with pytest.raises(Refused, match=r"labels\.Effusion\.(positive|negative)"):
        read_curves(read(tiny_classifier))


def test_an_enormous_file_is_not_read(tiny_classifier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_calibration(tiny_classifier, CASES)
    monkeypatch.setattr("medassist.inference.operating.MAX_BYTES", file.stat().st_size - 1)
    with pytest.raises(Refused):
        read_curves(read(tiny_classifier))


def test_cases_of_labels_the_model_has_not_are_left_out(tiny_classifier: Path) -> None:
    write_calibration(tiny_classifier, {**CASES, "Something else": json.loads('{"positive": 3}')})
    assert set(read_curves(read(tiny_classifier))) == {"Effusion"}
