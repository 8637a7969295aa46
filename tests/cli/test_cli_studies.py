"""`info` and `convert`, and what bad input gets."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import nibabel
import numpy as np
import pydicom
import pytest
from bundles import write_segmenter, write_threshold_segmenter
from phantoms import write_ct_series, write_mr_series
from pydicom.data import get_testdata_file


def test_info_lists_a_series_with_its_shape(medassist, tmp_path) -> None:
    write_ct_series(tmp_path / "ct")
    series = medassist("info", tmp_path / "ct", "--json").json["studies"][0]["series"]
    assert [(one["modality"], one["kind"], one["shape_zyx"]) for one in series] == [("CT", "volume", [8, 64, 64])]


def test_info_names_what_it_skipped(medassist, tmp_path) -> None:
    write_ct_series(tmp_path)
    (tmp_path / "README.txt").write_text("hello")
    skipped = medassist("info", tmp_path, "--json").json["skipped"]
    assert [one["file"].endswith("README.txt") for one in skipped] == [True]
    assert skipped[0]["reason"]


def test_info_reads_texts_as_asked(medassist, tmp_path) -> None:
    (path,) = write_ct_series(tmp_path, slices=1, PatientName="NNNN", SpecificCharacterSet="ISO_IR 100")
    path.write_bytes(path.read_bytes().replace(b"NNNN", "王东".encode("gb18030")))
    assert "look like GB18030: 王东" in medassist("info", path).out
    study = medassist("info", path, "--json", "--charset", "GB18030").json["studies"][0]
    assert study["patient"]["name"] == "王东"
    assert medassist("info", path, "--charset", "Klingon").code == 2


def test_convert_and_analyze_read_texts_as_asked(medassist, tmp_path) -> None:
    for path in write_ct_series(tmp_path / "ct", PatientName="NNNN", SeriesDescription="QQQQ", SeriesNumber=3):
        raw = path.read_bytes().replace(b"NNNN", "王东".encode("gb18030"))
        path.write_bytes(raw.replace(b"QQQQ", "肺窗".encode("gb18030")))
    answer = medassist("convert", tmp_path / "ct", "-o", tmp_path / "out", "--charset", "GB18030")
    assert (answer.code, [one.name for one in (tmp_path / "out").iterdir()]) == (0, ["3_肺窗.nii.gz"])
    assert medassist("convert", tmp_path / "ct", "-o", tmp_path / "no", "--charset", "Klingon").code == 2
    model = write_threshold_segmenter(tmp_path / "bright", 60)
    words = ("analyze", tmp_path / "ct", "-m", model, "-o", tmp_path / "report", "--json", "--charset")
    assert medassist(*words, "GB18030").code == 0
    assert str(pydicom.dcmread(tmp_path / "report" / "sr.dcm").PatientName) == "王东"
    assert medassist(*words, "Klingon").code == 2


def test_info_for_people_shows_the_irregularity(medassist, tmp_path) -> None:
    write_ct_series(tmp_path)[3].unlink()
    answer = medassist("info", tmp_path)
    assert answer.code == 0
    assert "stack" in answer.out
    assert "!" in answer.out


def test_convert_writes_one_file_in_place(medassist, tmp_path) -> None:
    write_ct_series(tmp_path / "ct", origin=(-20, 10, 5))
    target = tmp_path / "out.nii.gz"
    assert medassist("convert", tmp_path / "ct", "-o", target).out.strip() == str(target)
    image = nibabel.load(target)
    corner = np.array([[-20, 10, 5]]) * [-1, -1, 1]
    index = nibabel.affines.apply_affine(np.linalg.inv(image.affine), corner)
    assert np.asarray(image.dataobj).min() == -1000
    np.testing.assert_allclose(index, np.rint(index), atol=1e-4)


def test_time_points_become_one_file_in_four_dimensions(medassist, tmp_path) -> None:
    write_mr_series(tmp_path / "mr", times=3)
    medassist("convert", tmp_path / "mr", "-o", tmp_path / "out.nii.gz")
    assert nibabel.load(tmp_path / "out.nii.gz").shape == (64, 64, 8, 3)


def test_several_series_go_into_a_folder_or_are_chosen(medassist, refused, tmp_path) -> None:
    write_ct_series(tmp_path / "in" / "a")
    write_mr_series(tmp_path / "in" / "b")
    assert "--series" in refused(2, "convert", tmp_path / "in", "-o", tmp_path / "out.nii")
    files = medassist("convert", tmp_path / "in", "-o", tmp_path / "out").out.split()
    assert len(files) == len(set(files)) == 2
    uid = medassist("info", tmp_path / "in" / "a", "--json").json["studies"][0]["series"][0]["series_uid"]
    assert medassist("convert", tmp_path / "in", "-o", tmp_path / "one.nii", "--series", uid).code == 0


def test_irregular_slices_are_named_and_not_written(refused, tmp_path) -> None:
    write_ct_series(tmp_path / "ct")[3].unlink()
    sentence = refused(3, "convert", tmp_path / "ct", "-o", tmp_path / "out.nii")
    assert "5" in sentence
    assert not (tmp_path / "out.nii").exists()


@pytest.mark.parametrize("name", ["empty", "missing", "text.dcm", "cut.dcm"])
def test_bad_input_gets_one_sentence_with_its_name(refused, tmp_path, name) -> None:
    path = tmp_path / name
    if name == "empty":
        path.mkdir()
    elif name == "text.dcm":
        path.write_text("not an image")
    elif name == "cut.dcm":
        whole = write_ct_series(tmp_path / "whole", slices=1)[0].read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    assert name in refused(3, "info", path)


def test_unwritable_target_is_code_5(refused, tmp_path) -> None:
    write_ct_series(tmp_path / "ct")
    (tmp_path / "file").write_text("")
    refused(5, "convert", tmp_path / "ct", "-o", tmp_path / "file" / "out.nii")


def test_target_without_a_volume_suffix_is_code_2(refused, tmp_path) -> None:
    write_ct_series(tmp_path / "ct")
    assert ".nii.gz" in refused(2, "convert", tmp_path / "ct", "-o", tmp_path / "out.jpg")


def test_name_too_long_is_no_bug(refused) -> None:
    assert "does not exist" in refused(3, "info", "x" * 5000)


@pytest.mark.parametrize("verb", ["convert", "analyze"])
def test_unknown_series_is_bad_usage(refused, tmp_path, verb) -> None:
    write_ct_series(tmp_path / "ct", slices=2)
    model = ("-m", write_segmenter(tmp_path / "model")) if verb == "analyze" else ()
    sentence = refused(2, verb, tmp_path / "ct", "-o", tmp_path / "out", "--series", "1.2.3", *model)
    assert "1.2.3" in sentence
    assert str(tmp_path / "ct") in sentence


def test_path_without_pictures_is_named(refused, tmp_path) -> None:
    plan = get_testdata_file("rtplan.dcm")
    assert plan in refused(3, "convert", plan, "-o", tmp_path / "out.nii")


def test_left_out_files_are_told_after_the_work(medassist, tmp_path) -> None:
    write_ct_series(tmp_path / "ct", slices=2)
    assert medassist("convert", tmp_path / "ct", "-o", tmp_path / "out.nii").err == ""
    (tmp_path / "ct" / "broken.dcm").write_bytes(bytes(128) + b"DICM")
    answer = medassist("convert", tmp_path / "ct", "-o", tmp_path / "out.nii")
    assert answer.code == 0
    assert "Files left out: 1" in answer.err


def test_file_names_beyond_the_encoding_are_printed_all_the_same(tmp_path) -> None:
    odd = tmp_path / os.fsdecode("研究\xff".encode("utf-8", "surrogateescape") + b"\xff")
    try:
        write_ct_series(odd, slices=2)
    except OSError:
        pytest.skip("this file system keeps no such name")
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "medassist", "info", os.fsencode(odd), "--json"]
    answer = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert (answer.returncode, answer.stderr) == (0, b"")
    assert json.loads(answer.stdout)["source"] == str(odd)


def test_files_without_tags_keep_their_name_without_its_suffix(medassist, tmp_path) -> None:
    write_ct_series(tmp_path / "ct", slices=2)
    medassist("convert", tmp_path / "ct", "-o", tmp_path / "in" / "head.v1.nii.gz")
    medassist("convert", tmp_path / "in", "-o", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["head.v1.nii.gz"]


def test_folder_with_a_dot_in_its_name_is_a_folder(medassist, tmp_path) -> None:
    write_ct_series(tmp_path / "ct", slices=2, SeriesDescription="x" * 300)
    (tmp_path / "v1.0").mkdir()
    (file,) = medassist("convert", tmp_path / "ct", "-o", tmp_path / "v1.0").out.split()
    assert file.startswith(str(tmp_path / "v1.0"))
