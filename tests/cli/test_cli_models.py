"""`models` and `analyze` with tiny packages."""

from __future__ import annotations

import json

import pytest
from bundles import change_json, write_classifier, write_segmenter, write_threshold_segmenter
from phantoms import write_ct_series, write_film, write_mr_series
from pydicom import dcmread
from pydicom.uid import JPEGLSLossless

from medassist.locations import user_models_dir


@pytest.fixture
def segmenter(tmp_path):
    return write_segmenter(tmp_path / "tiny_segmenter")


def test_analysis_of_a_volume_leaves_every_file(medassist, segmenter, tmp_path) -> None:
    write_mr_series(tmp_path / "mr")
    answer = medassist("analyze", tmp_path / "mr", "-m", segmenter, "-o", tmp_path / "out", "--json")
    assert answer.code == 0, answer.err
    assert answer.json == json.loads((tmp_path / "out" / "result.json").read_text())
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"result.json", "seg.dcm", "sr.dcm", "mask.nii.gz", "report.pdf", "report.html"} <= names
    assert {"read", "prepare", "infer", "explain", "write"} <= answer.json["timings_s"].keys()
    assert answer.json["explanations"]


def test_analysis_of_a_film_names_threshold_and_map(medassist, tmp_path) -> None:
    package = write_classifier(tmp_path / "tiny_classifier")
    film = write_film(tmp_path / "film")
    answer = medassist("analyze", film, "-m", package, "-o", tmp_path / "out", "--json")
    assert answer.code == 0, answer.err
    assert [one["threshold"] for one in answer.json["classes"]] == [0.3, 0.9]
    assert (tmp_path / "out" / answer.json["explanations"][0]["file"]).exists()


def test_explanation_can_be_left_out(medassist, segmenter, tmp_path) -> None:
    write_mr_series(tmp_path / "mr")
    words = ("analyze", tmp_path / "mr", "-m", segmenter, "-o", tmp_path / "out", "--json", "--explain", "none")
    assert medassist(*words).json["explanations"] == []


def test_unsuited_input_is_refused_unless_a_reason_is_given(medassist, refused, segmenter, tmp_path) -> None:
    write_ct_series(tmp_path / "ct")
    words = ("analyze", tmp_path / "ct", "-m", segmenter, "-o", tmp_path / "out")
    sentence = refused(4, *words)
    assert "MR" in sentence
    assert "CT" in sentence
    assert not (tmp_path / "out").exists()
    answer = medassist(*words, "--override", "phantom", "--json")
    assert answer.code == 0
    assert "phantom" in answer.out


def test_the_series_a_model_accepts_is_found(medassist, segmenter, tmp_path) -> None:
    write_ct_series(tmp_path / "in" / "a")
    write_mr_series(tmp_path / "in" / "b")
    answer = medassist(
        "analyze", tmp_path / "in", "-m", segmenter, "-o", tmp_path / "out", "--json", "--explain", "none"
    )
    assert answer.code == 0, answer.err
    assert [one["verdict"] for one in answer.json["suitability"] if one["check"].lower() == "modality"] == ["pass"]


def test_irregular_slices_never_reach_a_model(refused, segmenter, tmp_path) -> None:
    write_mr_series(tmp_path / "mr")[3].unlink()
    refused(4, "analyze", tmp_path / "mr", "-m", segmenter, "-o", tmp_path / "out")


def test_unknown_model_is_code_2(refused, tmp_path) -> None:
    assert "nobody" in refused(2, "analyze", tmp_path, "-m", "nobody", "-o", tmp_path / "out")


def test_unknown_method_and_target_are_code_2(refused, segmenter, tmp_path) -> None:
    write_mr_series(tmp_path / "mr")
    words = ("analyze", tmp_path / "mr", "-m", segmenter, "-o", tmp_path / "out")
    assert "tealeaves" in refused(2, *words, "--explain", "tealeaves")
    assert "Liver" in refused(2, *words, "--target", "Liver")
    assert "window" in refused(2, *words, "--explain", "occlusion:steps=3")
    assert "between 0.03 and 0.5" in refused(2, *words, "--explain", "occlusion:window=7")
    assert "no setting" in refused(2, *words, "--explain", "occlusion:window")
    assert "reads no layer" in refused(2, *words, "--explain", "saliency", "--layer", "model.0")


