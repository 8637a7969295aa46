"""Hatching of a map that fails its checks: diagonal gaps, so that nobody reads it as one that holds.

The gaps keep their width on the screen at every zoom, and their place on the picture: they begin at its corner. So they
neither shimmer while slices are scrolled nor stand still while the picture is moved below them. In the gaps the map is
left faint, or a spot smaller than a gap would be lost.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import ceil

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QBrush, QImage, QPainter, QTransform

PERIOD_PX = 14
GAP_PX = 6
FAINT = 0.25
"""What is left of the map's opacity in the gaps."""


@cache
def tile() -> QImage:
    """Return one period of the pattern, whose opacity is how much of the map is left there."""
    down, right = np.indices((PERIOD_PX, PERIOD_PX))
    left = np.where((down + right) % PERIOD_PX < PERIOD_PX - GAP_PX, 255, round(255 * FAINT)).astype(np.uint8)
    pattern = np.repeat(left[..., None], 4, axis=2)
    whole = QImage(pattern.data, PERIOD_PX, PERIOD_PX, 4 * PERIOD_PX, QImage.Format.Format_ARGB32_Premultiplied)
    return whole.copy()  # the array goes


def draw_hatched(painter: QPainter, area: QRectF, draw: Callable[[QPainter], None]) -> None:
    """Draw with gaps what `draw` draws; they begin at the corner of `area`, in the coordinates of the painter.

    It goes through a picture of its own: to clip by so many stripes takes Qt a second for a window.
    """
    placed = painter.worldTransform()
    on_screen = placed.mapRect(area)
    seen = on_screen.intersected(QRectF(painter.viewport())).toAlignedRect()
    if seen.isEmpty():
        return
    hatched = _drawn(painter, seen, placed, draw)
    # whole pixels: edges that lie between pixels would flicker while the picture is moved
    corner = QPointF(round(on_screen.left()) - seen.left(), round(on_screen.top()) - seen.top())
    pen = QPainter(hatched)
    pen.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationIn)
    pen.setBrushOrigin(corner)
    pen.fillRect(QRect(0, 0, seen.width(), seen.height()), QBrush(tile()))
    pen.end()
    painter.save()
    painter.setWorldTransform(QTransform())
    painter.drawImage(seen.topLeft(), hatched)
    painter.restore()


def _drawn(painter: QPainter, seen: QRect, placed: QTransform, draw: Callable[[QPainter], None]) -> QImage:
    """Return what `draw` draws of a part of the screen, as sharp as the screen is."""
    ratio = painter.device().devicePixelRatio()
    size = ceil(seen.width() * ratio), ceil(seen.height() * ratio)
    picture = QImage(*size, QImage.Format.Format_ARGB32_Premultiplied)
    picture.setDevicePixelRatio(ratio)
    picture.fill(0)
    pen = QPainter(picture)
    pen.setRenderHints(painter.renderHints())
    pen.setWorldTransform(placed * QTransform.fromTranslate(-seen.left(), -seen.top()))
    draw(pen)
    pen.end()
    return picture
