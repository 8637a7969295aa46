"""The door: a region goes in, what the model says without it comes out, beside the same change elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused, UsageError
from medassist.entities.prediction import Check, Mask, Prediction, Segment, Verdict
from medassist.entities.probe import MILLILITRES, PROBABILITY, VOXELS, Means, Probe, Reading, Spot
from medassist.entities.study import Warned, warned
from medassist.entities.volume import Volume, Window
from medassist.explain.probing.body import body_of
from medassist.explain.probing.controls import COUNT, elsewhere
from medassist.explain.probing.pictures import pictured
from medassist.explain.probing.places import area_of
from medassist.explain.probing.replacing import Changed, replaced, usual_way
from medassist.inference.packages import Package
from medassist.inference.predict import predict
from medassist.progress import Progress

STAGE = "Running the model on the changed image"
FEW_CONTROLS = 5
"""With fewer controls a change that is larger than all of them may well be chance."""
SAME = 1e-6
"""Relative change of a voxel that is only rounding."""


def probe(
    package: Package,
    volume: Volume,
    target: str,
    spot: Spot,
    how: Means,
    *,
    window: Window | None = None,
    tta: bool = False,
    controls: int = COUNT,
    device: str = "auto",
    progress: Progress | None = None,
) -> Probe:
    """Replace a region of the first time point, run the model on it, and do the same at `controls` other places.

    Args:
        package: the model.
        volume: the series as it is; it stays so.
        target: a label of the model's answer, by its English name.
        spot: the region.
        how: what takes its place.
        window: the grey scale of the pictures, None for the first one of the series.
        tta: average over its mirrored views, as for the result in question.
        controls: how many other places, at most; each costs a run, as do the image as it is and the changed one.
        device: "auto" or a torch name.
        progress: cancelled at the next window of a run.

    No run is remembered and none is kept on disk. UsageError for an unknown label; Refused for a region that is empty
    or everything, for one that the replacement leaves as it is, and for a mirror side that is not there.
    """
    progress, began = progress or Progress(), perf_counter()
    progress.step("Replacing the region")
    first = volume if package.input.series else replace(volume, array_tzyx=volume.array_tzyx[:1])
    area, way, body = area_of(spot, volume.geometry), usual_way(how, volume.geometry), body_of(first)
    changed = replaced(first, area, way, body)
    _demand_change(first, changed)
    places = elsewhere(first, area, way, body, changed.touched, count=controls)
    runs = 2 + len(places)

    def run(seen: Volume, at: int) -> Prediction:
        part = _Part(progress, at / runs, (at + 1) / runs)
        return predict(package, seen, device=device, tta=tta, progress=part)

    before, after = run(first, 0), run(changed.volume, 1)
    _demand_label(package, before, target)
    readings = _readings(before, after, changed, volume)
    moved = []
    for at, place in enumerate(places, start=2):
        other = replaced(first, place, way, body)
        told = _readings(before, run(other.volume, at), other, volume)
        moved.append(next(one.change for one in told if one.label == target))
    shown = pictured(first, changed.volume, area, window or volume.windows[0])
    progress.step(STAGE, 1.0)
    return Probe(
        model=package.ref,
        series_key=volume.series.key,
        target=target,
        area=area,
        place=spot.place,
        how=how,
        readings=readings,
        unit=PROBABILITY if before.mask is None else _unit(volume),
        controls=tuple(moved),
        edge_mm=way.edge_mm,
        sigma_mm=way.sigma_mm,
        notes=tuple(_notes(volume, before.checks, after.checks, len(moved))),
        created=datetime.now().astimezone().isoformat(timespec="seconds"),
        before_rgb=shown[0],
        after_rgb=shown[1],
        seconds=perf_counter() - began,
        runs=runs,
    )


class _Part(Progress):
    """One of several runs: whatever stage it is in, the share of all of them that is done."""

    def __init__(self, whole: Progress, start: float, end: float) -> None:
        super().__init__()
        self._whole, self._start, self._length = whole, start, end - start

    def step(self, stage: str, fraction: float | None = None) -> None:  # noqa: ARG002 - one stage for all runs
        """Report to the whole job; raise `Cancelled` when that was asked to stop."""
        self._whole.step(STAGE, self._start + self._length * min(1.0, fraction or 0.0))


def _demand_change(before: Volume, changed: Changed) -> None:
    """Refuse a region that looks after the replacement as before: a score that stays would be taken for an answer."""
    was, now = (one.array_tzyx[:, changed.touched] for one in (before, changed.volume))
    if np.allclose(was, now, rtol=SAME, atol=0.0, equal_nan=True):
        raise Refused(
            "Replacing this region changes nothing: it is padding or even, so the score would stay as it is.",
            remedy="Choose another region, or another way to replace it.",
        )


def _demand_label(package: Package, answer: Prediction, target: str) -> None:
    known = [one.label for one in (answer.mask.segments if answer.mask is not None else answer.scores)]
    if target not in known:
        raise UsageError(
            "The model {model} has no label {target}; it has {known}.",
            model=package.name,
            target=target,
            known=", ".join(known),
        )


def _readings(before: Prediction, after: Prediction, changed: Changed, volume: Volume) -> tuple[Reading, ...]:
    """Return the probability of every label, or what a segmenter marks where the image was left alone."""
    if before.mask is None or after.mask is None:
        pairs = zip(before.scores, after.scores, strict=True)
        return tuple(Reading(one.label, one.probability, two.probability, one.title_zh) for one, two in pairs)
    alone = ~changed.touched
    voxel = volume.geometry.voxel_volume_ml if _unit(volume) == MILLILITRES else 1.0
    return tuple(
        Reading(
            one.label,
            voxel * _count(before.mask, one, alone),
            voxel * _count(after.mask, one, alone),
            one.title_zh,
        )
        for one in before.mask.segments
    )


def _count(mask: Mask, segment: Segment, where: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask.region(segment) & where))


def _unit(volume: Volume) -> str:
    measured = volume.geometry.calibrated and volume.is_regular and volume.geometry.shape_zyx[0] > 1
    return MILLILITRES if measured else VOXELS


def _notes(volume: Volume, before: Sequence[Check], after: Sequence[Check], controls: int) -> list[Warned]:
    told = []
    doubted = {one.name for one in before if one.verdict is Verdict.FAIL}
    if any(one.verdict is Verdict.FAIL and one.name not in doubted for one in after):
        told.append(
            warned("The changed image is unlike what the model knows: part of the change may come from that alone.")
        )
    if controls == 0:
        told.append(warned("There is no room for the same change elsewhere, so the change has no scale."))
    elif controls < FEW_CONTROLS:
        told.append(warned("Only {count} other places had room for the same change.", count=controls))
    if volume.array_tzyx.shape[0] > 1:
        told.append(warned("Only the first time point was changed and analysed."))
    return told
