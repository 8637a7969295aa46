"""Traps of ../shared/notes, section 8, about damaged and hostile files, and limits before any decoding."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pydicom
import pytest
from phantoms import write_ct_series, write_film
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from medassist.entities.errors import MedAssistError, UnreadableInput
from medassist.entities.study import SeriesKind
from medassist.imaging import archives, dicom_files
from medassist.imaging.convert import write_volume
from medassist.imaging.load import load
from medassist.imaging.scan import scan


def loaded(path):
    (series,) = scan(path).all_series()
    return load(series)


def compressed(paths, syntax):
    for path in paths:
        dataset = pydicom.dcmread(path)
        dataset.compress(syntax)
        dataset.save_as(path)


def without_pixels(path):
    """Overwrite the pixels of a compressed file with zeros; its header stays whole."""
    raw = path.read_bytes()
    start = raw.rfind(b"\xe0\x7f\x10\x00") + 20
    path.write_bytes(raw[:start] + bytes(len(raw) - start))


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
@pytest.mark.parametrize("bad", [0, 3])
def test_corrupt_slice_costs_that_slice_only(tmp_path, syntax, bad):
    paths = write_ct_series(tmp_path / "ct", slices=5)
    true = loaded(tmp_path / "ct").array_zyx
    compressed(paths, syntax)
    without_pixels(paths[bad])
    volume = loaded(tmp_path / "ct")
    kept = [index for index in range(5) if index != bad]
    np.testing.assert_array_equal(volume.array_zyx[kept], true[kept])
    assert volume.lost_slices == (bad,)
    assert (volume.array_zyx[bad] == true.min()).all()
    assert (volume.series.kind, volume.is_regular) == (SeriesKind.STACK, False)
    assert paths[bad].name in volume.series.warnings[0].text()
    np.testing.assert_allclose(volume.slice_origins_lps[:, 2], -10 + 2.5 * np.arange(5))
    with pytest.raises(UnreadableInput, match=paths[bad].name):
        write_volume(volume, tmp_path / "out.nii.gz")


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_corrupt_frame_costs_that_frame_only(tmp_path, syntax):
    from pydicom.encaps import generate_frames

    path = write_film(tmp_path, modality="CR")
    dataset = pydicom.dcmread(path)
    true = np.stack([dataset.pixel_array // 2 + number for number in range(4)])
    dataset.NumberOfFrames, dataset.PixelData = 4, true.tobytes()
    dataset.compress(syntax)
    frames = list(generate_frames(dataset.PixelData, number_of_frames=4))
    frames[2] = bytes(len(frames[2]))
    dataset.PixelData = encapsulate(frames)
    dataset.save_as(path)
    volume = loaded(path)
    np.testing.assert_array_equal(volume.array_zyx[[0, 1, 3]], true[[0, 1, 3]])
    assert volume.lost_slices == (2,)
    assert f"1 slices of this series cannot be decoded and are left empty: {path.name} #3." in [
        warning.text() for warning in volume.series.warnings
    ]


def test_series_without_one_good_slice_says_why(tmp_path):
    paths = write_ct_series(tmp_path, slices=2)
    compressed(paths, RLELossless)
    for path in paths:
        without_pixels(path)
    with pytest.raises(MedAssistError, match="CT0000"):
        loaded(tmp_path)


def opened_apart(path, *, limit_s=1.0, limit_mb=300):
    """Open a file in a process of its own and return its answer; fail over the limits of CPU time and memory."""
    code = """
import resource, sys, time
from pathlib import Path
from medassist.entities.errors import MedAssistError
from medassist.imaging.load import load
from medassist.imaging.scan import scan
began = time.process_time()
try:
    for series in scan(Path(sys.argv[1])).all_series():
        load(series)
    answer = "opened"
except MedAssistError as problem:
    answer = problem.sentence()
# Linux lets a child start with the peak of its parent in ru_maxrss; VmHWM is the child's own.
status = Path("/proc/self/status")
kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if status.exists():
    kilobytes = int(status.read_text().split("VmHWM:")[1].split()[0])
