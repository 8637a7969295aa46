"""Hatching of a map that fails its checks: diagonal gaps, so that nobody reads it as one that holds.

The gaps keep their width on the screen at every zoom, and their place on the picture: they begin at its corner. So they
neither shimmer while slices are scrolled nor stand still while the picture is moved below them. In the gaps the map is
left faint, or a spot smaller than a gap would be lost.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPolygonF, QTransform

PERIOD_PX = 14
GAP_PX = 6
FAINT = 0.25
"""What is left of the map's opacity in the gaps."""


def bands(bounds: QRectF, corner: QPointF, *, gaps: bool) -> QPainterPath:
    """Return the stripes (or the gaps between them) within `bounds`, in pixels; the first stripe begins at `corner`.

    The corner is rounded to whole pixels: edges that lie between pixels would flicker while the picture is moved.
    """
    start, width = (PERIOD_PX - GAP_PX, GAP_PX) if gaps else (0, PERIOD_PX - GAP_PX)
    along = round(corner.x()) + round(corner.y()) + start
    top, bottom = bounds.top(), bounds.bottom()
    first = (bounds.left() + top - along) // PERIOD_PX - 1
    count = int((bounds.width() + bounds.height()) // PERIOD_PX) + 3
    path = QPainterPath()
    for number in range(count):
        at = along + (first + number) * PERIOD_PX
        points = ((at - top, top), (at + width - top, top), (at + width - bottom, bottom), (at - bottom, bottom))
        path.addPolygon(QPolygonF([QPointF(x, y) for x, y in points]))
        path.closeSubpath()
    return path


def draw_hatched(painter: QPainter, area: QRectF, draw: Callable[[], None]) -> None:
    """Draw with gaps; `area` is where, in the coordinates of the painter, and the gaps begin at its top left corner."""
    placed = painter.worldTransform()
    on_screen = placed.mapRect(area)
    seen = on_screen.intersected(QRectF(painter.viewport()))
    for gaps, share in ((False, 1.0), (True, FAINT)):
        painter.save()
        painter.setWorldTransform(QTransform())
        painter.setClipPath(bands(seen, on_screen.topLeft(), gaps=gaps), Qt.ClipOperation.IntersectClip)
        painter.setWorldTransform(placed)
        painter.setOpacity(painter.opacity() * share)
        draw()
        painter.restore()
