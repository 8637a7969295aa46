"""Traps 1-24 and 53 of reading: order, place, scale and splitting. One test per trap; docs/dicom-conformance.md."""

from __future__ import annotations

import shutil

import highdicom
import numpy as np
import pydicom
import pytest
from phantoms import (
    AXIAL,
    CORONAL,
    MARKER_HU,
    MARKER_IJK,
    SAGITTAL,
    affine_lps,
    write_ct_series,
    write_film,
    write_mr_series,
)  # fmt: skip
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from medassist.entities.errors import UnreadableInput
from medassist.entities.study import SeriesKind
from medassist.imaging.convert import write_volume
from medassist.imaging.load import load
from medassist.imaging.regular import can_be_regular, regularise
from medassist.imaging.render import to_gray8
from medassist.imaging.scan import scan
from medassist.imaging.suv import suv_factor

VOLUME, STACK, FILM = SeriesKind.VOLUME, SeriesKind.STACK, SeriesKind.FILM
ORIGIN, SPACING = (-22.05, -22.05, -10.0), (0.7, 0.7, 2.5)


def all_series(folder):
    return scan(folder).all_series()


def only(folder):
    (series,) = all_series(folder)
    return series


def edit(path, **tags):
    dataset = pydicom.dcmread(path)
    for keyword, value in tags.items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)
    dataset.save_as(path)


def is_phantom(series, spacing=SPACING, orientation=AXIAL, origin=ORIGIN):
    """Check that a series is the regular phantom: every voxel's place, and the marker in its voxel."""
    volume = load(series)
    assert (series.kind, series.irregularity, volume.is_regular) == (VOLUME, "", True)
    np.testing.assert_allclose(volume.geometry.affine_lps, affine_lps(spacing, orientation, origin), atol=1e-3)
    i, j, k = MARKER_IJK
    assert volume.array_zyx[k, j, i] == MARKER_HU
    assert volume.array_zyx[:, 32, 32].tolist() == [40 + 10 * k for k in range(len(volume.array_zyx))]
    return True


def is_blocked(series, *names):
    """Check that slices are shown singly, name files and numbers, and are written to no volume file."""
    assert series.kind is STACK
    for name in names:
        assert name in series.irregularity
    assert series.irregularity == " ".join(warning.text() for warning in series.warnings[:1])
    volume = load(series)
    assert not volume.is_regular
    with pytest.raises(UnreadableInput, match="no regular grid"):
        write_volume(volume, series.frames[0].path.with_name("out.nii"))
    return volume


def test_trap_01_order_by_position(tmp_path):
    for k, path in enumerate(write_ct_series(tmp_path)):
        edit(path, InstanceNumber=8 - k)
    assert is_phantom(only(tmp_path))


def test_trap_02_missing_slice(tmp_path):
    write_ct_series(tmp_path)[4].unlink()
    volume = is_blocked(only(tmp_path), "Slices are missing (1)", "CT0003.dcm - CT0005.dcm: 5.000 mm", "2.500 mm")
    assert can_be_regular(volume)
    regular = regularise(volume)
    assert is_phantom(regular.series)
    assert "7 slices as stored became 8 slices" in regular.series.warnings[0].text()


def test_trap_03_duplicate_position(tmp_path):
    paths = write_ct_series(tmp_path)
    shutil.copy(paths[3], tmp_path / "twice.dcm")
    edit(tmp_path / "twice.dcm", SOPInstanceUID="1.2.3.4.5")
    volume = is_blocked(only(tmp_path), "CT0003.dcm", "twice.dcm", "2 at most, 1 at least")
    regular = regularise(volume)
    np.testing.assert_allclose(regular.geometry.affine_lps, affine_lps(SPACING, AXIAL, ORIGIN), atol=1e-3)


def test_trap_04_same_file_twice(tmp_path):
    shutil.copy(write_ct_series(tmp_path)[3], tmp_path / "copy.dcm")
    found = scan(tmp_path)
    assert is_phantom(found.all_series()[0])
    assert [one.path.name for one in found.skipped] == ["copy.dcm"]
    assert found.skipped[0].reason == "It is a copy of a file that was read."


