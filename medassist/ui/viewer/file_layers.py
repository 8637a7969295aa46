"""What files lay over a plane: outlines and fills of every mask, and the newest map, apart from results of models."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyqtgraph as pg
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QGraphicsPathItem, QGraphicsScene

from medassist.entities.prediction import Mask
from medassist.imaging.colormaps import steps
from medassist.session.looks import dressed
from medassist.session.state import Layers, Session
from medassist.ui.viewer import slices
from medassist.ui.viewer.contour import border
from medassist.ui.viewer.layers import SliceImage, heat_table, label_table, outline_share
from medassist.ui.viewer.slices import Shown

OUTLINE_PX = 1.6
FILL_Z, HEAT_Z, OUTLINE_Z = 1.6, 0.9, 2.9


@dataclass(eq=False)
class _DrawnMask:
    """The items of one mask."""

    mask: Mask
    fill: SliceImage
    outlines: list[QGraphicsPathItem] = field(default_factory=list)


class FileLayers:
    """The items of one plane that come from files."""

    def __init__(self, scene: QGraphicsScene) -> None:
        self._scene = scene
        self._masks: list[_DrawnMask] = []
        self._heat = SliceImage(HEAT_Z, smooth=False)
        scene.addItem(self._heat)
        self._heat.hide()
        self._state: tuple[object, ...] = ()

    def draw(self, shown: Shown, session: Session, hidden: bool) -> None:
        """Bring the items up to date; nothing is touched when slice, overlays and opacities are the same."""
        layers = session.layers
        visible = layers.files_visible and not hidden and shown.arriving is None
        overlays = session.overlays_here if visible else ()
        heat = session.file_map if visible else None
        covered = slices.map_drawn(session, shown.volume) is not None and not hidden
        state = (overlays, shown.layout, (shown.index, layers, heat is None, covered))
        if _same(self._state, state):
            return
        self.clear()
        self._state = state
        for overlay in overlays:
            for mask in overlay.masks:
                if mask.geometry.same_grid(shown.volume.geometry):
                    self._masks.append(self._drawn(dressed(session, mask), shown, layers, filled=not covered))
        if heat is not None and heat.geometry.same_grid(shown.volume.geometry):
            share = slices.heat(shown, heat, False)
            self._heat.show_slice(steps(share, signed=heat.signed), shown.layout.spacing_mm)
            self._heat.setLookupTable(heat_table(layers.heatmap_opacity, layers.heatmap_threshold, heat.signed))

    def clear(self) -> None:
        """Show nothing."""
        self._state = ()
        self._heat.hide()
        for drawn in self._masks:
            self._scene.removeItem(drawn.fill)
            for item in drawn.outlines:
                self._scene.removeItem(item)
        self._masks = []

    def _drawn(self, mask: Mask, shown: Shown, layers: Layers, *, filled: bool) -> _DrawnMask:
        """Make the items of a mask; over a map of a model it is only outlined, as a filling would tint the map."""
        labels = slices.labels(shown, mask.labels_zyx)
        drawn = _DrawnMask(mask, SliceImage(FILL_Z, smooth=False))
        self._scene.addItem(drawn.fill)
        drawn.fill.show_slice(labels, shown.layout.spacing_mm)
        drawn.fill.setLookupTable(label_table(mask, layers.fill_opacity))
        drawn.fill.setVisible(filled)
        down, right = shown.layout.spacing_mm
        for segment in mask.segments:
            x, y = border(mask.region(segment, labels))
            if x.size:
                item = QGraphicsPathItem(pg.arrayToQPath(x * right, y * down, connect="pairs"))
                pen = QPen(QColor(*segment.color), OUTLINE_PX)
                pen.setCosmetic(True)
                item.setPen(pen)
                item.setZValue(OUTLINE_Z)
                item.setOpacity(layers.outline_opacity * outline_share(mask, segment.value))
                self._scene.addItem(item)
                drawn.outlines.append(item)
        return drawn


def _same(before: tuple[object, ...], now: tuple[object, ...]) -> bool:
    """Compare overlays one by one by identity, the rest by value."""
    if not before:
        return False
    (old, layout, *rest), (new, new_layout, *new_rest) = before, now
    assert isinstance(old, tuple)  # noqa: S101 - both are states of `draw`
    assert isinstance(new, tuple)  # noqa: S101
    same = len(old) == len(new) and all(one is other for one, other in zip(old, new, strict=True))
    return same and layout is new_layout and rest == new_rest
