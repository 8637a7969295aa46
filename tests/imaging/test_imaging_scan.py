"""What a scan finds, what it leaves out with a reason, and what it refuses in one sentence."""

from __future__ import annotations

import gc
import os
import stat
import struct
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from phantoms import save, write_ct_series, write_film, write_mr_series
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.fileset import FileSet
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from medassist.entities.errors import Cancelled, UnreadableInput
from medassist.entities.study import SeriesKind
from medassist.imaging import archives
from medassist.imaging.load import load
from medassist.imaging.scan import scan
from medassist.progress import Progress


def refusal(path: Path) -> str:
    with pytest.raises(UnreadableInput) as caught:
        scan(path)
    sentence = caught.value.sentence()
    assert "\n" not in sentence
    assert "Phantom" not in sentence
    return sentence


def test_tree_of_patient_study_and_series(tmp_path):
    write_ct_series(tmp_path / "a", SeriesNumber=2)
    write_mr_series(tmp_path / "b", SeriesNumber=1)
    write_film(tmp_path / "c", StudyInstanceUID="1.2.3", StudyDate="20200101", photometric="MONOCHROME1")
    (tmp_path / "README.txt").write_text("not an image")
    found = scan(tmp_path)
    old, new = found.studies
    assert (old.date, [one.modality for one in old.series]) == ("20200101", ["DX"])
    assert [(one.number, one.modality, one.kind) for one in new.series] == [
        (1, "MR", SeriesKind.VOLUME),
        (2, "CT", SeriesKind.VOLUME),
    ]
    assert (new.patient.name, new.patient.patient_id, new.patient.sex) == ("Phantom^One", "PH-1", "O")
    film = old.series[0]
    assert (film.kind, film.photometric, film.view_position, film.body_part) == (
        SeriesKind.FILM,
        "MONOCHROME1",
        "PA",
        "CHEST",
    )
    assert [(one.path.name, one.reason) for one in found.skipped] == [
        ("README.txt", "It is not an image file MedAssist knows.")
    ]
    assert found.study_of(film) is old


def test_two_patients_with_one_uid_are_kept_apart(tmp_path):
    for name in ("a", "b"):
        write_ct_series(tmp_path / name, slices=2, SeriesInstanceUID="1.2.3", PatientID=name, PatientName=name)
    found = scan(tmp_path)
    assert [study.patient.patient_id for study in found.studies] == ["a", "b"]
    one, other = found.all_series()
    assert one.key != other.key
    assert found.study_of(other).patient.patient_id == "b"
    assert one.shape_zyx == other.shape_zyx == (2, 64, 64)


def test_dates_of_three_stars_are_no_dates(tmp_path):
    write_mr_series(
        tmp_path, slices=2, StudyDate="***", PatientBirthDate="***", AcquisitionDate="***", SeriesDate="***"
    )
    (study,) = scan(tmp_path).studies
    assert (study.date, study.patient.birth_date, study.series[0].acquisition_date) == ("", "", "")


def test_chinese_patient_name_and_path(tmp_path):
    write_ct_series(tmp_path / "患者", slices=2, PatientName="Wang^XiaoDong=王^小东", StudyDescription="胸部")
    (study,) = scan(tmp_path / "患者").studies
    assert (study.patient.name, study.description) == ("Wang^XiaoDong=王^小东", "胸部")


def test_ir_58_escape_sequences_do_not_reach_the_screen(tmp_path):
    mark = b"\x1b$)A"
    raw = b"Zhang^XiaoDong=" + mark + "张".encode("gb2312") + b"^" + mark + "小东".encode("gb2312") + b"="
    (path,) = write_ct_series(
        tmp_path, slices=1, PatientName="A" * len(raw), SpecificCharacterSet=["", "ISO 2022 IR 58"]
    )
    path.write_bytes(path.read_bytes().replace(b"A" * len(raw), raw))
    assert scan(path).studies[0].patient.name == "Zhang^XiaoDong=张^小东"


def test_same_file_twice_is_read_once(tmp_path):
    paths = write_ct_series(tmp_path)
    (tmp_path / "copy.dcm").write_bytes(paths[3].read_bytes())
    found = scan(tmp_path)
    assert found.all_series()[0].shape_zyx == (8, 64, 64)
    assert "copy" in found.skipped[0].reason