def test_trap_05_variable_spacing(tmp_path):
    edit(write_ct_series(tmp_path)[-1], ImagePositionPatient=[*ORIGIN[:2], -10 + 7 * 2.5 + 1.5])
    volume = is_blocked(only(tmp_path), "unevenly spaced", "CT0006.dcm - CT0007.dcm: 4.000 mm")
    regular = regularise(volume)
    assert regular.geometry.to_world([0, 0, regular.geometry.shape_zyx[0] - 1])[2] == pytest.approx(9.0)


@pytest.mark.parametrize("tilt_mm", [0.5, -0.5])
def test_trap_06_gantry_tilt(tmp_path, tilt_mm):
    for k, path in enumerate(write_ct_series(tmp_path)):
        edit(path, ImagePositionPatient=[ORIGIN[0], ORIGIN[1] + tilt_mm * k, -10 + 2.5 * k])
    corrected, raw = all_series(tmp_path)
    assert (corrected.kind, corrected.part, raw.part) == (VOLUME, "tilt corrected", "raw slices")
    assert "tilted by 11.3 degrees" in corrected.warnings[0].text()
    volume = load(corrected)
    np.testing.assert_allclose(volume.geometry.spacing_mm, SPACING, atol=1e-6)
    i, j, k = MARKER_IJK
    world = (ORIGIN[0] + 0.7 * i, ORIGIN[1] + 0.7 * j + tilt_mm * k, ORIGIN[2] + 2.5 * k)
    column, row, number = volume.geometry.to_index(world)
    above_body = volume.array_zyx[k, int(row) : int(row) + 2, i].astype(float) - 70
    assert (column, number) == pytest.approx((i, k))
    assert np.average([int(row), int(row) + 1], weights=above_body) == pytest.approx(row, abs=0.002)
    assert above_body.sum() == pytest.approx(MARKER_HU - 70, abs=2)
    stored = load(raw)
    assert stored.array_zyx[k, j, i] == MARKER_HU
    is_blocked(raw, "gantry tilt of 11.3 degrees", "CT0007.dcm")


def test_trap_07_localizer_in_series(tmp_path):
    paths = write_ct_series(tmp_path, slices=9, origin=(*ORIGIN[:2], -12.5))
    edit(
        paths[0],
        ImageOrientationPatient=list(CORONAL),
        ImagePositionPatient=[0, 0, 0],
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
    )
    parts = {one.part: one for one in all_series(tmp_path)}
    assert parts.keys() == {"", "localizer"}
    assert (parts[""].kind, parts[""].shape_zyx) == (VOLUME, (8, 64, 64))
    np.testing.assert_allclose(load(parts[""]).geometry.affine_lps, affine_lps(SPACING, AXIAL, ORIGIN), atol=1e-3)
    assert (parts["localizer"].kind, parts["localizer"].shape_zyx) == (FILM, (1, 64, 64))


def test_trap_07b_other_orientation_without_the_word_localizer(tmp_path):
    edit(write_ct_series(tmp_path)[0], ImageOrientationPatient=list(CORONAL), ImagePositionPatient=[0, 0, 0])
    parts = {one.part: one.shape_zyx[0] for one in all_series(tmp_path)}
    assert parts == {"coronal": 1, "axial": 7}


def test_trap_08_mixed_rows(tmp_path):
    path = write_ct_series(tmp_path)[0]
    dataset = pydicom.dcmread(path)
    dataset.Rows, dataset.PixelData = 32, dataset.PixelData[: 32 * 64 * 2]
    dataset.save_as(path)
    assert {one.part: one.shape_zyx for one in all_series(tmp_path)} == {"64 x 32": (1, 32, 64), "64 x 64": (7, 64, 64)}


def test_trap_09_slope_per_slice(tmp_path):
    paths = write_ct_series(tmp_path, RescaleSlope=lambda k: 1 + 0.1 * k, RescaleIntercept=0)
    volume = load(only(tmp_path))
    stored = np.stack([pydicom.dcmread(path).pixel_array for path in paths])
    true = stored * (1 + 0.1 * np.arange(8))[:, None, None]
    assert volume.array_zyx.dtype == np.float32
    np.testing.assert_allclose(volume.array_zyx, true, rtol=1e-6)
    assert volume.array_zyx.mean(dtype=float) == pytest.approx(true.mean(), rel=1e-6)


