"""Findings of a mask of 300 slices: organs, organs with stray voxels all over the volume, and many lesions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

import numpy as np
from numpy.typing import NDArray

from medassist.entities.geometry import Geometry
from medassist.entities.prediction import Mask, ModelRef, Prediction, Segment
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import Volume
from medassist.report.findings import findings_from

SHAPE = (300, 512, 512)
SEGMENTS, LESIONS, STRAYS = 104, 200, 150
Labels = NDArray[np.uint8]


def measure(rounds: int) -> Mapping[str, Mapping[str, float]]:
    """Return median seconds, and seconds of the processor, from a mask to its findings."""
    rng = np.random.default_rng(0)
    values = rng.integers(-1000, 1000, size=SHAPE, dtype=np.int16)
    series = Series("S", SeriesKind.VOLUME, (), modality="CT", shape_zyx=SHAPE)
    volume = Volume(series, values[None], Geometry(np.diag([0.7, 0.7, 1.0, 1.0]), SHAPE), unit="HU")
    organs = _organs()
    strayed = organs.copy()
    at = tuple(rng.integers(0, size, STRAYS) for size in SHAPE)
    strayed[at] = rng.integers(1, SEGMENTS + 1, STRAYS)
    return {
        f"{SEGMENTS} organs": _timed(lambda: findings_from(_said(organs, volume), volume), rounds),
        f"{SEGMENTS} organs, {STRAYS} strays": _timed(lambda: findings_from(_said(strayed, volume), volume), rounds),
        f"{LESIONS} lesions": _timed(lambda: findings_from(_said(_lesions(), volume, "Lesion"), volume), rounds),
    }


def _timed(run: Callable[[], object], rounds: int) -> dict[str, float]:
    taken = []
    for _ in range(rounds):
        began, at_work = time.perf_counter(), time.process_time()
        run()
        taken.append((time.perf_counter() - began, time.process_time() - at_work))
    return {"s": median(one for one, _ in taken), "processor s": median(one for _, one in taken)}


def _said(labels: Labels, volume: Volume, name: str = "") -> Prediction:
    segments = (Segment(1, name),) if name else tuple(Segment(n, f"Organ {n}") for n in range(1, SEGMENTS + 1))
    return Prediction(ModelRef("m", "1", "0"), "S", "", "cpu", mask=Mask(labels, volume.geometry, segments))


def _organs() -> Labels:
    labels = np.zeros(SHAPE, np.uint8)
    places = [(20 + k * 70, 20 + j * 98, 20 + i * 82) for k in range(4) for j in range(5) for i in range(6)]
    for value, (z, y, x) in enumerate(places[:SEGMENTS], start=1):
        labels[z : z + 60, y : y + 80, x : x + 70] = value
    return labels


def _lesions() -> Labels:
    rng, labels = np.random.default_rng(1), np.zeros(SHAPE, np.uint8)
    for _ in range(LESIONS):
        z, y, x = (rng.integers(6, size - 6) for size in SHAPE)
        half = rng.integers(1, 6)
        labels[z - half : z + half, y - half : y + half, x - half : x + half] = 1
    return labels