def test_a_label_nobody_knows_is_refused_before_the_model_runs(refused, segmenter, tmp_path, monkeypatch) -> None:
    from medassist.session import analysing

    write_mr_series(tmp_path / "mr")
    monkeypatch.setattr(analysing, "run_model", lambda *_args, **_options: pytest.fail("the model was run"))
    words = ("analyze", tmp_path / "mr", "-m", segmenter, "-o", tmp_path / "out")
    assert "no label Spleen" in refused(2, *words, "--target", "Spleen")
    assert "no label Spleen" in refused(2, *words, "--against", "Spleen")
    same = ("--target", "Anterior part", "--against", "anterior part")
    assert "with itself" in refused(2, *words, *same)
    assert not (tmp_path / "out").exists()


def test_an_explanation_is_asked_for_in_words_and_told_in_the_report(medassist, segmenter, tmp_path) -> None:
    write_mr_series(tmp_path / "mr")
    words = ("analyze", tmp_path / "mr", "-m", segmenter, "-o", tmp_path / "out", "--json", "--target", "Anterior part")
    answer = medassist(*words, "--explain", "gradientshap:samples=6", "--against", "Posterior part")
    assert answer.code == 0, answer.err
    (told,) = answer.json["explanations"]
    assert (told["target"], told["against"], told["signed"]) == ("Anterior part", "Posterior part", True)
    assert told["parameters"]["samples"] == 6
    assert told["minimum"] < 0.0 < told["maximum"]
    assert told["stamp"]["standing"] == "meaningless" or "deletion_auc" in told["quality"]
    assert bool(told["stamp"]["reasons"]) == (told["stamp"]["standing"] != "holds")
    assert answer.json["timings_s"]["stamp"] > 0
    stored = dcmread(tmp_path / "out" / told["file"])
    mapping = stored.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    lowest = stored.pixel_array.min() * mapping.RealWorldValueSlope + mapping.RealWorldValueIntercept
    assert lowest < 0.0, "evidence against the target is kept"


def test_tampered_weights_are_code_4(medassist, refused, segmenter, tmp_path) -> None:
    write_mr_series(tmp_path / "mr")
    weights = segmenter / "models" / "model.pt"
    weights.write_bytes(weights.read_bytes() + b"!")
    assert "model.pt" in refused(4, "analyze", tmp_path / "mr", "-m", segmenter, "-o", tmp_path / "out")
    assert medassist("models", "check", segmenter).code == 4


def test_out_that_is_a_file_is_code_5(refused, segmenter, tmp_path) -> None:
    write_mr_series(tmp_path / "mr")
    (tmp_path / "out").write_text("")
    refused(5, "analyze", tmp_path / "mr", "-m", segmenter, "-o", tmp_path / "out")


def test_models_are_listed_with_the_reason_when_broken(medassist, tmp_path) -> None:
    write_segmenter(user_models_dir() / "good")
    change_json(write_segmenter(user_models_dir() / "broken"), "metadata", medassist={"task": "divination"})
    models = {one["name"]: one for one in medassist("models", "list", "--json").json["models"]}
    assert models["good"]["available"]
    assert not models["broken"]["available"]
    assert models["broken"]["reason"]


def test_card_is_shown_where_the_model_is_run(medassist, segmenter) -> None:
    assert "knows nothing" in medassist("models", "card", segmenter).out


def test_card_needs_a_name(refused) -> None:
    assert "Which model?" in refused(2, "models", "card")


def test_model_without_a_layer_to_explain_still_reports(medassist, refused, tmp_path) -> None:
    package = write_threshold_segmenter(tmp_path / "threshold", 1500)
    write_mr_series(tmp_path / "mr", slices=4)
    answer = medassist("analyze", tmp_path / "mr", "-m", package, "-o", tmp_path / "out", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["explanations"] == []
    assert "no explanation" in answer.err
    refused(4, "analyze", tmp_path / "mr", "-m", package, "-o", tmp_path / "other", "--explain", "gradcam")


def test_unreadable_series_does_not_hide_the_next(medassist, segmenter, tmp_path) -> None:
    for path in write_mr_series(tmp_path / "in" / "a", slices=2, SeriesNumber=1):
        dataset = dcmread(path)
        dataset.compress(JPEGLSLossless)
        dataset.save_as(path)
        path.write_bytes(path.read_bytes()[:-400])
    write_mr_series(tmp_path / "in" / "b", SeriesNumber=2)
    words = ("analyze", tmp_path / "in", "-m", segmenter, "-o", tmp_path / "out", "--json", "--explain", "none")
    assert medassist(*words).code == 0
