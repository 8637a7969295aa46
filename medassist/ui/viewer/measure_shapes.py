"""Shapes of measurements on the plane of the screen: how they are drawn, pulled, moved and hit. No Qt.

Points are (n, 2) float64, x to the right and y down, all in one unit: millimetres of the plane where right angles and
the longer of two axes matter, pixels of the screen where nearness does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medassist.entities.measurement import Shape

Points = NDArray[np.float64]

CLICKS = {
    Shape.LENGTH: 2, Shape.ANGLE: 3, Shape.COBB: 4, Shape.BIDIRECTIONAL: 4, Shape.ELLIPSE: 2, Shape.RECTANGLE: 2,
    Shape.ARROW: 2, Shape.TEXT: 1,
}  # fmt: skip
"""How many places a shape is drawn with; a polygon and a freehand outline end when the reader says so."""
ROUND = 128
LEAST_CORNERS = 3


def built(shape: Shape, clicks: Points) -> Points | None:
    """Return the points of a shape from the places it was drawn with, None while there are too few.

    An ellipse and a rectangle fill the box between two corners; the short axis of a bidirectional measurement begins
    at the third place and leads at a right angle to the long one towards the fourth.
    """
    if len(clicks) < CLICKS.get(shape, LEAST_CORNERS):
        return None
    if shape in (Shape.ELLIPSE, Shape.RECTANGLE):
        (left, top), (right, bottom) = clicks[0], clicks[1]
        if shape is Shape.RECTANGLE:
            return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        x, y = (left + right) / 2, (top + bottom) / 2
        return ordered(shape, np.array([[left, y], [right, y], [x, top], [x, bottom]]))
    if shape is Shape.BIDIRECTIONAL:
        begin, across = clicks[2], _unit(_turned(clicks[1] - clicks[0]))
        return ordered(shape, np.stack([*clicks[:3], begin + across * ((clicks[3] - begin) @ across)]))
    return clicks


def ordered(shape: Shape, points: Points) -> Points:
    """Return the points with the longer of two axes first, as DICOM wants it."""
    if shape not in (Shape.ELLIPSE, Shape.BIDIRECTIONAL):
        return points
    first, second = points[1] - points[0], points[3] - points[2]
    return points[[2, 3, 0, 1]] if second @ second > first @ first else points


def handles(shape: Shape, points: Points) -> Points:
    """Return where a shape can be pulled, in the order of its points; a freehand outline can only be moved."""
    return points[:0] if shape is Shape.FREEHAND else points


def pulled(shape: Shape, points: Points, handle: int, to: Points) -> Points:
    """Return a shape with one handle at another place.

    The opposite corner of a rectangle and the opposite end of an axis of an ellipse stay; right angles stay right.
    """
    if shape is Shape.RECTANGLE:
        return _pulled_corner(points, handle, to)
    if shape is Shape.ELLIPSE:
        return _pulled_axis(points, handle, to)
    after = points.copy()
    after[handle] = to
    return after


def _pulled_corner(points: Points, handle: int, to: Points) -> Points:
    opposite, beside = points[(handle + 2) % 4], points[(handle + 1) % 4]
    along = _unit(beside - opposite)
    one, other = along * ((to - opposite) @ along), _turned(along) * ((to - opposite) @ _turned(along))
    after = np.empty_like(points)
    after[handle], after[(handle + 1) % 4] = opposite + one + other, opposite + one
    after[(handle + 2) % 4], after[(handle + 3) % 4] = opposite, opposite + other
    return after


def _pulled_axis(points: Points, handle: int, to: Points) -> Points:
    """Turn and stretch one axis between its fixed end and the new place; the other keeps its length."""
    fixed, others = points[handle ^ 1], [2, 3] if handle < 2 else [0, 1]
    center = (fixed + to) / 2
    across = _turned(_unit(to - fixed)) * (float(np.linalg.norm(points[others[1]] - points[others[0]])) / 2)
    if across @ (points[others[1]] - points[others[0]]) < 0:
        across = -across
    after = points.copy()
    after[handle], after[others[0]], after[others[1]] = to, center - across, center + across
    return after


def outline(shape: Shape, points: Points) -> list[Points]:
    """Return the lines of a shape, (m, 2) each; closed ones end where they begin. A text has none."""
    if shape is Shape.TEXT or len(points) < 2 or (shape is Shape.ELLIPSE and len(points) != 4):
        return []
    if shape in (Shape.COBB, Shape.BIDIRECTIONAL):
        return [line for line in (points[:2], points[2:]) if len(line) == 2]
    if shape is Shape.ELLIPSE:
        angles = np.linspace(0, 2 * np.pi, ROUND + 1)[:, None]
        major, minor = (points[1] - points[0]) / 2, (points[3] - points[2]) / 2
        return [points.mean(axis=0) + np.cos(angles) * major + np.sin(angles) * minor]
    return [np.concatenate([points, points[:1]])] if shape.encloses else [points]


def distance(shape: Shape, points: Points, at: Points) -> float:
    """Return how far a place lies from the nearest line of a shape, inf where it has none."""
    return min((_to_line(line, at) for line in outline(shape, points)), default=np.inf)


def nearest(places: Points, at: Points, reach: float) -> int | None:
    """Return which of several places is nearest to a place and not farther than `reach`, None for none."""
    if not len(places):
        return None
    apart = np.linalg.norm(places - at, axis=1)
    found = int(apart.argmin())
    return found if apart[found] <= reach else None


def _to_line(line: Points, at: Points) -> float:
    begins, along = line[:-1], np.diff(line, axis=0)
    length = np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip(((at - begins) * along).sum(axis=1) / length, 0, 1)[:, None]
    return float(np.linalg.norm(begins + share * along - at, axis=1).min())


def _turned(vector: Points) -> Points:
    return np.array([-vector[1], vector[0]])


def _unit(vector: Points) -> Points:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else np.array([1.0, 0.0])
