"""What a score means at its threshold stands in every report that shows the score."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import phantoms
import pytest
from report_cases import MODEL, make_case

from medassist.entities.finding import Finding
from medassist.entities.operating import OperatingCurve
from medassist.progress import Progress
from medassist.report import operating
from medassist.report.export import export
from medassist.report.keyviews import explanation, key_views
from medassist.report.page import page
from medassist.report.wording import Wording
from medassist.training.bundle import CROSS_FITTED, VALIDATION

CURVE = OperatingCurve(np.linspace(0.2, 0.9, 100), np.linspace(0.0, 0.5, 300), "Invented for tests.")


def finding(**changes: object) -> Finding:
    told = {"probability": 0.31, "threshold": 0.4, "curve": CURVE, "present": False, "model": MODEL, **changes}
    return Finding("1.2", "Effusion", "one", **told)  # type: ignore[arg-type]


@pytest.fixture
def film_case(tmp_path):
    phantoms.write_film(tmp_path / "in")
    case = make_case(tmp_path / "in")
    effusion, other = case.findings
    told = replace(effusion, curve=CURVE, package_threshold=0.41, threshold=0.3, prevalence=0.05)
    return replace(case, findings=(told, other))


def test_the_page_says_what_the_threshold_catches_who_moved_it_and_what_an_answer_is_worth(film_case) -> None:
    remark = next(row.remark for table in page(film_case).tables for row in table.rows if row.cells[0] == "Effusion")
    sensitivity, specificity = CURVE.sensitivity(0.3), CURVE.specificity(0.3)
    for rate in (sensitivity, specificity, CURVE.ppv(0.3, 0.05), CURVE.npv(0.3, 0.05)):
        assert f"{rate.value:.2f} ({rate.low:.2f}–{rate.high:.2f})" in remark
    assert "Threshold changed by the reader from 0.410 to 0.300." in remark
    assert "on 400 images (95 % intervals)" in remark
    assert "At a local prevalence of 5 %" in remark
    assert any("Calibration cases: Invented for tests." in table.explanation for table in page(film_case).tables)


def test_the_chinese_page_says_it_in_chinese(film_case) -> None:
    tables = page(replace(film_case, language="zh_CN")).tables
    remark = next(row.remark for table in tables for row in table.rows if row.cells[0] == "胸腔积液")
    assert "灵敏度" in remark
    assert "阈值已由阅片医师从 0.410 改为 0.300。" in remark
    assert not {"sensitivity", "prevalence"} & set(remark.lower().split())


def test_result_json_has_it_for_scripts(film_case, tmp_path) -> None:
    export(film_case, tmp_path / "out", ("json",), progress=Progress())
    known, unknown = json.loads((tmp_path / "out" / "result.json").read_text())["classes"]
    rate = CURVE.sensitivity(0.3)
    assert known["sensitivity"] == {"value": rate.value, "low": rate.low, "high": rate.high, "n": 100}
    assert known["specificity"]["n"] == 300
    assert known["conformal"]["verdict"] == CURVE.answer(known["probability"]).value
    assert known["conformal"]["confidence"] == 0.9
    assert known["calibration_cases"] == {"source": "Invented for tests.", "positive": 100, "negative": 300}
    assert (known["prevalence"], known["package_threshold"], known["threshold"]) == (0.05, 0.41, 0.3)
    assert known["threshold_changed_by_reader"] is True
    assert known["ppv"]["value"] == CURVE.ppv(0.3, 0.05).value
    assert known["npv"]["value"] == CURVE.npv(0.3, 0.05).value
    assert {unknown[name] for name in ("ppv", "npv", "prevalence")} == {None}
    assert (unknown["sensitivity"], unknown["specificity"], unknown["conformal"]) == (None, None, None)
    assert unknown["threshold_changed_by_reader"] is False


def test_without_a_prevalence_there_are_no_predictive_values() -> None:
    told = operating.as_json(finding())
    assert (told["ppv"], told["npv"], told["prevalence"]) == (None, None, None)
    assert operating.about_answer(finding()) == []


def test_what_the_score_cannot_say_stands_beside_what_the_model_says(film_case) -> None:
    unsure = replace(film_case.findings[0], probability=0.31)
    rows = [row for table in page(replace(film_case, findings=(unsure,))).tables for row in table.rows]
    cells = next(row.cells for row in rows if row.cells[0] == "Effusion")
    assert cells[3] == "present: reaches the threshold; the score alone cannot say"


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (0.31, "usual with the finding and without"),
        (0.95, "unusual without the finding"),
        (0.05, "unusual with the finding"),
    ],
)
def test_the_conformal_answer_in_words(score: float, said: str) -> None:
    assert said in operating.conformal(CURVE, score).text()


def test_a_score_unlike_both_kinds_cannot_be_called() -> None:
    apart = OperatingCurve(np.full(50, 0.9), np.full(50, 0.1))
    assert operating.conformal(apart, 0.5).text().startswith("Cannot say: such a score is unusual with")
    assert operating.cannot_say(finding(curve=apart, probability=0.5))
    assert not operating.cannot_say(finding(curve=None))


def test_a_package_that_says_nothing_about_its_threshold_is_told_of() -> None:
    (said,) = operating.sentences(finding(curve=None))
    assert "does not say what its threshold catches and misses" in said.text()
    assert operating.sentences(finding(curve=None, operating_point="Chosen for tests.")) == []
    assert operating.sentences(finding(probability=None, curve=None)) == []


def test_the_structured_report_names_the_rates_of_the_algorithm() -> None:
    told = operating.as_parameters(finding(package_threshold=0.41))
    assert told[:2] == ["threshold_of_package=0.41", "threshold_changed_by=reader"]
    assert told[2].startswith("sensitivity=0.7")
    assert told[4] == "conformal_90=cannot_say"
    assert operating.as_parameters(finding(probability=None)) == []


def test_a_map_shows_its_score_with_the_threshold(film_case) -> None:
    words = Wording("en")
    told = [explanation(film_case, view, words) for view in key_views(film_case) if view.heatmap is not None]
    assert any("Score of the target: 0.734 (threshold 0.300)." in text for text in told)


@pytest.mark.parametrize("source", [CROSS_FITTED, VALIDATION])
def test_the_chinese_page_names_the_patients_of_a_training_in_chinese(film_case, source: str) -> None:
    findings = tuple(replace(one, curve=replace(CURVE, source=source)) for one in film_case.findings)
    (told,) = {one.explanation for one in page(replace(film_case, findings=findings, language="zh_CN")).tables
               if "校准病例" in one.explanation}  # fmt: skip
    assert "患者" in told
    assert source not in told
