"""Where a finding or a drawing lies, as structured reports say it: in the patient (mm) or on one picture (pixels).

Slices that form a regular volume in a frame of reference give places in the patient. Films, and slices that form no
grid, have none a reader could trust: there the place is one on the picture, whose first pixel has its centre at
(0.5, 0.5) (PS3.3 C.18.6.1.1), while indices here have it at (0, 0).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.measurement import Measurement, Point, Shape
from medassist.entities.study import SeriesKind
from medassist.imaging.measuring_plane import index_of_points
from medassist.report.case import Case

if TYPE_CHECKING:
    from highdicom.sr import (
        CoordinatesForMeasurement,
        CoordinatesForMeasurement3D,
        ImageRegion,
        ImageRegion3D,
        SourceImageForRegion,
    )
    from pydicom import Dataset

LINES = {
    Shape.LENGTH: ((0, 1),),
    Shape.ANGLE: ((0, 1, 2),),
    Shape.COBB: ((0, 1), (2, 3)),
    Shape.BIDIRECTIONAL: ((0, 1), (2, 3)),
}
"""Which points of a drawing without an inside make a line."""

HALF_PIXEL = 0.5


def in_patient(case: Case) -> bool:
    """Tell whether places of the series can be said in the patient."""
    volume = case.volume
    placed = bool(volume.geometry.frame_of_reference_uid) and volume.series.kind is SeriesKind.VOLUME
    return placed and volume.is_regular


def slice_of(case: Case, measurement: Measurement) -> int:
    """Return the slice a drawing lies in, the nearest one where it crosses slices."""
    if measurement.slice_index is not None:
        return measurement.slice_index
    index = index_of_points(measurement.points_lps, None, case.volume)[:, 2].mean()
    return int(np.clip(np.rint(index), 0, case.volume.geometry.shape_zyx[0] - 1))


def region_of(case: Case, measurement: Measurement, headers: Sequence[Dataset]) -> ImageRegion | ImageRegion3D:
    """Return an outline as the region of TID 1410; a drawing without an inside is marked at its first point."""
    points = np.array(measurement.points_lps, dtype=np.float64)
    if not measurement.shape.encloses:
        return point_of(case, measurement.points_lps[0], slice_of(case, measurement), headers, measurement.time)
    if measurement.shape is not Shape.ELLIPSE:
        points = np.vstack([points, points[:1]])
    ellipse = measurement.shape is Shape.ELLIPSE
    kind = "ELLIPSE" if ellipse else "POLYGON" if in_patient(case) else "POLYLINE"
    return _region(case, kind, points, slice_of(case, measurement), headers, measurement.time)


def point_of(
    case: Case, place: Point, index: int, headers: Sequence[Dataset], time: int = 0
) -> ImageRegion | ImageRegion3D:
    """Return one place (LPS mm) on a slice as a region."""
    return _region(case, "POINT", np.array([place], dtype=np.float64), index, headers, time)


def _region(
    case: Case, kind: str, points: NDArray[np.float64], index: int, headers: Sequence[Dataset], time: int
) -> ImageRegion | ImageRegion3D:
    import highdicom as hd

    if in_patient(case):
        return hd.sr.ImageRegion3D(kind, points, case.volume.geometry.frame_of_reference_uid)
    return hd.sr.ImageRegion(kind, _pixels(case, points, index), _picture(case, index, headers, time))


def lines_of(
    case: Case, measurement: Measurement, headers: Sequence[Dataset]
) -> list[CoordinatesForMeasurement] | list[CoordinatesForMeasurement3D]:
    """Return the lines of a drawing, each one content item a figure is inferred from (TID 320), in order."""
    import highdicom as hd

    lines = [np.array([measurement.points_lps[at] for at in line]) for line in LINES[measurement.shape]]
    if in_patient(case):
        uid = case.volume.geometry.frame_of_reference_uid
        return [hd.sr.CoordinatesForMeasurement3D("POLYLINE", line, uid) for line in lines]
    index = slice_of(case, measurement)
    picture = _picture(case, index, headers, measurement.time)
    return [hd.sr.CoordinatesForMeasurement("POLYLINE", _pixels(case, line, index), picture) for line in lines]


def is_first_longer(measurement: Measurement) -> bool:
    """Tell whether the first of two drawn lines is the longer one: then the figure of the long axis is its own."""
    first, second = (np.diff(np.array(measurement.points_lps[at : at + 2]), axis=0) for at in (0, 2))
    return bool(np.linalg.norm(first) >= np.linalg.norm(second))


def _pixels(case: Case, points: NDArray[np.float64], index: int) -> NDArray[np.float64]:
    """Return points (LPS mm) of one slice as (column, row) of its picture."""
    at = index_of_points([(x, y, z) for x, y, z in points.tolist()], index, case.volume)
    pixels: NDArray[np.float64] = at[:, :2] + HALF_PIXEL
    return pixels


def _picture(case: Case, index: int, headers: Sequence[Dataset], time: int) -> SourceImageForRegion:
    import highdicom as hd
    from highdicom.utils import is_multiframe_image

    frame = case.series.frames[index * case.series.times + time]
    header = next((one for one in headers if frame.sop_instance_uid == one.SOPInstanceUID), headers[0])
    numbers = [frame.frame + 1] if "NumberOfFrames" in header and is_multiframe_image(header) else None
    return hd.sr.SourceImageForRegion(header.SOPClassUID, frame.sop_instance_uid or header.SOPInstanceUID, numbers)
