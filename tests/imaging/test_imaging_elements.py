"""DICOM elements as text: all of them, nothing large, nothing that stops."""

from __future__ import annotations

import numpy as np
import pytest
from phantoms import write_ct_series
from pydicom import Dataset, dcmread

from medassist.entities.errors import Cancelled, UnreadableInput
from medassist.entities.study import FrameRef, Series, SeriesKind
from medassist.imaging import elements as elements_of_file
from medassist.imaging.elements import LONGEST, read_elements
from medassist.imaging.scan import scan
from medassist.progress import Progress


@pytest.fixture
def series(tmp_path):
    nested = Dataset()
    nested.CodeValue, nested.CodeMeaning = "T-28000", "Lung"
    inner = Dataset()
    inner.AnatomicRegionSequence = [nested, nested]
    write_ct_series(tmp_path, slices=3, RequestAttributesSequence=[inner], ImageComments="x" * (LONGEST + 100))
    for path in sorted(tmp_path.glob("*.dcm")):
        ds = dcmread(path)
        block = ds.private_block(0x0019, "ACME 1.0", create=True)
        block.add_new(0x01, "OB", bytes(range(256)) * 40)
        block.add_new(0x02, "LO", "secret sauce")
        ds.save_as(path)
    return scan(tmp_path, progress=Progress()).all_series()[0]


def by_tag(found):
    return {one.tag: one for one in found}


def test_every_element_of_the_file_is_listed_with_the_pixels(series) -> None:
    listed = read_elements(series, 1, progress=Progress())
    stored = dcmread(series.frames[1].path)
    assert [one.tag for one in listed.elements] == [
        f"({tag.group:04X},{tag.element:04X})" for tag in (*stored.file_meta.keys(), *stored.keys())
    ]
    found = by_tag(listed.elements)
    assert found["(0010,0010)"].value == "Phantom^One"
    assert found["(0010,0010)"].keyword == "PatientName"
    assert found["(0028,0030)"].value == "0.7\\0.7"
    assert found["(7FE0,0010)"].size > stored.Rows * stored.Columns * 2 - 1
    assert found["(7FE0,0010)"].value == ""
    assert (listed.file_name, listed.frames, listed.cut) == (series.frames[1].path.name, 1, False)


def test_sequences_are_a_tree(series) -> None:
    request = by_tag(read_elements(series, 0, progress=Progress()).elements)["(0040,0275)"]
    (item,) = request.children
    (region,) = item.children
    assert [one.number for one in region.children] == [1, 2]
    assert [one.value for one in region.children[1].children] == ["T-28000", "Lung"]


def test_private_and_binary_values_tell_their_maker_and_size(series) -> None:
    found = by_tag(read_elements(series, 0, progress=Progress()).elements)
    assert found["(0019,1002)"].value == "secret sauce"
    assert "ACME 1.0" in found["(0019,1002)"].name
    binary = found["(0019,1001)"]
    assert binary.value == "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f"
    assert binary.size == 10240
    assert len(found["(0020,4000)"].value) == LONGEST
    assert found["(0020,4000)"].size == LONGEST + 100


def test_values_that_are_cut_off_alike_are_still_told_apart(series, tmp_path) -> None:
    path = series.frames[0].path
    before = by_tag(read_elements(series, 0, progress=Progress()).elements)["(0020,4000)"]
    ds = dcmread(path)
    ds.ImageComments = "x" * (LONGEST + 99) + "y"
    ds.save_as(path)
    after = by_tag(read_elements(series, 0, progress=Progress()).elements)["(0020,4000)"]
    assert (before.value, before.size) == (after.value, after.size)
    assert before.content != after.content


def test_a_bad_value_does_not_stop_the_rest(series) -> None:
    path = series.frames[0].path
    data = path.read_bytes()
    assert data.count(b"DS\x08\x000.7\\0.7 ") == 1
    path.write_bytes(data.replace(b"DS\x08\x000.7\\0.7 ", b"US\x08\x00\xff\xff\xff\xff\xff\xff\xff\xff"))
    found = by_tag(read_elements(series, 0, progress=Progress()).elements)
    assert found["(0028,0030)"].value == "65535\\65535\\65535\\65535"  # as the file says, sense or not
    assert found["(0010,0010)"].value == "Phantom^One"


def test_a_value_that_cannot_be_decoded_is_told_as_bytes(series) -> None:
    path = series.frames[0].path
    data = path.read_bytes()
    path.write_bytes(
        data.replace(b"DS\x08\x000.7\\0.7 ", b"FD\x08\x00" + b"\x01" * 8).replace(b"IS\x02\x001 ", b"FL\x02\x001 ")
    )
    found = by_tag(read_elements(series, 0, progress=Progress()).elements)
    assert found["(0020,0013)"].value == "31 20"
    assert found["(0010,0010)"].value == "Phantom^One"


def test_more_elements_than_can_be_listed_are_told(series, monkeypatch) -> None:
    monkeypatch.setattr(elements_of_file, "MOST_ELEMENTS", 12)
    listed = read_elements(series, 0, progress=Progress())
    assert listed.cut
    assert len(listed.elements) == 13  # and the pixels


def test_a_cancelled_reading_stops(series, monkeypatch) -> None:
    monkeypatch.setattr(elements_of_file, "EVERY", 5)
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        read_elements(series, 0, progress=progress)


def test_what_is_no_dicom_is_refused(tmp_path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    picture = Series("a", SeriesKind.FILM, (FrameRef(tmp_path / "a.npy"),), format="picture", description="Photo")
    with pytest.raises(UnreadableInput, match="Photo carries no DICOM headers"):
        read_elements(picture, 0, progress=Progress())


def test_a_file_that_is_gone_is_named(series) -> None:
    series.frames[2].path.unlink()
    with pytest.raises(UnreadableInput, match="CT0002"):
        read_elements(series, 2, progress=Progress())