print(time.process_time() - began, kilobytes // 1024, answer)
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    seconds, megabytes, answer = done.stdout.split(" ", 2)
    assert float(seconds) < limit_s
    assert int(megabytes) < limit_mb
    return answer.strip()


def test_trap_40_random_bytes(tmp_path):
    noise = random.Random(40)  # noqa: S311 - not for secrets
    for number in range(20):
        start = (b"", b"\x08\x00", b"\x02\x00", bytes(128) + b"DICM")[number % 4]
        (tmp_path / f"{number}.dcm").write_bytes(start + noise.randbytes(5000))
    with pytest.raises(UnreadableInput, match="None of the 20 files"):
        scan(tmp_path)
    write_ct_series(tmp_path, slices=2)
    found = scan(tmp_path)
    assert len(found.all_series()) == 1
    assert len(found.skipped) == 20


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("InstanceNumber", b"x1"),
        ("WindowCenter", b"4o"),
        ("SliceThickness", b"..5."),
        ("PatientBirthDate", b"********"),
    ],
)
def test_trap_41_bad_values(tmp_path, keyword, value):
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import Tag

    (path,) = write_ct_series(tmp_path, slices=1)
    dataset = pydicom.dcmread(path)
    value += b" " * (len(value) % 2)
    tag = Tag(keyword)
    dataset._dict[tag] = RawDataElement(tag, "UN", len(value), value, 0, False, True)
    dataset.save_as(path)
    volume = loaded(path)
    assert volume.array_tzyx.max() == 40
    assert volume.windows[0].width > 1


def test_bad_number_of_frames_is_refused(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1, NumberOfFrames=7)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"\x28\x00\x08\x00IS\x02\x007 ", b"\x28\x00\x08\x00IS\x02\x001A"))
    with pytest.raises(UnreadableInput, match=path.name):
        loaded(path)


def test_bad_value_representation_is_listed():
    (series,) = scan(Path(get_testdata_file("badVR.dcm"))).all_series()
    assert series.modality == "RTDOSE"


def medium(folder):
    """Write a folder of one series with its index."""
    from pydicom.fileset import FileSet

    files = FileSet()
    for path in write_ct_series(folder / "in", slices=3):
        files.add(path)
    files.write(folder / "medium")
    files._stage["t"].cleanup()
    return folder / "medium"


def rewritten(index, old, new):
    """Change the names an index lists."""
    dataset = pydicom.dcmread(index)
    for record in dataset.DirectoryRecordSequence:
        if record.get("ReferencedFileID") and old in record.ReferencedFileID:
            record.ReferencedFileID = new
    dataset.save_as(index)


def test_trap_43_dicomdir(tmp_path):
    folder = medium(tmp_path)
    (series,) = scan(folder / "DICOMDIR").all_series()
    assert series.shape_zyx == (3, 64, 64)
    assert "index" in scan(folder).skipped[0].reason
    series.frames[0].path.unlink()
    assert "1 of the 3 files it lists are missing" in scan(folder / "DICOMDIR").skipped[0].reason


@pytest.mark.parametrize("name", [["..", "secret"], ["/etc/passwd"], ["C:", "secret"]])
def test_trap_44_dicomdir_escape(tmp_path, name):
    folder = medium(tmp_path)
    write_film(tmp_path / "secret")
    first = scan(folder).all_series()[0].frames[0].path.name
    rewritten(folder / "DICOMDIR", first, name)
    found = scan(folder / "DICOMDIR")
    assert [one.modality for one in found.all_series()] == ["CT"]
    assert "outside its folder" in found.skipped[0].reason


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_link_out_of_a_medium_is_not_followed(tmp_path):
    folder = medium(tmp_path)
    secret = write_film(tmp_path / "secret")
    (folder / "LINK").symlink_to(secret)
    found = scan(folder / "DICOMDIR")
    assert [one.modality for one in found.all_series()] == ["CT"]
    assert any("link out of its folder" in one.reason for one in found.skipped)


