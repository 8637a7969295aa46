"""Drawings of a reader and outlines of settled masks, as a presentation state draws them: in pixels of their picture.

The first pixel of a picture reaches from (0, 0) to (1, 1) (PS3.3 C.10.5.1.2), so half a pixel is added to indices.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.finding import Finding
from medassist.entities.measurement import Measurement, Shape
from medassist.entities.prediction import Mask
from medassist.imaging.measuring_plane import index_of_points
from medassist.report.case import Case
from medassist.report.components import region_of
from medassist.report.edits import belongs
from medassist.report.measurement_words import figures
from medassist.report.verdicts import settled
from medassist.report.wording import Wording

if TYPE_CHECKING:
    from highdicom.pr import GraphicObject, TextObject

Points = NDArray[np.float64]

HALF_PIXEL = 0.5
RIGHT_ANGLE = 1e-3
"""Cosine up to which axes count as perpendicular."""
ROUND = 64
"""Corners of an ellipse that is drawn as a line."""
LONGEST_TEXT = 1024  # ST
MOST_OUTLINE_POINTS = 2000
"""Of one contour: the length of a value of 4-byte floats with two-byte lengths is 64 kB."""


def graphics(case: Case, measurement: Measurement) -> list[GraphicObject]:
    """Return the lines of a drawing on its picture; none where a point lies beside the picture."""
    import highdicom as hd

    drawn = []
    for kind, points in _lines(measurement.shape, pixels(case, measurement)):
        if not _fits(case, points):
            return []
        drawn.append(
            hd.pr.GraphicObject(
                kind, points, "PIXEL", tracking_id=_identifier(measurement), tracking_uid=measurement.uid
            )
        )
    return drawn


def text(case: Case, measurement: Measurement) -> TextObject | None:
    """Return label and figures beside the drawing; None without either, and where its place is beside the picture."""
    import highdicom as hd

    points = pixels(case, measurement)
    anchor = points[points[:, 0].argmax()] if measurement.shape is not Shape.ARROW else points[-1]
    told = figures(measurement, Wording(case.language)).replace(", ", "\r\n")
    lines = [line for line in (measurement.label.strip(), told) if line]
    if not lines or not _fits(case, anchor[None]):
        return None
    return hd.pr.TextObject(
        "\r\n".join(lines)[:LONGEST_TEXT],
        "PIXEL",
        anchor_point=(float(anchor[0]), float(anchor[1])),
        anchor_point_visible=False,
        tracking_id=_identifier(measurement),
        tracking_uid=measurement.uid,
    )


def pixels(case: Case, measurement: Measurement) -> Points:
    """Return the points of a drawing as (column, row) of its picture."""
    index = index_of_points(measurement.points_lps, measurement.slice_index, case.volume)
    at: Points = np.asarray(index, dtype=np.float64)[:, :2] + HALF_PIXEL
    return at


def outlines(region: NDArray[np.bool_]) -> Iterator[Points]:
    """Yield the contours of a region (row, column) as closed lines of (column, row)."""
    from skimage.measure import find_contours

    for contour in find_contours(np.pad(region, 1).astype(np.float32), 0.5):
        step = -(-len(contour) // MOST_OUTLINE_POINTS)
        thinned = contour[::step] if step > 1 else contour
        closed = thinned if np.array_equal(thinned[0], thinned[-1]) else np.vstack([thinned, thinned[:1]])
        line: Points = closed[:, ::-1] - 1.0 + HALF_PIXEL
        yield np.clip(line, 0.0, [region.shape[1], region.shape[0]])


def _lines(shape: Shape, points: Points) -> list[tuple[str, Points]]:
    """Return type and points of the lines that draw a shape (PS3.3 C.10.5.2)."""
    if shape is Shape.TEXT:
        return []
    if shape in (Shape.COBB, Shape.BIDIRECTIONAL):
        return [("POLYLINE", points[:2]), ("POLYLINE", points[2:4])]
    if shape is Shape.ELLIPSE:
        return [_ellipse(points)]
    if shape is Shape.ARROW:
        return [("POLYLINE", points), ("POLYLINE", _head(points[0], points[1]))]
    closed = np.vstack([points, points[:1]]) if shape.encloses else points
    return [("POLYLINE", closed)]


def _ellipse(points: Points) -> tuple[str, Points]:
    """Return an ellipse, as a closed line where pixels are not square: its axes are at no right angle in them."""
    major, minor = points[1] - points[0], points[3] - points[2]
    if abs(float(major @ minor)) <= RIGHT_ANGLE * float(np.linalg.norm(major) * np.linalg.norm(minor)):
        return "ELLIPSE", points
    turn = np.linspace(0.0, 2.0 * np.pi, ROUND + 1)[:, None]
    line = points.mean(axis=0) + np.cos(turn) * major / 2.0 + np.sin(turn) * minor / 2.0
    line[-1] = line[0]
    return "POLYLINE", line


def _head(tip: NDArray[np.float64], tail: NDArray[np.float64]) -> Points:
    """Return the two strokes at the tip of an arrow: a quarter of its length, 30 degrees to each side."""
    back = (tail - tip) * 0.25
    turns = [
        np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) for turn in (-np.pi / 6, np.pi / 6)
    ]
    return np.stack([tip + turns[0] @ back, tip, tip + turns[1] @ back])


def _fits(case: Case, points: Points) -> bool:
    _, rows, columns = case.volume.geometry.shape_zyx
    return bool((points >= 0.0).all() and (points <= [columns, rows]).all())


def _identifier(measurement: Measurement) -> str:
    return (measurement.label.strip() or measurement.shape.value)[:64]


def accepted_regions(case: Case) -> Iterator[tuple[Finding, NDArray[np.bool_]]]:
    """Yield what a reader stands for with its pixels in its key slice: a segment, or one piece of it."""
    for finding in case.findings:
        if finding.segment_value is None or finding.key_slice is None or not settled(finding):
            continue
        for prediction, mask in case.masks:
            if belongs(finding, prediction):
                yield finding, _in_slice(mask, finding.segment_value, finding.component, finding.key_slice)


def _in_slice(mask: Mask, value: int, component: int | None, index: int) -> NDArray[np.bool_]:
    if component is not None:  # pieces are told apart in the whole volume
        piece: NDArray[np.bool_] = region_of(mask, value, component)[index]
        return piece
    segment = next(one for one in mask.segments if one.value == value)
    return mask.region(segment, mask.labels_zyx[index])
