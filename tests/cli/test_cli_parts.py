"""`info`, `convert` and `analyze` on a series with several pictures at every position, and on one part of it."""

from __future__ import annotations

import nibabel
import numpy as np
import pydicom
import pytest
from bundles import write_threshold_segmenter
from phantoms import write_mr_series


@pytest.fixture
def diffusion(tmp_path):
    for n, path in enumerate(write_mr_series(tmp_path / "mr", slices=8, times=2, TemporalPositionIdentifier=None)):
        dataset = pydicom.dcmread(path)
        dataset.InstanceNumber, dataset.DiffusionBValue = n + 1, 1000 * (n % 2)
        dataset.save_as(path)
    return tmp_path / "mr"


def split(medassist, folder):
    (series,) = medassist("info", folder, "--json").json["studies"][0]["series"]
    return series["split"]


def test_info_lists_the_parts_with_the_reason(medassist, diffusion):
    told = split(medassist, diffusion)
    assert (told["by"], told["reason"]) == ("b-value", "Each position holds 2 pictures, told apart by b-value.")
    assert [(one["label"], one["images"]) for one in told["parts"]] == [("b = 0 s/mm²", 8), ("b = 1000 s/mm²", 8)]
    text = medassist("info", diffusion).out
    for part in told["parts"]:
        assert f"- {part['label']}  (--series '{part['key']}')" in text


def test_convert_writes_the_whole_or_the_part_asked_for(medassist, diffusion, tmp_path):
    key = split(medassist, diffusion)["parts"][1]["key"]
    assert medassist("convert", diffusion, "-o", tmp_path / "all.nii").code == 0
    assert medassist("convert", diffusion, "-o", tmp_path / "one.nii", "--series", key).code == 0
    whole, one = nibabel.load(tmp_path / "all.nii"), nibabel.load(tmp_path / "one.nii")
    assert (whole.shape, one.shape) == ((64, 64, 8, 2), (64, 64, 8))
    np.testing.assert_array_equal(np.asarray(one.dataobj), np.asarray(whole.dataobj)[..., 1])


def test_analyze_says_which_part_it_looked_at(medassist, diffusion, tmp_path):
    model = write_threshold_segmenter(tmp_path / "bright", 150)
    answer = medassist("analyze", diffusion, "-m", model, "-o", tmp_path / "whole", "--json")
    assert answer.code == 0, answer.err
    assert "Only the first of 2 time points was analysed: b = 0 s/mm²." in answer.json["notes"]
    key = split(medassist, diffusion)["parts"][1]["key"]
    alone = medassist("analyze", diffusion, "-m", model, "-o", tmp_path / "part", "--series", key, "--json")
    assert alone.code == 0, alone.err
    assert not any("time point" in note for note in alone.json["notes"])
    mask = pydicom.dcmread(next((tmp_path / "part").glob("*seg*.dcm")))
    b_values = {
        pydicom.dcmread(path).SOPInstanceUID: pydicom.dcmread(path).DiffusionBValue for path in diffusion.iterdir()
    }
    (referenced,) = mask.ReferencedSeriesSequence
    assert {b_values[one.ReferencedSOPInstanceUID] for one in referenced.ReferencedInstanceSequence} == {1000}


def test_an_unknown_part_is_refused(refused, diffusion, tmp_path):
    key = pydicom.dcmread(next(diffusion.iterdir())).SeriesInstanceUID
    assert "There is no series" in refused(
        2, "convert", diffusion, "-o", tmp_path / "x.nii", "--series", f"{key}#volume 3"
    )