def test_trap_45_native_size_bomb(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1)
    dataset = pydicom.dcmread(path)
    dataset.Rows = dataset.Columns = 65535
    dataset.NumberOfFrames, dataset.PixelData = 1000, b"\0\0"
    dataset.save_as(path)
    assert "claims 8191750 MB" in opened_apart(path)


def test_trap_46_rle_bomb(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1)
    dataset = pydicom.dcmread(path)
    dataset.Rows = dataset.Columns = 20000
    dataset.NumberOfFrames, dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 100, 8, 8, 7
    dataset.PixelData = encapsulate([b"\1\0\0\0\x40" + bytes(70)])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = RLELossless
    dataset.save_as(path)
    assert "claims 38146 MB" in opened_apart(path)


def test_trap_47_deflate_bomb(tmp_path):
    import zlib

    (path,) = write_ct_series(tmp_path, slices=1)
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    raw = path.read_bytes()
    start = 132 + 12 + pydicom.dcmread(path).file_meta.FileMetaInformationGroupLength
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    size = 800 << 20
    head = b"\xe0\x7f\x10\x00OW\0\0" + size.to_bytes(4, "little")
    body = packer.compress(zlib.decompress(raw[start:], -zlib.MAX_WBITS) + head)
    body += b"".join(packer.compress(bytes(1 << 20)) for _ in range(800)) + packer.flush()
    path.write_bytes(raw[:start] + body)
    assert path.stat().st_size < 1 << 20
    assert "would unpack to more than" in opened_apart(path)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_000_000])
@pytest.mark.parametrize("noise", [True, False])
def test_inflating_in_pieces_loses_nothing(tmp_path, size, noise):
    import zlib

    data = random.Random(size).randbytes(size) if noise else bytes(size)  # noqa: S311 - not for secrets
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    (tmp_path / "a").write_bytes(b"head" + packer.compress(data) + packer.flush() + b"\0")
    assert dicom_files._inflated(tmp_path / "a", 4) == data


def test_trap_48_patched_pixel_length(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1)
    true = loaded(path).array_tzyx
    raw = bytearray(path.read_bytes())
    at = raw.rfind(b"\xe0\x7f\x10\x00OW")
    raw[at + 8 : at + 12] = b"\xf0\xff\xff\xff"
    path.write_bytes(raw)
    np.testing.assert_array_equal(loaded(path).array_tzyx, true)
    assert opened_apart(path) == "opened"


@pytest.mark.parametrize("depth", [300, 20_000])
@pytest.mark.parametrize("before", [b"\x28\x00\x02\x00US", b"\xe0\x7f\x10\x00OW"], ids=["out of order", "in order"])
def test_trap_49_nested_sequences(tmp_path, depth, before):
    (path,) = write_ct_series(tmp_path, slices=1)
    raw = path.read_bytes()
    sequence = b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    end = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    where = raw.find(before)
    path.write_bytes(raw[:where] + sequence * depth + end * depth + raw[where:])
    answer = opened_apart(path)
    assert path.name in answer
    assert "too deep" in answer


def test_trap_50_private_sequences(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1)
    dataset = pydicom.dcmread(path)
    inner = Dataset()
    inner.add_new(0x00091001, "UN", b"\x01\x02")
    block = dataset.private_block(0x0009, "SOMEBODY", create=True)
    block.add_new(0x02, "SQ", [inner])
    block.add_new(0x03, "UN", b"\xfe\xff\x00\xe0\xff\xff\xff\xff")
    dataset.save_as(path)
    assert loaded(path).array_tzyx.shape == (1, 1, 64, 64)
    for name in ("nested_priv_SQ.dcm", "priv_SQ.dcm", "UN_sequence.dcm"):
        with pytest.raises(UnreadableInput, match=name):
            scan(Path(get_testdata_file(name)))


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_trap_52_zip_input(tmp_path, own_folders):
    files = {f"卷/{path.name}": path.read_bytes() for path in write_ct_series(tmp_path / "in", slices=3)}
    good = zipped(tmp_path / "good.zip", files)
    (series,) = scan(good).all_series()
    assert load(series).geometry.shape_zyx == (3, 64, 64)
    for name in ("../x.dcm", "/x.dcm", "C:/x.dcm", "a\\..\\..\\x.dcm"):
        with pytest.raises(UnreadableInput, match="outside its folder"):
            scan(zipped(tmp_path / "escape.zip", {name: b"x"}))
    bomb = zipped(tmp_path / "bomb.zip", {f"{number}": bytes(50 << 20) for number in range(2)})
    assert "would unpack to more than" in opened_apart(bomb)


