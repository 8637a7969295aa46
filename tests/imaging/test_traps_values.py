"""Traps of ../shared/notes, section 8, about values: MONOCHROME1 to colour and video. One test per trap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from phantoms import write_ct_series, write_film, write_mr_series
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from medassist.entities.volume import VoiLut, Window
from medassist.imaging.load import load
from medassist.imaging.render import to_gray8
from medassist.imaging.scan import scan


def bundled(name: str) -> Path:
    """Return a test file of pydicom or pydicom-data, or skip the test."""
    found = get_testdata_file(name, download=False)
    if found is None:
        pytest.skip("pydicom-data is not installed")
    return Path(found)


def loaded(path):
    (series,) = scan(path).all_series()
    return load(series)


def said(volume):
    return " ".join(warning.text() for warning in volume.series.warnings)


def changed(path, **tags):
    """Change attributes of a file in place; bytes for PixelData go in as they are."""
    dataset = pydicom.dcmread(path)
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


def test_monochrome1_pictures_are_the_negatives_of_each_other(tmp_path):
    plain = loaded(write_film(tmp_path / "a"))
    inverse = loaded(write_film(tmp_path / "b", photometric="MONOCHROME1"))
    np.testing.assert_array_equal(plain.array_tzyx, inverse.array_tzyx)
    assert (plain.inverted, inverse.inverted) == (False, True)
    shown = [to_gray8(one.array_zyx[0], one.windows[0], one.inverted) for one in (plain, inverse)]
    np.testing.assert_array_equal(shown[0], 255 - shown[1])


def test_trap_25_pixel_padding(tmp_path):
    paths = write_ct_series(tmp_path, slices=3, PixelPaddingValue=63536, WindowCenter=None, WindowWidth=None)
    for path in paths:
        stored = pydicom.dcmread(path).pixel_array.copy()
        stored[:4] = 63536
        changed(path, PixelData=stored.tobytes())
    volume = loaded(tmp_path)
    assert volume.padding == (62512, 62512)
    assert volume.windows[0].center + volume.windows[0].width / 2 < 2000
    measured = volume.array_tzyx[volume.array_tzyx < 62512]
    assert measured.max() <= 1000
    assert measured.size == 3 * 60 * 64


def test_padding_range_in_signed_pixels(tmp_path):
    (path,) = write_mr_series(tmp_path, slices=1, values=np.full((1, 64, 64), 500, np.uint16))
    dataset = pydicom.dcmread(path)
    dataset.PixelRepresentation = 1
    dataset.add_new("PixelPaddingValue", "SS", -2000)
    dataset.add_new("PixelPaddingRangeLimit", "US", 65536 - 1990)
    dataset.save_as(path)
    assert loaded(path).padding == (-2000, -1990)


def test_padding_is_one_value_where_slices_are_scaled_apart(tmp_path):
    paths = write_ct_series(
        tmp_path, slices=3, PixelPaddingValue=7, RescaleSlope=lambda k: 0.1 + 0.3 * k, RescaleIntercept=lambda k: -k
    )
    for path in paths:
        stored = pydicom.dcmread(path).pixel_array.copy()
        stored[:4] = 7
        changed(path, PixelData=stored.tobytes())
    volume = loaded(tmp_path)
    empty = (volume.array_tzyx >= volume.padding[0]) & (volume.array_tzyx <= volume.padding[1])
    assert empty[0, :, :4].all()
    assert not empty[0, :, 4:].any()


def test_trap_26_garbage_above_stored_bits(tmp_path):
    (path,) = write_mr_series(tmp_path, slices=1)
    stored = np.full((64, 64), 0x0123 & 0x0FFF | 0xA000, np.uint16)
    changed(path, BitsStored=12, HighBit=11, PixelData=stored.tobytes())
    assert set(loaded(path).array_tzyx.ravel().tolist()) == {0x0123}


def test_trap_27_signed_without_extension(tmp_path):
    (path,) = write_mr_series(tmp_path, slices=1)
    pixels = np.full((64, 64), 0x0FFF, np.uint16).tobytes()
    changed(path, BitsStored=12, HighBit=11, PixelRepresentation=1, PixelData=pixels)
    assert (loaded(path).array_tzyx == -1).all()


@pytest.mark.parametrize("slope", [0, ""])
def test_trap_28_slope_zero_or_empty(tmp_path, slope):
    write_ct_series(tmp_path, slices=2, RescaleSlope=slope)
    volume = loaded(tmp_path)
    assert volume.array_zyx[0, 32, 32] == 40
    assert "no usable rescale slope" in said(volume)


@pytest.mark.parametrize("slope", ["1e300", "-1e300", "1e-300"])
def test_trap_28_slope_no_value_survives(tmp_path, slope):
    write_ct_series(tmp_path, slices=2, RescaleSlope=slope)
    volume = loaded(tmp_path)
    assert volume.array_zyx[0, 32, 32] == 40
    assert "no usable rescale slope" in said(volume)


def test_trap_28_intercept_no_value_survives(tmp_path):
    write_ct_series(tmp_path, slices=2, RescaleIntercept="1e300")
    volume = loaded(tmp_path)
    assert volume.array_zyx[0, 32, 32] == 40 + 1024
    assert "no usable rescale intercept" in said(volume)


@pytest.mark.parametrize(
    ("function", "below", "centre", "above"),
    [("LINEAR", 0, 128, 255), ("LINEAR_EXACT", 0, 128, 255), ("SIGMOID", 30, 128, 225)],
)
def test_trap_30_voi_functions(tmp_path, function, below, centre, above):
    write_ct_series(tmp_path, slices=1, VOILUTFunction=function, WindowCenter=40, WindowWidth=400)
    volume = loaded(tmp_path)
    assert volume.windows == (Window(40, 400, "", function),)
    for dtype in (np.int16, np.float32):
        values = np.repeat(np.array([[-160], [40], [240]], dtype), 2000, axis=1)
        gray = to_gray8(values, volume.windows[0])
        assert gray.dtype == np.uint8
        np.testing.assert_allclose(gray[:, 0], [below, centre, above], atol=1)
    assert not volume.series.warnings[1:]


def test_sigmoid_is_the_formula_of_the_standard():
    values = np.linspace(-1000, 1000, 401).astype(np.float32)
    true = 255 / (1 + np.exp(-4 * (values.astype(float) - 30) / 300))
    assert np.abs(to_gray8(values, Window(30, 300, "", "SIGMOID")) - true).max() <= 0.51


def test_linear_exact_of_integers_is_half_a_value_off_the_linear_one():
    values = np.array([[0, 1, 2, 3, 4]], np.int16)
    assert to_gray8(values, Window(2, 4, "", "LINEAR_EXACT")).tolist() == [[0, 64, 128, 191, 255]]
    assert to_gray8(values, Window(2, 4)).tolist() == [[0, 85, 170, 255, 255]]


def test_trap_29_several_windows(tmp_path):
    write_ct_series(
        tmp_path,
        slices=1,
        WindowCenter=[40, -600],
        WindowWidth=[400, 1500],
        WindowCenterWidthExplanation=["MEDIASTINUM", "LUNG"],
    )
    assert loaded(tmp_path).windows == (Window(40, 400, "MEDIASTINUM"), Window(-600, 1500, "LUNG"))


@pytest.mark.parametrize("width", [0, -5, None])
def test_trap_31_window_width_zero(tmp_path, width):
    write_ct_series(tmp_path, slices=1, WindowWidth=width)
    (window,) = loaded(tmp_path).windows
    assert window.width > 1


def voi_lut(first, entries, bits=16, explanation="FILM"):
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.LUTExplanation = explanation
    item.add_new("LUTData", "US", list(entries))
    return item


def test_voi_lut_is_the_first_of_the_grey_scales(tmp_path):
    lut = voi_lut(0, [0, 100, 200, 255], bits=8)
    path = write_film(tmp_path, WindowCenter=2, WindowWidth=4)
    path = changed(
        path, VOILUTSequence=[lut], PixelData=np.tile(np.array([0, 1, 2, 4000], np.uint16), 96 * 20).tobytes()
    )
    volume = loaded(path)
    assert volume.windows == (Window(2.0, 4.0, "FILM", lut=VoiLut(0, (0, 100, 200, 255), 8)), Window(2.0, 4.0))
    assert to_gray8(volume.array_zyx[0], volume.windows[0])[0, :4].tolist() == [0, 100, 200, 255]


def test_voi_lut_counts_in_hu(tmp_path):
    # 0xFC00 is -1024 where values can be negative.
    (path,) = write_ct_series(tmp_path, slices=1)
    changed(path, VOILUTSequence=[voi_lut(0xFC00, range(0, 4000, 2))])
    lut = loaded(path).windows[0].lut
    assert (lut.first, len(lut.entries)) == (-1024, 2000)


def test_trap_32_lookup_tables():
    from pydicom.pixels import apply_modality_lut, apply_voi

    path = bundled("vlut_04.dcm")
    volume, dataset = loaded(path), pydicom.dcmread(path)
    true = apply_voi(dataset.pixel_array, dataset) / 65535 * 255
    assert np.abs(to_gray8(volume.array_zyx[0], volume.windows[0]) - true).max() <= 0.51
    path = bundled("mlut_18.dcm")
    dataset = pydicom.dcmread(path)
    np.testing.assert_array_equal(loaded(path).array_zyx[0], apply_modality_lut(dataset.pixel_array, dataset))


@pytest.mark.parametrize("descriptor", [[9, 0, 16], [4, 0, 99], [4, 0]])
def test_unusable_voi_lut_is_left_out(tmp_path, descriptor):
    path = write_film(tmp_path)
    item = voi_lut(0, [0, 1, 2, 3])
    item.LUTDescriptor = descriptor
    assert loaded(changed(path, VOILUTSequence=[item])).windows == (Window(2048, 4096),)


SAME_COLOURS = (
    ("rle", "rle_16bit", "rle_32bit", "16bit", "32bit", "expb_16bit", "jpeg_gdcm", "gdcm2k_uncompressed"),
    ("px", "pl"),
)


def test_trap_33_colour_models(tmp_path):
    for start, names in zip(("SC_rgb_", "color-"), SAME_COLOURS, strict=True):
        paths = (get_testdata_file(f"{start}{name}.dcm", download=False) for name in names)
        pictures = [loaded(Path(path)).array_tzyx for path in paths if path]
        for other in pictures[1:]:
            np.testing.assert_array_equal(other, pictures[0])
    true = loaded(bundled("SC_rgb_rle.dcm")).array_tzyx.astype(int)
    for name, error in (("SC_ybr_full_422_uncompressed.dcm", 160), ("SC_rgb_dcmtk_+eb+cy+np.dcm", 160)):
        lossy = loaded(bundled(name)).array_tzyx.astype(int)
        assert np.abs(lossy - true).mean() < 3
        assert np.abs(lossy - true).max() <= error
    palette = loaded(bundled("examples_palette.dcm"))
    assert (palette.is_color, palette.array_tzyx.shape, palette.array_tzyx.max()) == (True, (1, 1, 350, 800, 3), 255)


def test_ybr_and_palette_are_the_formulas_of_the_standard(tmp_path):
    path = write_film(tmp_path, modality="CR", rows=2, columns=2, values=np.zeros((2, 2), np.uint16))
    ybr = np.array([[[76, 85, 255], [150, 44, 21]], [[29, 255, 107], [128, 128, 128]]], np.uint8)
    dataset = pydicom.dcmread(path)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "YBR_FULL", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelData = ybr.tobytes()
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path)
    true = np.array([[[254, 0, 0], [0, 255, 1]], [[0, 0, 254], [128, 128, 128]]])
    assert np.abs(loaded(path).array_tzyx[0, 0].astype(int) - true).max() <= 1


def test_dark_deep_colour_stays_dark(tmp_path):
    path = write_film(tmp_path, modality="CR", rows=2, columns=2, values=np.zeros((2, 2), np.uint16))
    dataset = pydicom.dcmread(path)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.BitsStored, dataset.HighBit = 16, 15
    dataset.PixelData = np.full((2, 2, 3), 200, np.uint16).tobytes()
    dataset.save_as(path)
    assert loaded(path).array_tzyx.max() == 0


def cine(folder, frames=4, **tags):
    path = write_film(folder, modality="CR")
    dataset = pydicom.dcmread(path)
    dataset.Modality, dataset.SOPClassUID = "XA", "1.2.840.10008.5.1.4.1.1.12.1"
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.PixelData = np.stack([dataset.pixel_array + number for number in range(frames)]).tobytes()
    dataset.NumberOfFrames = frames
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


@pytest.mark.parametrize(
    ("tags", "times"),
    [
        ({"FrameTime": 40}, (0, 40, 80, 120)),
        ({"FrameTimeVector": [0, 40, 50, 60], "FrameTime": 1}, (0, 40, 90, 150)),
        ({"CineRate": 20}, (0, 50, 100, 150)),
        ({"RecommendedDisplayFrameRate": 10}, (0, 100, 200, 300)),
        ({"FrameTime": 0}, ()),
        ({}, ()),
    ],
)
def test_trap_54_cine_and_wide_pixels(tmp_path, tags, times):
    volume = loaded(cine(tmp_path, **tags))
    assert volume.array_tzyx.shape == (1, 4, 96, 80)
    assert volume.array_zyx[:, 0, 0].tolist() == [0, 1, 2, 3]
    assert volume.series.frame_times_ms == times


def test_bundled_ultrasound_keeps_its_frame_time():
    volume = loaded(bundled("examples_ybr_color.dcm"))
    assert volume.array_tzyx.shape == (1, 30, 240, 320, 3)
    assert volume.series.frame_times_ms[29] == pytest.approx(29 * 33.333)


@pytest.mark.parametrize("dtype", [np.uint32, np.int32, np.float32, np.float64])
def test_wide_pixels_are_exact(tmp_path, dtype):
    (path,) = write_mr_series(tmp_path, slices=1)
    values = np.linspace(0, 1e9 if np.dtype(dtype).kind != "f" else 1.0, 64 * 64).reshape(64, 64).astype(dtype)
    dataset = pydicom.dcmread(path)
    dataset.BitsAllocated = dataset.BitsStored = 8 * values.dtype.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    if values.dtype.kind == "f":
        del dataset.PixelData
        setattr(dataset, "FloatPixelData" if dtype is np.float32 else "DoubleFloatPixelData", values.tobytes())
        for keyword in ("BitsStored", "HighBit", "PixelRepresentation"):
            delattr(dataset, keyword)
    else:
        dataset.PixelData = values.tobytes()
    dataset.save_as(path)
    np.testing.assert_allclose(loaded(path).array_zyx[0], values, rtol=1e-7)
