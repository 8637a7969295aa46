"""`analyze --threshold --prevalence`: as the dial of the window, in report and trail."""

from __future__ import annotations

import pytest
from bundles import write_calibration, write_classifier
from phantoms import write_film

from medassist.storage import audit

CASES = {"Effusion": {"positive": [2.0, 0.5, 1.0], "negative": [-1.0, -3.0, 0.7]}}


@pytest.fixture
def words(tmp_path):
    package = write_classifier(tmp_path / "tiny_classifier")
    write_calibration(package, CASES)
    film = write_film(tmp_path / "film")
    return ("analyze", film, "-m", package, "-o", tmp_path / "out", "--explain", "none", "--json")


def test_threshold_and_prevalence_reach_result_and_trail(medassist, words) -> None:
    answer = medassist(*words, "--threshold", "Effusion=0.01", "--prevalence", "Effusion=5")
    assert answer.code == 0, answer.err
    effusion, other = answer.json["classes"]
    assert (effusion["threshold"], effusion["package_threshold"], effusion["positive"]) == (0.01, 0.3, True)
    assert effusion["threshold_changed_by_reader"] is True
    assert (effusion["prevalence"], effusion["sensitivity"]["value"]) == (0.05, 1.0)
    assert effusion["ppv"]["value"] == pytest.approx(0.05)  # everything is called, so the prevalence is left
    assert other["threshold_changed_by_reader"] is False
    assert '"threshold_after": "0.0100"' in audit.audit_file().read_text()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--threshold", "Fracture=0.2"), "no such label; it has Effusion, Cardiomegaly"),
        (("--threshold", "Effusion=1.5"), "no usable number"),
        (("--threshold", "Effusion"), "no such label"),
        (("--prevalence", "Effusion=0"), "no usable number"),
        (("--prevalence", "Effusion=nan"), "no usable number"),
        (("--threshold", "Cardiomegaly=0.2"), "no calibration cases of Cardiomegaly"),
    ],
)
def test_what_cannot_be_set_is_bad_usage(refused, words, option, said) -> None:
    assert said in refused(2, *words, *option)
