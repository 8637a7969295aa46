"""Regions on a plane: those readers kept, the one being drawn, and its box with handles."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QGraphicsItem, QGraphicsPathItem, QGraphicsRectItem, QGraphicsScene

from medassist.entities.prediction import Mask
from medassist.entities.prompt import Box
from medassist.session.looks import dressed
from medassist.session.state import Layers, Session
from medassist.ui.viewer import slices
from medassist.ui.viewer.boxes import as_stored, display_at, handle_places
from medassist.ui.viewer.contour import border
from medassist.ui.viewer.layers import SliceImage, label_table, outline_share
from medassist.ui.viewer.slices import Shown

OUTLINE_PX = 1.8
HANDLE_PX = 7.0
FILL_Z, OUTLINE_Z, BOX_Z = 1.7, 3.1, 4.0
BOX_COLOR = QColor("#ffd75e")


@dataclass(eq=False)
class RegionLayers:
    """The items of one plane that belong to regions. `preview` is a box that is being dragged."""

    scene: QGraphicsScene
    preview: Box | None = None
    _items: list[QGraphicsItem] = field(default_factory=list)
    _state: tuple[object, ...] = ()

    def draw(self, shown: Shown, session: Session, hidden: bool) -> None:
        """Bring the items up to date; nothing is touched when regions, slice and opacities are the same."""
        layers = session.layers
        edited = None if session.edited is None else session.edited.mask  # drawn by `BrushLayer`
        seen = layers.visible and layers.mask_visible and not hidden
        kept = tuple(one for one in (*session.edited_masks, *session.regions) if seen and one is not edited)
        drawing = None if hidden else session.drawing
        covered = layers.visible and slices.map_drawn(session, shown.volume) is not None
        state = (*kept, drawing, shown.layout, shown.index, layers, covered, self.preview)
        if len(state) == len(self._state) and all(map(_same, state, self._state)):
            return
        self.clear()
        self._state = state
        now = drawing.shown if drawing is not None and not drawing.is_empty else None
        masks = kept if now is None else (*kept, now)
        for mask in masks:
            if mask.geometry.same_grid(shown.layout.geometry):
                filled = mask is now or not covered
                self._add_mask(dressed(session, mask), shown, layers, filled=filled)
        box = self.preview or (drawing.prompt.box if drawing is not None else None)
        if box is not None and not hidden and as_stored(shown.layout) and box.slice_index == shown.index:
            self._add_box(box, shown)

    def clear(self) -> None:
        """Show nothing."""
        self._state = ()
        for item in self._items:
            self.scene.removeItem(item)
        self._items = []

    def _add(self, item: QGraphicsItem, z: float) -> None:
        item.setZValue(z)
        self.scene.addItem(item)
        self._items.append(item)

    def _add_mask(self, mask: Mask, shown: Shown, layers: Layers, *, filled: bool) -> None:
        """Add the items of a region; one kept before is only outlined over a map, which a filling would tint."""
        labels = slices.labels(shown, mask.labels_zyx)
        if not labels.any():
            return
        if filled:
            fill = SliceImage(FILL_Z, smooth=False)
            self._add(fill, FILL_Z)
            fill.show_slice(labels, shown.layout.spacing_mm)
            fill.setLookupTable(label_table(mask, layers.fill_opacity))
        down, right = shown.layout.spacing_mm
        for segment in mask.segments:
            x, y = border(mask.region(segment, labels))
            item = QGraphicsPathItem(pg.arrayToQPath(x * right, y * down, connect="pairs"))
            item.setPen(_pen(QColor(*segment.color), OUTLINE_PX))
            item.setOpacity(layers.outline_opacity * outline_share(mask, segment.value))
            self._add(item, OUTLINE_Z)

    def _add_box(self, box: Box, shown: Shown) -> None:
        down, right = shown.layout.spacing_mm
        places = handle_places(box)
        on_screen = {name: display_at(shown.layout, *at, box.slice_index) for name, at in places.items()}
        rows, columns = [at[0] * down for at in on_screen.values()], [at[1] * right for at in on_screen.values()]
        frame = QGraphicsRectItem(QRectF(min(columns), min(rows), max(columns) - min(columns), max(rows) - min(rows)))
        frame.setPen(_pen(BOX_COLOR, 1.4, Qt.PenStyle.DashLine))
        self._add(frame, BOX_Z)
        for row, column in on_screen.values():
            handle = QGraphicsRectItem(QRectF(-HANDLE_PX / 2, -HANDLE_PX / 2, HANDLE_PX, HANDLE_PX))
            handle.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)
            handle.setPos(column * right, row * down)
            handle.setPen(_pen(QColor(0, 0, 0), 1.0))
            handle.setBrush(BOX_COLOR)
            self._add(handle, BOX_Z)


def _same(one: object, other: object) -> bool:
    return one is other or (isinstance(one, int | Layers | Box) and one == other)


def _pen(color: QColor, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    pen = QPen(color, width, style)
    pen.setCosmetic(True)
    return pen
