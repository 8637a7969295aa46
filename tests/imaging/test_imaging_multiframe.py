"""Enhanced multi-frame objects and mosaics."""

from __future__ import annotations

import json
import struct

import highdicom
import numpy as np
import pydicom
import pytest
from phantoms import affine_lps, base, save, write_ct_series
from pydicom.uid import ExplicitVRLittleEndian

from medassist.entities.study import SeriesKind
from medassist.imaging.headers import read_headers
from medassist.imaging.load import load
from medassist.imaging.scan import scan


@pytest.mark.parametrize("order", [list(range(8)), [3, 1, 0, 2, 7, 6, 5, 4]])
def test_enhanced_ct_equals_its_single_frames(tmp_path, order):
    paths = write_ct_series(tmp_path / "single")
    enhanced = highdicom.legacy.LegacyConvertedEnhancedCTImage(
        [pydicom.dcmread(path) for path in paths],
        series_instance_uid="1.2.3",
        series_number=5,
        sop_instance_uid="1.2.3.4",
        instance_number=1,
    )
    pixels = enhanced.pixel_array[order]
    groups = [enhanced.PerFrameFunctionalGroupsSequence[index] for index in order]
    enhanced.PixelData, enhanced.PerFrameFunctionalGroupsSequence = pixels.tobytes(), groups
    enhanced.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    enhanced.save_as(tmp_path / "enhanced.dcm")
    single, multi = (load(scan(tmp_path / name).all_series()[0]) for name in ("single", "enhanced.dcm"))
    np.testing.assert_array_equal(multi.array_tzyx, single.array_tzyx)
    np.testing.assert_allclose(multi.geometry.affine_lps, single.geometry.affine_lps, atol=1e-6)
    assert multi.unit == "HU"
    assert len(read_headers(multi.series)) == 8


def csa_header(**elements):
    """Return a Siemens CSA2 image header with numeric elements."""
    raw = b"SV10\x04\x03\x02\x01" + struct.pack("<II", len(elements), 77)
    for name, values in elements.items():
        raw += struct.pack("<64si4s3i", name.encode(), len(values), b"FD\0\0", 4, 6, 77)
        for index in range(6):
            text = f"{values[index]:.8f}\0".encode() if index < len(values) else b""
            raw += struct.pack("<4i", len(text), len(text), 77, len(text)) + text + bytes(-len(text) % 4)
    return raw


@pytest.mark.parametrize(("sign", "csa"), [(1, True), (-1, True), (1, False)])
def test_oblique_mosaic_is_unfolded_in_place(tmp_path, sign, csa):
    angle = np.radians(20)
    orientation = (1, 0, 0, 0, np.cos(angle), np.sin(angle))
    rows, columns, count, across = 12, 10, 7, 3
    tiles = np.random.default_rng(0).integers(0, 900, (count, rows, columns)).astype(np.uint16)
    tiles[5, 2, 7] = 4000
    picture = np.zeros((rows * across, columns * across), np.uint16)
    for tile, values in enumerate(tiles):
        y, x = tile // across * rows, tile % across * columns
        picture[y : y + rows, x : x + columns] = values
    true = affine_lps((2.0, 3.0, 4.0), orientation, (-10, 20, 30))
    centre = true[:3, :3] @ [(columns * across - columns) / 2, (rows * across - rows) / 2, 0]
    dataset = base("1.2.840.10008.5.1.4.1.1.4", "MR", picture, 0)
    dataset.Manufacturer, dataset.ImageType = "SIEMENS", ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = "1.2.3", "1.2.4"
    dataset.ImagePositionPatient = [f"{value:.8g}" for value in true[:3, 3] - centre]
    dataset.ImageOrientationPatient = [f"{value:.10g}" for value in orientation]
    dataset.PixelSpacing, dataset.SpacingBetweenSlices, dataset.SliceThickness = [3.0, 2.0], 4.0, 3.0
    normal = sign * true[:3, 2] / 4
    if csa:
        block = dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
        block.add_new(
            0x10, "OB", csa_header(EchoLinePosition=[1], NumberOfImagesInMosaic=[count], SliceNormalVector=normal)
        )
    else:
        dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", count)
    save(dataset, tmp_path / "mosaic.dcm", {})
    (series,) = scan(tmp_path / "mosaic.dcm").all_series()
    assert (series.kind, series.shape_zyx) == (SeriesKind.VOLUME, (count, rows, columns))
    volume = load(series)
    k, j, i = np.unravel_index(volume.array_zyx.argmax(), volume.array_zyx.shape)
    assert volume.array_zyx[k, j, i] == 4000
    place = true[:3, 3] + true[:3, :3] @ [7, 2, 0] + 5 * 4 * normal
    np.testing.assert_allclose(volume.geometry.to_world([i, j, k]), place, atol=1e-5)
    assert np.linalg.det(volume.geometry.affine_lps[:3, :3]) > 0


def test_cine_frames_are_slices_of_a_film(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1)
    dataset = pydicom.dcmread(path)
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "FrameOfReferenceUID"):
        del dataset[keyword]
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"
    dataset.Modality, dataset.NumberOfFrames, dataset.PixelData = "US", 3, dataset.PixelData * 3
    dataset.save_as(path)
    (series,) = scan(path).all_series()
    assert (series.kind, series.shape_zyx) == (SeriesKind.FILM, (3, 64, 64))
    assert load(series).array_tzyx.shape == (1, 3, 64, 64)


