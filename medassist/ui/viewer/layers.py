"""The picture and its overlays as separate image items; opacity and threshold only change colour tables."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QTransform
from PySide6.QtWidgets import QGraphicsPathItem, QGraphicsScene, QWidget

from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import Mask
from medassist.entities.volume import AnyArray
from medassist.imaging.colormaps import SIGNED, colormap, shares, steps
from medassist.session.looks import DressedMask, dressed
from medassist.session.state import Layers, Session
from medassist.ui.viewer import slices
from medassist.ui.viewer.contour import border
from medassist.ui.viewer.hatch import draw_hatched
from medassist.ui.viewer.slices import Shown

pg.setConfigOptions(imageAxisOrder="row-major")

OUTLINE_PX = 1.6
HEAT_TABLE = "ember"
SHARE = 0
"""Where an outline keeps how strongly it is drawn beside the others."""
OBJECT_FILL = 0.3
"""Share of the filling that objects one by one get: their colours are stains, which a reader wants to see."""


class SliceImage(pg.ImageItem):  # type: ignore[misc]
    """An 8-bit slice; pixel centres lie at (column * spacing, row * spacing) of the scene, in mm."""

    qimage: QImage | None
    _rendered_smooth: bool | None = None

    def __init__(self, z: float, *, smooth: bool) -> None:
        super().__init__(axisOrder="row-major")
        self._smooth, self._hatched = smooth, False
        self.setZValue(z)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def show_slice(self, values: AnyArray, spacing_mm: tuple[float, float]) -> None:
        """Show (rows, columns[, 3]) uint8 values with (row, column) spacing in mm."""
        down, right = spacing_mm
        self.setTransform(QTransform(right, 0, 0, down, -right / 2, -down / 2))
        self.setImage(values, autoLevels=False, levels=None)
        self.show()

    def smooth(self, smooth: bool) -> None:
        """Draw with interpolation between pixels, or each pixel as it is."""
        self._smooth = smooth
        self.update()

    @property
    def hatched(self) -> bool:
        """Whether it is drawn with diagonal gaps."""
        return self._hatched

    def hatch(self, hatched: bool) -> None:
        """Draw with diagonal gaps, or without."""
        if hatched is not self._hatched:
            self._hatched = hatched
            self.update()

    def paint(self, painter: QPainter, option: object, widget: QWidget | None = None) -> None:
        """Draw with interpolation for pictures, without it for labels and cells."""
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._smooth)
        if self._rendered_smooth is not self._smooth:
            self._renderRequired = True  # another format is needed
        paint = super().paint
        if self._hatched:
            draw_hatched(painter, self.boundingRect(), lambda pen: paint(pen, option, widget))
        else:
            paint(painter, option, widget)

    def render(self) -> None:
        """Make a smooth picture in the format that Qt draws quickest.

        Labels and cells stay as they are: without smoothing Qt has a way for that format which lays the edges of a
        picture on whole pixels of the screen, and so half a pixel off.
        """
        super().render()
        self._rendered_smooth = self._smooth
        if self._smooth and self.qimage is not None:
            self.qimage = self.qimage.convertToFormat(QImage.Format.Format_RGB32)


@lru_cache(maxsize=64)
def heat_table(opacity: float, threshold: float, signed: bool = False) -> NDArray[np.uint8]:
    """Return (256, 4) RGBA for shares of the full scale; below the threshold, and at zero, nothing is drawn."""
    table = np.zeros((256, 4), np.uint8)
    table[:, :3] = colormap(SIGNED if signed else HEAT_TABLE)
    share = np.abs(shares(signed=signed))
    shown = (share >= threshold) & (share > 0)
    table[shown, 3] = round(255 * opacity)
    return table


def label_table(mask: Mask, opacity: float) -> NDArray[np.uint8]:
    """Return (256, 4) RGBA with the colour of each segment."""
    table = np.zeros((256, 4), np.uint8)
    fills = mask.fills if isinstance(mask, DressedMask) else {}
    for value, color in mask.colors().items():
        share = max((fills.get(one.value, 1.0) for one in mask.at(value)), default=1.0) if fills else 1.0
        table[value] = (*color, round(255 * opacity * share))
    return table


def outline_share(mask: Mask, value: int) -> float:
    """Return how strongly the outline of one label is drawn, as a share of what the slider gives."""
    return mask.outlines.get(value, 1.0) if isinstance(mask, DressedMask) else 1.0


class SliceLayers:
    """The items of one plane in a scene: grey picture, heat, label fill, label outline."""

    def __init__(self, scene: QGraphicsScene) -> None:
        self._scene = scene
        self.gray = SliceImage(0, smooth=True)
        self.heat = SliceImage(1, smooth=False)
        self.fill = SliceImage(2, smooth=False)
        self._outlines: list[QGraphicsPathItem] = []
        self._drawn: dict[str, tuple[object, ...]] = {}
        self._filled = False
        for item in (self.gray, self.heat, self.fill):
            scene.addItem(item)
            item.hide()

    def draw(self, shown: Shown, session: Session, hidden: bool) -> None:
        """Bring every layer up to date; what did not change is not touched. Nothing lies over a part of a series."""
        layers = session.layers
        visible = layers.visible and not hidden and shown.arriving is None
        self._draw_gray(shown, session)
        mask, edited = session.mask, session.edited
        if edited is not None and edited.mask is mask:
            mask = None  # drawn as it is painted, by `BrushLayer`
        fits = mask is not None and mask.geometry.same_grid(shown.volume.geometry)
        seen = mask is not None and fits and visible and layers.mask_visible
        self._draw_mask(shown, dressed(session, mask) if seen and mask is not None else None, layers)
        drawn = slices.map_drawn(session, shown.volume) if visible else None
        self._draw_heat(shown, drawn, layers)
        if drawn is not None:
            self.fill.hide()  # fillings have the colours of maps, and tint what lies below: only outlines stay
        elif self._filled:
            self.fill.show()

    def clear(self) -> None:
        """Show nothing."""
        self._drawn.clear()
        self._filled = False
        for item in (self.gray, self.heat, self.fill):
            item.hide()
        self._remove_outlines()

    def _is_new(self, name: str, *state: object) -> bool:
        """Tell whether a layer has to be drawn again, and remember its state."""
        before = self._drawn.get(name)
        same = (
            before is not None
            and len(before) == len(state)
            and all(
                one is other or (isinstance(one, int | float | bool) and one == other)
                for one, other in zip(before, state, strict=True)
            )
        )
        self._drawn[name] = state
        return not same

    def _draw_gray(self, shown: Shown, session: Session) -> None:
        view = session.view
        if not shown.is_there:
            self._drawn.pop("gray", None)
            self.gray.hide()
        elif self._is_new("gray", shown.volume, shown.layout, shown.index, shown.time, view.window, view.inverted):
            self.gray.show_slice(slices.picture(shown, view), shown.layout.spacing_mm)

    def _draw_mask(self, shown: Shown, mask: Mask | None, layers: Layers) -> None:
        moved, self._filled = self._is_new("mask", mask, shown.layout, shown.index), mask is not None
        if mask is None:
            self.fill.hide()
            self._remove_outlines()
            return
        if moved:
            labels = slices.labels(shown, mask.labels_zyx)
            self.fill.show_slice(labels, shown.layout.spacing_mm)
            objects = None if mask.instances is None else slices.labels(shown, mask.instances.labels_zyx)
            self._draw_outlines(labels, objects, mask, shown.layout.spacing_mm)
        if self._is_new("fill", mask, layers.fill_opacity):
            opacity = layers.fill_opacity * (1.0 if mask.instances is None else OBJECT_FILL)
            self.fill.setLookupTable(label_table(mask, opacity))
        for item in self._outlines:
            item.setOpacity(layers.outline_opacity * item.data(SHARE))

    def _draw_outlines(
        self, labels: AnyArray, objects: AnyArray | None, mask: Mask, spacing_mm: tuple[float, float]
    ) -> None:
        self._remove_outlines()
        for segment in mask.segments:
            x, y = border(mask.region(segment, labels) if objects is None else objects)
            if not x.size:
                continue
            item = QGraphicsPathItem(pg.arrayToQPath(x * spacing_mm[1], y * spacing_mm[0], connect="pairs"))
            pen = QPen(QColor(*segment.color), OUTLINE_PX)
            pen.setCosmetic(True)
            item.setPen(pen)
            item.setZValue(3)
            item.setData(SHARE, outline_share(mask, segment.value))
            self._scene.addItem(item)
            self._outlines.append(item)

    def _remove_outlines(self) -> None:
        for item in self._outlines:
            self._scene.removeItem(item)
        self._outlines = []

    def _draw_heat(self, shown: Shown, heatmap: Heatmap | None, layers: Layers) -> None:
        native = layers.heatmap_native_cells
        moved = self._is_new("heat", heatmap, shown.layout, shown.index, native)
        if heatmap is None:
            self.heat.hide()
            return
        if moved:
            share = slices.heat(shown, heatmap, native)
            self.heat.show_slice(steps(share, signed=heatmap.signed), shown.layout.spacing_mm)
        self.heat.hatch(heatmap.fails)
        look = (layers.heatmap_opacity, layers.heatmap_threshold, heatmap.signed)
        if self._is_new("table", *look):
            self.heat.setLookupTable(heat_table(*look))