def test_trap_10_slope_of_first_slice(tmp_path):
    paths = write_ct_series(tmp_path, RescaleSlope=lambda k: 1 if k == 0 else 0.25, RescaleIntercept=0)
    stored = np.stack([pydicom.dcmread(path).pixel_array for path in paths])
    true = stored * np.where(np.arange(8) == 0, 1, 0.25)[:, None, None]
    np.testing.assert_array_equal(load(only(tmp_path)).array_zyx, true)
    assert (true % 1 == 0.5).any()


CLOCKS = {
    "TemporalPositionIdentifier": "temporal position",
    "AcquisitionNumber": "acquisition",
    "TriggerTime": "trigger time",
    "ContentTime": "content time",
}


@pytest.mark.parametrize("clock", CLOCKS)
def test_trap_11_interleaved_phases(tmp_path, clock):
    for n, path in enumerate(write_mr_series(tmp_path, slices=4, times=2)):
        edit(path, TemporalPositionIdentifier=None, InstanceNumber=n + 1)
        edit(path, **{clock: f"10111{n % 2 + 3}" if clock == "ContentTime" else 7 + n % 2})
    series = only(tmp_path)
    assert (series.kind, series.shape_zyx, series.times) == (VOLUME, (4, 64, 64), 2)
    assert series.times_by == CLOCKS[clock]
    assert load(series).array_tzyx[:, :, 32, 32].tolist() == [[100, 110, 120, 130], [101, 111, 121, 131]]


def test_trap_11b_echoes_are_split(tmp_path):
    for n, path in enumerate(write_mr_series(tmp_path, slices=4, times=2)):
        edit(path, EchoNumbers=n % 2 + 1, EchoTime=3 + 5 * (n % 2), TemporalPositionIdentifier=None)
    parts = all_series(tmp_path)
    assert [(one.part, one.times, one.kind) for one in parts] == [("echo 1", 1, VOLUME), ("echo 2", 1, VOLUME)]
    assert [load(one).array_zyx[0, 32, 32] for one in parts] == [100, 101]


def test_trap_11c_echo_number_on_one_half_only(tmp_path):
    for n, path in enumerate(write_mr_series(tmp_path, slices=4, times=2)):
        edit(path, TemporalPositionIdentifier=None)
        if n % 2:
            edit(path, EchoNumbers=2)
    assert {one.part for one in all_series(tmp_path)} == {"echo 2", "no echo"}


def test_trap_11d_overlapping_acquisitions_are_split(tmp_path):
    write_ct_series(tmp_path / "one", slices=6)
    for k, path in enumerate(write_ct_series(tmp_path / "two", slices=6, origin=(*ORIGIN[:2], 0.0))):
        first = pydicom.dcmread(tmp_path / "one" / "CT0000.dcm")
        edit(
            path, AcquisitionNumber=2, InstanceNumber=7 + k, SeriesInstanceUID=first.SeriesInstanceUID,
            FrameOfReferenceUID=first.FrameOfReferenceUID,
        )  # fmt: skip
    parts = all_series(tmp_path)
    assert [(one.part, one.kind, one.shape_zyx[0]) for one in parts] == [
        ("acquisition 1", VOLUME, 6),
        ("acquisition 2", VOLUME, 6),
    ]
    assert "Split by acquisition" in parts[0].warnings[0].text()
    assert load(parts[1]).geometry.affine_lps[2, 3] == pytest.approx(0.0)


@pytest.mark.parametrize("private", [False, True])
def test_trap_12_b_values(tmp_path, private):
    for n, path in enumerate(write_mr_series(tmp_path, slices=4, times=2)):
        dataset = pydicom.dcmread(path)
        del dataset.TemporalPositionIdentifier
        dataset.InstanceNumber = n + 1
        b_value = 1000 if n % 2 == 0 else 0
        if private:
            dataset.Manufacturer = "SIEMENS"
            dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", str(b_value))
        else:
            dataset.DiffusionBValue = b_value
        dataset.save_as(path)
    series = only(tmp_path)
    assert (series.kind, series.shape_zyx, series.times, series.times_by) == (VOLUME, (4, 64, 64), 2, "b-value")
    assert load(series).array_tzyx[:, 1, 32, 32].tolist() == [111, 110]


