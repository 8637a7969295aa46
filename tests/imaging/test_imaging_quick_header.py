"""What is read of the first bytes is what pydicom reads, attribute by attribute and picture by picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from phantoms import write_ct_series, write_film, write_mr_series
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLSLossless

from medassist.entities.errors import UnreadableInput
from medassist.imaging import tags
from medassist.imaging.dicom_files import HEADER_TAGS, is_cut_off, pixel_bytes, read_header_and_rest, read_quickly
from medassist.imaging.frames import frames_of
from medassist.imaging.quick_header import quick_header
from medassist.imaging.quiet import quietly
from medassist.imaging.scan import scan

BUNDLED = sorted(path for path in Path(pydicom.data.__file__).parent.rglob("*") if path.is_file())


def check_same(path: Path) -> bool:
    """Compare both readings of a file; False when it is none that is read quickly."""
    quick = read_quickly(path)
    if quick is None:
        return False
    slow, rest = read_header_and_rest(path)
    assert quick.rest == rest
    assert quick.file_meta.TransferSyntaxUID == slow.file_meta.TransferSyntaxUID
    assert (pixel_bytes(quick), is_cut_off(quick, rest)) == (pixel_bytes(slow), is_cut_off(slow, rest))
    for tag in HEADER_TAGS:
        name = tag if isinstance(tag, str) else (tag >> 16, tag & 0xFFFF)
        for ask in (tags.texts, tags.text, tags.numbers, tags.number):
            assert ask((quick,), name) == ask((slow,), name), (path.name, name)
    for _ in range(2):  # the second time from memory
        assert frames_of(quick, path) == frames_of(slow, path)
    return True


def test_bundled_files_read_the_same():
    read = 0
    with quietly():
        for path in BUNDLED:
            try:
                read_header_and_rest(path)
            except UnreadableInput:
                assert read_quickly(path) is None, path.name
                continue
            read += check_same(path)
    assert read > 60


def test_development_series_read_the_same(shared_data):
    files = sorted(path for path in shared_data("dicom").rglob("*") if path.is_file() and path.suffix != ".txt")
    assert sum(check_same(path) for path in files[::29] if b"DICM" in path.read_bytes()[:132]) > 20


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_every_slice_keeps_its_own_facts(tmp_path, syntax):
    paths = write_mr_series(
        tmp_path,
        times=2,
        slices=4,
        RescaleSlope=lambda index: 1 + index / 10,
        RescaleIntercept=lambda index: index,
        WindowCenter=lambda index: [100 + index, 7],
        WindowWidth=lambda index: [50 + index, 3],
        EchoTime=lambda index: 3 + index % 2,
        ContentTime=lambda index: f"1011{index:02d}.5",
        PixelPaddingValue=lambda index: 1000 + index,
        StudyDescription=lambda index: "Kopf – 头" if index else "plain",
    )
    for path in paths:
        dataset = pydicom.dcmread(path)
        dataset.file_meta.TransferSyntaxUID = syntax
        pydicom.dcmwrite(path, dataset, implicit_vr=syntax.is_implicit_VR, little_endian=True)
    assert all(check_same(path) for path in paths)
    assert {frame.slope for path in paths for frame in frames_of(read_quickly(path), path)} == {1.0, 1.1, 1.2, 1.3}


def test_sign_and_character_set_change_what_the_same_bytes_mean(tmp_path):
    kinds = [("ISO_IR 192", 0), ("ISO_IR 100", 0), ("GB18030", 1), ("ISO_IR 192", 1)]
    for number, (charset, sign) in enumerate(kinds):
        (path,) = write_ct_series(tmp_path / str(number), slices=1, PixelRepresentation=sign)
        dataset = pydicom.dcmread(path)
        dataset.SpecificCharacterSet = charset
        dataset.add_new(0x00280120, "SS" if sign else "US", -1 if sign else 65535)
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        pydicom.dcmwrite(path, dataset, implicit_vr=True, little_endian=True)
        raw = path.read_bytes().replace(b"Phantom^One ", "é^müß^x^".encode().ljust(12))
        path.write_bytes(raw)
        assert check_same(path)
        assert tags.number((read_quickly(path),), "PixelPaddingValue") == (-1 if sign else 65535)


def test_long_headers_and_open_sequences(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1)
    dataset = pydicom.dcmread(path)
    item, inner = Dataset(), Dataset()
    inner.CodeValue, inner.PixelSpacing = "1", [9, 9]
    item.PurposeOfReferenceCodeSequence = [inner, inner]
    item["PurposeOfReferenceCodeSequence"].is_undefined_length = True
    dataset.SourceImageSequence = [item, item]
    dataset["SourceImageSequence"].is_undefined_length = True
    inner.is_undefined_length_sequence_item = True
    dataset.add_new(0x00091010, "OB", bytes(40_000))
    for implicit in (False, True):
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        pydicom.dcmwrite(path, dataset, implicit_vr=implicit, little_endian=True)
        assert check_same(path)


def test_compressed_files_read_the_same(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1)
    dataset = pydicom.dcmread(path)
    dataset.compress(JPEGLSLossless)
    dataset.save_as(path)
    assert check_same(path)


def test_unusual_files_are_left_to_pydicom(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1)
    whole = path.read_bytes()
    rows = whole.index(b"\x28\x00\x10\x00US")
    for raw in (
        whole[128:],
        whole[:600],
        whole[:rows] + b"\x18\x00\x10\x00US" + whole[rows + 6 :],
        whole[:rows] + b"\x28\x00\x10\x00??" + whole[rows + 6 :],
    ):
        path.write_bytes(raw)
        assert read_quickly(path) is None
    dataset = pydicom.dcmread(write_film(tmp_path))
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    pydicom.dcmwrite(path, dataset, implicit_vr=False, little_endian=False)
    assert read_quickly(path) is None


@pytest.mark.parametrize("seed", range(30))
def test_damaged_bytes_read_quickly_only_when_pydicom_agrees(tmp_path, seed):
    chance = np.random.default_rng(seed)
    (path,) = write_ct_series(tmp_path, slices=1)
    raw = bytearray(path.read_bytes())
    for place in chance.integers(340, 2000, 2):
        raw[place] = chance.integers(0, 256)
    path.write_bytes(raw)
    try:
        read_header_and_rest(path)
    except UnreadableInput:
        return
    check_same(path)


def test_a_slow_disk_is_read_in_several_threads(tmp_path, monkeypatch):
    paths = write_ct_series(tmp_path, slices=40, rows=4, columns=4)
    monkeypatch.setattr("medassist.imaging.scan._SLOW_S", -1.0)
    assert scan(tmp_path).all_series()[0].shape_zyx == (len(paths), 4, 4)


def test_bytes_that_end_early_are_no_header():
    assert quick_header(b"", 0, ()) is None
    assert quick_header(bytes(128) + b"DICM", 132, ()) is None


def _altered(dataset: Dataset, chance: np.random.Generator) -> Dataset:
    """Change, lengthen, add and drop elements, so that headers share some passages and not others."""
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.{chance.integers(10**9)}"
    dataset.SpecificCharacterSet = chance.choice(["ISO_IR 192", "ISO_IR 100"])
    dataset.PatientName = "Süd^" + "x" * int(chance.integers(3))
    dataset.SeriesDescription = chance.choice(["a", "bb", "T1 längs"])
    dataset.WindowCenter, dataset.WindowWidth = int(chance.integers(3)), int(chance.integers(1, 3))
    dataset.RescaleSlope = int(chance.integers(1, 3))
    dataset.Manufacturer = chance.choice(["SIEMENS", "GE"])
    dataset.ImageComments = "c" * int(chance.choice([1, 2000]))
    dataset.PixelRepresentation = int(chance.integers(2))
    for keyword in chance.choice(["StudyTime", "ContentTime", "RescaleSlope", "WindowWidth", "Modality"], 2):
        if keyword in dataset:
            del dataset[keyword]
    if chance.integers(2):
        dataset.add_new(0x00190010, "LO", "SIEMENS MR HEADER")
        dataset.add_new(0x0019100C, "IS", str(chance.integers(3)))
        dataset.AcquisitionDateTime = f"2020010110111{chance.integers(3)}"
    return dataset


@pytest.mark.parametrize("most", [1, 2, 4096])
def test_what_headers_have_in_common_is_not_mixed_up(tmp_path, monkeypatch, most):
    for name in ("header_walk._MOST_PASSAGES", "header_walk._MOST_SINGLES", "header_facts._MOST_KINDS"):
        monkeypatch.setattr(f"medassist.imaging.{name}", most)
    monkeypatch.setattr("medassist.imaging.header_facts._MOST_VALUES_OF_KIND", most)
    chance = np.random.default_rng(most)
    (path,) = write_ct_series(tmp_path, slices=1)
    for _ in range(120):
        dataset = _altered(pydicom.dcmread(path), chance)
        implicit = bool(chance.integers(2))
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        other = tmp_path / "other.dcm"
        pydicom.dcmwrite(other, dataset, implicit_vr=implicit, little_endian=True)
        assert check_same(other)


@pytest.mark.parametrize("keyword", ["RescaleSlope", "WindowWidth", "AcquisitionTime", "ImagePositionPatient"])
def test_an_element_only_some_headers_have_is_not_taken_from_others(tmp_path, keyword):
    (path,) = write_ct_series(tmp_path, slices=1, WindowCenter=7, WindowWidth=9, RescaleSlope=3, RescaleIntercept=1)
    with_it = pydicom.dcmread(path)
    without = pydicom.dcmread(path)
    del without[keyword]
    for dataset in (without, with_it, without):
        dataset.save_as(path)
        assert check_same(path)


def test_the_same_tag_twice_in_a_passage_is_left_to_pydicom(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1)
    raw = path.read_bytes()
    rows = raw.index(b"\x28\x00\x10\x00US")
    path.write_bytes(raw[:rows] + raw[rows : rows + 10] + raw[rows:])
    assert read_quickly(path) is None


def test_every_truncation_of_a_header_is_left_to_pydicom(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1)
    raw = path.read_bytes()
    assert check_same(path)  # its passages are known
    end = raw.index(b"\xe0\x7f\x10\x00")
    for size in range(end):
        path.write_bytes(raw[:size])
        assert read_quickly(path) is None
