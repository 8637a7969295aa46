"""What a presentation state lays over a plane: its graphics and texts, and the shutter that covers the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainterPath, QPen, QPolygonF
from PySide6.QtWidgets import (
    QGraphicsItem,
    QGraphicsPathItem,
    QGraphicsRectItem,
    QGraphicsScene,
    QGraphicsSimpleTextItem,
)

from medassist.entities.document import Graphic, Point, Shutter
from medassist.entities.study import FrameRef
from medassist.session.state import Session
from medassist.ui import theme
from medassist.ui.viewer.slices import Shown

LINE_PX, POINT_PX = 1.4, 5
SHUTTER_Z, GRAPHIC_Z = 0.5, 3.2  # a shutter covers the picture, never what a model or a file marked


class PresentationLayer:
    """The items of one plane that a presentation state asks for."""

    def __init__(self, scene: QGraphicsScene) -> None:
        self._scene = scene
        self._items: list[QGraphicsItem] = []
        self._state: tuple[object, ...] = ()

    def draw(self, shown: Shown, session: Session, hidden: bool) -> None:
        """Bring the items up to date; they lie on slices as stored only."""
        document = session.presented
        visible = session.layers.files_visible and not hidden and shown.arriving is None
        stored = shown.layout.through_axis == 2
        presentation = document.presentation if document is not None and visible and stored else None
        state = (presentation, shown.layout, shown.index, shown.time)
        if len(self._state) == len(state) and all(one is other for one, other in zip(state, self._state, strict=True)):
            return
        self.clear()
        self._state = state
        if presentation is None:
            return
        uid = _frame(shown).sop_instance_uid
        if presentation.shutter is not None and (not presentation.shutter.images or uid in presentation.shutter.images):
            self._add(_cover(presentation.shutter, shown), SHUTTER_Z)
        for graphic in presentation.graphics:
            if _is_here(graphic, shown):
                for item in _drawn(graphic, shown):
                    self._add(item, GRAPHIC_Z)

    def clear(self) -> None:
        """Show nothing."""
        self._state = ()
        for item in self._items:
            self._scene.removeItem(item)
        self._items = []

    def _add(self, item: QGraphicsItem, z: float) -> None:
        item.setZValue(z)
        self._scene.addItem(item)
        self._items.append(item)


def _frame(shown: Shown) -> FrameRef:
    series = shown.volume.series
    return series.frames[shown.index * series.times + shown.time]


def _is_here(graphic: Graphic, shown: Shown) -> bool:
    """Tell whether the slice on screen is one of those a graphic is about."""
    frame = _frame(shown)
    named = not graphic.images or frame.sop_instance_uid in graphic.images
    return named and (not graphic.frames or frame.frame in graphic.frames)


def _to_scene(points: Sequence[Point], shown: Shown) -> list[QPointF]:
    """Map (column, row) indices as stored to the scene (mm)."""
    columns, rows = np.array(points, dtype=np.float64).reshape(-1, 2).T
    world = shown.layout.geometry.to_world(np.stack([columns, rows, np.full(len(rows), float(shown.index))], axis=-1))
    down, right = shown.layout.spacing_mm
    placed = shown.layout.to_display(world)
    return [QPointF(column * right, row * down) for row, column, _ in placed.tolist()]


def _drawn(graphic: Graphic, shown: Shown) -> list[QGraphicsItem]:
    color = QColor(theme.ANNOTATION)
    pen = QPen(color, LINE_PX)
    pen.setCosmetic(True)
    items: list[QGraphicsItem] = []
    for line in graphic.lines:
        points = _to_scene(line, shown)
        if graphic.text:
            items.append(_text(graphic.text, points[0], color))
        elif len(points) == 1:
            items.append(_dot(points[0], pen))
        else:
            dark = QPen(QColor(0, 0, 0, 170), 2.5 * LINE_PX)
            dark.setCosmetic(True)
            for own in (dark, pen):
                item = QGraphicsPathItem(_path(points))
                item.setPen(own)
                item.setBrush(QBrush(color) if graphic.filled and own is pen else QBrush())
                items.append(item)
    return items


def _path(points: Sequence[QPointF]) -> QPainterPath:
    path = QPainterPath()
    path.addPolygon(QPolygonF(points))
    return path


def _dot(at: QPointF, pen: QPen) -> QGraphicsItem:
    """Return a cross that keeps its size on screen."""
    path = QPainterPath()
    for x, y in ((POINT_PX, 0), (0, POINT_PX)):
        path.moveTo(-x, -y)
        path.lineTo(x, y)
    item = QGraphicsPathItem(path)
    item.setPen(pen)
    item.setPos(at)
    item.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)
    return item


def _text(text: str, at: QPointF, color: QColor) -> QGraphicsItem:
    """Return a text that keeps its size on screen, on a ground that keeps it readable over bright pictures."""
    item = QGraphicsSimpleTextItem(text)
    item.setFont(theme.font(10.0))
    item.setBrush(QBrush(color))
    ground = QGraphicsRectItem(item.boundingRect().adjusted(-2, 0, 2, 0), item)
    ground.setPen(QPen(Qt.PenStyle.NoPen))
    ground.setBrush(QBrush(QColor(0, 0, 0, 170)))
    ground.setFlag(QGraphicsItem.GraphicsItemFlag.ItemStacksBehindParent)
    item.setPos(at)
    item.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)
    return item


def _cover(shutter: Shutter, shown: Shown) -> QGraphicsItem:
    """Return what covers the picture: all of it but what every shutter leaves open."""
    (rows, columns), (down, right) = shown.layout.shape, shown.layout.spacing_mm
    whole, open_ = QPainterPath(), QPainterPath()
    whole.addRect(QRectF(-right / 2, -down / 2, columns * right, rows * down))
    open_.addRect(whole.boundingRect())
    for outline in shutter.outlines:
        open_ = open_.intersected(_path(_to_scene(outline, shown)))
    item = QGraphicsPathItem(whole.subtracted(open_))
    item.setPen(QPen(Qt.PenStyle.NoPen))
    item.setBrush(QBrush(QColor.fromRgbF(shutter.gray, shutter.gray, shutter.gray)))
    return item