def test_trap_13_two_frames_of_reference(tmp_path):
    for path in write_ct_series(tmp_path, slices=4)[2:]:
        edit(path, FrameOfReferenceUID="1.2.3")
    parts = {one.part: load(one).geometry for one in all_series(tmp_path)}
    assert parts.keys() == {"frame of reference 1", "frame of reference 2"}
    assert len({geometry.frame_of_reference_uid for geometry in parts.values()}) == 2


def test_trap_14_other_series_uid(tmp_path):
    edit(write_ct_series(tmp_path)[3], SeriesInstanceUID="1.2.3.4")
    by_size = sorted(all_series(tmp_path), key=lambda one: one.shape_zyx[0])
    assert [one.shape_zyx[0] for one in by_size] == [1, 7]
    is_blocked(by_size[1], "CT0002.dcm - CT0004.dcm: 5.000 mm")


@pytest.mark.parametrize("modality", ["CT", "OT", "US"])
def test_trap_15_no_position(tmp_path, modality):
    for path in write_ct_series(tmp_path, Modality=modality):
        edit(path, ImagePositionPatient=None)
    series = only(tmp_path)
    assert series.kind is (STACK if modality == "CT" else FILM)
    volume = load(series)
    assert volume.slice_origins_lps is None
    assert not volume.geometry.frame_of_reference_uid
    assert not can_be_regular(volume)
    if modality == "CT":
        assert "CT0000.dcm and others do not say where they lie" in series.irregularity


def test_trap_16_non_square_pixels(tmp_path):
    write_ct_series(tmp_path, spacing=(0.35, 0.7, 2.5))
    assert pydicom.dcmread(tmp_path / "CT0000.dcm").PixelSpacing == [0.7, 0.35]
    assert is_phantom(only(tmp_path), spacing=(0.35, 0.7, 2.5))


def test_trap_17_zero_spacing(tmp_path):
    write_ct_series(tmp_path, slices=4, PixelSpacing=[0, 0])
    series = only(tmp_path)
    assert series.kind is STACK
    assert "CT0000.dcm and others do not state the size of a pixel" in series.irregularity
    assert not load(series).geometry.calibrated


def test_trap_18_detector_spacing(tmp_path):
    write_film(tmp_path, spacing=None, imager_spacing=(0.143, 0.143))
    series = only(tmp_path)
    assert series.kind is FILM
    assert "Millimetres are those of the detector plane" in series.warnings[0].text()
    assert load(series).geometry.spacing_mm[:2] == pytest.approx((0.143, 0.143))


OBLIQUE = (0.8, 0.6, 0.0, -0.48, 0.64, -0.6)


@pytest.mark.parametrize("orientation", [CORONAL, SAGITTAL, OBLIQUE], ids=["coronal", "sagittal", "oblique"])
def test_trap_19_orientations(tmp_path, orientation):
    write_ct_series(tmp_path, orientation=orientation)
    assert is_phantom(only(tmp_path), orientation=orientation)


@pytest.mark.parametrize("orientation", [(0,) * 6, (1, 0, 0, 1, 0, 0), (2, 0, 0, 0, 2, 0)])
@pytest.mark.parametrize("slices", [1, 8])
def test_trap_19_an_orientation_that_is_none(tmp_path, orientation, slices):
    for path in write_ct_series(tmp_path, slices=slices):
        edit(path, ImageOrientationPatient=list(orientation))
    series = only(tmp_path)
    assert series.kind is (FILM if slices == 1 else STACK)
    assert "states an orientation that is none" in " ".join(one.text() for one in series.warnings)


def test_trap_19_no_orientation_needs_no_remark_of_a_film(tmp_path):
    write_film(tmp_path)
    assert "orientation" not in " ".join(one.text() for one in only(tmp_path).warnings)


def test_trap_20_descending_position(tmp_path):
    for k, path in enumerate(write_ct_series(tmp_path)):
        edit(path, InstanceNumber=8 - k)
        path.rename(tmp_path / f"{8 - k}.dcm")
    series = only(tmp_path)
    assert [one.path.name for one in series.frames] == [f"{8 - k}.dcm" for k in range(8)]
    assert is_phantom(series)


