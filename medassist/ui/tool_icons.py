"""Icons of the measuring tools, drawn with the very lines the tools draw."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF

from medassist.entities.measurement import Shape
from medassist.ui import theme
from medassist.ui.viewer.measure_shapes import outline

SIDE, SCALE = 18, 3
"""Size of an icon in pixels of the screen, and how many times finer it is drawn for dense screens."""

POINTS: dict[Shape, tuple[tuple[float, float], ...]] = {
    Shape.LENGTH: ((2, 15), (16, 3)),
    Shape.ANGLE: ((14, 2), (3, 14), (16, 14)),
    Shape.COBB: ((2, 3), (16, 6), (2, 15), (16, 11)),
    Shape.BIDIRECTIONAL: ((2, 14), (16, 4), (6, 5), (12, 13)),
    Shape.ELLIPSE: ((1.5, 9), (16.5, 9), (9, 4), (9, 14)),
    Shape.RECTANGLE: ((2, 4), (16, 4), (16, 14), (2, 14)),
    Shape.POLYGON: ((9, 2), (16, 7), (13, 15), (4, 14), (2, 6)),
    Shape.FREEHAND: ((3, 9), (4, 4), (8, 2), (12, 5), (16, 6), (15, 11), (11, 12), (9, 16), (5, 14)),
    Shape.ARROW: ((15, 3), (3, 15)),
    Shape.TEXT: (),
}
DOTTED = (Shape.LENGTH, Shape.POLYGON)
"""Shapes whose corners are marked, so that a line is told from an arrow and a polygon from a freehand outline."""


def tool_icon(shape: Shape) -> QIcon:
    """Return the icon of a tool, dimmed where the tool cannot be used."""
    icon = QIcon()
    icon.addPixmap(_drawn(shape, QColor(theme.TEXT)), QIcon.Mode.Normal)
    icon.addPixmap(_drawn(shape, QColor(theme.LINE)), QIcon.Mode.Disabled)
    return icon


def pin_icon() -> QIcon:
    """Return the icon for a tool that stays."""
    icon = QIcon()
    for mode, name in ((QIcon.Mode.Normal, theme.TEXT), (QIcon.Mode.Disabled, theme.LINE)):
        pixmap, painter = _begun(QColor(name))
        painter.setBrush(QColor(name))
        painter.drawEllipse(QPointF(9, 6), 3.5, 3.5)
        painter.drawLine(QPointF(9, 9), QPointF(9, 16.5))
        painter.end()
        icon.addPixmap(pixmap, mode)
    return icon


def _begun(color: QColor) -> tuple[QPixmap, QPainter]:
    pixmap = QPixmap(QSize(SIDE, SIDE) * SCALE)
    pixmap.setDevicePixelRatio(SCALE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(QPen(color, 1.4))
    return pixmap, painter


def _drawn(shape: Shape, color: QColor) -> QPixmap:
    pixmap, painter = _begun(color)
    points = np.array(POINTS[shape], dtype=np.float64).reshape(-1, 2)
    if shape is Shape.TEXT:
        font = theme.font()
        font.setPixelSize(16)
        painter.setFont(font)
        painter.drawText(QRectF(0, 0, SIDE, SIDE), int(Qt.AlignmentFlag.AlignCenter), "T")
    for line in outline(shape, points):
        painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in line.tolist()]))
    if shape is Shape.ARROW:
        painter.drawPolyline(QPolygonF([QPointF(8, 3), QPointF(15, 3), QPointF(15, 10)]))
    painter.setBrush(color)
    for x, y in points.tolist() if shape in DOTTED else ():
        painter.drawEllipse(QPointF(x, y), 1.2, 1.2)
    painter.end()
    return pixmap
