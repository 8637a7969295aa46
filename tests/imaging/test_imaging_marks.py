"""Marks of the picture itself: loss of compression, and sides that are not all the same."""

from __future__ import annotations

import pytest
from phantoms import write_ct_series, write_film
from pydicom import dcmread

from medassist.imaging.scan import scan
from medassist.progress import Progress


def only_series(folder):
    (series,) = scan(folder, progress=Progress()).all_series()
    return series


@pytest.mark.parametrize(
    ("tags", "ratio"),
    [
        ({}, None),
        ({"LossyImageCompression": "00"}, None),
        ({"LossyImageCompression": "01"}, 0.0),
        ({"LossyImageCompression": "01", "LossyImageCompressionRatio": "12.5"}, 12.5),
        ({"LossyImageCompression": "01", "LossyImageCompressionRatio": ["4", "2.5"]}, 10.0),
        ({"LossyImageCompression": "01", "LossyImageCompressionRatio": "0.01"}, 0.0),
    ],
)
def test_loss_is_told_with_its_ratio(tmp_path, tags, ratio) -> None:
    write_ct_series(tmp_path, slices=3, **tags)
    assert only_series(tmp_path).lossy == ratio


def test_one_lossy_slice_marks_the_series(tmp_path) -> None:
    paths = write_ct_series(tmp_path, slices=4)
    ds = dcmread(paths[2])
    ds.LossyImageCompression, ds.LossyImageCompressionRatio = "01", "8"
    ds.save_as(paths[2])
    assert only_series(tmp_path).lossy == 8.0


def test_a_jpeg_picture_is_lossy_and_a_png_is_not(tmp_path) -> None:
    from PIL import Image

    Image.new("L", (20, 20)).save(tmp_path / "a.jpg")
    Image.new("L", (20, 20)).save(tmp_path / "b.png")
    found = {one.frames[0].path.suffix: one.lossy for one in scan(tmp_path, progress=Progress()).all_series()}
    assert found == {".jpg": 0.0, ".png": None}


def test_pictures_of_either_side_in_one_series_keep_each_its_own(tmp_path) -> None:
    uid, sides = "1.2.3.4.5", ("L", "R", "L")
    for number, side in enumerate(sides):
        write_film(tmp_path / f"{number}", ImageLaterality=side, SeriesInstanceUID=uid, Modality="OP",
                   ContentTime=f"10111{number}", AcquisitionTime=f"10111{number}")  # fmt: skip
    series = only_series(tmp_path)
    assert series.laterality == ""
    assert series.sides == sides


def test_pictures_of_one_side_tell_it_once(tmp_path) -> None:
    write_film(tmp_path, ImageLaterality="R")
    series = only_series(tmp_path)
    assert (series.laterality, series.sides) == ("R", ())
