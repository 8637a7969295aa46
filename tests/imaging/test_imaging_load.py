"""Values: scaling, dtypes, windows, padding, colour, films, and files without tags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st
from phantoms import write_ct_series, write_film, write_mr_series
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.uid import JPEG2000Lossless, RLELossless

from medassist.entities.errors import Cancelled, UnreadableInput, UnwritableOutput, UsageError
from medassist.entities.study import SeriesKind
from medassist.entities.volume import Window
from medassist.imaging.convert import write_volume
from medassist.imaging.headers import read_headers
from medassist.imaging.load import load
from medassist.imaging.rescaling import rescale
from medassist.imaging.scan import scan
from medassist.progress import Progress


def loaded(path):
    (series,) = scan(path).all_series()
    return load(series)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([np.uint8, np.int8, np.uint16, np.int16, np.int32]),
    st.data(),
    st.integers(-3, 3).filter(bool),
    st.integers(-70000, 70000),
)
def test_whole_scales_stay_exact_and_small(dtype, data, slope, intercept):
    limits = np.iinfo(dtype)
    values = data.draw(st.lists(st.integers(max(limits.min, -(2**20)), min(limits.max, 2**20)), min_size=1, max_size=6))
    stored = np.array(values, dtype).reshape(1, 1, -1)
    true = [slope * value + intercept for value in values]
    result = rescale(stored.copy(), [slope], [intercept])
    assert result.ravel().tolist() == true
    assert result.dtype.kind in "iu"
    assert result.dtype.itemsize == 4 or (min(true) >= -32768 and max(true) <= 65535)


def test_ct_stays_int16(tmp_path):
    write_ct_series(tmp_path)
    volume = loaded(tmp_path)
    assert volume.array_tzyx.dtype == np.int16
    assert (volume.unit, volume.array_tzyx.min()) == ("HU", -1000)
    assert volume.windows == (Window(40, 400),)
    assert not volume.array_tzyx.flags.writeable


def test_scale_of_each_slice_is_its_own(tmp_path):
    write_ct_series(
        tmp_path, slices=3, RescaleSlope=lambda k: 1 + 0.1 * k, RescaleIntercept=0, Modality="PT", Units="BQML"
    )
    volume = loaded(tmp_path)
    assert volume.array_tzyx.dtype == np.float32
    np.testing.assert_allclose(volume.array_zyx[:, 32, 32], [1064, 1074 * 1.1, 1084 * 1.2], rtol=1e-6)
    assert volume.unit == "BQML"


SCHEMES = {
    "position": lambda slice_, time: {"TemporalPositionIdentifier": time + 1, "InstanceNumber": 1},
    "acquisition": lambda slice_, time: {"AcquisitionNumber": time + 1, "InstanceNumber": 1},
    "clock": lambda slice_, time: {"AcquisitionTime": f"1011{10 + time}.{slice_:06d}", "InstanceNumber": 1},
    "trigger": lambda slice_, time: {"TriggerTime": 50 * time, "InstanceNumber": 1},
    "b value": lambda slice_, time: {"DiffusionBValue": 500.0 * time, "InstanceNumber": 1},
    "volume by volume": lambda slice_, time: {"InstanceNumber": time * 3 + slice_ + 1},
    "slice by slice": lambda slice_, time: {"InstanceNumber": slice_ * 4 + time + 1},
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_of_time_gives_the_same_order(tmp_path, scheme):
    for time in (2, 0, 3, 1):
        place = {"SeriesInstanceUID": "1.2.3", "FrameOfReferenceUID": "1.2.4", "AcquisitionNumber": None}
        facts = {
            keyword: (lambda slice_, time=time, keyword=keyword: SCHEMES[scheme](slice_, time)[keyword])
            for keyword in SCHEMES[scheme](0, 0)
        }
        write_mr_series(tmp_path / str(time), values=np.full((3, 8, 8), 10 * time, np.uint16), **(place | facts))
    assert loaded(tmp_path).array_tzyx[:, :, 0, 0].tolist() == [[10 * time] * 3 for time in range(4)]


def test_time_points_past_midnight_stay_in_order(tmp_path):
    clock = {"20260102": ("235950", "235955"), "20260103": ("000001", "000006")}
    moments = [(date, time) for date, times in clock.items() for time in times]
    for time, (date, hour) in enumerate(moments):
        write_mr_series(
            tmp_path / str(time),
            values=np.full((3, 8, 8), 10 * time, np.uint16),
            SeriesInstanceUID="1.2.3",
            FrameOfReferenceUID="1.2.4",
            InstanceNumber=1,
            AcquisitionDate=date,
            AcquisitionTime=hour,
        )
    assert loaded(tmp_path).array_tzyx[:, 0, 0, 0].tolist() == [0, 10, 20, 30]


def test_slope_of_zero_is_taken_as_one_and_said(tmp_path):
    write_ct_series(tmp_path, slices=2, RescaleSlope=0)
    volume = loaded(tmp_path)
    assert volume.array_zyx[0, 32, 32] == 40
    assert any("rescale slope" in warning.text() for warning in volume.series.warnings)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_files_hold_the_same_values(tmp_path, syntax):
    paths = write_ct_series(tmp_path, slices=2)
    before = loaded(tmp_path).array_tzyx
    for path in paths:
        dataset = pydicom.dcmread(path)
        dataset.compress(syntax)
        dataset.save_as(path)
    np.testing.assert_array_equal(loaded(tmp_path).array_tzyx, before)


def test_big_endian_comes_out_native(tmp_path):
    (path,) = write_ct_series(tmp_path, slices=1)
    before = loaded(path).array_tzyx
    dataset = pydicom.dcmread(path)
    dataset.PixelData = dataset.pixel_array.astype(">u2").tobytes()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.2"
    pydicom.dcmwrite(path, dataset, implicit_vr=False, little_endian=False, force_encoding=True)
    after = loaded(path).array_tzyx
    np.testing.assert_array_equal(after, before)
    assert after.dtype.isnative


@pytest.mark.parametrize(("signed", "expected"), [(0, 0x0123), (1, 0x0123)])
def test_bits_above_bits_stored_are_ignored(tmp_path, signed, expected):
    (path,) = write_mr_series(tmp_path, slices=1)
    dataset = pydicom.dcmread(path)
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, signed
    dataset.PixelData = np.full((64, 64), 0xA123, np.uint16).tobytes()
    dataset.save_as(path)
    assert set(loaded(path).array_tzyx.ravel().tolist()) == {expected}


def test_signed_12_bit_without_sign_extension(tmp_path):
    (path,) = write_mr_series(tmp_path, slices=1)
    dataset = pydicom.dcmread(path)
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 1
    dataset.PixelData = np.full((64, 64), 0x0FFF, np.uint16).tobytes()
    dataset.save_as(path)
    assert (loaded(path).array_tzyx == -1).all()


def test_padding_is_kept_apart(tmp_path):
    write_ct_series(tmp_path, slices=2, PixelPaddingValue=0, WindowCenter=None, WindowWidth=None)
    volume = loaded(tmp_path)
    assert volume.padding == (-1024, -1024)
    assert volume.windows[0].width > 1


def test_several_windows_keep_their_names(tmp_path):
    write_ct_series(
        tmp_path,
        slices=1,
        WindowCenter=[40, -600],
        WindowWidth=[400, 1500],
        WindowCenterWidthExplanation=["MEDIASTINUM", "LUNG"],
    )
    assert loaded(tmp_path).windows == (Window(40, 400, "MEDIASTINUM"), Window(-600, 1500, "LUNG"))


def test_window_of_no_width_is_replaced(tmp_path):
    write_ct_series(tmp_path, slices=1, WindowWidth=0)
    assert loaded(tmp_path).windows[0].width > 1


def test_monochrome1_is_inverted_on_screen_only(tmp_path):
    plain = loaded(write_film(tmp_path / "a"))
    inverted = loaded(write_film(tmp_path / "b", photometric="MONOCHROME1"))
    assert (plain.inverted, inverted.inverted) == (False, True)
    np.testing.assert_array_equal(plain.array_tzyx, inverted.array_tzyx)
    assert inverted.array_zyx[0, 20, 60] == 4095


@pytest.mark.parametrize(
    ("spacing", "detector", "calibrated", "said"),
    [
        ((0.15, 0.15), (0.2, 0.2), True, ""),
        (None, (0.2, 0.2), True, "detector plane"),
        ((0.2, 0.2), (0.2, 0.2), True, "detector plane"),
        (None, None, False, "in pixels"),
    ],
)
def test_scale_of_a_film_is_stated_honestly(tmp_path, spacing, detector, calibrated, said):
    volume = loaded(write_film(tmp_path, spacing=spacing, imager_spacing=detector))
    assert volume.series.kind is SeriesKind.FILM
    assert volume.geometry.calibrated is calibrated
    assert volume.geometry.spacing_mm[0] == pytest.approx((spacing or detector or (1.0,))[0])
    assert said in " ".join(warning.text() for warning in volume.series.warnings)
    assert bool(volume.series.warnings) is bool(said)


@pytest.mark.parametrize(
    ("ratio", "high"), [([4, 3], 4 / 3), ([1, 2], 0.5), ([0, 1], 1), ([1, 1000], 1), (None, 1), ([1, 2, 3], 1)]
)
def test_pixels_that_are_not_square_keep_their_shape_without_a_size(tmp_path, ratio, high):
    more = {} if ratio is None else {"PixelAspectRatio": ratio}
    volume = loaded(write_film(tmp_path, spacing=None, imager_spacing=None, **more))
    assert volume.geometry.calibrated is False
    assert volume.geometry.spacing_mm[:2] == pytest.approx((1, high))
    sized = loaded(write_film(tmp_path / "sized", spacing=(0.3, 0.3), imager_spacing=None, **more))
    assert sized.geometry.spacing_mm[:2] == pytest.approx((0.3, 0.3))


def test_two_films_of_one_series_are_two_parts(tmp_path):
    first = write_film(tmp_path / "a", SeriesInstanceUID="1.2.3", view="PA")
    write_film(tmp_path / "b", SeriesInstanceUID="1.2.3", view="LL", InstanceNumber=2)
    parts = scan(tmp_path).all_series()
    assert [(one.part, one.view_position, one.shape_zyx[0]) for one in parts] == [
        ("picture 1", "PA", 1),
        ("picture 2", "LL", 1),
    ]
    assert parts[0].frames[0].path == first


def test_colour_is_rgb(tmp_path):
    path = write_film(tmp_path, modality="CR")
    dataset = pydicom.dcmread(path)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelData = np.tile(np.array([10, 20, 30], np.uint8), 96 * 80).tobytes()
    dataset.save_as(path)
    volume = loaded(path)
    assert volume.is_color
    assert volume.array_tzyx[0, 0, 5, 5].tolist() == [10, 20, 30]


def test_lossless_jpeg_decodes_like_its_lossy_twin():
    exact, lossy = (loaded(pathlib_of(get_testdata_file(name))) for name in ("JPEG-LL.dcm", "JPGExtended.dcm"))
    difference = exact.array_tzyx.astype(int) - lossy.array_tzyx
    assert np.abs(difference).mean() < 3


def pathlib_of(name):
    if name is None:
        pytest.skip("pydicom-data is not installed")
    return Path(name)


def test_cancelled_load(tmp_path):
    write_ct_series(tmp_path)
    (series,) = scan(tmp_path).all_series()
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        load(series, progress=progress)


def test_headers_come_in_frame_order(tmp_path):
    write_mr_series(tmp_path, slices=3, times=2)
    (series,) = scan(tmp_path).all_series()
    headers = read_headers(series)
    assert [header.SOPInstanceUID for header in headers] == [frame.sop_instance_uid for frame in series.frames]
    assert "PixelData" not in headers[0]
    assert headers[0].PatientName == "Phantom^One"


# Files without tags --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("flip", [1, -1])
def test_volume_files_keep_their_place(tmp_path, suffix, flip):
    values = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((0.5, 0.6, 2.0))
    image.SetOrigin((10, 20, 30))
    image.SetDirection((flip, 0, 0, 0, 1, 0, 0, 0, 1))
    path = tmp_path / f"卷{suffix}"
    sitk.WriteImage(image, str(path))
    volume = loaded(path)
    np.testing.assert_array_equal(volume.array_zyx, values)
    np.testing.assert_allclose(volume.geometry.to_world([1, 2, 3]), [10 + flip * 0.5, 21.2, 36], atol=1e-5)
    assert (volume.series.modality, volume.series.kind) == ("", SeriesKind.VOLUME)
    assert "no patient" in volume.series.warnings[0].text()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_pictures(tmp_path, suffix):
    values = np.tile(np.arange(0, 200, 2, dtype=np.uint8), (40, 1))
    Image.fromarray(values).convert("RGB").save(tmp_path / f"片{suffix}")
    volume = loaded(tmp_path / f"片{suffix}")
    assert (volume.series.kind, volume.series.format, volume.geometry.calibrated) == (SeriesKind.FILM, "picture", False)
    assert not volume.is_color
    assert np.abs(volume.array_zyx[0].astype(int) - values).max() <= 3
    assert "plain picture" in volume.series.warnings[0].text()


def test_picture_with_16_bits_and_with_colour(tmp_path):
    Image.fromarray(np.full((4, 5), 40000, np.uint16)).save(tmp_path / "a.png")
    Image.fromarray(np.full((4, 5, 3), (1, 2, 3), np.uint8)).save(tmp_path / "b.png")
    deep, colour = (loaded(tmp_path / name) for name in ("a.png", "b.png"))
    assert deep.array_tzyx.max() == 40000
    assert colour.is_color


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.png", "a.jpg"])
def test_damaged_files_without_tags(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x1f\x8b not what it says" * 30)
    with pytest.raises(UnreadableInput, match="damaged"):
        scan(tmp_path / name)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("kept", [0.5, 0.999])
def test_cut_off_volume_file_is_refused(tmp_path, suffix, kept):
    values = np.random.default_rng(0).integers(1, 999, (20, 20, 20)).astype(np.int16)
    path = tmp_path / f"a{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(values), str(path))
    np.testing.assert_array_equal(loaded(path).array_zyx, values)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(UnreadableInput, match="damaged"):
        loaded(path)


# Writing -------------------------------------------------------------------------------------------------------------


def test_irregular_series_is_not_written(tmp_path):
    write_ct_series(tmp_path / "in")[3].unlink()
    with pytest.raises(UnreadableInput, match="missing") as caught:
        write_volume(loaded(tmp_path / "in"), tmp_path / "out.nii.gz")
    assert caught.value.exit_code == 3
    assert not (tmp_path / "out.nii.gz").exists()


def test_unknown_suffix_and_unwritable_place(tmp_path):
    write_ct_series(tmp_path / "in", slices=2)
    volume = loaded(tmp_path / "in")
    with pytest.raises(UsageError):
        write_volume(volume, tmp_path / "out.xyz")
    (tmp_path / "file").touch()
    with pytest.raises(UnwritableOutput):
        write_volume(volume, tmp_path / "file" / "out.nii")
