"""Order, place and regularity of slices: the traps of a reading room, each built from the regular phantom."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from phantoms import AXIAL, CORONAL, MARKER_HU, MARKER_IJK, SAGITTAL, affine_lps, write_ct_series, write_mr_series

from medassist.entities.study import SeriesKind
from medassist.imaging.load import load
from medassist.imaging.scan import scan

IN_PLACE = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def only(folder):
    (series,) = scan(folder).all_series()
    return series


def edit(path, **tags):
    dataset = pydicom.dcmread(path)
    for keyword, value in tags.items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)
    dataset.save_as(path)


def rotation(angles):
    """Return row and column direction of a plane turned by three angles."""
    (a, b, c) = angles
    turn_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    turn_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    turn_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return (turn_z @ turn_y @ turn_x)[:, :2].T.ravel()


@IN_PLACE
@given(
    st.tuples(*[st.floats(-np.pi, np.pi)] * 3),
    st.tuples(st.floats(0.3, 3), st.floats(0.3, 3), st.floats(0.5, 8)),
    st.permutations(range(5)),
)
def test_any_orientation_in_any_file_order_is_read_in_place(tmp_path_factory, angles, spacing, order):
    folder = tmp_path_factory.mktemp("series")
    orientation = rotation(angles)
    paths = write_ct_series(folder, slices=5, spacing=spacing, orientation=orientation, origin=(11, -22, 33))
    for path, number in zip(paths, order, strict=True):
        edit(path, InstanceNumber=number + 1)
        path.rename(folder / f"shuffled{number}.dcm")
    series = only(folder)
    assert (series.kind, series.irregularity) == (SeriesKind.VOLUME, "")
    volume = load(series)
    expected = affine_lps(spacing, orientation, (11, -22, 33))
    np.testing.assert_allclose(volume.geometry.affine_lps, expected, atol=1e-5)
    assert np.linalg.det(volume.geometry.affine_lps[:3, :3]) > 0
    i, j, k = MARKER_IJK
    assert volume.array_zyx[k, j, i] == MARKER_HU
    np.testing.assert_array_equal([plane[32, 32] for plane in volume.array_zyx], [40, 50, 60, 70, 80])


@pytest.mark.parametrize("orientation", [AXIAL, CORONAL, SAGITTAL])
def test_slice_origins_are_the_positions_in_the_files(tmp_path, orientation):
    paths = write_ct_series(tmp_path, slices=4, orientation=orientation)
    volume = load(only(tmp_path))
    stated = [pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient for path in paths]
    np.testing.assert_allclose(volume.slice_origins_lps, np.array(stated, dtype=float), atol=1e-6)
    np.testing.assert_allclose(
        volume.geometry.to_world([[0, 0, k] for k in range(4)]), volume.slice_origins_lps, atol=1e-5
    )


def test_missing_slice_is_named(tmp_path):
    write_ct_series(tmp_path)[4].unlink()
    series = only(tmp_path)
    assert series.kind is SeriesKind.STACK
    assert "Slices are missing (1)" in series.irregularity
    assert "CT0003.dcm - CT0005.dcm: 5.000 mm" in series.irregularity
    assert not load(series).is_regular


def test_new_object_at_a_taken_position_is_named(tmp_path):
    paths = write_ct_series(tmp_path)
    (tmp_path / "twice.dcm").write_bytes(paths[3].read_bytes())
    edit(tmp_path / "twice.dcm", SOPInstanceUID="1.2.3.4.5")
    series = only(tmp_path)
    assert series.kind is SeriesKind.STACK
    assert "twice.dcm" in series.irregularity
    assert load(series).array_tzyx.shape == (1, 9, 64, 64)


def test_uneven_spacing_is_named(tmp_path):
    paths = write_ct_series(tmp_path)
    edit(paths[-1], ImagePositionPatient=[-22.05, -22.05, -10 + 7 * 2.5 + 1.5])
    series = only(tmp_path)
    assert "CT0006.dcm - CT0007.dcm: 4.000 mm" in series.irregularity
    np.testing.assert_allclose(load(series).slice_origins_lps[-1], [-22.05, -22.05, 9.0])


def test_gantry_tilt_is_named(tmp_path):
    for k, path in enumerate(write_ct_series(tmp_path)):
        edit(path, ImagePositionPatient=[-22.05, -22.05 + 0.5 * k, -10 + 2.5 * k])
    corrected, raw = scan(tmp_path).all_series()
    assert (corrected.kind, raw.kind) == (SeriesKind.VOLUME, SeriesKind.STACK)
    assert "gantry was tilted by 11.3 degrees" in corrected.warnings[0].text()
    assert "gantry tilt of 11.3 degrees" in raw.irregularity


@pytest.mark.parametrize(("noise", "kind"), [(1e-3, SeriesKind.VOLUME), (0.1, SeriesKind.STACK)])
def test_noise_of_positions(tmp_path, noise, kind):
    for k, path in enumerate(write_ct_series(tmp_path)):
        edit(path, ImagePositionPatient=[-22.05, -22.05, -10 + 2.5 * k + noise * (-1) ** k])
    assert only(tmp_path).kind is kind


def test_localizer_in_the_series_becomes_a_part_of_its_own(tmp_path):
    paths = write_ct_series(tmp_path)
    edit(paths[0], ImageOrientationPatient=[1, 0, 0, 0, 0, -1], ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    series = {one.part: one for one in scan(tmp_path).all_series()}
    assert series[""].shape_zyx == (7, 64, 64)
    assert series[""].kind is SeriesKind.VOLUME
    assert series["localizer"].kind is SeriesKind.FILM
    assert len({one.key for one in series.values()}) == 2


def test_two_localizers_are_two_films(tmp_path):
    for n, path in enumerate(write_ct_series(tmp_path, slices=5)):
        if n < 2:
            edit(path, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    series = scan(tmp_path).all_series()
    assert [one.part for one in series] == ["", "localizer 1", "localizer 2"]
    assert len({one.key for one in series}) == 3


def test_another_size_becomes_a_part_of_its_own(tmp_path):
    paths = write_ct_series(tmp_path)
    dataset = pydicom.dcmread(paths[0])
    dataset.Rows, dataset.PixelData = 32, dataset.PixelData[: 32 * 64 * 2]
    dataset.save_as(paths[0])
    assert sorted(one.shape_zyx for one in scan(tmp_path).all_series()) == [(1, 32, 64), (7, 64, 64)]


def test_two_frames_of_reference_are_not_one_grid(tmp_path):
    paths = write_ct_series(tmp_path, slices=4)
    for path in paths[2:]:
        edit(path, FrameOfReferenceUID="1.2.3")
    series = scan(tmp_path).all_series()
    assert [one.shape_zyx[0] for one in series] == [2, 2]
    assert len({load(one).geometry.frame_of_reference_uid for one in series}) == 2


def test_time_points_form_one_series(tmp_path):
    write_mr_series(tmp_path, slices=4, times=3)
    series = only(tmp_path)
    assert (series.shape_zyx, series.times, series.kind) == ((4, 64, 64), 3, SeriesKind.VOLUME)
    volume = load(series)
    assert volume.array_tzyx[:, 2, 32, 32].tolist() == [120, 121, 122]
    assert [frame.path.name for frame in series.frames[:4]] == [
        "MR0000_000.dcm",
        "MR0000_001.dcm",
        "MR0000_002.dcm",
        "MR0001_000.dcm",
    ]


@pytest.mark.parametrize(
    "clock", ["AcquisitionNumber", "TriggerTime", "DiffusionBValue", "AcquisitionTime", "InstanceNumber"]
)
def test_every_clock_orders_time(tmp_path, clock):
    paths = write_mr_series(tmp_path, slices=3, times=2)
    for n, path in enumerate(paths):
        edit(path, TemporalPositionIdentifier=None, AcquisitionNumber=1, InstanceNumber=1)
        edit(path, **{clock: 100 - n % 2 if clock != "AcquisitionTime" else f"10000{5 - n % 2}"})
    volume = load(only(tmp_path))
    assert volume.array_tzyx[:, 1, 32, 32].tolist() == [111, 110]


def test_pictures_at_one_position_are_named(tmp_path):
    write_ct_series(tmp_path, ImagePositionPatient=[0, 0, 0])
    series = only(tmp_path)
    assert (series.shape_zyx[0], series.times) == (1, 8)
    assert "All 8 pictures lie at one position" in series.warnings[0].text()


def test_incomplete_time_points_are_named(tmp_path):
    write_mr_series(tmp_path, slices=4, times=3)[-1].unlink()
    series = only(tmp_path)
    assert series.kind is SeriesKind.STACK
    assert "not at every position" in series.irregularity


def test_magnitude_and_phase_are_two_parts(tmp_path):
    for n, path in enumerate(write_mr_series(tmp_path, slices=4, times=2)):
        edit(path, ImageType=["ORIGINAL", "PRIMARY", "MP"[n % 2], "ND"])
    parts = scan(tmp_path).all_series()
    assert {one.part: (one.times, one.shape_zyx[0]) for one in parts} == {"magnitude": (1, 4), "phase": (1, 4)}


def test_echoes_are_parts(tmp_path):
    for n, path in enumerate(write_mr_series(tmp_path, slices=4, times=2)):
        edit(path, EchoNumbers=n % 2 + 1, EchoTime=5 * (n % 2) + 3)
    assert [one.part for one in scan(tmp_path).all_series()] == ["echo 1", "echo 2"]


def test_slices_without_position_are_no_volume(tmp_path):
    for path in write_ct_series(tmp_path):
        edit(path, ImagePositionPatient=None)
    series = only(tmp_path)
    assert series.kind is SeriesKind.STACK
    assert "do not say where they lie" in series.irregularity


def test_pixel_spacing_of_zero_is_no_millimetre(tmp_path):
    for path in write_ct_series(tmp_path, slices=4):
        edit(path, PixelSpacing=[0, 0])
    series = only(tmp_path)
    assert "size of a pixel" in series.irregularity
    assert not load(series).geometry.calibrated


def test_non_square_pixels(tmp_path):
    write_ct_series(tmp_path, spacing=(0.35, 0.7, 2.5))
    assert load(only(tmp_path)).geometry.spacing_mm == pytest.approx((0.35, 0.7, 2.5))


def test_single_slice_takes_its_thickness_from_the_header(tmp_path):
    write_ct_series(tmp_path, slices=1)
    volume = load(only(tmp_path))
    assert volume.geometry.spacing_mm[2] == 2.5
    assert "single slice" in volume.series.warnings[0].text()


def test_real_gantry_tilt_with_uneven_slices_is_named(shared_data):
    series = only(shared_data("dicom/ct_ge_head/In"))
    assert series.kind is SeriesKind.STACK
    assert "14.dcm - 15.dcm: 1.081 mm" in series.irregularity
    assert "gantry tilt of 18.5 degrees" in series.irregularity
