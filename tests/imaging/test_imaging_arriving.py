"""Slices are shown in their place as they are read, nearest first, and each holds what the whole volume will hold."""

from __future__ import annotations

import highdicom
import numpy as np
import pydicom
import pytest
from phantoms import write_ct_series, write_film, write_mr_series
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from medassist.entities.errors import Cancelled, UnreadableInput
from medassist.imaging import decode_file as loading
from medassist.imaging import plain_pixels
from medassist.imaging.load import load, preview
from medassist.imaging.one_frame import with_frame_alone
from medassist.imaging.outline import Watch, comes_slice_by_slice, outline
from medassist.imaging.scan import scan
from medassist.progress import Progress

TILTED = {"ImagePositionPatient": lambda index: [0, index * 0.5, index * 2.5]}
UNEVEN = {"ImagePositionPatient": lambda index: [0, 0, index * 2.5 + (index > 2)]}


@pytest.fixture(params=["in place", "decoded"])
def series_of(request, monkeypatch):
    """Scan, so that plain files are read straight to their place, or decoded as others are."""

    def found(path):
        listed = scan(path).all_series()
        if request.param == "decoded":
            monkeypatch.setattr(plain_pixels, "_known", {})
        return listed

    return found


def watched(series, first, **options):
    """Return the whole volume, and every slice as it was shown, in the order of reading."""
    shown = {}

    def arrived(slices, make):
        shown.update({index: make(index) for index in slices})

    return load(series, watch=Watch(first, arrived), **options), shown


@pytest.mark.parametrize("facts", [{}, UNEVEN, {"RescaleSlope": lambda index: 1 + index / 10},
                                   {"PixelPaddingValue": 1024},
                                   {"PhotometricInterpretation": "MONOCHROME1"}])  # fmt: skip
def test_every_slice_shown_early_is_that_of_the_whole_volume(tmp_path, series_of, facts):
    write_ct_series(tmp_path, slices=6, **facts)
    (series,) = series_of(tmp_path)
    whole, shown = watched(series, 3)
    alone = load(series)
    np.testing.assert_array_equal(whole.array_tzyx, alone.array_tzyx)
    assert sorted(shown) == list(range(6))
    for index, one in shown.items():
        np.testing.assert_array_equal(one.array_zyx[0], whole.array_zyx[index])
        np.testing.assert_allclose(one.geometry.to_world([5, 7, 0])[:2], whole.geometry.to_world([5, 7, index])[:2])
        np.testing.assert_allclose(one.slice_origins_lps[0], whole.slice_origins_lps[index])
        assert (one.unit, one.inverted, one.padding) == (whole.unit, whole.inverted, whole.padding)
        assert not one.is_regular


def test_slices_come_by_their_distance_from_the_first(tmp_path, monkeypatch):
    write_ct_series(tmp_path, slices=7)
    (series,) = scan(tmp_path).all_series()
    monkeypatch.setattr(plain_pixels, "_known", {})
    assert list(watched(series, 2)[1]) == [2, 1, 3, 0, 4, 5, 6]


def test_the_slices_around_the_first_are_read_before_the_others(tmp_path):
    write_ct_series(tmp_path, slices=40, rows=16, columns=16)
    (series,) = scan(tmp_path).all_series()
    order = list(watched(series, 20)[1])
    assert order.index(20) < 8
    assert sorted(order) == list(range(40))
    assert abs(order[-1] - 20) > 12


def test_of_several_time_points_the_first_is_shown(tmp_path, series_of):
    write_mr_series(tmp_path, times=3, slices=4)
    (series,) = series_of(tmp_path)
    whole, shown = watched(series, 2)
    assert sorted(shown) == [0, 1, 2, 3]
    for index, one in shown.items():
        np.testing.assert_array_equal(one.array_tzyx[0, 0], whole.array_tzyx[0, index])


def test_of_a_tilted_series_the_slices_as_stored_are_shown(tmp_path, series_of):
    write_ct_series(tmp_path, slices=6, **TILTED)
    made = next(one for one in series_of(tmp_path) if one.raw is not None)
    whole, shown = watched(made, 3)
    raw = load(made.raw)
    assert whole.series == made
    for index, one in shown.items():
        np.testing.assert_array_equal(one.array_zyx[0], raw.array_zyx[index])


def test_a_damaged_slice_is_never_shown_as_one_that_is_there(tmp_path):
    paths = write_ct_series(tmp_path, slices=5)
    for path in paths:
        dataset = pydicom.dcmread(path)
        dataset.compress(RLELossless)
        dataset.save_as(path)
    dataset = pydicom.dcmread(paths[1])
    dataset.PixelData = pydicom.encaps.encapsulate([b"\x01" * 64])
    dataset.save_as(paths[1])
    (series,) = scan(tmp_path).all_series()
    whole, shown = watched(series, 1)
    assert whole.lost_slices == (1,)
    assert sorted(shown) == [0, 2, 3, 4]


