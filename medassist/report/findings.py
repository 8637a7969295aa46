"""Findings from predictions: what is claimed, how sure, how large and where to look."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medassist.entities.finding import Finding
from medassist.entities.prediction import ClassScore, Mask, Prediction, Segment
from medassist.entities.study import SeriesKind
from medassist.entities.volume import Volume


def findings_from(prediction: Prediction, volume: Volume) -> tuple[Finding, ...]:
    """Return one finding per segment and per class, present or not, in the order of the model.

    Volumes are in ml, centres are LPS in mm. A segment has no volume where slices form no regular grid, on films
    and where the millimetres are a convention; it has no centre and is not present when it holds no voxel.
    """
    classes = tuple(_from_score(prediction, score) for score in prediction.scores)
    mask = prediction.mask
    segments = tuple(_from_segment(prediction, mask, segment, volume) for segment in mask.segments) if mask else ()
    return segments + classes


def can_measure_volumes(volume: Volume) -> bool:
    """Tell whether millilitres mean something on this volume."""
    return volume.is_regular and volume.geometry.calibrated and volume.series.kind is SeriesKind.VOLUME


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
        present=score.positive,
        probability=score.probability,
        threshold=score.threshold,
        calibrated=score.calibrated,
        operating_point=score.operating_point,
        model=prediction.model,
    )


def _from_segment(prediction: Prediction, mask: Mask, segment: Segment, volume: Volume) -> Finding:
    inside = mask.labels_zyx == segment.value
    areas = np.count_nonzero(inside, axis=(1, 2))
    present = bool(areas.any())
    return Finding(
        tracking_uid=_new_uid(),
        label=segment.label,
        series_key=prediction.series_key,
        code=segment.code,
        title_zh=segment.title_zh,
        category=segment.category,
        modifier=segment.modifier,
        present=present,
        volume_ml=mask.volume_ml(segment) if can_measure_volumes(volume) else None,
        segment_value=segment.value,
        center_lps=_center_lps(inside, volume) if present else None,
        key_slice=int(areas.argmax()) if present else None,
        measurements=_statistics(inside, volume),
        model=prediction.model,
    )


def _center_lps(inside: NDArray[np.bool_], volume: Volume) -> tuple[float, float, float]:
    """Return the mean of the voxel centres (LPS mm), slice by slice where the slices form no regular grid."""
    k, j, i = np.nonzero(inside)
    if volume.slice_origins_lps is None or volume.is_regular:
        center = volume.geometry.to_world([i.mean(), j.mean(), k.mean()])
    else:
        steps = volume.geometry.affine_lps[:3, :2]
        center = volume.slice_origins_lps[k].mean(axis=0) + steps @ np.array([i.mean(), j.mean()])
    x, y, z = (float(value) for value in center)
    return x, y, z


def _statistics(inside: NDArray[np.bool_], volume: Volume) -> dict[str, float]:
    """Return mean and population standard deviation in the unit of the volume, without its padding."""
    if volume.is_color:
        return {}
    values = volume.array_zyx[inside].astype(np.float64)
    if volume.padding is not None:
        low, high = volume.padding
        values = values[(values < low) | (values > high)]
    if not values.size:
        return {}
    return {"mean_value": float(values.mean()), "sd_value": float(values.std())}
