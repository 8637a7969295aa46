"""The picture at the head of a row: the thumbnail of a series with its badges, or the kind of an object without one."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QIcon, QImage, QPainter, QPixmap, QPolygonF

from medassist.entities.study import Series, SeriesKind
from medassist.session.thumbnails import Thumbnail
from medassist.ui import theme

SIZE = QSize(72, 72)
OBJECT_SIZE = QSize(72, 22)
SMALL_PT = 7.5
VEIL = QColor(0, 0, 0, 190)
PLAIN = QColor("#e8edf2")


@dataclass(frozen=True)
class Badges:
    """What stands in the corners: modality, number of slices, whether a model answered, whether there is a warning."""

    modality: str
    slices: str = ""
    analysed: bool = False
    warned: bool = False


def badges_of(series: Series, *, analysed: bool) -> Badges:
    """Return the badges of a series."""
    depth = series.shape_zyx[0]
    count = f"{depth}×{series.times}" if series.times > 1 else f"{depth}" if depth > 1 else ""
    told = bool(series.warnings or series.irregularity)
    return Badges(series.modality or series.format, count, analysed, told)


def blank(series: Series) -> QIcon:
    """Return what keeps the place of the picture until its row comes on screen."""
    pixmap = QPixmap(_size(series))
    pixmap.fill(QColor("transparent"))
    return QIcon(pixmap)


def _size(series: Series) -> QSize:
    return OBJECT_SIZE if series.kind is SeriesKind.OTHER else SIZE


def icon_of(series: Series, thumbnail: Thumbnail | None, badges: Badges, ratio: float) -> QIcon:
    """Draw the picture of a row for a screen with `ratio` pixels to a point."""
    size = _size(series)
    pixmap = QPixmap(size * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(QColor(theme.RAISED) if series.kind is SeriesKind.OTHER else QColor("black"))
    painter = QPainter(pixmap)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    painter.setFont(theme.font(SMALL_PT))
    area = QRectF(0, 0, size.width(), size.height())
    if series.kind is SeriesKind.OTHER:
        painter.setPen(QColor(theme.TEXT))
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, badges.modality)
    else:
        if thumbnail is not None:
            _draw_slice(painter, thumbnail, area)
        _draw_badges(painter, badges, area)
    painter.end()
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)  # Qt would tint it
    return icon


def _draw_slice(painter: QPainter, thumbnail: Thumbnail, area: QRectF) -> None:
    pixels = thumbnail.pixels
    rows, columns = pixels.shape[:2]
    kind = QImage.Format.Format_RGB888 if pixels.ndim == 3 else QImage.Format.Format_Grayscale8
    held = pixels.tobytes()  # the image below does not keep them alive
    image = QImage(held, columns, rows, pixels.strides[0], kind)
    wide = min(1.0, 1.0 / thumbnail.rows_to_columns)
    high = min(1.0, thumbnail.rows_to_columns)
    inner = QRectF(0, 0, area.width() * wide, area.height() * high)
    inner.moveCenter(area.center())
    painter.drawImage(inner, image)


def _draw_badges(painter: QPainter, badges: Badges, area: QRectF) -> None:
    _chip(painter, badges.modality, area.left(), area.bottom(), area, VEIL, PLAIN)
    _chip(painter, badges.slices, area.right(), area.bottom(), area, VEIL, PLAIN)
    if badges.analysed:
        _chip(painter, "AI", area.left(), area.top(), area, QColor(theme.ON_PICTURE.ai), QColor("black"))
    if badges.warned:
        _triangle(painter, QPointF(area.right() - 10, area.top() + 9))


def _chip(painter: QPainter, text: str, x: float, y: float, area: QRectF, ground: QColor, ink: QColor) -> None:
    """Draw a word in the corner at (x, y)."""
    if not text:
        return
    metrics = QFontMetricsF(painter.font())
    box = QRectF(0, 0, min(metrics.horizontalAdvance(text) + 6, area.width() / 2), metrics.height())
    box.moveLeft(x if x == area.left() else x - box.width())
    box.moveTop(y if y == area.top() else y - box.height())
    painter.fillRect(box, ground)
    painter.setPen(ink)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, shown)


def _triangle(painter: QPainter, at: QPointF) -> None:
    """Draw the sign of a warning; its words stand below the row."""
    painter.setPen(QColor("black"))
    painter.setBrush(QColor(theme.ON_PICTURE.caution))
    painter.drawPolygon(QPolygonF([at + QPointF(0, -7), at + QPointF(8, 6), at + QPointF(-8, 6)]))
    painter.drawText(QRectF(at.x() - 8, at.y() - 7, 16, 14), Qt.AlignmentFlag.AlignCenter, "!")
