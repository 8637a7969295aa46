"""Files without tags that are odd rather than broken, and native libraries that must hold their tongue."""

from __future__ import annotations

import contextlib
import os
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from phantoms import write_ct_series
from PIL import Image
from pydicom.data import get_testdata_file

from medassist.entities.errors import UnreadableInput, UnwritableOutput
from medassist.imaging.convert import write_volume
from medassist.imaging.load import load
from medassist.imaging.quiet import silenced
from medassist.imaging.scan import scan

VALUES = np.arange(5 * 6 * 7, dtype=np.int16).reshape(5, 6, 7)


def nifti(path, sform, qform, codes):
    image = nibabel.Nifti1Image(VALUES, np.eye(4))
    image.set_sform(sform, codes[0])
    image.set_qform(qform, codes[1])
    image.to_filename(path)
    return path


def said(path) -> str:
    (series,) = scan(path).all_series()
    return " ".join(warning.text() for warning in series.warnings)


def turned(x: float = 2.0, y: float = 2.0, z: float = 2.0):
    angle = np.radians(30)
    turn = [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    affine = np.eye(4)
    affine[:3, :3] = np.array(turn) * [x, y, z]
    affine[:3, 3] = 1, 2, 3
    return affine


@pytest.mark.parametrize("affine", [turned(), turned(x=-2), turned(z=-2), np.diag([-1.0, -1, 3, 1])])
def test_two_transforms_that_agree_are_not_remarked(tmp_path, affine):
    assert "qform" not in said(nifti(tmp_path / "a.nii", affine, affine, (1, 1)))


@pytest.mark.parametrize("other", [turned(x=-2), np.eye(4)])
def test_two_transforms_that_disagree_are_remarked(tmp_path, other):
    assert "check left and right" in said(nifti(tmp_path / "a.nii", turned(), other, (2, 1)))


def test_missing_transform_is_remarked(tmp_path):
    assert "left and right are a guess" in said(nifti(tmp_path / "a.nii.gz", turned(), turned(), (0, 0)))


def test_one_transform_is_enough(tmp_path):
    assert "qform" not in said(nifti(tmp_path / "s.nii", turned(), None, (1, 0)))
    assert "qform" not in said(nifti(tmp_path / "q.nii", None, turned(), (0, 1)))


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_nifti_2_is_named(tmp_path, suffix):
    nibabel.Nifti2Image(VALUES, np.eye(4)).to_filename(tmp_path / f"a{suffix}")
    with pytest.raises(UnreadableInput, match="NIfTI-2"):
        scan(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("shape", [(5, 6, 7, 2), (5, 6, 7, 4), (5, 6, 7, 3)])
def test_voxels_of_several_numbers_are_refused_by_the_scan(tmp_path, shape):
    sitk.WriteImage(sitk.GetImageFromArray(np.ones(shape, np.float32), isVector=True), str(tmp_path / "a.mha"))
    with pytest.raises(UnreadableInput, match="values per voxel"):
        scan(tmp_path / "a.mha")


META = "ObjectType = Image\nNDims = 3\nDimSize = 5 6 7\nElementType = MET_UCHAR\nElementDataFile = {}\n"
NRRD = "NRRD0004\ntype: unsigned char\ndimension: 3\nsizes: 5 6 7\nencoding: raw\ndata file: {}\n\n"


@pytest.mark.parametrize(("suffix", "header"), [(".mhd", META), (".mha", META), (".nhdr", NRRD), (".nrrd", NRRD)])
@pytest.mark.parametrize("name", ["/dev/zero", "../a.raw", "sub/../../a.raw", "C:\\a.raw", "LIST\na.raw\n/etc/passwd"])
def test_header_that_points_elsewhere_is_refused(tmp_path, suffix, header, name):
    (tmp_path / "a.raw").write_bytes(bytes(210))
    path = tmp_path / "in" / f"a{suffix}"
    path.parent.mkdir()
    path.write_text(header.format(name))
    with pytest.raises(UnreadableInput, match="outside its folder"):
        scan(path)


@pytest.mark.parametrize(("suffix", "header"), [(".mhd", META), (".nhdr", NRRD)])
@pytest.mark.parametrize("name", ["b..raw", "sub/b.raw"])
def test_header_that_points_into_its_folder_is_read(tmp_path, suffix, header, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(bytes(range(210)))
    (tmp_path / f"a{suffix}").write_text(header.format(name))
    assert load(scan(tmp_path / f"a{suffix}").all_series()[0]).array_zyx.max() == 209


@pytest.mark.parametrize("step_mm", [1e-5, 1e-2, 1e4])
def test_grids_of_any_scale_are_read(tmp_path, step_mm):
    image = sitk.GetImageFromArray(VALUES)
    image.SetSpacing((step_mm,) * 3)
    sitk.WriteImage(image, str(tmp_path / "a.mha"))
    volume = load(scan(tmp_path / "a.mha").all_series()[0])
    np.testing.assert_allclose(volume.geometry.spacing_mm, step_mm)


def test_damaged_volumes_make_no_noise(tmp_path, capfd):
    sitk.WriteImage(sitk.GetImageFromArray(VALUES), str(tmp_path / "a.mha"))
    whole = (tmp_path / "a.mha").read_bytes()
    for name, kept in (("cut.mha", len(whole) - 30), ("header.mha", 60)):
        (tmp_path / name).write_bytes(whole[:kept])
        with pytest.raises(UnreadableInput):
            load(scan(tmp_path / name).all_series()[0])
    raw = bytearray(nifti(tmp_path / "a.nii", np.eye(4), None, (1, 0)).read_bytes())
    raw[42:44] = struct.pack("<h", -5)
    (tmp_path / "minus.nii").write_bytes(raw)
    with pytest.raises(UnreadableInput):
        scan(tmp_path / "minus.nii")
    assert capfd.readouterr() == ("", "")


def test_jpeg_with_12_bits_makes_no_noise(capfd):
    load(scan(get_testdata_file("JPGExtended.dcm")).all_series()[0])
    assert capfd.readouterr() == ("", "")


def test_tag_that_pillow_cannot_read_is_damage(tmp_path):
    Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30)).save(tmp_path / "a.tif")
    raw = (tmp_path / "a.tif").read_bytes()
    directory = int.from_bytes(raw[4:8], "little")
    for entry in range(int.from_bytes(raw[directory : directory + 2], "little")):
        for kind in (2, 13, 200):
            at = directory + 2 + 12 * entry + 2
            (tmp_path / "b.tif").write_bytes(raw[:at] + bytes([kind, 0]) + raw[at + 2 :])
            with contextlib.suppress(UnreadableInput):
                load(scan(tmp_path / "b.tif").all_series()[0])


def test_pixels_of_an_unknown_kind_are_damage(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"\xe0\x7f\x10\x00OW", b"\xe0\x7f\x10\x00QQ"))
    with pytest.raises(UnreadableInput):
        load(scan(path).all_series()[0])