def test_another_content_under_a_known_uid_is_no_copy(tmp_path):
    paths = write_ct_series(tmp_path)
    changed = pydicom.dcmread(paths[3])
    changed.PixelData = bytes(len(changed.PixelData))
    changed.save_as(tmp_path / "zz.dcm")
    found = scan(tmp_path)
    assert found.all_series()[0].shape_zyx == (8, 64, 64)
    assert found.skipped[0].reason == (
        f"It has the same UID as {paths[3].name}, which was read, but another content: one of the two is wrong."
    )


def test_zip_with_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (path,) = write_ct_series(tmp_path / "a", slices=1)
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        archive.write(path, "a.dcm")
    (tmp_path / "no folder").write_text("")
    monkeypatch.setenv("MEDASSIST_CACHE", str(tmp_path / "no folder" / "cache"))
    sentence = refusal(tmp_path / "study.zip")
    assert "study.zip cannot be unpacked into " in sentence
    assert sentence.endswith("unpacked: Not a directory.")


def test_without_preamble(tmp_path):
    (path,) = write_ct_series(tmp_path / "a", slices=1)
    bare = tmp_path / "bare"
    dataset = pydicom.dcmread(path)
    del dataset.file_meta.TransferSyntaxUID
    dataset.preamble = None
    dataset.file_meta = FileMetaDataset()
    dataset.save_as(bare, implicit_vr=False, little_endian=True)
    assert bare.read_bytes()[:2] == b"\x08\x00"
    (series,) = scan(bare).all_series()
    np.testing.assert_array_equal(load(series).array_tzyx, load(scan(path).all_series()[0]).array_tzyx)


def write_medium(folder: Path, paths: list[Path]) -> None:
    """Write a folder with a DICOMDIR; pydicom leaves its temporary folder to the garbage collector, which complains."""
    medium = FileSet()
    for path in paths:
        medium.add(path)
    medium.write(folder)
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        del medium
        gc.collect()


@pytest.mark.parametrize("opened", ["", "DICOMDIR"])
def test_medium_with_an_index(tmp_path, opened):
    write_medium(tmp_path / "medium", write_ct_series(tmp_path / "in", slices=3))
    found = scan(tmp_path / "medium" / opened)
    assert found.all_series()[0].shape_zyx == (3, 64, 64)
    assert [one.path.name for one in found.skipped] == ["DICOMDIR"]


def test_structured_report_is_listed_without_pictures(tmp_path):
    report = Dataset()
    report.SOPClassUID, report.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.33", "1.2.3.4"
    report.StudyInstanceUID, report.SeriesInstanceUID, report.Modality = "1.2", "1.2.5", "SR"
    evidence, series = Dataset(), Dataset()
    series.SeriesInstanceUID = "1.2.77"
    evidence.ReferencedSeriesSequence = [series]
    report.CurrentRequestedProcedureEvidenceSequence = [evidence]
    save(report, tmp_path / "sr.dcm", {})
    (found,) = scan(tmp_path).all_series()
    assert (found.kind, found.modality, found.referenced_series_uids) == (SeriesKind.OTHER, "SR", ("1.2.77",))
    with pytest.raises(UnreadableInput, match="no pictures"):
        load(found)


# What cannot be read -------------------------------------------------------------------------------------------------


@pytest.mark.timeout(20)
def test_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").endswith("pipe is neither a file nor a folder.")


