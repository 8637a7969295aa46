"""Cases with made-up results on synthetic studies: what a model would say, without a model."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import (
    Check,
    ClassScore,
    Code,
    Mask,
    ModelRef,
    Prediction,
    Segment,
    Verdict,
)
from medassist.entities.study import SeriesKind
from medassist.entities.volume import Volume
from medassist.imaging.load import load
from medassist.imaging.scan import scan
from medassist.progress import Progress
from medassist.report.case import Case
from medassist.report.findings import findings_from

MODEL = ModelRef("demo_model", "1.2.0", "ab" * 32, "Demonstration model")

ANTERIOR = Segment(
    1,
    "Anterior hippocampus",
    Code("5366008", "SCT", "Hippocampus"),
    (230, 90, 60),
    "海马前部",
    modifier=Code("255549009", "SCT", "Anterior"),
)
POSTERIOR = Segment(2, "Posterior hippocampus", Code("5366008", "SCT", "Hippocampus"), (60, 150, 230), "海马后部")
MISSING = Segment(7, "Missing structure", None, (0, 255, 0))

SCORES = (
    ClassScore("Effusion", 0.734, 0.41, code=Code("60046008", "SCT", "Pleural effusion"), title_zh="胸腔积液"),
    ClassScore("Cardiomegaly", 0.12, 0.3, calibrated=True, title_zh="心影增大"),
)

CHECKS = (
    Check("modality", "MR", "MR", Verdict.PASS),
    Check("body part", "BRAIN", "unknown", Verdict.UNKNOWN),
)


def box_mask(geometry: Geometry, *segments: Segment) -> Mask:
    """Return boxes of a known number of voxels, off the centre on every axis; `MISSING` stays empty."""
    depth, height, width = geometry.shape_zyx
    labels = np.zeros(geometry.shape_zyx, np.uint8)
    low = min(1, depth - 1)
    labels[low : max(low + 1, depth - 3), height // 4 : height // 4 + 6, width // 2 : width // 2 + 9] = 1
    labels[max(depth - 3, 0) :, height // 2 + 8 : height // 2 + 12, width // 4 : width // 4 + 5] = 2
    return Mask(labels, geometry, segments or (ANTERIOR, POSTERIOR, MISSING))


def blob_map(volume: Volume, target: str = "Effusion", method: str = "Grad-CAM") -> Heatmap:
    """Return a smooth map with its maximum off the centre, computed on 4 x 4 cells per slice."""
    depth, height, width = volume.geometry.shape_zyx
    z, y, x = np.mgrid[0:depth, 0:height, 0:width]
    far = ((y - 0.3 * height) / (0.2 * height)) ** 2 + ((x - 0.7 * width) / (0.2 * width)) ** 2 + (z - depth // 3) ** 2
    values = (0.02 * np.exp(-far)).astype(np.float32)
    cells = volume.geometry.coarser((depth, 4, 4))
    native = values[:, height // 8 :: height // 4, width // 8 :: width // 4][:, :4, :4].copy()
    return Heatmap(
        method,
        target,
        MODEL,
        volume.series.key,
        values,
        volume.geometry,
        native,
        cells,
        layer="features.denseblock4",
        target_score=0.734,
        quality={"share_outside_region": 0.25},
        notes=("This is a test note.",),
    )


def make_case(folder: Path, **changes: object) -> Case:
    """Open what lies in `folder` by the real doors and put results on its first series."""
    found = scan(folder, progress=Progress())
    series = found.all_series()[0]
    volume = load(series, progress=Progress())
    prediction = Prediction(
        MODEL,
        series.key,
        "2026-11-20T08:30:00+08:00",
        "cpu",
        CHECKS,
        SCORES if series.kind is SeriesKind.FILM else (),
        None if series.kind is SeriesKind.FILM else box_mask(volume.geometry),
        {"read": 0.1, "prepare": 0.2, "infer": 1.5},
    )
    told = {
        "predictions": (prediction,),
        "heatmaps": (blob_map(volume),),
        "findings": findings_from(prediction, volume),
        "timings_s": {"explain": 0.7},
        **changes,
    }
    return Case(found.study_of(series), series, volume, **told)  # type: ignore[arg-type]


def tool(name: str) -> Path:
    """Return a command of the virtual environment, or skip with the reason."""
    beside = Path(sys.executable).parent / name
    found = beside if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed (test extra)")
    return Path(found)


def complaints(path: Path) -> list[str]:
    """Return the error lines of `dciodvfy -new`; its warnings do not count."""
    done = subprocess.run([tool("dciodvfy"), "-new", path], capture_output=True, text=True, timeout=60)
    said = (done.stdout + done.stderr).splitlines()
    assert said, "dciodvfy said nothing at all"
    return [line for line in said if line.startswith(("Error", "Abort"))]
