"""A segmentation of 104 segments on 300 slices: ours as a label map beside highdicom's default, binary planes.

Ours is timed as the product does it: `report.seg.write` builds, saves, reads back and compares; `read_overlay` opens
the file again on the grid of its series. Writing has to stay below 1.5 s and 5 MB, reading below 1.5 s.
"""

from __future__ import annotations

import gc
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.open_data import write_series
from medassist.entities.prediction import Mask, ModelRef, Prediction, Segment
from medassist.entities.volume import Volume
from medassist.imaging.load import load
from medassist.imaging.objects.read import read_overlay
from medassist.imaging.scan import scan
from medassist.report import seg
from medassist.report.case import Case

SHAPE = (300, 512, 512)
SEGMENTS = 104
LIMITS = {"write s": 1.5, "MB": 5.0, "read s": 1.5}
OURS, BINARY = "label map, RLE (ours)", "binary planes (highdicom's default)"


def measure(rounds: int) -> Mapping[str, Mapping[str, float]]:
    """Return median seconds of writing and reading, and the size of the file, of ours and of highdicom's default.

    The binary file is written once: it takes minutes of the time of all the rest.
    """
    home = Path(tempfile.mkdtemp(prefix="medassist-labelmap-"))
    try:
        write_series(home / "ct", SHAPE[0], SHAPE[1])
        found = scan(home / "ct")
        volume = load(found.all_series()[0])
        case = _case(found, volume)
        ours = [_ours(case, home / "ours") for _ in range(rounds)]
        return {
            OURS: {key: median(one[key] for one in ours) for key in ours[0]},
            BINARY: _binary(case, home / "binary"),
        }
    finally:
        shutil.rmtree(home)


def misses(rows: Mapping[str, Mapping[str, float]]) -> Sequence[str]:
    """Return which limits ours does not keep."""
    told = rows[OURS]
    return [f"{key}: {told[key]:.3g}, not below {most}" for key, most in LIMITS.items() if told[key] >= most]


def labels(shape: tuple[int, int, int] = SHAPE, count: int = SEGMENTS) -> NDArray[np.uint8]:
    """Return `count` ellipsoids of different sizes, each in a cell of a 5 x 5 x 5 grid, the same on every run."""
    made, random = np.zeros(shape, np.uint8), np.random.default_rng(7)
    for value, cell in zip(range(1, count + 1), np.ndindex(5, 5, 5), strict=False):
        low = np.array(cell) * shape // 5
        size = (np.array(cell) + 1) * shape // 5 - low
        radius = random.uniform(0.3, 0.5, 3) * size
        z, y, x = (np.square((np.arange(n) - (n - 1) / 2) / r) for n, r in zip(size, radius, strict=True))
        box = tuple(slice(begin, begin + length) for begin, length in zip(low, size, strict=True))
        made[box][z[:, None, None] + y[:, None] + x <= 1] = value
    return made


def _case(found: object, volume: Volume) -> Case:
    segments = tuple(Segment(value, f"Structure {value}") for value in range(1, SEGMENTS + 1))
    mask = Mask(labels(), volume.geometry, segments)
    model = ModelRef("benchmark", "1", "00" * 32)
    prediction = Prediction(model, volume.series.key, "2026-11-20T08:30:00+00:00", "cpu", mask=mask)
    return Case(found.study_of(volume.series), volume.series, volume, (prediction,))  # type: ignore[attr-defined]


def _ours(case: Case, folder: Path) -> dict[str, float]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    gc.collect()
    began = time.perf_counter()
    (path,) = seg.write(case, folder)
    written = time.perf_counter()
    (series,) = scan(folder).all_series()
    scanned = time.perf_counter()
    overlay = read_overlay(series, case.volume)
    done = time.perf_counter()
    if not np.array_equal(overlay.masks[0].labels_zyx, case.masks[0][1].labels_zyx):
        raise RuntimeError("the label map did not come back")
    return {"write s": written - began, "MB": path.stat().st_size / 1e6, "read s": done - scanned}


def _binary(case: Case, folder: Path) -> dict[str, float]:
    """Time highdicom alone: its constructor with its own defaults, and its own reader."""
    import highdicom as hd
    from pydicom import dcmread

    from medassist.report.seg_description import describe
    from medassist.report.seg_parts import numbered_labels, parts

    folder.mkdir()
    ((prediction, mask),) = case.masks
    sources = [dcmread(one.path) for one in case.series.frames]
    told = parts(case, prediction, mask)
    descriptions = [describe(case, prediction, part) for part in told]
    began = time.perf_counter()
    made = hd.seg.Segmentation(
        source_images=sources,
        pixel_array=numbered_labels(mask, told),
        segmentation_type="BINARY",
        segment_descriptions=descriptions,
        series_instance_uid=hd.UID(),
        series_number=1,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="benchmark",
        manufacturer_model_name="benchmark",
        software_versions="1",
        device_serial_number="1",
    )
    made.save_as(folder / "seg.dcm")
    written = time.perf_counter()
    del made
    read = hd.seg.segread(folder / "seg.dcm").get_volume(combine_segments=True, skip_overlap_checks=True)
    done = time.perf_counter()
    if not read.array.any():
        raise RuntimeError("nothing came back")
    size = (folder / "seg.dcm").stat().st_size / 1e6
    return {"write s": written - began, "MB": size, "read s": done - written}
