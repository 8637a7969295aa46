"""Opening a series takes hardly more memory than its volume: nothing is kept twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from phantoms import write_ct_series, write_mr_series
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from medassist.imaging.decode_file import in_order
from medassist.imaging.load import load
from medassist.imaging.rescaling import rescale
from medassist.imaging.room import float_room, room
from medassist.imaging.scan import scan

MOST_VOLUMES = 1.3
"""What opening may take at most, in sizes of the volume."""

PEAK = """
import json, sys
from pathlib import Path
from medassist.imaging.load import load
from medassist.imaging.scan import scan
def kilobytes(name):
    return int(Path("/proc/self/status").read_text().split(name + ":")[1].split()[0])
(series,) = scan(Path({folder!r})).all_series()
Path("/proc/self/clear_refs").write_text("5")
before = kilobytes("VmRSS")
volume = load(series)
print(json.dumps([1024 * (kilobytes("VmHWM") - before) / volume.array_tzyx.nbytes, str(volume.array_tzyx.dtype)]))
"""


def noise(slices):
    return np.random.default_rng(0).integers(0, 4000, (slices, 512, 512)).astype(np.int16)


def write_many(folder, **tags):
    write_ct_series(folder, slices=64, rows=512, columns=512, values_hu=noise(64), **tags)


def write_times(folder):
    write_mr_series(folder, slices=16, rows=512, columns=512, times=4, values=noise(16).astype(np.uint16))


def write_enhanced(folder, order=None, slope=1.0):
    """Write one file of many frames, optionally in another order and with a slope that makes float of them."""
    write_many(folder / "single")
    datasets = [pydicom.dcmread(path) for path in sorted((folder / "single").iterdir())]
    enhanced = highdicom.legacy.LegacyConvertedEnhancedCTImage(
        datasets, series_instance_uid="1.2.3", series_number=5, sop_instance_uid="1.2.3.4", instance_number=1
    )
    if order is not None:
        enhanced.PixelData = enhanced.pixel_array[order].tobytes()
        enhanced.PerFrameFunctionalGroupsSequence = [enhanced.PerFrameFunctionalGroupsSequence[k] for k in order]
    shared = enhanced.SharedFunctionalGroupsSequence[0]
    shared.PixelValueTransformationSequence[0].RescaleSlope = slope
    enhanced.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for path in (folder / "single").iterdir():
        path.unlink()
    enhanced.save_as(folder / "enhanced.dcm")


def compressed(write):
    def written(folder):
        write(folder)
        for path in sorted(folder.iterdir()):
            dataset = pydicom.dcmread(path)
            dataset.compress(RLELossless)
            dataset.save_as(path)

    return written


def write_slopes(folder):
    write_many(folder, RescaleSlope=lambda k: 0.25 + k / 1000, RescaleIntercept=0)


CASES = {
    "plain": (write_many, "int16"),
    "whole slope": (lambda folder: write_many(folder, RescaleSlope=2), "int16"),
    "a slope per slice": (write_slopes, "float32"),
    "a slope per slice, RLE": (compressed(write_slopes), "float32"),
    "four times": (write_times, "int16"),
    "four times, RLE": (compressed(write_times), "int16"),
    "enhanced": (write_enhanced, "int16"),
    "enhanced, shuffled": (lambda folder: write_enhanced(folder, order=[*range(32, 64), *range(32)]), "int16"),
    "enhanced, float": (lambda folder: write_enhanced(folder, slope=0.3), "float32"),
}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is asked of Linux")
@pytest.mark.parametrize("case", CASES)
def test_opening_takes_little_more_than_the_volume(tmp_path, case):
    write, dtype = CASES[case]
    write(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", PEAK.format(folder=str(tmp_path))], capture_output=True, text=True, check=True
    )
    volumes, found = json.loads(done.stdout.splitlines()[-1])
    assert found == dtype
    assert volumes <= MOST_VOLUMES


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32])
def test_values_become_float_where_they_lie(dtype):
    chance = np.random.default_rng(1)
    values = chance.integers(0, 200, (7, 5, 3)).astype(dtype)
    slopes, intercepts = list(chance.random(7)), list(chance.integers(-9, 9, 7))
    stored = room(values.shape, np.dtype(dtype), to_float=True)
    stored[:] = values
    made = rescale(stored, slopes, intercepts)
    np.testing.assert_array_equal(made, rescale(values.copy(), slopes, intercepts))
    assert np.shares_memory(made, stored)


def test_other_arrays_are_no_room_for_float():
    whole = np.zeros(24, np.float32)
    halves = whole.view(np.int16)
    assert float_room(halves[24:].reshape(2, 3, 4)) is not None
    assert float_room(halves[:24].reshape(2, 3, 4)) is None
    assert float_room(halves[::2].reshape(2, 3, 4)) is None
    assert float_room(np.zeros((2, 3, 4), np.int16)) is None


@pytest.mark.parametrize("seed", range(4))
def test_frames_are_put_in_order_in_place(seed):
    values = np.arange(60).reshape(10, 3, 2)
    order = [int(k) for k in np.random.default_rng(seed).permutation(10)]
    expected = values[order]
    sorted_in_place = in_order(values, order)
    np.testing.assert_array_equal(sorted_in_place, expected)
    assert sorted_in_place is values
    np.testing.assert_array_equal(in_order(values, [3, 1]), expected[[3, 1]])


def test_an_enhanced_file_with_bits_above_those_stored_is_masked_as_single_ones(tmp_path):
    write_ct_series(tmp_path / "single", slices=4, BitsStored=12, HighBit=11)
    datasets = [pydicom.dcmread(path) for path in sorted((tmp_path / "single").iterdir())]
    enhanced = highdicom.legacy.LegacyConvertedEnhancedCTImage(
        datasets, series_instance_uid="1.2.3", series_number=5, sop_instance_uid="1.2.3.4", instance_number=1
    )
    dirty = (np.frombuffer(enhanced.PixelData, np.uint16) & 0x0FFF) | 0x5000
    enhanced.PixelData = dirty.tobytes()
    enhanced.save_as(tmp_path / "enhanced.dcm")
    single, multi = (load(scan(tmp_path / name).all_series()[0]) for name in ("single", "enhanced.dcm"))
    np.testing.assert_array_equal(multi.array_zyx, single.array_zyx)


def test_a_multi_frame_file_cut_off_after_the_scan_is_named(tmp_path):
    write_enhanced(tmp_path)
    (series,) = scan(tmp_path).all_series()
    path = tmp_path / "enhanced.dcm"
    path.write_bytes(path.read_bytes()[:-600_000])
    from medassist.entities.errors import UnreadableInput

    with pytest.raises(UnreadableInput, match=r"enhanced\.dcm"):
        load(series)
