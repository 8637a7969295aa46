"""Findings from predictions: what is claimed, how sure, how large and where to look."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from medassist.entities.diameters import Diameters, Ends
from medassist.entities.finding import Finding
from medassist.entities.prediction import ClassScore, Mask, Prediction, Segment
from medassist.entities.study import SeriesKind
from medassist.entities.volume import AnyArray, Volume
from medassist.imaging.diameters import diameters


def findings_from(prediction: Prediction, volume: Volume) -> tuple[Finding, ...]:
    """Return one finding per segment and per class, present or not, in the order of the model.

    Volumes are in ml, centres are LPS in mm. A segment has no volume where slices form no regular grid, on films
    and where the millimetres are a convention; it has no centre and is not present when it holds no voxel.
    """
    classes = tuple(_from_score(prediction, score) for score in prediction.scores)
    mask = prediction.mask
    if mask is None:
        return classes
    boxes = _boxes(mask)
    return tuple(_from_segment(prediction, mask, one, volume, boxes[one.value]) for one in mask.segments) + classes


def can_measure_volumes(volume: Volume) -> bool:
    """Tell whether millilitres mean something on this volume."""
    return volume.is_regular and volume.geometry.calibrated and volume.series.kind is SeriesKind.VOLUME


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
) -> Finding:
    """Measure one segment inside its bounding box (slice, row, column); None stands for a segment without a voxel."""
    at = box or (slice(0, 0),) * 3
    inside = mask.region(segment, mask.labels_zyx[at])
    areas = np.count_nonzero(inside, axis=(1, 2))
    corner = np.array([one.start for one in at])
    return Finding(
        tracking_uid=_new_uid(),
        label=segment.label,
        series_key=prediction.series_key,
        code=segment.code,
        title_zh=segment.title_zh,
        category=segment.category,
        modifier=segment.modifier,
        laterality=segment.laterality,
        present=box is not None,
        volume_ml=float(areas.sum()) * mask.geometry.voxel_volume_ml if can_measure_volumes(volume) else None,
        segment_value=segment.value,
        center_lps=_center_lps(np.argwhere(inside) + corner, volume) if box else None,
        key_slice=int(corner[0] + areas.argmax()) if box else None,
        diameters=_diameters(mask, inside, corner, volume) if box else None,
        measurements=_measures(mask, volume, volume.array_zyx[at][inside]),
        model=prediction.model,
    )


def _measures(mask: Mask, volume: Volume, values: AnyArray) -> dict[str, float]:
    """Return what is measured of one segment beside its volume; of objects one by one their number and size."""
    told = {} if volume.is_color else _statistics(values, volume)
    return told if mask.instances is None else {**told, **mask.instances.measures()}


def _diameters(mask: Mask, inside: NDArray[np.bool_], corner: NDArray[np.int64], volume: Volume) -> Diameters | None:
    """Return the axes of a segment on the grid of the series (mm); None without a scale, and for objects one by one."""
    if mask.instances is not None or not volume.geometry.calibrated:
        return None
    column_mm, row_mm, _ = volume.geometry.spacing_mm
    found = diameters(inside, (row_mm, column_mm))
    if found is None:
        return None
    moved = tuple((row + float(corner[1]), column + float(corner[2])) for row, column in found.ends)
    return replace(found, index=found.index + int(corner[0]), ends=cast("Ends", moved))


def _center_lps(index_zyx: NDArray[np.int64], volume: Volume) -> tuple[float, float, float]:
    """Return the mean of the voxel centres (LPS mm), slice by slice where the slices form no regular grid."""
    k, j, i = index_zyx.mean(axis=0)
    if volume.slice_origins_lps is None or volume.is_regular:
        center = volume.geometry.to_world([i, j, k])
    else:
        center = volume.slice_origins_lps[index_zyx[:, 0]].mean(axis=0) + volume.geometry.affine_lps[:3, :2] @ [i, j]
    x, y, z = (float(value) for value in center)
    return x, y, z


def _statistics(values: AnyArray, volume: Volume) -> dict[str, float]:
    """Return mean and population standard deviation in the unit of the volume, without its padding."""
    if volume.padding is not None:
        low, high = volume.padding
        values = values[(values < low) | (values > high)]
    if not values.size:
        return {}
    return {"mean_value": float(values.mean(dtype=np.float64)), "sd_value": float(values.std(dtype=np.float64))}