def test_scale_of_each_half_of_the_philips_file(shared_data):
    field = next(
        one for one in scan(shared_data("dicom/enh_philips_fieldmap/In")).all_series() if one.part == "field map"
    )
    volume = load(field)
    assert volume.unit == "Hz"
    assert -500 <= volume.array_zyx.min() < volume.array_zyx.max() <= 500


@pytest.mark.parametrize("name", ["AP_3", "PA_4", "RL_5", "LR_6"])
def test_slice_times_of_a_mosaic_equal_the_reference(name, shared_data):
    told = json.loads(shared_data(f"dicom/nih_epi/Ref/EPI_PE={name}.json").read_text())["SliceTiming"]
    (series,) = scan(shared_data(f"dicom/nih_epi/In/20180918Si/mr_000{name[-1]}")).all_series()
    # The clock of the scanner ticks in 2.5 ms, and the reference was taken from another volume of the series.
    assert series.slice_times_s == pytest.approx(told, abs=0.0026)


@pytest.mark.parametrize("sign", [1, -1])
def test_slice_times_follow_the_order_of_slices(tmp_path, sign):
    times = [0.0, 300.0, 100.0, 400.0]
    raw = csa_header(NumberOfImagesInMosaic=[4], SliceNormalVector=[0, 0, sign], MosaicRefAcqTimes=times)
    picture = np.zeros((20, 20), np.uint16)
    ds = base("1.2.840.10008.5.1.4.1.1.4", "MR", picture, 0)
    ds.SeriesInstanceUID, ds.FrameOfReferenceUID = "1.2.3", "1.2.4"
    ds.ImageType, ds.Manufacturer = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"], "SIEMENS"
    ds.ImagePositionPatient, ds.ImageOrientationPatient, ds.PixelSpacing = [0, 0, 0], [1, 0, 0, 0, 1, 0], [2, 2]
    ds.SliceThickness = 5
    ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", raw)
    save(ds, tmp_path / "mosaic.dcm", {})
    (series,) = scan(tmp_path).all_series()
    expected = [time / 1000 for time in times]
    assert series.slice_times_s == pytest.approx(expected if sign > 0 else expected[::-1])


def write_stacks(folder, stacks, slices=8):
    """Write an enhanced CT of slices 2.5 mm apart; `stacks` tells (name, shift in mm) of each slice."""
    paths = write_ct_series(folder / "single", slices=slices)
    for k, path in enumerate(paths):
        ds = pydicom.dcmread(path)
        ds.ImagePositionPatient[2] += stacks[k][1]
        ds.save_as(path)
    enhanced = highdicom.legacy.LegacyConvertedEnhancedCTImage(
        [pydicom.dcmread(path) for path in paths],
        series_instance_uid="1.2.3", series_number=5, sop_instance_uid="1.2.3.4", instance_number=1,
    )  # fmt: skip
    groups = sorted(
        enhanced.PerFrameFunctionalGroupsSequence,
        key=lambda group: float(group.PlanePositionSequence[0].ImagePositionPatient[2]),
    )
    for group, (name, _) in zip(groups, stacks, strict=True):
        group.FrameContentSequence[0].StackID = name
    enhanced.save_as(folder / "enhanced.dcm")
    return scan(folder / "enhanced.dcm").all_series()


def test_stacks_apart_are_volumes_of_their_own(tmp_path):
    parts = write_stacks(tmp_path, [("1", 0.0)] * 4 + [("2", 31.0)] * 4)
    assert [(one.part, one.kind, one.shape_zyx) for one in parts] == [
        ("stack 1", SeriesKind.VOLUME, (4, 64, 64)),
        ("stack 2", SeriesKind.VOLUME, (4, 64, 64)),
    ]
    assert "Split by stack: the 2 stacks of this series do not form one regular grid." in parts[0].warnings[0].text()
    first, second = (load(one) for one in parts)
    assert second.geometry.affine_lps[2, 3] == pytest.approx(-10.0 + 4 * 2.5 + 31.0)
    assert [int(volume.array_zyx[0, 32, 32]) for volume in (first, second)] == [40, 80]
    assert second.geometry.spacing_mm[2] == pytest.approx(2.5)


def test_stacks_that_continue_each_other_stay_one_volume(tmp_path):
    (series,) = write_stacks(tmp_path, [("1", 0.0)] * 4 + [("2", 0.0)] * 4)
    assert (series.part, series.kind, series.shape_zyx) == ("", SeriesKind.VOLUME, (8, 64, 64))


def test_a_gap_inside_of_a_stack_is_still_named(tmp_path):
    (series,) = write_stacks(tmp_path, [("1", 0.0)] * 4 + [("1", 31.0)] * 4)
    assert (series.kind, series.irregularity != "") == (SeriesKind.STACK, True)
    parts = write_stacks(tmp_path / "more", [("1", 0.0)] * 4 + [("2", 31.0)] * 3 + [("2", 40.0)])
    assert [one.kind for one in parts] == [SeriesKind.VOLUME, SeriesKind.STACK]


def test_every_slice_a_stack_is_no_split(tmp_path):
    (series,) = write_stacks(tmp_path, [(str(k), 5.0 * (k > 3)) for k in range(8)])
    assert series.kind is SeriesKind.STACK