def test_damaged_run_lengths_make_no_noise(tmp_path, capfd):
    broken = tmp_path / "a.dcm"
    raw = Path(get_testdata_file("MR_small_RLE.dcm")).read_bytes()
    broken.write_bytes(raw[:4192] + raw[4194:])
    with pytest.raises(UnreadableInput, match="decoded"):
        load(scan(broken).all_series()[0])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["a.nii.nii.gz", "a.nii.gz.nii", "a.v1.nii.gz"])
def test_volume_lies_where_it_was_asked_for(tmp_path, name):
    write_ct_series(tmp_path / "in", slices=2)
    write_volume(load(scan(tmp_path / "in").all_series()[0]), tmp_path / "out" / name)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]


def test_unwritable_target_makes_no_noise_and_leaves_nothing(tmp_path, capfd):
    write_ct_series(tmp_path / "in", slices=2)
    volume = load(scan(tmp_path / "in").all_series()[0])
    (tmp_path / "out" / "folder.nii.gz").mkdir(parents=True)
    for target in ("folder.nii.gz", f"{'x' * 300}.nii"):
        with pytest.raises(UnwritableOutput):
            write_volume(volume, tmp_path / "out" / target)
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["folder.nii.gz"]


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mha", ".nrrd"])
def test_names_that_are_no_utf_8_are_written_and_read(tmp_path, suffix):
    write_ct_series(tmp_path / "in", slices=2)
    volume = load(scan(tmp_path / "in").all_series()[0])
    path = tmp_path / os.fsdecode("胸部".encode("gbk") + suffix.encode())
    write_volume(volume, path)
    np.testing.assert_array_equal(load(scan(path).all_series()[0]).array_zyx, volume.array_zyx)
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(["in", path.name])


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_header_of_two_files_under_such_a_name_is_refused(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(VALUES), str(tmp_path / "a.mhd"))
    odd = (tmp_path / "a.mhd").rename(tmp_path / os.fsdecode(b"\xff.mhd"))
    with pytest.raises(UnreadableInput, match="Rename"):
        scan(odd)


def test_silence_ends_with_the_last_thread(capfd):
    both = Barrier(2)

    def speak(_number: int) -> None:
        with silenced():
            both.wait(10)
            os.write(2, b"native noise")
            both.wait(10)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(speak, range(2)))
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
