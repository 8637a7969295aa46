"""Thumbnails: the middle slice alone, the right way round, kept within a bound and only for the very same series."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from phantoms import write_ct_series

from medassist.entities.errors import Cancelled
from medassist.entities.geometry import Geometry
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import Volume, Window
from medassist.imaging import load as loading
from medassist.imaging.scan import scan
from medassist.progress import Progress
from medassist.session.thumbnails import SIDE, Shelf, can_be_pictured, make_thumbnails, thumbnail_of


def volume_of(array_zyx: np.ndarray, affine: np.ndarray | None = None, **fields) -> Volume:
    shape = array_zyx.shape[:3]
    series = Series("one", SeriesKind.VOLUME, (), modality="CT", shape_zyx=shape)
    grid = Geometry(np.eye(4) if affine is None else affine, shape, "1.2.3")
    return Volume(series, array_zyx[None], grid, windows=(Window(127.5, 256.0),), **fields)


def made(wanted, progress=None):
    told = {}
    make_thumbnails(wanted, lambda series, one: told.__setitem__(series.key, one), progress=progress or Progress())
    return told


@pytest.fixture
def ct(tmp_path):
    write_ct_series(tmp_path / "ct", slices=6, rows=32, columns=24)
    return scan(tmp_path / "ct").all_series()[0]


def test_one_slice_is_read_and_no_other(ct, monkeypatch):
    asked = []
    first = loading.load
    monkeypatch.setattr(
        loading, "load", lambda series, **rest: asked.append(len(series.frames)) or first(series, **rest)
    )
    assert made([(ct, None)])[ct.key].pixels.shape == (32, 24)
    assert asked == [1]


def test_it_reads_a_file_whose_neighbours_are_gone(ct):
    middle = ct.frames[ct.shape_zyx[0] // 2].path
    for frame in ct.frames:
        if frame.path != middle:
            frame.path.unlink()
    assert made([(ct, None)])[ct.key] is not None


def test_a_damaged_slice_is_told_as_none_and_the_next_one_is_made(ct, tmp_path):
    write_ct_series(tmp_path / "other", slices=3, rows=32, columns=24)
    other = scan(tmp_path / "other").all_series()[0]
    broken = ct.frames[ct.shape_zyx[0] // 2].path
    dataset = pydicom.dcmread(broken)
    dataset.PixelData = dataset.PixelData[:10]
    dataset.save_as(broken)
    told = made([(ct, None), (replace(other, key="other"), None)])
    assert told[ct.key] is None
    assert told["other"] is not None


def test_a_cancelled_job_stops(ct):
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        made([(ct, None)], progress)


def test_it_is_the_middle_slice_turned_as_the_viewer_turns_it():
    array = np.zeros((3, 4, 6), np.uint8)
    array[1, 0, 0] = 255  # right, front of the patient in LPS axes
    assert thumbnail_of(volume_of(array)).pixels[0, 0] == 255
    turned = np.diag([-1.0, -1.0, 1.0, 1.0])  # columns lead to the right, rows to the front
    assert thumbnail_of(volume_of(array, turned)).pixels[-1, -1] == 255


def test_white_for_low_values_is_kept():
    array = np.zeros((1, 4, 4), np.uint8)
    assert thumbnail_of(volume_of(array, inverted=True)).pixels.min() >= 254


def test_shape_follows_the_pixels_in_the_patient_and_size_is_bounded():
    affine = np.diag([1.0, 2.0, 1.0, 1.0])
    small = thumbnail_of(volume_of(np.zeros((1, 1000, 777), np.int16), affine))
    assert small.rows_to_columns == pytest.approx(2 * 1000 / 777)
    assert max(small.pixels.shape) <= SIDE
    line = thumbnail_of(volume_of(np.zeros((1, 1, 500), np.int16)))
    assert line.pixels.shape[0] == 1
    color = np.zeros((1, 300, 200, 3), np.uint8)
    color[..., 1] = 9
    shown = thumbnail_of(volume_of(color))
    assert shown.pixels.shape[2] == 3
    assert set(shown.pixels[..., 1].ravel()) == {9}


def test_a_shelf_is_bounded_and_knows_the_very_series():
    shelf = Shelf(most=2)
    several = [Series(str(n), SeriesKind.VOLUME, (), shape_zyx=(1, 2, 2)) for n in range(3)]
    picture = thumbnail_of(volume_of(np.zeros((1, 2, 2), np.uint8)))
    for series in several:
        shelf.put(series, picture)
    assert len(shelf) == 2
    assert shelf.get(several[0]) is None
    assert shelf.get(several[2]) is picture
    again = replace(several[2], shape_zyx=(2, 2, 2))  # its files changed and were opened again
    assert not shelf.has(again)
    assert shelf.get(again) is None
    shelf.drop_others({"2": several[2]})
    assert len(shelf) == 1
    shelf.drop_others({"2": again})
    assert len(shelf) == 0, "nothing of a study that was closed or opened again stays in memory"


def test_volume_files_are_not_read_for_a_thumbnail_but_their_loaded_pixels_are_used():
    nifti = Series("n", SeriesKind.VOLUME, (), format="NIfTI", shape_zyx=(5, 4, 4))
    assert not can_be_pictured(nifti, None)
    volume = volume_of(np.full((5, 4, 4), 200, np.uint8))
    assert can_be_pictured(nifti, volume)
    assert made([(nifti, volume)])["n"].pixels.min() > 150
    assert not can_be_pictured(Series("sr", SeriesKind.OTHER, ()), None)