def test_folders_that_were_left_out_are_named(tmp_path, monkeypatch):
    write_ct_series(tmp_path / "study" / "a")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "study" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "study" / "locked").mkdir()
    really = os.scandir

    def scandir(folder):
        if Path(folder).name == "locked":  # root may read everything, so chmod would not do
            raise PermissionError(13, "Permission denied")
        return really(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    found = scan(tmp_path / "study")
    assert {one.path.name: one.reason for one in found.skipped} == {
        "link": "It is a link to a folder, which was not followed.",
        "locked": "It is a folder that cannot be opened: Permission denied.",
    }
    assert refusal(tmp_path / "study" / "locked").endswith(
        "locked is a folder that cannot be opened: Permission denied."
    )


def test_missing_path(tmp_path):
    assert refusal(tmp_path / "nowhere").endswith("nowhere does not exist.")


def test_empty_folder(tmp_path):
    assert "holds no files" in refusal(tmp_path)


def test_text_named_dcm(tmp_path):
    (tmp_path / "a.dcm").write_text("hello, I am a text")
    assert "not an image" in refusal(tmp_path / "a.dcm")
    assert "a.dcm" in refusal(tmp_path)


def test_folder_without_any_image(tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("text")
    assert "None of the 2 files" in refusal(tmp_path)


@pytest.mark.parametrize("start", [b"", b"\x08\x00", b"\x02\x00", b"\x00\x08", bytes(128) + b"DICM"])
def test_random_bytes_never_become_a_study(tmp_path, start):
    noise = np.random.default_rng(1).integers(0, 256, 4000, np.uint8).tobytes()
    (tmp_path / "noise.dcm").write_bytes(start + noise)
    assert "noise.dcm" in refusal(tmp_path / "noise.dcm")


def test_empty_file(tmp_path):
    (tmp_path / "zero.dcm").touch()
    assert "is empty" in refusal(tmp_path / "zero.dcm")


@pytest.mark.parametrize("share", [0.9, 0.3])
def test_cut_off_file(tmp_path, share):
    (path,) = write_ct_series(tmp_path, slices=1)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert "cut off" in refusal(path)


def test_file_cut_off_in_its_header(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1)
    path.write_bytes(path.read_bytes()[:700])
    assert path.name in refusal(path)


def test_cut_off_slice_leaves_a_named_gap(tmp_path):
    paths = write_ct_series(tmp_path)
    paths[4].write_bytes(paths[4].read_bytes()[:5000])
    found = scan(tmp_path)
    (series,) = found.all_series()
    assert series.kind is SeriesKind.STACK
    assert "CT0003.dcm - CT0005.dcm: 5.000 mm" in series.irregularity
    assert "cut off" in found.skipped[0].reason


@pytest.mark.parametrize("slices", [2, 8])
def test_cut_off_end_is_not_taken_for_a_shorter_volume(tmp_path, slices):
    last = write_ct_series(tmp_path, slices=slices)[-1]
    last.write_bytes(last.read_bytes()[:-100])
    (series,) = scan(tmp_path).all_series()
    assert series.kind is SeriesKind.STACK
    assert last.name in series.irregularity


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_one_missing_byte_is_noticed(tmp_path, syntax):
    (path,) = write_ct_series(tmp_path, slices=1)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    whole = len(dataset.PixelData)
    dataset.PixelData = dataset.PixelData[:-2]
    dataset["PixelData"].VR = "OW"
    pydicom.dcmwrite(path, dataset, implicit_vr=syntax.is_implicit_VR, little_endian=True)
    assert "cut off" in refusal(path)
    dataset.PixelData = bytes(whole)
    pydicom.dcmwrite(path, dataset, implicit_vr=syntax.is_implicit_VR, little_endian=True)
    assert scan(path).all_series()


def test_file_that_vanished_between_scan_and_load(tmp_path):
    paths = write_ct_series(tmp_path)
    (series,) = scan(tmp_path).all_series()
    paths[2].unlink()
    with pytest.raises(UnreadableInput, match="CT0002"):
        load(series)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_file_without_permission(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1)
    path.chmod(0)
    assert "may not be read" in refusal(path)


def test_cancelled_scan(tmp_path):
    write_ct_series(tmp_path)
    progress = Progress(lambda step: progress.cancel() if step.stage == "Reading headers" else None)
    with pytest.raises(Cancelled):
        scan(tmp_path, progress=progress)


def test_sequences_nested_too_deep(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1)
    opening = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    raw = path.read_bytes()
    at = raw.index(struct.pack("<HH2s", 0x0010, 0x0010, b"PN"))
    path.write_bytes(raw[:at] + opening * 3000 + raw[at:])
    assert path.name in refusal(path)


# Bombs ---------------------------------------------------------------------------------------------------------------


def test_deflate_bomb(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1, syntax=DeflatedExplicitVRLittleEndian)
    assert load(scan(path).all_series()[0]).array_tzyx.max() > 0
    raw = path.read_bytes()
    length = int(pydicom.filereader.read_file_meta_info(path).FileMetaInformationGroupLength)
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = deflater.compress(bytes(100 << 20)) + deflater.flush()
    path.write_bytes(raw[: 132 + 12 + length] + bomb)
    assert "would unpack" in refusal(path)


def test_rle_bomb(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1)
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless)
    dataset.Rows = dataset.Columns = 20000
    dataset.NumberOfFrames = 100
    dataset.save_as(path)
    with pytest.raises(UnreadableInput, match="claims"):
        scan(path)


def test_picture_with_a_huge_header(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "small.png")
    raw = bytearray((tmp_path / "small.png").read_bytes())
    raw[16:24] = struct.pack(">II", 60000, 60000)
    raw[29:33] = struct.pack(">I", zlib.crc32(raw[12:29]))
    (tmp_path / "huge.png").write_bytes(raw)
    assert "huge.png" in refusal(tmp_path / "huge.png")


# Zip -----------------------------------------------------------------------------------------------------------------


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_zip_of_a_series(tmp_path):
    paths = write_ct_series(tmp_path / "in")
    archive = zipped(tmp_path / "study.zip", {f"study/胸/{path.name}": path.read_bytes() for path in paths})
    found = scan(archive)
    assert found.source == archive
    assert load(found.all_series()[0]).array_tzyx.shape == (1, 8, 64, 64)
    again = scan(archive)
    assert [one.key for one in again.all_series()] == [one.key for one in found.all_series()]


@pytest.mark.parametrize("name", ["../evil.dcm", "/evil.dcm", "a/../../evil.dcm", "C:\\evil.dcm", "..\\evil.dcm"])
def test_zip_that_climbs_out(tmp_path, name):
    (path,) = write_ct_series(tmp_path / "in", slices=1)
    assert "outside its folder" in refusal(zipped(tmp_path / "study.zip", {name: path.read_bytes()}))
    assert not list(tmp_path.rglob("evil.dcm"))


def test_links_in_a_zip_are_left_out(tmp_path):
    (path,) = write_ct_series(tmp_path / "in", slices=1)
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        archive.write(path, "a.dcm")
        link = zipfile.ZipInfo("link.dcm")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    found = scan(tmp_path / "study.zip")
    assert len(found.all_series()[0].frames) == 1
    assert not found.skipped


def test_zip_bomb(tmp_path):
    assert "would unpack" in refusal(zipped(tmp_path / "bomb.zip", {"a.dcm": bytes(80 << 20)}))


def test_zip_of_more_bytes_than_allowed(tmp_path, monkeypatch):
    (path,) = write_ct_series(tmp_path / "in", slices=1)
    archive = zipped(tmp_path / "study.zip", {"a.dcm": path.read_bytes()})
    monkeypatch.setattr(archives, "MAX_BYTES", 1000)
    assert "would unpack" in refusal(archive)


def test_zip_without_its_end_is_named_as_damaged(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.dcm": write_ct_series(tmp_path / "in", slices=1)[0].read_bytes()})
    path.write_bytes(path.read_bytes()[:-200])
    assert "cannot be unpacked" in refusal(path)


def test_zip_in_a_zip_is_named_by_the_outer_one(tmp_path):
    inner = zipped(tmp_path / "inner.zip", {"a.dcm": b"x"})
    outer = zipped(tmp_path / "outer.zip", {"inner.zip": inner.read_bytes()})
    sentence = refusal(outer)
    assert str(outer) in sentence
    assert "a.dcm" in sentence


def test_zip_whose_names_collide_blames_no_disk(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a": b"x", "a/b.dcm": b"y"})
    assert "disk" not in refusal(path)


def test_damaged_zip(tmp_path):
    (path,) = write_ct_series(tmp_path / "in", slices=1)
    archive = zipped(tmp_path / "study.zip", {"a.dcm": path.read_bytes()})
    raw = bytearray(archive.read_bytes())
    raw[60:200] = bytes(140)
    archive.write_bytes(raw)
    assert "cannot be unpacked" in refusal(archive)


@pytest.mark.parametrize("seed", range(40))
def test_damaged_bytes_never_become_a_traceback(tmp_path, seed):
    chance = np.random.default_rng(seed)
    (path,) = write_ct_series(tmp_path, slices=1)
    if seed % 2:
        dataset = pydicom.dcmread(path)
        dataset.compress(RLELossless)
        dataset.save_as(path)
    raw = bytearray(path.read_bytes())
    for place in chance.integers(0, min(len(raw), 2500), 8):
        raw[place] = chance.integers(0, 256)
    path.write_bytes(raw)
    try:
        for series in scan(path).all_series():
            load(series)
    except UnreadableInput as problem:
        assert "\n" not in problem.sentence()  # noqa: PT017 - both outcomes are right
