"""`analyze --probabilities`, and the setting that asks the same of every run: one more file beside the mask."""

from __future__ import annotations

import pytest
from bundles import write_classifier, write_segmenter
from phantoms import write_film, write_mr_series

from medassist.storage import settings

NAME = "seg-probability.dcm"


@pytest.mark.parametrize("by_setting", [False, True])
def test_the_file_is_written_and_listed_where_it_was_asked_for(medassist, tmp_path, by_setting) -> None:
    package = write_segmenter(tmp_path / "tiny_segmenter")
    write_mr_series(tmp_path / "mr")
    words = ("analyze", tmp_path / "mr", "-m", package, "-o", tmp_path / "out", "--explain", "none", "--json")
    assert NAME not in medassist(*words).json["files"]
    if by_setting:
        settings.write("segmentations", "fractional")
    answer = medassist(*words) if by_setting else medassist(*words, "--probabilities")
    assert answer.code == 0, answer.err
    assert {"seg.dcm", NAME} <= set(answer.json["files"])
    assert (tmp_path / "out" / NAME).exists()


def test_a_classifier_is_refused_it_and_no_setting_stands_in_its_way(medassist, refused, tmp_path) -> None:
    package = write_classifier(tmp_path / "tiny_classifier")
    film = write_film(tmp_path / "film")
    words = ("analyze", film, "-m", package, "-o", tmp_path / "out", "--explain", "none")
    assert "marks no voxels" in refused(4, *words, "--probabilities")
    settings.write("segmentations", "fractional")
    assert medassist(*words).code == 0
    assert not (tmp_path / "out" / NAME).exists()


def test_a_region_in_a_box_has_none(refused, tmp_path) -> None:
    package = write_segmenter(tmp_path / "tiny_segmenter")
    said = refused(
        2, "analyze", tmp_path, "-m", package, "-o", tmp_path / "out", "--probabilities", "--box", "1,1,5,5,0"
    )
    assert "a region in a box has none" in said
