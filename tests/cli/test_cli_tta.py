"""`analyze --tta`: mean and spread in result.json, and the sentence for a package that declares no flips."""

from __future__ import annotations

import pytest
from bundles import change_json, write_classifier, write_segmenter
from phantoms import write_film, write_mr_series


def test_scores_have_a_spread_and_the_report_says_why(medassist, tmp_path) -> None:
    package = write_classifier(tmp_path / "tiny_classifier")
    change_json(package, "metadata", medassist={"tta": {"flips": [[0], [0, 1]]}})
    film = write_film(tmp_path / "film")
    words = ("analyze", film, "-m", package, "-o", tmp_path / "out", "--explain", "none", "--json")
    plain = medassist(*words)
    answer = medassist(*words, "--tta")
    assert answer.code == 0, answer.err
    assert [one["spread"] for one in plain.json["classes"]] == [None, None]
    assert plain.json["run"]["flips"] == []
    assert answer.json["run"]["flips"] == [[0], [0, 1]]
    assert all(0.0 < one["spread"] < 0.5 for one in answer.json["classes"])
    told = [one["probability"] for one in answer.json["classes"]]
    assert told != pytest.approx([one["probability"] for one in plain.json["classes"]], abs=1e-9)
    assert any("mean of 3 views" in note for note in answer.json["notes"])
    assert "mean of 3 views" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_package_without_flips_is_refused_it(refused, tmp_path) -> None:
    package = write_segmenter(tmp_path / "tiny_segmenter")
    write_mr_series(tmp_path / "mr")
    said = refused(4, "analyze", tmp_path / "mr", "-m", package, "-o", tmp_path / "out", "--tta")
    assert "declares no flips" in said
    assert not (tmp_path / "out").exists()


def test_with_uncertainty_there_is_a_map_of_where_the_views_disagree(medassist, tmp_path) -> None:
    package = write_segmenter(tmp_path / "tiny_segmenter")
    change_json(package, "metadata", medassist={"tta": {"flips": [[0]]}})
    write_mr_series(tmp_path / "mr")
    words = ("analyze", tmp_path / "mr", "-m", package, "-o", tmp_path / "out", "--explain", "none", "--json", "--tta")
    answer = medassist(*words, "--uncertainty")
    assert answer.code == 0, answer.err
    (spread,), (doubt,) = answer.json["spread"], answer.json["uncertainty"]
    assert 0.0 < spread["maximum"] < 0.5
    assert spread["file"] != doubt["file"]
    assert (tmp_path / "out" / spread["file"]).exists()
    assert medassist(*words).json["spread"] == []
