"""What readers drew to measure, on key pictures: in the place it has on screen, with its figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.measurement import Measurement, Shape
from medassist.imaging.measuring import remarks
from medassist.imaging.measuring_plane import index_of_points
from medassist.report.case import Case
from medassist.report.drawing import SMALL_PX, fitted, layout_of, plane_of
from medassist.report.fonts import font
from medassist.report.measurement_words import figure
from medassist.report.wording import Wording

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

Points = NDArray[np.float64]
Box = tuple[int, int, int, int]

YELLOW = (255, 224, 96)
LINE_PX = 2
HEAD_PX = 14
HALF_SLICE = 0.5
ROUND = 64
_TOLD = ("length", "angle", "cobb_angle", "long_axis", "short_axis", "area", "mean")
"""Figures written beside a drawing; the table has all of them."""


def measured_here(case: Case, index: int, time: int) -> Iterator[tuple[Measurement, Points]]:
    """Yield the measurements of a slice with their points as (n, 2) fractional display columns and rows.

    One drawn across slices belongs to the slice no farther than half a slice from all of its points.
    """
    shown, geometry = layout_of(case), case.volume.geometry
    for one in case.measurements:
        if one.time != time or not np.isfinite(one.points_lps).all():
            continue
        inside = index_of_points(one.points_lps, one.slice_index, case.volume)
        row, column, through = shown.to_display(geometry.to_world(inside)).T
        near = bool(np.abs(through - index).max() < HALF_SLICE)
        if near if one.slice_index is None else one.slice_index == index:
            yield one, np.stack([column, row], axis=1)


def draw_measurements(pen: ImageDraw, case: Case, index: int, time: int, box: Box, words: Wording) -> None:
    """Draw the measurements of a slice on a picture that fills `box` (left, top, right, bottom; pixels)."""
    rows, columns = layout_of(case).shape
    left, top, right, bottom = box
    scale = np.array([(right - left) / columns, (bottom - top) / rows])
    for one, points in measured_here(case, index, time):
        at = (points + 0.5) * scale + (left, top)  # the centre of a pixel is half a pixel from its corner
        for line in lines_of(one.shape, at):
            _line(pen, line)
        _write(pen, label_of(one, case, words), at, box)


def lines_of(shape: Shape, points: Points) -> list[Points]:
    """Return what is drawn of a shape as lines; points are (n, 2), x and y in one unit."""
    if shape is Shape.TEXT:
        return []
    if shape in (Shape.COBB, Shape.BIDIRECTIONAL):
        return [points[:2], points[2:4]]
    if shape is Shape.ELLIPSE:
        angle = np.linspace(0, 2 * np.pi, ROUND)[:, None]
        center, long, short = points[:2].mean(axis=0), (points[1] - points[0]) / 2, (points[3] - points[2]) / 2
        return [center + np.cos(angle) * long + np.sin(angle) * short]
    if shape is Shape.ARROW:
        return [points[:2], *_head(points[0], points[1])]
    return [np.concatenate([points, points[:1]]) if shape.encloses else points]


def _head(tip: Points, tail: Points) -> list[Points]:
    along = (tail - tip) / max(float(np.linalg.norm(tail - tip)), 1e-9) * HEAD_PX
    across = np.array([-along[1], along[0]]) / 2
    return [np.stack([tip, tip + along + across]), np.stack([tip, tip + along - across])]


def _line(pen: ImageDraw, points: Points) -> None:
    """Draw a light line on a dark one, so that it is seen on any picture."""
    flat = [(float(x), float(y)) for x, y in points]
    pen.line(flat, (0, 0, 0), LINE_PX + 3, joint="curve")
    pen.line(flat, YELLOW, LINE_PX, joint="curve")


def label_of(measurement: Measurement, case: Case, words: Wording) -> str:
    """Return the name, the main figures, and where the millimetres hold when not in the patient."""
    told = [figure(one) for one in measurement.quantities if one.name in _TOLD]
    if measurement.shape is Shape.BIDIRECTIONAL:
        told = [" × ".join(told)]
    told.append(plane_of(remarks(measurement, case.volume), words) if told else "")
    return " ".join(text for text in (measurement.label, *told) if text)


def _write(pen: ImageDraw, text: str, points: Points, box: Box) -> None:
    """Write the figures right of a drawing, or left of it where the picture ends."""
    left, top, right, bottom = box
    text = fitted(pen, text, SMALL_PX, int(right - left) - 8)
    width = pen.textlength(text, font=font(SMALL_PX))
    x, y = float(points[:, 0].max()) + 10, float(points[:, 1].mean())
    if x + width > right:
        x = max(float(points[:, 0].min()) - 10 - width, left + 4)
    y = min(max(y, top + SMALL_PX), bottom - SMALL_PX)
    pen.text((x, y), text, YELLOW, font(SMALL_PX), "lm", stroke_width=2, stroke_fill=(0, 0, 0))
