"""Measurements on a plane, in pixels of the screen: lines with a dark rim, handles, and figures beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from medassist.entities.measurement import Measurement, Shape
from medassist.session.state import Session
from medassist.ui.measure_words import figure_lines
from medassist.ui.viewer.hud import LETTERS, SHADOW, draw_text
from medassist.ui.viewer.measure_place import on_plane
from medassist.ui.viewer.measure_shapes import distance, handles, nearest, outline
from medassist.ui.viewer.slices import Shown

Points = NDArray[np.float64]
ToScreen = Callable[[QPointF], QPointF]

LINE_PX, RIM_PX, HANDLE_PX = 1.6, 4.0, 4.5
COLOR, SELECTED = "#8df0a8", "#ffb454"
REACH_PX, HANDLE_REACH_PX = 7.0, 9.0
LABEL_GAP, HEAD_PX = 10.0, 11.0
OVER_TEXT = 10
"""Lines can be covered ten times before a text is."""


@dataclass(frozen=True, eq=False)
class Hit:
    """A measurement under the mouse; `handle` is the point that would be pulled, None for the whole."""

    measurement: Measurement
    handle: int | None = None


@dataclass(eq=False)
class MeasureLayer:
    """What readers drew on one plane.

    Attributes:
        preview: a drawing that is not finished, or is being changed; it hides the kept one of the same UID.
    """

    preview: Measurement | None = None
    _labels: dict[str, QRectF] = field(default_factory=dict)

    def draw(
        self,
        painter: QPainter,
        area: QRectF,
        session: Session,
        shown: Shown,
        to_screen: ToScreen,
        texts: Sequence[QRectF] = (),
    ) -> None:
        """Draw everything that lies on this plane; what AI found may be hidden meanwhile, this is the reader's own.

        Figures are written over all lines, and beside `texts`, which are written later: half a figure is another one.
        """
        self._labels = {}
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        drawn = [(one, self._on_screen(one, shown, to_screen)) for one in self._present(session, shown)]
        here = [(one, points) for one, points in drawn if points is not None]
        taken = [(_bounds(one.shape, points), 1) for one, points in here] + [(box, OVER_TEXT) for box in texts]
        figures = []
        free = area.adjusted(LETTERS, LETTERS, -LETTERS, -LETTERS)
        for one, points in here:
            selected = one.uid == session.selected_measurement or one is self.preview
            color = QColor(SELECTED if selected else COLOR)
            _draw_shape(painter, one.shape, points, color)
            if selected:
                _draw_handles(painter, handles(one.shape, points), color)
            lines = figure_lines(one, shown.volume)
            if lines:
                label = _label_place(painter, free, one.shape, points, lines, taken)
                taken.append((label, OVER_TEXT))
                self._labels[one.uid] = label
                figures.append((label, lines, color.name()))
        for label, lines, name in figures:
            draw_text(painter, label, lines, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, name)
        painter.restore()

    def hit(self, at: QPointF, session: Session, shown: Shown, to_screen: ToScreen) -> Hit | None:
        """Return what lies under a place of the viewport: a handle of the selected one first, then the nearest line."""
        place = np.array([at.x(), at.y()])
        best: tuple[float, Hit] | None = None
        for one in self._present(session, shown):
            points = self._on_screen(one, shown, to_screen)
            if points is None:
                continue
            if one.uid == session.selected_measurement:
                handle = nearest(handles(one.shape, points), place, HANDLE_REACH_PX)
                if handle is not None:
                    return Hit(one, handle)
            apart = distance(one.shape, points, place)
            if self._labels.get(one.uid, QRectF()).contains(at):
                apart = min(apart, REACH_PX)
            if apart <= REACH_PX and (best is None or apart <= best[0]):
                best = apart, Hit(one)
        return None if best is None else best[1]

    def label_place(self, uid: str) -> QRectF:
        """Return where the figures of a measurement were written last, empty where they were not."""
        return self._labels.get(uid, QRectF())

    def _present(self, session: Session, shown: Shown) -> Iterator[Measurement]:
        key = shown.volume.series.key
        preview = self.preview if self.preview is not None and self.preview.series_key == key else None
        for one in session.measurements:
            if one.series_key == key and (preview is None or one.uid != preview.uid):
                yield one
        if preview is not None:
            yield preview

    @staticmethod
    def _on_screen(one: Measurement, shown: Shown, to_screen: ToScreen) -> Points | None:
        points = on_plane(one, shown)
        if points is None:
            return None
        mapped = [to_screen(QPointF(x, y)) for x, y in points.tolist()]
        return np.array([[at.x(), at.y()] for at in mapped])


def _draw_shape(painter: QPainter, shape: Shape, points: Points, color: QColor) -> None:
    lines = outline(shape, points)
    if shape is Shape.ARROW and len(points) == 2:
        lines = [*lines, _arrow_head(points)]
    if shape is Shape.COBB and len(points) == 4:
        joint = [(points[0] + points[1]) / 2, (points[2] + points[3]) / 2]
        _stroke(painter, [np.stack(joint)], QPen(color, 1.0, Qt.PenStyle.DashLine))
    for pen in (QPen(SHADOW, RIM_PX), QPen(color, LINE_PX)):
        _stroke(painter, lines, pen)


def _stroke(painter: QPainter, lines: Sequence[Points], pen: QPen) -> None:
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for line in lines:
        painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in line.tolist()]))


def _arrow_head(points: Points) -> Points:
    tip, back = points[0], points[1] - points[0]
    back = back / max(float(np.linalg.norm(back)), 1e-9) * HEAD_PX
    side = np.array([-back[1], back[0]]) * 0.45
    return np.stack([tip + back + side, tip, tip + back - side])


def _draw_handles(painter: QPainter, places: Points, color: QColor) -> None:
    painter.setPen(QPen(SHADOW, 1.0))
    painter.setBrush(color)
    for x, y in places.tolist():
        painter.drawEllipse(QPointF(x, y), HANDLE_PX, HANDLE_PX)


def _bounds(shape: Shape, points: Points) -> QRectF:
    around = np.concatenate([points, *outline(shape, points)])
    (left, top), (right, bottom) = around.min(axis=0).tolist(), around.max(axis=0).tolist()
    return QRectF(left, top, max(right - left, 1.0), max(bottom - top, 1.0))


def _label_place(
    painter: QPainter,
    area: QRectF,
    shape: Shape,
    points: Points,
    lines: Sequence[str],
    taken: Sequence[tuple[QRectF, int]],
) -> QRectF:
    """Return where figures do not cover what was measured: right of it, left, below or above, inside `area`.

    Of these the place that covers least of the other drawings, figures and texts (`taken`, with what each counts).
    """
    metrics, own = QFontMetricsF(painter.font()), _bounds(shape, points)
    width, height = max(metrics.horizontalAdvance(line) for line in lines) + 2, metrics.lineSpacing() * len(lines)
    if shape is Shape.TEXT:
        return QRectF(own.left(), own.top() - height / 2, width, height)
    middle_x, middle_y = own.center().x() - width / 2, own.center().y() - height / 2
    corners = (
        (own.right() + LABEL_GAP, middle_y), (own.left() - LABEL_GAP - width, middle_y),
        (middle_x, own.bottom() + LABEL_GAP), (middle_x, own.top() - LABEL_GAP - height),
    )  # fmt: skip
    places = [QRectF(x, y, width, height) for x, y in corners]
    inside = [one for one in places if area.contains(one)]
    near = inside or [_kept_inside(one, area) for one in places]
    best = min(near, key=lambda one: _covered(one, taken))
    return best if _covered(best, taken) < OVER_TEXT else _aside(best, area, taken)


def _covered(label: QRectF, taken: Sequence[tuple[QRectF, int]]) -> int:
    return sum(counts for other, counts in taken if label.intersects(other))


def _aside(label: QRectF, area: QRectF, taken: Sequence[tuple[QRectF, int]]) -> QRectF:
    """Return the nearest place beside the texts a label would cover; the same where none is free."""
    width, height = label.width(), label.height()
    places = [label]
    for box in (other for other, counts in taken if counts >= OVER_TEXT and label.intersects(other)):
        places += [
            QRectF(box.right() + 1, label.top(), width, height),
            QRectF(box.left() - width - 1, label.top(), width, height),
            QRectF(label.left(), box.bottom() + 1, width, height),
            QRectF(label.left(), box.top() - height - 1, width, height),
        ]
    inside = [one for one in places if one is label or area.contains(one)]
    return min(
        inside, key=lambda one: (_covered(one, taken) // OVER_TEXT, (one.center() - label.center()).manhattanLength())
    )


def _kept_inside(label: QRectF, area: QRectF) -> QRectF:
    x = min(max(label.x(), area.left()), max(area.right() - label.width(), area.left()))
    y = min(max(label.y(), area.top()), max(area.bottom() - label.height(), area.top()))
    return QRectF(x, y, label.width(), label.height())
