"""`analyze --uncertainty`: one more map, beside the explanation."""

from __future__ import annotations

from bundles import write_classifier, write_segmenter
from phantoms import write_film, write_mr_series


def test_the_map_is_written_and_named(medassist, tmp_path) -> None:
    package = write_segmenter(tmp_path / "tiny_segmenter")
    write_mr_series(tmp_path / "mr")
    words = ("analyze", tmp_path / "mr", "-m", package, "-o", tmp_path / "out", "--explain", "none", "--json")
    answer = medassist(*words, "--uncertainty")
    assert answer.code == 0, answer.err
    (doubt,) = answer.json["uncertainty"]
    assert 0.0 < doubt["maximum"] <= 1.0
    assert (tmp_path / "out" / doubt["file"]).exists()
    assert answer.json["explanations"] == []
    assert medassist(*words).json["uncertainty"] == []


def test_a_classifier_is_refused_it(refused, tmp_path) -> None:
    package = write_classifier(tmp_path / "tiny_classifier")
    film = write_film(tmp_path / "film")
    said = refused(4, "analyze", film, "-m", package, "-o", tmp_path / "out", "--uncertainty")
    assert "marks no voxels" in said
