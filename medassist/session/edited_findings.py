"""What a change of a mask by hand makes of its findings: measured again, and every verdict kept or told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from medassist.entities.finding import Finding, Judgement
from medassist.entities.prediction import Mask, Prediction, Segment
from medassist.entities.volume import Volume
from medassist.imaging.mask_editing import Box, dice
from medassist.imaging.pieces import pieces

Piece = tuple[int, int | None]
"""A label and the number of a piece of it, None for all of it."""

NAMELESS = "reader"
"""Stands for a reader without a name where a finding must say that somebody changed it."""


def measured(prediction: Prediction, values: Iterable[int], volume: Volume, *, by: str, at: str) -> tuple[Finding, ...]:
    """Measure some labels of a changed mask.

    What a reader drew from nothing is claimed, and accepted, by the reader. What a model or a file marked keeps two
    figures of before the change: "dice_to_model", and "model_volume_ml" where volumes mean something.
    """
    from medassist.report.findings import findings_from
    from medassist.report.measured import can_measure_volumes

    mask, original = prediction.mask, prediction.model_mask
    if mask is None or original is None:
        return ()
    here = tuple(one for one in mask.segments if one.value in set(values))
    part = replace(prediction, mask=replace(mask, segments=here), scores=())
    changed = set() if prediction.edit is None else set(prediction.edit.values)
    told = []
    for found in findings_from(part, volume):
        value = found.segment_value or 0
        outlined = {} if prediction.prompt is None else {"slices_outlined": float(_outlined(mask, value))}
        one = replace(found, measurements={**found.measurements, **outlined})
        if prediction.is_drawn(value):
            told.append(_claimed(one, by, at))
        elif value in changed:
            segment = next(each for each in here if each.value == value)
            whole = one.component is None  # of a piece nobody knows what it was before
            compared = _compared(mask, original, segment, can_measure_volumes(volume)) if whole else {}
            told.append(replace(one, edited_by=by or NAMELESS,
                                measurements={**one.measurements, **compared}))  # fmt: skip
        elif prediction.by_hand:
            told.append(replace(one, by=by, made_at=at))
        else:
            told.append(one)
    return tuple(told)


def _outlined(mask: Mask, value: int) -> int:
    """Count the slices on which a label is marked."""
    return sum(int(mask.region(one).any(axis=(1, 2)).sum()) for one in mask.segments if one.value == value)


def _claimed(finding: Finding, by: str, at: str) -> Finding:
    return replace(finding, by=by or NAMELESS, made_at=at, judgement=Judgement.ACCEPTED, judged_by=by,
                   judged_at=at)  # fmt: skip


def _compared(mask: Mask, original: Mask, segment: Segment, has_volume: bool) -> dict[str, float]:
    box = _around(mask, original, segment)
    if box is None:
        return {"model_volume_ml": 0.0} if has_volume else {}
    before, now = (one.region(segment, one.labels_zyx[box]) for one in (original, mask))
    overlap = dice(before, now)
    told = {} if overlap is None else {"dice_to_model": overlap}
    volume_ml = float(np.count_nonzero(before)) * original.geometry.voxel_volume_ml
    return {**told, "model_volume_ml": volume_ml} if has_volume else told


def heirs(before: Mask, after: Prediction, touched: Iterable[int], found: tuple[Finding, ...]) -> dict[Piece, int]:
    """Return which of the new findings each piece of a label, and the label as a whole, has become.

    A piece becomes the one it shares most voxels with; two that have grown together become the same one.
    """
    if after.mask is None:
        return {}
    told: dict[Piece, int] = {}
    for value in touched:
        mine = {one.component: number for number, one in enumerate(found) if one.segment_value == value}
        segment = next((one for one in before.segments if one.value == value), None)
        if segment is None or not mine:
            continue
        told[value, None] = mine.get(None, mine.get(1, min(mine.values())))
        if 0 in mine:  # the small ones, told together
            told[value, 0] = mine[0]
        for piece, heir in _shared_most(before, after.mask, segment).items():
            number = mine.get(heir, mine.get(None, mine.get(0)))
            if number is not None:
                told[value, piece] = number
    return told


def _shared_most(before: Mask, after: Mask, segment: Segment) -> dict[int, int]:
    """Return, by the number of a piece of a label in one mask, that of the piece it shares most voxels with."""
    from scipy.sparse import coo_array

    box = _around(before, after, segment)
    if box is None:
        return {}
    (old, sizes), (new, others) = (pieces(one.region(segment, one.labels_zyx[box])) for one in (before, after))
    both = (old > 0) & (new > 0)
    shape = (len(sizes) + 1, len(others) + 1)
    shared = coo_array((np.ones(np.count_nonzero(both), np.int64), (old[both], new[both])), shape=shape).tocsr()
    most, there = shared.argmax(axis=1), shared.sum(axis=1) > 0
    return {int(number): int(most[number]) for number in np.flatnonzero(there)}


def _around(one: Mask, other: Mask, segment: Segment) -> Box | None:
    """Return the box that holds a label in both masks, None where neither has it."""
    boxes = [box for box in (_box(mask, segment) for mask in (one, other)) if box is not None]
    if not boxes:
        return None
    k, j, i = (
        slice(min(one.start for one in spans), max(one.stop for one in spans)) for spans in zip(*boxes, strict=True)
    )
    return k, j, i


def _box(mask: Mask, segment: Segment) -> Box | None:
    """Return the box of a label, narrowed axis by axis: most of a volume is read once."""
    region, found = mask.region(segment), list[slice]()
    for axis in range(3):
        there = np.flatnonzero(region.any(axis=tuple(other for other in range(3) if other != axis)))
        if not there.size:
            return None
        found.append(slice(int(there[0]), int(there[-1]) + 1))
        region = region[tuple(found[axis] if at == axis else slice(None) for at in range(3))]
    return found[0], found[1], found[2]


def merged(
    findings: tuple[Finding, ...],
    prediction: Prediction,
    touched: Iterable[int],
    news: tuple[Finding, ...],
    heirs: Mapping[Piece, int],
) -> tuple[Finding, ...]:
    """Return the findings of a session with those of some labels measured again, in their places; new ones at the end.

    A finding keeps its tracking UID, its name, its comment and its probes. What somebody judged never goes away: a
    piece that is gone stays as a claim that nothing marks any more. Of pieces that have grown together the first, the
    larger, goes on; where two of them were judged, nobody has judged what they are together.
    """
    values = set(touched)
    groups = _grown_together(findings, prediction, values, heirs)
    told: list[Finding] = []
    for one in findings:
        if not _is_about(one, prediction, values):
            told.append(one)
            continue
        number = heirs.get((one.segment_value or 0, one.component))
        if number is not None and groups[number][0] is one:
            renewed = _renewed(one, news[number], prediction)
            told.append(_unreviewed(renewed) if sum(map(_is_judged_claim, groups[number])) > 1 else renewed)
        elif _is_judged_claim(one):
            told.append(_unmarked(one, prediction))
    return (*told, *(one for number, one in enumerate(news) if number not in groups))


def _grown_together(
    findings: tuple[Finding, ...], prediction: Prediction, values: set[int], heirs: Mapping[Piece, int]
) -> dict[int, list[Finding]]:
    """Return which findings become each of the new ones, the larger pieces first."""
    groups: dict[int, list[Finding]] = {}
    mine = [one for one in findings if _is_about(one, prediction, values)]
    for one in sorted(mine, key=lambda one: one.component or math.inf):
        number = heirs.get((one.segment_value or 0, one.component))
        if number is not None:
            groups.setdefault(number, []).append(one)
    return groups


def _is_judged_claim(finding: Finding) -> bool:
    """Tell whether somebody judged what a model claims; who draws accepts what was drawn."""
    return finding.model is not None and finding.judgement is not Judgement.UNREVIEWED


def _unreviewed(finding: Finding) -> Finding:
    return replace(finding, judgement=Judgement.UNREVIEWED, judged_by="", judged_at="")


def _is_about(finding: Finding, prediction: Prediction, values: set[int]) -> bool:
    value, original = finding.segment_value, prediction.model_mask
    if value is None or value not in values or finding.series_key != prediction.series_key or original is None:
        return False
    # also right when nothing is left of what the reader drew, and the result has no edit any more
    claims = not prediction.by_hand and value in {one.value for one in original.segments}
    return finding.model == (prediction.model if claims else None)


def _renewed(old: Finding, new: Finding, prediction: Prediction) -> Finding:
    """Return a finding with the figures of a new one; a verdict on what was there before becomes one on an edit."""
    renamed = old.label != new.label or old.laterality != new.laterality
    fresh = replace(
        old, present=new.present, volume_ml=new.volume_ml, center_lps=new.center_lps, key_slice=new.key_slice,
        slices=new.slices, diameters=new.diameters, components=new.components, component=new.component,
        measurements=new.measurements,
        edited_by=new.edited_by or (old.edited_by if renamed else ""),
    )  # fmt: skip
    return _judged(old, fresh, prediction)


def _judged(old: Finding, fresh: Finding, prediction: Prediction) -> Finding:
    edit = prediction.edit
    if prediction.is_drawn(old.segment_value or 0) and edit is not None:
        if edit.by == old.judged_by or old.judgement not in (Judgement.ACCEPTED, Judgement.EDITED):
            return fresh
        return replace(fresh, judgement=Judgement.EDITED, judged_by=edit.by, judged_at=edit.at)
    if edit is not None and old.segment_value in edit.values:
        if old.judgement in (Judgement.ACCEPTED, Judgement.EDITED):
            return replace(fresh, judgement=Judgement.EDITED, judged_by=edit.by, judged_at=edit.at)
        return fresh
    if old.judgement is Judgement.EDITED:  # of a mask that is gone again
        return _unreviewed(fresh)
    return fresh


def _unmarked(old: Finding, prediction: Prediction) -> Finding:
    """Return a judged claim whose piece the reader erased, or joined with another."""
    by = NAMELESS if prediction.edit is None else prediction.edit.by or NAMELESS
    return replace(
        old, present=False, segment_value=None, component=None, components=(), volume_ml=None, center_lps=None,
        key_slice=None, slices=None, diameters=None, measurements={}, edited_by=by,
    )  # fmt: skip
