"""The mask being edited on one plane, the values that may be painted, and the ring of the brush."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QGraphicsEllipseItem, QGraphicsPathItem, QGraphicsScene

from medassist.entities.prediction import Mask
from medassist.imaging.mask_editing import Patch, Pen
from medassist.imaging.slicing import Layout
from medassist.session.state import Layers, Session
from medassist.ui.viewer.brush_canvas import Canvas
from medassist.ui.viewer.contour import border
from medassist.ui.viewer.layers import SliceImage
from medassist.ui.viewer.slices import Shown

FILL_Z, SPAN_Z, OUTLINE_Z, RING_Z = 2.2, 2.1, 3.2, 5.0
OUTLINE_PX, ACTIVE_PX = 1.4, 2.2
SPAN_OPACITY, SPAN_COLOR = 0.3, (79, 159, 232)
RING, ERASER_RING = QColor("#ffffff"), QColor("#f0776b")


class BrushLayer:
    """The items of one plane. A stroke draws again only the box it touched, and the outlines of the labels in it."""

    def __init__(self, scene: QGraphicsScene) -> None:
        self._scene = scene
        self.fill, self.span = SliceImage(FILL_Z, smooth=False), SliceImage(SPAN_Z, smooth=False)
        self.ring = QGraphicsEllipseItem()
        self.outlines: dict[int, QGraphicsPathItem] = {}
        self.labels: NDArray[np.uint8] | None = None
        self._state: tuple[object, ...] = ()
        self._spanned: tuple[object, ...] = ()
        self._layers = Layers()
        self.ring.setZValue(RING_Z)
        for item in (self.fill, self.span, self.ring):
            scene.addItem(item)
            item.hide()

    def draw(self, shown: Shown, session: Session, canvas: Canvas | None, hidden: bool) -> None:
        """Draw the whole slice unless it is on screen; nothing when no mask is edited or overlays are hidden."""
        layers = session.layers
        seen = layers.visible and layers.mask_visible and not hidden and shown.arriving is None
        if canvas is None or canvas.labels is None or canvas.prediction is None or not seen:
            self.clear()
            return
        if canvas.prediction.series_key != shown.volume.series.key:  # another pane shows another series
            self.clear()
            return
        state = (
            canvas.labels,
            canvas.editing,
            canvas.segments,
            shown.volume,
            shown.layout,
            shown.index,
            shown.time,
            layers,
        )
        if _same(state, self._state):
            return
        self._state, self._layers = state, layers
        self.labels = np.array(shown.layout.extract(canvas.labels, shown.index), order="C")  # never a view on the mask
        self.fill.show_slice(self.labels, shown.layout.spacing_mm)
        self.fill.setLookupTable(_colors(canvas, layers.fill_opacity))
        gone = self.outlines.keys() - {one.value for one in canvas.segments}
        for value in gone:
            self._scene.removeItem(self.outlines.pop(value))
        self._outline(canvas, [one.value for one in canvas.segments], shown.layout)
        self._draw_span(shown, canvas)

    def touch(self, shown: Shown, canvas: Canvas, patch: Patch) -> None:
        """Draw again what a patch changed."""
        window = window_of(shown.layout, shown.index, patch)
        if self.labels is None or canvas.labels is None or window is None:
            return
        before = self.labels[window].copy()
        self.labels[window] = shown.layout.extract(canvas.labels, shown.index)[window]
        self.fill.show_slice(self.labels, shown.layout.spacing_mm)
        stored = np.union1d(before, self.labels[window]).tolist()
        mask = canvas.prediction.mask if canvas.prediction is not None else None
        overlapping = mask is not None and mask.overlapping
        values = [one.value for one in canvas.segments if overlapping or one.value in stored]
        self._outline(canvas, values, shown.layout)

    def show_ring(self, at: QPointF | None, radius_mm: float, *, erase: bool) -> None:
        """Show how far the brush reaches around a place of the scene (mm), None to hide it."""
        self.ring.setVisible(at is not None)
        if at is None:
            return
        self.ring.setRect(QRectF(at.x() - radius_mm, at.y() - radius_mm, 2 * radius_mm, 2 * radius_mm))
        pen = QPen(ERASER_RING if erase else RING, 1.2, Qt.PenStyle.DashLine if erase else Qt.PenStyle.SolidLine)
        pen.setCosmetic(True)
        self.ring.setPen(pen)

    def clear(self) -> None:
        """Show nothing."""
        self.labels, self._spanned, self._state = None, (), ()
        for item in (self.fill, self.span, self.ring):
            item.hide()
        for path in self.outlines.values():
            self._scene.removeItem(path)
        self.outlines = {}

    def _outline(self, canvas: Canvas, values: Iterable[int], layout: Layout) -> None:
        assert self.labels is not None  # noqa: S101 - callers drew the slice
        mask = canvas.prediction.mask if canvas.prediction is not None else None
        down, right = layout.spacing_mm
        colors = {one.value: one.color for one in canvas.segments}
        for value in values:
            pen = Pen(value, overlapping=mask is not None and mask.overlapping)
            x, y = border(pen.region(self.labels))
            item = self.outlines.get(value)
            if item is None:
                item = self.outlines[value] = QGraphicsPathItem()
                item.setZValue(OUTLINE_Z)
                self._scene.addItem(item)
            active = canvas.editing is not None and canvas.editing.active == value
            look = QPen(QColor(*colors.get(value, (255, 255, 255))), ACTIVE_PX if active else OUTLINE_PX)
            look.setCosmetic(True)
            item.setPen(look)
            item.setOpacity(self._layers.outline_opacity)
            item.setPath(pg.arrayToQPath(x * right, y * down, connect="pairs"))

    def _draw_span(self, shown: Shown, canvas: Canvas) -> None:
        """Tint what may be painted where only some values may."""
        span = None if canvas.editing is None else canvas.editing.span
        state = (span, shown.volume, shown.layout, shown.index, shown.time)
        self.span.setVisible(span is not None and not shown.volume.is_color)
        if span is None or shown.volume.is_color or _same(state, self._spanned):
            return
        self._spanned = state
        values = shown.extract()
        inside = np.ascontiguousarray((values >= span[0]) & (values <= span[1])).astype(np.uint8)
        table = np.zeros((256, 4), np.uint8)
        table[1] = (*SPAN_COLOR, round(255 * SPAN_OPACITY))
        self.span.show_slice(inside, shown.layout.spacing_mm)
        self.span.setLookupTable(table)


def window_of(layout: Layout, index: int, patch: Patch) -> tuple[slice, slice] | None:
    """Return the display rows and columns that a patch covers on a slice, None where it does not reach it."""
    at = patch.at[::-1]  # along column, row, slice
    through = at[layout.through_axis]
    if not through.start <= index < through.stop:
        return None
    rows, columns = layout.shape
    return (
        _flipped(at[layout.down_axis], rows) if layout.down_flipped else at[layout.down_axis],
        _flipped(at[layout.right_axis], columns) if layout.right_flipped else at[layout.right_axis],
    )


def _flipped(span: slice, size: int) -> slice:
    return slice(size - span.stop, size - span.start)


def _colors(canvas: Canvas, opacity: float) -> NDArray[np.uint8]:
    """Return (256, 4) RGBA with the colour of each stored value; where labels overlap, that of the first one."""
    table = np.zeros((256, 4), np.uint8)
    mask: Mask | None = None if canvas.prediction is None else canvas.prediction.mask
    for one in reversed(canvas.segments):
        color = (*one.color, round(255 * opacity))
        if mask is not None and mask.overlapping:
            table[[value for value in range(256) if value >> (one.value - 1) & 1]] = color
        else:
            table[one.value] = color
    return table


def _same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    if len(one) != len(other):
        return False
    plain = (int, tuple, Layers)
    return all(a is b or (isinstance(a, plain) and a == b) for a, b in zip(one, other, strict=True))
