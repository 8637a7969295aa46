"""Coordinates of a structured report as places on a series: the way back from `report.sr_places`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from medassist.entities.measurement import Point, Shape
from medassist.entities.volume import Volume
from medassist.imaging import tags
from medassist.imaging.measuring_plane import index_of_points, points_of_index
from medassist.imaging.objects.report_items import children

HALF_PIXEL = 0.5
ON_SLICE = 0.01
"""Points this near to a slice (in slices) lie in it: coordinates are stored with seven digits."""
MOST_POINTS = 100_000
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """One item of coordinates on the series: its type (PS3.3 C.18.6, C.18.9), points (LPS mm) and slice, if in one."""

    kind: str
    points_lps: tuple[Point, ...]
    slice_index: int | None


def drawn_in(item: Dataset, volume: Volume) -> Drawn | None:
    """Return the coordinates of an item, None where they are damaged or lie elsewhere than on this series."""
    numbers = tags.numbers((item,), "GraphicData") or ()
    kind = tags.text((item,), "GraphicType").upper()
    flat = tags.text((item,), "ValueType") == "SCOORD"
    size = 2 if flat else 3
    if not numbers or len(numbers) % size or len(numbers) > size * MOST_POINTS:
        return None
    points = np.array(numbers, dtype=np.float64).reshape(-1, size)
    if kind == "CIRCLE" and points.shape == (2, 2):
        points, kind = _circle(points), "ELLIPSE"
    found = _on_picture(item, points, volume) if flat else _in_patient(item, points, volume)
    return None if found is None else _simplified(kind, *found)


def _on_picture(item: Dataset, points: Points, volume: Volume) -> tuple[Points, int] | None:
    """Return points of a picture of the series (LPS mm) with its slice."""
    pictures = {(one.sop_instance_uid, one.frame): at for at, one in enumerate(volume.series.frames)}
    sources = [one for child in children(item) for one in tags.value_of((child,), "ReferencedSOPSequence") or []]
    for source in sources:
        frame = tags.whole((source,), "ReferencedFrameNumber") or 1
        at = pictures.get((tags.text((source,), "ReferencedSOPInstanceUID"), frame - 1))
        if at is not None and volume.series.raw is None:
            index = at // volume.series.times
            voxels = np.column_stack([points - HALF_PIXEL, np.full(len(points), float(index))])
            return np.array(points_of_index(voxels, index, volume)), index
    return None


def _in_patient(item: Dataset, points: Points, volume: Volume) -> tuple[Points, int | None] | None:
    """Return points of the frame of reference of the series, and the slice they lie in."""
    frame = tags.text((item,), "ReferencedFrameOfReferenceUID")
    if not frame or frame != volume.geometry.frame_of_reference_uid:
        return None
    index = volume.geometry.to_index(points)[:, 2]
    nearest = round(float(index.mean()))
    inside = np.abs(index - nearest).max() < ON_SLICE and 0 <= nearest < volume.geometry.shape_zyx[0]
    return points, nearest if inside else None


def _simplified(kind: str, points: Points, index: int | None) -> Drawn | None:
    """Return a closed line without its repeated point; None for an ellipse that has not four points."""
    closed = len(points) > 2 and np.array_equal(points[0], points[-1])
    if closed and kind in ("POLYLINE", "POLYGON"):
        points, kind = points[:-1], "POLYGON"
    if kind == "ELLIPSE" and len(points) != 4:
        return None
    return Drawn(kind, tuple((x, y, z) for x, y, z in points.tolist()), index)


def _circle(points: Points) -> Points:
    """Return the ends of two axes of a circle given by its centre and a point of it, in pixels."""
    along = points[1] - points[0]
    across = np.array([-along[1], along[0]])
    return np.stack([points[0] - along, points[0] + along, points[0] - across, points[0] + across])


def middle(points_lps: tuple[Point, ...]) -> Point:
    """Return the mean of points (LPS mm)."""
    x, y, z = (float(value) for value in np.mean(np.array(points_lps), axis=0))
    return x, y, z


def slice_at(point: Point, volume: Volume, index: int | None) -> int:
    """Return the slice a place lies in, the nearest one where it lies between slices."""
    if index is not None:
        return index
    at = index_of_points([point], None, volume)[0, 2]
    return int(np.clip(np.rint(at), 0, volume.geometry.shape_zyx[0] - 1))


def shape_of(kind: str, lines: int, points: int) -> Shape | None:
    """Return what coordinates of unknown origin were drawn as, by their type and number; None for single places."""
    if kind == "ELLIPSE":
        return Shape.ELLIPSE
    if kind == "POLYGON":
        return Shape.POLYGON
    if lines == 1:
        return {2: Shape.LENGTH, 3: Shape.ANGLE}.get(points)
    return None
