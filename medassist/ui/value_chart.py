"""A histogram, or the values along a line, drawn with its scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from medassist.entities.value_statistics import LineProfile, ValueStatistics
from medassist.language import tr
from medassist.ui import theme
from medassist.ui.label_words import number

LEFT, RIGHT, TOP, BOTTOM = 64.0, 36.0, 10.0, 40.0
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)

Values = NDArray[np.float64]


class ValueChart(QWidget):
    """Shows one of both, or nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._x: Values = np.zeros(0)
        self._y: Values = np.zeros(0)
        self._steps = False
        self._words = ("", "")
        self.setMinimumSize(320, 180)

    def show_histogram(self, told: ValueStatistics) -> None:
        """Show how many values lie in each bin."""
        self._x, self._y, self._steps = told.edges, told.counts.astype(np.float64), True
        self._words = (tr("Value ({unit})", unit=told.unit) if told.unit else tr("Value"), tr("Pixels"))
        self.update()

    def show_profile(self, told: LineProfile) -> None:
        """Show the values along a line; gaps stay gaps."""
        self._x, self._y, self._steps = told.distances, told.values, False
        unit = "mm" if told.in_mm else tr("pixels")
        value = tr("Value ({unit})", unit=told.unit) if told.unit else tr("Value")
        self._words = (tr("Distance ({unit})", unit=unit), value)
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self._x = self._y = np.zeros(0)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a size in which the figures can be read."""
        return QSize(560, 300)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Draw the scale, and the values over it."""
        finite = self._y[np.isfinite(self._y)]
        if not finite.size:
            return
        painter = QPainter(self)
        painter.setFont(theme.font(9.0))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        area = QRectF(self.rect()).adjusted(LEFT, TOP, -RIGHT, -BOTTOM)
        low, high = (0.0 if self._steps else float(finite.min())), float(finite.max())
        high = high if high > low else low + 1.0
        across = (float(self._x[0]), float(self._x[-1]) if self._x[-1] > self._x[0] else float(self._x[0]) + 1.0)
        self._draw_scale(painter, area, across, (low, high))
        painter.setPen(QPen(QColor(theme.ACCENT), 1.4))
        for line in self._lines(area, across, (low, high)):
            painter.drawPolyline(line)
        painter.end()

    def _draw_scale(
        self, painter: QPainter, area: QRectF, across: tuple[float, float], up: tuple[float, float]
    ) -> None:
        right, center = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignHCenter
        for share in TICKS:
            x, y = area.left() + share * area.width(), area.bottom() - share * area.height()
            painter.setPen(QPen(QColor(theme.LINE), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + 4))
            painter.setPen(QColor(theme.TEXT))
            at = across[0] + share * (across[1] - across[0])
            painter.drawText(QRectF(x - 40, area.bottom() + 4, 80, 16), int(center), number(at))
            height = up[0] + share * (up[1] - up[0])
            told = number(round(height) if self._steps else height)
            middle = int(right | Qt.AlignmentFlag.AlignVCenter)
            painter.drawText(QRectF(0, y - 8, LEFT - 6, 16), middle, told)
        painter.setPen(QColor(theme.DIM))
        below = QRectF(area.left(), area.bottom() + 20, area.width(), 18)
        painter.drawText(below, int(center), self._words[0])
        painter.drawText(area.adjusted(6, 0, 0, 0), int(Qt.AlignmentFlag.AlignLeft), self._words[1])

    def _lines(self, area: QRectF, across: tuple[float, float], up: tuple[float, float]) -> list[QPolygonF]:
        """Return the curve in pieces: one ends where a value is missing."""
        x = np.repeat(self._x, 2)[1:-1] if self._steps else self._x
        y = np.repeat(self._y, 2) if self._steps else self._y
        lines: list[QPolygonF] = []
        line = QPolygonF()
        for one, value in zip(x.tolist(), y.tolist(), strict=True):
            if not np.isfinite(value):
                lines, line = [*lines, line], QPolygonF()
                continue
            right = area.left() + (one - across[0]) / (across[1] - across[0]) * area.width()
            line.append(QPointF(right, area.bottom() - (value - up[0]) / (up[1] - up[0]) * area.height()))
        return [*lines, line]
