"""Where the other planes cut the one on screen: two lines through the crosshair, with handles that turn them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import hypot

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from medassist.entities.turn import Turn
from medassist.imaging.oblique import normal_of
from medassist.imaging.slicing import Plane
from medassist.ui import theme
from medassist.ui.viewer.hud import CROSS_GAP, LETTERS, SHADOW
from medassist.ui.viewer.slices import Shown

HANDLE_PX, REACH_PX = 5.0, 11.0
HANDLE_AT = 0.36
"""How far from the crosshair a handle lies, as a share of the shorter side of the pane."""

ToScreen = Callable[[float, float], QPointF]


@dataclass(frozen=True)
class CrossLine:
    """The line in which another plane cuts the one on screen.

    Attributes:
        at: the crosshair in the viewport.
        x, y: unit vector along the line in the viewport.
        color: of the other plane.
    """

    at: QPointF
    x: float
    y: float
    color: str

    def handles(self, area: QRectF) -> tuple[QPointF, ...]:
        """Return where the handles lie that are in sight."""
        away = HANDLE_AT * min(area.width(), area.height())
        ends = (QPointF(self.at.x() + sign * away * self.x, self.at.y() + sign * away * self.y) for sign in (1, -1))
        free = area.adjusted(LETTERS / 2, LETTERS / 2, -LETTERS / 2, -LETTERS / 2)
        return tuple(one for one in ends if free.contains(one))


def cross_lines(shown: Shown, turn: Turn, cursor_lps: Sequence[float], to_screen: ToScreen) -> tuple[CrossLine, ...]:
    """Return the lines of the two other planes; of planes that do not cut this one, none.

    `to_screen` maps display row and column to the viewport.
    """
    geometry, here = shown.layout.geometry, np.asarray(cursor_lps, np.float64)
    own, found = normal_of(geometry, shown.plane, turn), []
    row, column, _index = shown.layout.to_display(here)
    at = to_screen(float(row), float(column))
    for other in Plane:
        along = np.cross(own, normal_of(geometry, other, turn))
        if other is shown.plane or np.linalg.norm(along) < 1e-6:
            continue
        far_row, far_column, _ = shown.layout.to_display(here + 10.0 * along)
        far = to_screen(float(far_row), float(far_column)) - at
        length = hypot(far.x(), far.y())
        if length > 0:
            found.append(CrossLine(at, far.x() / length, far.y() / length, theme.AXIS_COLORS[other.value]))
    return tuple(found)


def draw_lines(painter: QPainter, area: QRectF, lines: Sequence[CrossLine]) -> None:
    """Draw lines that are not upright; the middle and the letters at the edges stay free."""
    free = area.adjusted(LETTERS, LETTERS, -LETTERS, -LETTERS)
    far = area.width() + area.height()
    painter.save()
    painter.setClipRect(free)
    for line in lines:
        painter.setPen(QPen(QColor(line.color), 1.2))
        x, y = line.at.x(), line.at.y()
        for sign in (1, -1):
            near, end = sign * CROSS_GAP, sign * far
            painter.drawLine(QLineF(x + near * line.x, y + near * line.y, x + end * line.x, y + end * line.y))
    painter.restore()


def draw_handles(painter: QPainter, area: QRectF, lines: Sequence[CrossLine]) -> None:
    """Draw what can be pulled to turn the planes."""
    for line in lines:
        for place in line.handles(area):
            painter.setPen(QPen(SHADOW, 3.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(place, HANDLE_PX, HANDLE_PX)
            painter.setPen(QPen(QColor(line.color), 1.6))
            painter.drawEllipse(place, HANDLE_PX, HANDLE_PX)


def is_on_handle(at: QPointF, area: QRectF, lines: Sequence[CrossLine]) -> bool:
    """Tell whether a press at a place of the viewport pulls a line."""
    away = (place - at for line in lines for place in line.handles(area))
    return any(hypot(one.x(), one.y()) <= REACH_PX for one in away)