def test_who_looks_on_may_stop_it(tmp_path, series_of):
    write_ct_series(tmp_path, slices=20)
    (series,) = series_of(tmp_path)
    progress = Progress()
    with pytest.raises(Cancelled):
        load(series, progress=progress, watch=Watch(10, lambda _slices, _make: progress.cancel()))


@pytest.mark.parametrize("facts", [{}, UNEVEN, TILTED, {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1],
                                   "ImagePositionPatient": lambda index: [index * 2.5, 0, 0]}])  # fmt: skip
def test_the_outline_is_the_grid_the_slices_will_have(tmp_path, facts):
    write_ct_series(tmp_path, slices=6, **facts)
    series = next(iter(scan(tmp_path).all_series()))
    expected = load(series.raw or series).geometry
    found = outline(series)
    assert found.shape_zyx == expected.shape_zyx
    assert found.frame_of_reference_uid == expected.frame_of_reference_uid
    np.testing.assert_allclose(found.affine_lps, expected.affine_lps, atol=1e-9)


def test_the_outline_of_a_film_and_of_one_slice(tmp_path):
    write_film(tmp_path / "film")
    write_ct_series(tmp_path / "slice", slices=1)
    write_mr_series(tmp_path / "times", times=3, slices=4)
    for series in scan(tmp_path).all_series():
        expected, found = load(series).geometry, outline(series)
        np.testing.assert_allclose(found.affine_lps, expected.affine_lps, atol=1e-9)
        assert (found.shape_zyx, found.calibrated) == (expected.shape_zyx, expected.calibrated)


def test_the_outline_of_a_file_that_is_gone_is_refused(tmp_path):
    paths = write_ct_series(tmp_path)
    (series,) = scan(tmp_path).all_series()
    paths[0].unlink()
    with pytest.raises(UnreadableInput, match=paths[0].name):
        outline(series)


def enhanced(path, singles, syntax=ExplicitVRLittleEndian):
    """Write the slices of single files as one multi-frame file."""
    made = highdicom.legacy.LegacyConvertedEnhancedCTImage(
        [pydicom.dcmread(single) for single in singles], series_instance_uid="1.2.3", series_number=5,
        sop_instance_uid="1.2.3.4", instance_number=1,
    )  # fmt: skip
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.save_as(path)
    if syntax != ExplicitVRLittleEndian:
        made = pydicom.dcmread(path)
        made.compress(syntax, generate_instance_uid=False)
        made.save_as(path)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
def test_one_frame_of_a_multi_frame_file_is_decoded_alone(tmp_path, monkeypatch, syntax):
    enhanced(tmp_path / "all.dcm", write_ct_series(tmp_path / "single", slices=6, rows=16, columns=12), syntax)
    (series,) = scan(tmp_path / "all.dcm").all_series()
    assert comes_slice_by_slice(series) is (syntax == RLELossless)
    whole, decoded = load(series), []
    decode = loading.decode
    monkeypatch.setattr(loading, "decode", lambda *args, **more: decoded.append(decode(*args, **more)) or decoded[-1])
    for index in (0, 3, 5):
        one = preview(series, index)
        np.testing.assert_array_equal(one.array_zyx[0], whole.array_zyx[index])
        np.testing.assert_allclose(one.geometry.to_world([0, 0, 0]), whole.geometry.to_world([0, 0, index]), atol=1e-9)
    assert [len(values) for values in decoded] == [1, 1, 1]
    np.testing.assert_allclose(outline(series).affine_lps, whole.geometry.affine_lps, atol=1e-9)


def test_a_file_that_lies_about_its_frames_is_read_as_a_whole(tmp_path):
    enhanced(tmp_path / "all.dcm", write_ct_series(tmp_path / "single", slices=6, rows=16, columns=12))
    ds = pydicom.dcmread(tmp_path / "all.dcm")
    assert with_frame_alone(ds, 6) is None
    ds.PixelData = ds.PixelData[:-100]
    assert with_frame_alone(ds, 0) is None
    single = pydicom.dcmread(next((tmp_path / "single").iterdir()))
    assert with_frame_alone(single, 0) is None


def test_singling_out_a_frame_leaves_the_file_as_it_is(tmp_path):
    enhanced(tmp_path / "all.dcm", write_ct_series(tmp_path / "single", slices=6, rows=16, columns=12))
    ds = pydicom.dcmread(tmp_path / "all.dcm")
    before = bytes(ds.PixelData)
    alone = with_frame_alone(ds, 2)
    assert (int(ds.NumberOfFrames), bytes(ds.PixelData)) == (6, before)
    assert (int(alone.NumberOfFrames), len(alone.PixelData)) == (1, 16 * 12 * 2)
    np.testing.assert_array_equal(alone.pixel_array, ds.pixel_array[2])


def test_single_pictures_do_not_come_slice_by_slice(tmp_path):
    write_film(tmp_path / "film")
    write_ct_series(tmp_path / "ct", slices=3)
    found = {series.modality: comes_slice_by_slice(series) for series in scan(tmp_path).all_series()}
    assert found == {"DX": False, "CT": True}
