"""Pixels read in place are those that are decoded, and only as long as the file is the one that was scanned."""

from __future__ import annotations

import gc
import re
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pydicom
import pytest
from phantoms import write_ct_series, write_film, write_mr_series
from pydicom.uid import ImplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from medassist.entities.errors import Cancelled
from medassist.imaging import plain_pixels
from medassist.imaging.load import load, preview
from medassist.imaging.scan import scan
from medassist.progress import Progress


def both_ways(path, monkeypatch):
    """Return the volume of the one series as read in place, and as decoded."""
    (series,) = scan(path).all_series()
    assert plain_pixels.plain_pictures(series) is not None
    quick = load(series)
    monkeypatch.setattr(plain_pixels, "_known", {})
    return quick, load(series)


def with_pixels(path, change):
    dataset = pydicom.dcmread(path)
    dataset.PixelData = change(np.frombuffer(dataset.PixelData, np.uint16)).astype(np.uint16).tobytes()
    dataset.save_as(path)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"PixelRepresentation": 1},
        {"RescaleSlope": lambda index: 1 + index / 10},
        {"RescaleSlope": 2, "RescaleIntercept": -70000},
        {"PixelPaddingValue": 1024, "PixelPaddingRangeLimit": 1030},
        {"BitsStored": 12, "HighBit": 11},
        {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 1},
        {"WindowCenter": None, "WindowWidth": None},
        {"PhotometricInterpretation": "MONOCHROME1"},
    ],
)
def test_read_in_place_equals_decoded(tmp_path, monkeypatch, facts):
    paths = write_ct_series(tmp_path, **facts)
    if "BitsStored" in facts:
        for path in paths:
            with_pixels(path, lambda values: values & 0x0FFF | 0xA000)
    quick, slow = both_ways(tmp_path, monkeypatch)
    assert quick.array_tzyx.dtype == slow.array_tzyx.dtype
    np.testing.assert_array_equal(quick.array_tzyx, slow.array_tzyx)
    assert quick.geometry.same_grid(slow.geometry)
    facts_of = [(one.unit, one.windows, one.inverted, one.padding, one.series) for one in (quick, slow)]
    assert facts_of[0] == facts_of[1]


def test_time_points_and_implicit_files_too(tmp_path, monkeypatch):
    for path in write_mr_series(tmp_path, times=3, slices=4):
        dataset = pydicom.dcmread(path)
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        pydicom.dcmwrite(path, dataset, implicit_vr=True, little_endian=True)
    quick, slow = both_ways(tmp_path, monkeypatch)
    np.testing.assert_array_equal(quick.array_tzyx, slow.array_tzyx)
    assert quick.array_tzyx.shape == (3, 4, 64, 64)


def test_a_file_that_changed_is_read_anew(tmp_path):
    paths = write_ct_series(tmp_path)
    (series,) = scan(tmp_path).all_series()
    with_pixels(paths[2], lambda values: values + 7)
    longer = pydicom.dcmread(paths[3])
    longer.StudyDescription = "x" * 60
    longer.save_as(paths[3])
    array = load(series).array_zyx
    assert (array[2, 0, 0], array[3, 0, 0], array[3].max()) == (-993, -1000, 2000)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_what_needs_decoding_is_decoded(tmp_path, syntax):
    for path in write_ct_series(tmp_path, slices=2):
        dataset = pydicom.dcmread(path)
        dataset.compress(syntax)
        dataset.save_as(path)
    (series,) = scan(tmp_path).all_series()
    assert plain_pixels.plain_pictures(series) is None
    assert load(series).array_zyx.max() > 0


def test_colour_and_palettes_are_decoded(tmp_path):
    write_film(tmp_path, PhotometricInterpretation="PALETTE COLOR")
    (series,) = scan(tmp_path).all_series()
    assert plain_pixels.plain_pictures(series) is None


@pytest.mark.parametrize("stage", ["Looking for files", "Reading headers", "Reading pixels"])
def test_cancel_stops_everywhere_and_leaves_no_thread(tmp_path, stage):
    write_ct_series(tmp_path, slices=40, rows=16, columns=16)
    progress = Progress(lambda step: progress.cancel() if step.stage == stage else None)

    def open_it():
        load(scan(tmp_path, progress=progress).all_series()[0], progress=progress)

    with pytest.raises(Cancelled):
        open_it()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("scan", "load"))]


def test_scan_gives_the_collector_back(tmp_path):
    write_ct_series(tmp_path, slices=2)
    scan(tmp_path)
    assert gc.isenabled()
    with pytest.raises(Cancelled):
        scan(tmp_path, progress=Progress(cancel_while_the_collector_rests))
    assert gc.isenabled()


def cancel_while_the_collector_rests(step):
    if step.stage == "Reading headers":
        assert not gc.isenabled()
        raise Cancelled


def test_memory_is_that_of_the_volume(tmp_path):
    write_ct_series(tmp_path, slices=40, rows=256, columns=256)
    (series,) = scan(tmp_path).all_series()
    tracemalloc.start()
    volume = load(series)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    untraced = sys.platform == "linux"  # the memory of the volume itself
    assert peak < (0.3 if untraced else 1.3) * volume.array_tzyx.nbytes


@pytest.mark.parametrize("facts", [{}, {"ImagePositionPatient": lambda index: [0, index * 0.5, index * 2.5]}])
def test_preview_is_one_slice_of_the_series_in_its_place(tmp_path, facts):
    write_ct_series(tmp_path, **facts)
    series = scan(tmp_path).all_series()[0]
    one, whole = preview(series, 3), load(series.raw or series)
    np.testing.assert_array_equal(one.array_zyx[0], whole.array_zyx[3])
    np.testing.assert_allclose(one.geometry.to_world([5, 7, 0]), whole.slice_origins_lps[3] + [3.5, 4.9, 0], atol=1e-6)
    assert not one.is_regular


@pytest.mark.skipif(sys.platform != "linux", reason="huge pages are asked for by name on Linux only")
def test_a_volume_does_not_wait_for_huge_pages(tmp_path):
    write_ct_series(tmp_path, slices=9, rows=512, columns=512)  # numpy asks for huge pages from 4 MB on
    (series,) = scan(tmp_path).all_series()
    volume = load(series)
    address = volume.array_tzyx.__array_interface__["data"][0]
    regions = Path("/proc/self/smaps").read_text().split("VmFlags:")
    spans = [re.findall(r"^([0-9a-f]+)-([0-9a-f]+) ", region, re.MULTILINE) for region in regions]
    (mine,) = [
        number for number, found in enumerate(spans) if any(int(a, 16) <= address < int(b, 16) for a, b in found)
    ]
    assert "hg" not in regions[mine + 1].splitlines()[0].split()
