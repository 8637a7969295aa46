"""Findings from predictions: what is claimed, how sure, how large and where to look."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medassist.entities.component import Component
from medassist.entities.finding import Finding
from medassist.entities.prediction import ClassScore, Mask, Prediction, Segment
from medassist.entities.volume import Volume
from medassist.report.components import REST, Pieces, is_split
from medassist.report.measured import Measured, can_measure_volumes, measured


def findings_from(prediction: Prediction, volume: Volume) -> tuple[Finding, ...]:
    """Return one finding per segment and per class, present or not, in the order of the model.

    Volumes are in ml, centres are LPS in mm. A segment has no volume where slices form no regular grid, on films
    and where the millimetres are a convention; it has no centre and is not present when it holds no voxel.

    Of lesions every connected piece is a finding of its own, the largest first; what is beyond the first 30 is one
    finding together. An anatomical segment stays one, with its pieces listed. The number of pieces, where there are
    several, is the measurement "component_count".
    """
    classes = tuple(_from_score(prediction, score) for score in prediction.scores)
    mask = prediction.mask
    if mask is None:
        return classes
    boxes = _boxes(mask)
    marked = (_from_segment(prediction, mask, one, volume, boxes[one.value]) for one in mask.segments)
    return tuple(one for found in marked for one in found) + classes


def _boxes(mask: Mask) -> list[tuple[slice, ...] | None]:
    """Return the bounding box of every segment value 0..255, None where it has no voxel; in one pass where it can."""
    from scipy import ndimage

    if not mask.overlapping:
        return [None, *ndimage.find_objects(mask.labels_zyx, max_label=255)]
    found: list[tuple[slice, ...] | None] = [None] * 256
    for segment in mask.segments:
        found[segment.value] = next(iter(ndimage.find_objects(mask.region(segment).astype(np.uint8))), None)
    return found


def _new_uid() -> str:
    from pydicom.uid import generate_uid

    return str(generate_uid())


def _from_score(prediction: Prediction, score: ClassScore) -> Finding:
    return Finding(
        tracking_uid=_new_uid(),
        label=score.label,
        series_key=prediction.series_key,
        code=score.code,
        title_zh=score.title_zh,
        category=score.category,
        present=score.positive,
        probability=score.probability,
        threshold=score.threshold,
        calibrated=score.calibrated,
        operating_point=score.operating_point,
        exclusive=score.exclusive,
        curve=score.curve,
        spread=score.spread,
        model=prediction.model,
    )


def _from_segment(
    prediction: Prediction, mask: Mask, segment: Segment, volume: Volume, box: tuple[slice, ...] | None
) -> tuple[Finding, ...]:
    """Measure one segment inside its bounding box (slice, row, column); None stands for a segment without a voxel."""
    claim = _claimed(prediction, segment, present=box is not None)
    counted = {} if mask.instances is None else mask.instances.measures()
    if box is None:
        nothing = 0.0 if can_measure_volumes(volume) else None
        return (replace(claim, volume_ml=nothing, measurements=counted),)
    inside = mask.region(segment, mask.labels_zyx[box])
    corner = np.array([one.start for one in box])
    found = None if mask.instances is not None else Pieces(mask, inside, corner, volume)
    if found is None or found.count == 1 or not is_split(prediction, segment):
        whole = _sized(claim, measured(mask, inside, corner, volume))
        return (_with_pieces(replace(whole, measurements={**whole.measurements, **counted}), found),)
    told = [replace(_sized(claim, one), component=one.number, tracking_uid=_new_uid()) for one in found.components()]
    rest = found.rest()
    if rest is not None:
        smaller = replace(_sized(claim, rest), component=REST, diameters=None)
        told.append(_counting(smaller, found.count - len(told)))
    return tuple(told)


def _claimed(prediction: Prediction, segment: Segment, *, present: bool) -> Finding:
    return Finding(
        tracking_uid=_new_uid(),
        label=segment.label,
        series_key=prediction.series_key,
        code=segment.code,
        title_zh=segment.title_zh,
        category=segment.category,
        modifier=segment.modifier,
        laterality=segment.laterality,
        present=present,
        segment_value=segment.value,
        model=prediction.claimed_by(segment.value),
    )


def _sized(claim: Finding, found: Measured | Component) -> Finding:
    """Return a claim with the figures of what was measured."""
    return replace(
        claim,
        center_lps=found.center_lps,
        key_slice=found.key_slice,
        slices=found.slices,
        volume_ml=found.volume_ml,
        diameters=found.diameters,
        measurements=found.measurements,
    )


def _with_pieces(whole: Finding, found: Pieces | None) -> Finding:
    """Return a finding with its pieces, where there are several."""
    if found is None or found.count == 1:
        return whole
    return _counting(replace(whole, components=found.components()), found.count)


def _counting(finding: Finding, count: int) -> Finding:
    return replace(finding, measurements={**finding.measurements, "component_count": float(count)})