def test_link_in_a_zip_is_left_out(tmp_path):
    link = zipfile.ZipInfo("link.dcm")
    link.external_attr = 0o120777 << 16
    path = zipped(tmp_path / "a.zip", {"a.dcm": write_ct_series(tmp_path / "in", slices=1)[0].read_bytes()})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    found = scan(path)
    assert len(found.all_series()) == 1
    assert not found.skipped


def test_zips_in_folders_and_in_zips_are_read(tmp_path):
    first, second, third = write_ct_series(tmp_path / "in", slices=3)
    inner = zipped(tmp_path / "inner.zip", {"a.dcm": first.read_bytes()})
    broken = b"PK\x03\x04 no more"
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    zipped(folder / "sub" / "outer.ZIP", {"x/inner.zip": inner.read_bytes(), "b.dcm": second.read_bytes()})
    (folder / "c.dcm").write_bytes(third.read_bytes())
    (folder / "broken.zip").write_bytes(broken)
    found = scan(folder)
    (series,) = found.all_series()
    assert series.shape_zyx == (3, 64, 64)
    assert load(series).is_regular
    assert [one.path.name for one in found.skipped] == ["broken.zip"]


def test_zips_in_zips_share_one_allowance(tmp_path):
    inner = zipped(tmp_path / "inner.zip", {"a": bytes(40 << 20)}).read_bytes()
    outer = zipped(tmp_path / "outer.zip", {"a.zip": inner, "b.zip": inner})
    assert "would unpack to more than" in opened_apart(outer)


def test_archives_that_would_fill_the_disk_stay_packed_and_are_named(tmp_path, monkeypatch):
    """Of a folder of archives as many are unpacked as the disk has room for."""
    folder, free = tmp_path / "folder", [archives.KEPT_FREE + (100 << 10)]
    folder.mkdir()
    for number in range(3):
        (path,) = write_ct_series(tmp_path / f"in{number}", slices=1, rows=160, columns=160)
        zipped(folder / f"{number}.zip", {"a.dcm": path.read_bytes()})
    before = path.stat().st_size

    def usage(_folder):
        unpacked = (archives.cache_dir() / "unpacked").rglob("*.dcm")
        return SimpleNamespace(free=free[0] - sum(one.stat().st_size for one in unpacked))

    monkeypatch.setattr(shutil, "disk_usage", usage)
    assert before < 100 << 10 < 2 * before
    found = scan(folder)
    assert len(found.all_series()) == 1
    assert [one.path.name for one in found.skipped] == ["1.zip", "2.zip"]
    assert "It was left packed: only 2048 MB are free in" in found.skipped[0].reason
    free[0] = archives.KEPT_FREE
    with pytest.raises(UnreadableInput, match="left packed"):
        scan(folder / "2.zip")


def test_an_archive_opened_again_is_unpacked_once(tmp_path):
    (path,) = write_ct_series(tmp_path / "in", slices=1)
    archive = zipped(tmp_path / "a.zip", {"a.dcm": path.read_bytes()})
    first = scan(archive).all_series()
    assert scan(archive).all_series() == first
    assert len(list((archives.cache_dir() / "unpacked").iterdir())) == 1
    other = path.read_bytes().replace(b"CT phantom", b"CT another")
    zipped(archive, {"a.dcm": other, "b.dcm": b"x"})
    assert [one.description for one in scan(archive).all_series()] == ["CT another"]