@pytest.mark.parametrize(("noise_mm", "regular"), [(1e-3, True), (0.01, True), (0.05, False)])
def test_trap_21_position_noise(tmp_path, noise_mm, regular):
    for k, path in enumerate(write_ct_series(tmp_path)):
        edit(path, ImagePositionPatient=[*ORIGIN[:2], -10 + 2.5 * k + noise_mm * (-1) ** k])
    series = only(tmp_path)
    assert (series.kind is VOLUME) == regular
    if regular:
        assert load(series).geometry.spacing_mm[2] == pytest.approx(2.5, abs=2 * noise_mm / 7 + 1e-6)
    else:
        assert "2.400 mm" in series.irregularity


def test_trap_22_single_slice(tmp_path):
    write_ct_series(tmp_path, slices=1)
    series = only(tmp_path)
    assert load(series).geometry.spacing_mm == pytest.approx(SPACING)
    assert "single slice" in series.warnings[0].text()
    assert "2.5 mm" in series.warnings[0].text()


@pytest.mark.parametrize("order", [list(range(8)), [3, 1, 0, 2, 7, 6, 5, 4]], ids=["in order", "shuffled"])
def test_trap_23_enhanced_shuffled(tmp_path, order):
    singles = [pydicom.dcmread(path) for path in write_ct_series(tmp_path / "single")]
    enhanced = highdicom.legacy.LegacyConvertedEnhancedCTImage(singles, "1.2.3", 5, "1.2.3.4", 1)
    pixels = enhanced.pixel_array[order]
    enhanced.PerFrameFunctionalGroupsSequence = [enhanced.PerFrameFunctionalGroupsSequence[at] for at in order]
    enhanced.PixelData, enhanced.file_meta.TransferSyntaxUID = pixels.tobytes(), ExplicitVRLittleEndian
    enhanced.save_as(tmp_path / "enhanced.dcm")
    series = only(tmp_path / "enhanced.dcm")
    assert is_phantom(series)
    assert sorted(frame.frame for frame in series.frames) == list(range(8))


def test_trap_24_monochrome1(tmp_path):
    write_film(tmp_path / "one", photometric="MONOCHROME1")
    write_film(tmp_path / "two", photometric="MONOCHROME2")
    one, two = (load(only(tmp_path / name)) for name in ("one", "two"))
    np.testing.assert_array_equal(one.array_tzyx, two.array_tzyx)
    assert (one.inverted, two.inverted) == (True, False)
    shown = [to_gray8(volume.array_zyx, volume.windows[0], volume.inverted).astype(int) for volume in (one, two)]
    np.testing.assert_array_equal(shown[0], 255 - shown[1])


def test_trap_53_pet_suv():
    # 370 MBq of fluorine-18 (6586.2 s) at 23:45, 70 kg, scanned at 00:45: 70000 / (3.7e8 x 0.684633) = 2.76336e-4.
    drug, ds = Dataset(), Dataset()
    drug.RadionuclideTotalDose, drug.RadionuclideHalfLife = 3.7e8, 6586.2
    drug.RadiopharmaceuticalStartTime = "234500"
    ds.Modality, ds.Units, ds.DecayCorrection, ds.CorrectedImage = "PT", "BQML", "START", ["DECY", "ATTN"]
    ds.PatientWeight, ds.SeriesDate, ds.AcquisitionDate = 70, "20260102", "20260102"
    ds.SeriesTime = ds.AcquisitionTime = "004500"
    ds.RadiopharmaceuticalInformationSequence = [drug]
    assert suv_factor([ds]).factor == pytest.approx(2.76336e-4, rel=1e-5)
    drug.RadiopharmaceuticalStartDateTime, ds.TimezoneOffsetFromUTC = "20260102044500+0000", "-0500"
    assert suv_factor([ds]).factor == pytest.approx(2.76336e-4, rel=1e-5)
    ds.DecayCorrection = "ADMIN"
    assert suv_factor([ds]).factor == pytest.approx(70000 / 3.7e8)
    del ds.PatientWeight
    assert suv_factor([ds]).factor is None
    assert "weight" in suv_factor([ds]).reason.text()
