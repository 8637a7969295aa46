"""Exporting: which files, whole or not at all, and what result.json says."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import phantoms
import pytest
from report_cases import MODEL, blob_map, make_case

from medassist.entities.errors import Cancelled, UnwritableOutput, UsageError
from medassist.entities.finding import Judgement
from medassist.progress import Progress, Step
from medassist.report import result_json
from medassist.report.case import Case
from medassist.report.export import ALL_FORMATS, EXPORTERS, Readers, export

WITHOUT_QT = tuple(name for name in ALL_FORMATS if name not in ("pdf", "epdf"))

CONTRACT = {
    "model",
    "input",
    "suitability",
    "classes",
    "segments",
    "explanations",
    "timings_s",
    "peak_memory_mb",
    "device",
    "versions",
}


@pytest.fixture
def mr_case(tmp_path):
    phantoms.write_mr_series(tmp_path / "in")
    return make_case(tmp_path / "in")


def names(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_segmenter_case_writes_the_files_of_the_contract(mr_case, tmp_path):
    files = export(mr_case, tmp_path / "new" / "out", WITHOUT_QT, progress=Progress())
    expected = {"result.json", "seg.dcm", "heatmap-1.dcm", "sr.dcm", "report.html", "mask.nii.gz"}
    expected |= {"key-1.png", "key-2.png", "key-3.png", "map-1.png", "map-1.nii.gz", "map-1.json", "stamps.csv"}
    expected |= {
        "report.txt",
        "findings.csv",
        "fhir.json",
        "fhir-r4b.json",
        "gsps.dcm",
        "sc-1.dcm",
        "sc-2.dcm",
        "sc-3.dcm",
    }
    assert names(tmp_path / "new" / "out") == expected == {path.name for path in files}
    assert files[-1].name == "result.json"


def test_result_holds_the_contract(mr_case, tmp_path):
    export(mr_case, tmp_path / "out", WITHOUT_QT, progress=Progress())
    told = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert set(told) >= CONTRACT
    assert told["model"] == {"name": MODEL.name, "version": MODEL.version, "sha256": MODEL.sha256}
    assert told["input"]["study_uid"] == mr_case.series.study_uid
    assert told["input"]["series_uid"] == mr_case.series.series_uid
    assert told["suitability"][1] == {
        "check": "body part",
        "demanded": "BRAIN",
        "found": "unknown",
        "verdict": "unknown",
    }
    assert [one["label"] for one in told["segments"]] == [one.label for one in mr_case.findings]
    assert told["segments"][0]["volume_ml"] == pytest.approx(mr_case.findings[0].volume_ml)
    assert told["segments"][0]["code"]["value"] == "5366008"
    assert told["explanations"][0]["file"] == "heatmap-1.dcm"
    assert told["explanations"][0]["quality"] == {"share_outside_region": 0.25}
    assert set(told["timings_s"]) == {"read", "prepare", "infer", "explain", "write"}
    assert told["timings_s"]["write"] > 0
    assert told["status"] == "preliminary"
    assert set(told["files"]) == names(tmp_path / "out")
    assert any("Missing structure" in note for note in told["notes"])


def test_classes_have_score_threshold_and_verdict(tmp_path):
    phantoms.write_film(tmp_path / "in")
    told = result_json.result(make_case(tmp_path / "in"))
    first = told["classes"][0]
    assert {key: first[key] for key in ("label", "probability", "threshold", "positive", "calibrated")} == {
        "label": "Effusion",
        "probability": 0.734,
        "threshold": 0.41,
        "positive": True,
        "calibrated": False,
    }


def test_result_is_json_whatever_was_measured(mr_case):
    broken = replace(mr_case, heatmaps=(replace(mr_case.heatmaps[0], quality={"ratio": float("nan")}),))
    text = json.dumps(result_json.finite(result_json.result(broken)), allow_nan=False)
    assert json.loads(text)["explanations"][0]["quality"] == {"ratio": None}


def test_mask_file_has_the_geometry_of_the_series(mr_case, tmp_path):
    import nibabel

    export(mr_case, tmp_path / "out", ("nifti",), progress=Progress())
    image = nibabel.load(tmp_path / "out" / "mask.nii.gz")
    world = np.diag([-1, -1, 1, 1]) @ mr_case.volume.geometry.affine_lps
    stored = np.asarray(image.dataobj)
    for k, j, i in np.argwhere(mr_case.predictions[0].mask.labels_zyx)[::7]:
        x, y, z = np.rint(np.linalg.inv(image.affine) @ world @ [i, j, k, 1])[:3].astype(int)
        assert stored[x, y, z] == mr_case.predictions[0].mask.labels_zyx[k, j, i]


def test_a_label_map_holds_nothing_the_reader_rejected(mr_case, tmp_path):
    import nibabel

    def rejected(*labels: str) -> Case:
        return replace(mr_case, findings=tuple(
            replace(one, judgement=Judgement.REJECTED) if one.label in labels else one for one in mr_case.findings
        ))  # fmt: skip

    export(rejected("Anterior hippocampus"), tmp_path / "out", ("nifti",), progress=Progress())
    stored = np.asarray(nibabel.load(tmp_path / "out" / "mask.nii.gz").dataobj)
    assert set(np.unique(stored)) == {0, 2}
    assert (stored == 2).sum() == (mr_case.predictions[0].mask.labels_zyx == 2).sum()
    all_of_it = rejected(*(one.label for one in mr_case.findings))
    assert export(all_of_it, tmp_path / "none", ("nifti",), progress=Progress()) == ()


def test_inputs_without_dicom_get_the_rest_and_a_note(tmp_path):
    from PIL import Image

    (tmp_path / "in").mkdir()
    Image.fromarray(np.tile(np.arange(96, dtype=np.uint8), (80, 1))).save(tmp_path / "in" / "film.png")
    case = make_case(tmp_path / "in")
    export(case, tmp_path / "out", WITHOUT_QT, progress=Progress())
    maps = {"map-1.png", "map-1.nii.gz", "map-1.json", "stamps.csv"}
    texts = {"report.html", "report.txt", "findings.csv", "fhir.json", "fhir-r4b.json"}
    assert names(tmp_path / "out") == {"result.json", "key-1.png"} | texts | maps
    told = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert any("not DICOM" in note for note in told["notes"])
    assert told["explanations"][0]["file"] is None


def test_volumes_without_dicom_keep_their_mask(mr_case, tmp_path):
    from medassist.imaging.convert import write_volume

    (tmp_path / "nii").mkdir()
    write_volume(mr_case.volume, tmp_path / "nii" / "head.nii.gz")
    export(make_case(tmp_path / "nii"), tmp_path / "out", ("seg", "sr", "nifti", "json"), progress=Progress())
    assert names(tmp_path / "out") == {"result.json", "mask.nii.gz"}


def test_formats_bring_what_they_show_or_point_at(mr_case, tmp_path):
    export(mr_case, tmp_path / "sr", ("sr",), progress=Progress())
    assert names(tmp_path / "sr") == {"sr.dcm", "seg.dcm", "heatmap-1.dcm"}
    export(mr_case, tmp_path / "html", ("html",), progress=Progress())
    assert "key-1.png" in names(tmp_path / "html")


def test_files_of_every_format_go_when_they_are_stale(mr_case, tmp_path):
    export(mr_case, tmp_path / "out", WITHOUT_QT, progress=Progress())
    export(mr_case, tmp_path / "out", ("json",), progress=Progress())
    assert names(tmp_path / "out") == {"result.json"}


def test_every_format_is_for_someone_and_has_a_chinese_name():
    from medassist.language import catalogue

    known = catalogue("zh_CN")
    assert {one.readers for one in EXPORTERS.values()} == set(Readers)
    assert all(one.title in known and one.readers.value in known for one in EXPORTERS.values())


def test_unknown_format_is_a_usage_error(mr_case, tmp_path):
    with pytest.raises(UsageError, match="docx"):
        export(mr_case, tmp_path / "out", ("docx",), progress=Progress())
    assert not (tmp_path / "out").exists()


def test_missing_package_is_named(mr_case, tmp_path, monkeypatch):
    import medassist.report.export as room

    missing = {**EXPORTERS, "sr": replace(EXPORTERS["sr"], modules=("no_such_package",))}
    monkeypatch.setattr(room, "EXPORTERS", missing)
    with pytest.raises(UnwritableOutput, match="no_such_package"):
        export(mr_case, tmp_path / "out", ("sr",), progress=Progress())


@pytest.mark.parametrize("place", ["file", "below a file"])
def test_folder_that_cannot_be_written_is_said_so(mr_case, tmp_path, place):
    (tmp_path / "file").write_text("in the way")
    target = tmp_path / "file" if place == "file" else tmp_path / "file" / "out"
    with pytest.raises(UnwritableOutput) as caught:
        export(mr_case, target, ("json",), progress=Progress())
    assert caught.value.exit_code == 5
    assert str(target) in caught.value.sentence()


def test_failure_in_the_middle_leaves_the_folder_as_it_was(mr_case, tmp_path, monkeypatch):
    import medassist.report.export as room

    def full_disk(case, folder):
        (folder / "key-1.png").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(room, "EXPORTERS", {**EXPORTERS, "png": replace(EXPORTERS["png"], write=full_disk)})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(UnwritableOutput, match="No space left"):
        export(mr_case, tmp_path / "out", ("seg", "png", "json"), progress=Progress())
    assert names(tmp_path / "out") == {"mine.txt"}


def test_cancel_leaves_the_folder_as_it_was(mr_case, tmp_path):
    def stop_half_way(step: Step) -> None:
        if step.fraction and step.fraction >= 0.3:
            progress.cancel()

    progress = Progress(stop_half_way)
    with pytest.raises(Cancelled):
        export(mr_case, tmp_path / "out", WITHOUT_QT, progress=progress)
    assert names(tmp_path / "out") == set()


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_folder_whose_name_is_no_utf_8_gets_the_whole_report(mr_case, tmp_path):
    folder = tmp_path / os.fsdecode("报告".encode("gbk"))
    export(mr_case, folder, ALL_FORMATS, progress=Progress())
    assert {"result.json", "seg.dcm", "mask.nii.gz", "report.pdf", "key-1.png"} <= names(folder)
    assert not [name for name in names(folder) if name.startswith(".")]


def test_source_whose_name_is_no_utf_8_is_reported(mr_case, tmp_path):
    odd = "\udcd0\udcd8.nii.gz"
    series = replace(mr_case.series, description=odd, key=f"/data/{odd}")
    case = replace(mr_case, series=series, volume=replace(mr_case.volume, series=series))
    export(case, tmp_path / "out", ("json", "html", "pdf", "png"), progress=Progress())
    assert json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert "??.nii.gz" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_stale_files_of_an_earlier_report_go_others_stay(mr_case, tmp_path):
    two = replace(mr_case, heatmaps=(blob_map(mr_case.volume), blob_map(mr_case.volume, "Cardiomegaly")))
    export(two, tmp_path / "out", ("pm", "png", "json"), progress=Progress())
    (tmp_path / "out" / "key-99.png").write_bytes(b"not listed: not ours")
    assert "heatmap-2.dcm" in names(tmp_path / "out")
    export(mr_case, tmp_path / "out", ("pm", "png", "json"), progress=Progress())
    assert "heatmap-2.dcm" not in names(tmp_path / "out")
    assert "key-4.png" not in names(tmp_path / "out")
    assert "key-99.png" in names(tmp_path / "out")


def test_listing_of_a_stranger_removes_nothing(mr_case, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "key-1.png").write_text("outside")
    (out / "notes.txt").write_text("mine")
    (out / "result.json").write_text(json.dumps({"files": ["../key-1.png", "notes.txt", 3]}))
    export(mr_case, out, ("json",), progress=Progress())
    assert (tmp_path / "key-1.png").exists()
    assert (out / "notes.txt").exists()


def test_two_masks_get_two_objects(mr_case, tmp_path):
    other = replace(mr_case.predictions[0], model=replace(MODEL, name="second", sha256="cd" * 32))
    case = replace(mr_case, predictions=(*mr_case.predictions, other))
    export(case, tmp_path / "out", ("seg", "nifti"), progress=Progress())
    assert names(tmp_path / "out") == {"seg.dcm", "seg-2.dcm", "mask.nii.gz", "mask-2.nii.gz"}
