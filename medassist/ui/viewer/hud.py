"""Everything drawn over the layers in screen pixels: crosshair, letters, scale, corners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen

from medassist.ui import theme
from medassist.ui.viewer.gestures import nice_length
from medassist.ui.viewer.texts import Corners

MARGIN = 8.0
CROSS_GAP = 10.0
LETTERS = 26.0
NARROW = 420.0
UNDER = "#f5e9b8"
SHADOW = QColor(0, 0, 0, 210)
RIM = tuple((x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y)


@dataclass(frozen=True)
class Cross:
    """Where the cursor lies on screen, and the colours of the planes its two lines stand for."""

    at: QPointF
    vertical: str
    horizontal: str


def draw_text(
    painter: QPainter, rect: QRectF, lines: Sequence[str], flags: Qt.AlignmentFlag, color: str = theme.ON_PICTURE.text
) -> None:
    """Write lines with a dark rim, so that they can be read on white bone and on black air."""
    text = "\n".join(lines)
    if not text:
        return
    box = painter.boundingRect(rect, int(flags), text)
    left, width = (rect.left(), rect.width()) if flags & Qt.TextFlag.TextWordWrap else (box.left(), box.width())
    size = QSize(ceil(width), ceil(box.height()))
    written = _written(text, size, int(flags), color, painter.font().toString(), painter.device().devicePixelRatioF())
    painter.drawImage(QPointF(round(left) - 1, round(box.top()) - 1), written)


@lru_cache(maxsize=128)
def _written(text: str, size: QSize, flags: int, color: str, face: str, dense: float) -> QImage:
    """Return a text with its rim as a picture: writing it nine times costs more than all layers of a slice."""
    picture = QImage((size + QSize(3, 3)) * dense, QImage.Format.Format_ARGB32_Premultiplied)
    picture.setDevicePixelRatio(dense)
    picture.fill(Qt.GlobalColor.transparent)
    font = QFont()
    font.fromString(face)
    painter, rect = QPainter(picture), QRectF(QPointF(1, 1), QSizeF(size))
    painter.setFont(font)
    painter.setPen(SHADOW)
    for x, y in RIM:
        painter.drawText(rect.translated(x, y), flags | Qt.TextFlag.TextDontClip, text)
    painter.setPen(QColor(color))
    painter.drawText(rect, flags | Qt.TextFlag.TextDontClip, text)
    painter.end()
    return picture


def draw_corners(painter: QPainter, area: QRectF, corners: Corners, under: Sequence[str]) -> None:
    """Write the four corners; model results are named in the colour of AI.

    The lower texts stand above the scale and the letter at the edge where the plane is too narrow for both.
    """
    inner = area.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
    line = QFontMetricsF(painter.font()).lineSpacing()
    left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
    top, bottom = Qt.AlignmentFlag.AlignTop, Qt.AlignmentFlag.AlignBottom
    half = inner.width() / 2 - LETTERS / 2
    west = QRectF(inner.left(), inner.top(), half, inner.height())
    east = QRectF(inner.right() - half, inner.top(), half, inner.height())
    draw_text(painter, west, _fitted(painter, corners.top_left, half), left | top)
    series = _fitted(painter, corners.top_right, half)
    draw_text(painter, east, series, right | top)
    below = east.adjusted(0, line * len(series), 0, 0)
    draw_text(painter, below, _fitted(painter, corners.stamp, half), right | top, theme.ON_PICTURE.ai)
    raised = inner.adjusted(0, 0, 0, -1.6 * line)
    lower = (raised if _lifted(painter, area, corners) else inner).adjusted(_indent(painter, area, corners), 0, 0, 0)
    draw_text(painter, lower, corners.bottom_left, left | bottom)
    beside = max((QFontMetricsF(painter.font()).horizontalAdvance(one) for one in corners.bottom_left), default=0.0)
    draw_text(painter, raised, _fitted(painter, under, inner.width() - beside - MARGIN), right | bottom, UNDER)


def corner_boxes(painter: QPainter, area: QRectF, corners: Corners) -> tuple[QRectF, ...]:
    """Return where `draw_corners` writes what does not follow the mouse."""
    inner = area.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
    half, line = inner.width() / 2 - LETTERS / 2, QFontMetricsF(painter.font()).lineSpacing()
    bottom = inner.bottom() - (1.6 * line if _lifted(painter, area, corners) else 0)
    above = _size(painter, _fitted(painter, corners.top_left, half))
    right = _size(painter, _fitted(painter, [*corners.top_right, *corners.stamp], half))
    below = _size(painter, corners.bottom_left)
    return (
        QRectF(inner.topLeft(), above),
        QRectF(QPointF(inner.right() - right.width(), inner.top()), right),
        QRectF(QPointF(inner.left() + _indent(painter, area, corners), bottom - below.height()), below),
    )


def _lifted(painter: QPainter, area: QRectF, corners: Corners) -> bool:
    """Tell whether the lower left corner would run into the letter at the bottom or the scale."""
    half = area.width() / 2 - MARGIN - LETTERS / 2
    return area.width() <= NARROW or _size(painter, corners.bottom_left).width() > half


def _indent(painter: QPainter, area: QRectF, corners: Corners) -> float:
    """Return how far the lower left corner stands from the edge, where it is as high as the letter of the left side."""
    lines = len(corners.bottom_left) + 1 + (1.6 if _lifted(painter, area, corners) else 0)
    reaches = lines * QFontMetricsF(painter.font()).lineSpacing() + MARGIN > area.height() / 2
    return LETTERS if reaches else 0.0


def _size(painter: QPainter, lines: Sequence[str]) -> QSizeF:
    metrics = QFontMetricsF(painter.font())
    widest = max((metrics.horizontalAdvance(line) for line in lines), default=0.0)
    return QSizeF(widest, metrics.lineSpacing() * len(lines))


def _fitted(painter: QPainter, lines: Sequence[str], width: float) -> list[str]:
    metrics = QFontMetricsF(painter.font())
    return [metrics.elidedText(line, Qt.TextElideMode.ElideRight, width) for line in lines if line]


def draw_letters(painter: QPainter, area: QRectF, letters: Sequence[str]) -> None:
    """Write the orientation letters at the left, right, top and bottom edge."""
    inner = area.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
    middle, center = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignHCenter
    places = (
        Qt.AlignmentFlag.AlignLeft | middle,
        Qt.AlignmentFlag.AlignRight | middle,
        Qt.AlignmentFlag.AlignTop | center,
        Qt.AlignmentFlag.AlignBottom | center,
    )
    for letter, place in zip(letters, places, strict=True):
        draw_text(painter, inner, [letter], place, "#ffd75e")


def draw_loading(painter: QPainter, area: QRectF, mark: str, absence: Sequence[str]) -> None:
    """Write how far a series is loaded below the letter at the top, and in the middle why a plane is empty."""
    line = QFontMetricsF(painter.font()).lineSpacing()
    center = Qt.AlignmentFlag.AlignHCenter
    wrapped = center | Qt.TextFlag.TextWordWrap
    below = area.adjusted(MARGIN, MARGIN + 4 * line, -MARGIN, -MARGIN)
    draw_text(painter, below, [mark], wrapped | Qt.AlignmentFlag.AlignTop, theme.ON_PICTURE.caution)
    draw_text(painter, area, absence, wrapped | Qt.AlignmentFlag.AlignVCenter)


def draw_scale(painter: QPainter, area: QRectF, pixels_per_unit: float, calibrated: bool) -> None:
    """Draw a bar of a round length in the lower right corner, in mm, or in px when the picture has no scale."""
    longest = 0.2 * area.width() / pixels_per_unit
    if not longest > 0:
        return
    length = nice_length(longest)
    width = length * pixels_per_unit
    line = QFontMetricsF(painter.font()).lineSpacing()
    text = f"{length:g} {'mm' if calibrated else 'px'}"
    room = QFontMetricsF(painter.font()).horizontalAdvance(text) + 6
    y, x = area.bottom() - MARGIN - line / 2, area.right() - MARGIN - room - width
    for pen in (QPen(SHADOW, 4), QPen(QColor(theme.ON_PICTURE.text), 1.5)):
        painter.setPen(pen)
        painter.drawLines(
            [QLineF(x, y, x + width, y), QLineF(x, y - 4, x, y + 4), QLineF(x + width, y - 4, x + width, y + 4)]
        )
    label = QRectF(x + width + 6, y - line / 2, room, line)
    draw_text(painter, label, [text], Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


def draw_cross(painter: QPainter, area: QRectF, cross: Cross) -> None:
    """Draw the lines of the two other planes; the middle and the letters at the edges stay free."""
    x, y = floor(cross.at.x()) + 0.5, floor(cross.at.y()) + 0.5  # one sharp pixel, never half a pixel off
    area = area.adjusted(LETTERS, LETTERS, -LETTERS, -LETTERS)
    painter.setPen(QPen(QColor(cross.vertical), 1))
    painter.drawLines([QLineF(x, area.top(), x, y - CROSS_GAP), QLineF(x, y + CROSS_GAP, x, area.bottom())])
    painter.setPen(QPen(QColor(cross.horizontal), 1))
    painter.drawLines([QLineF(area.left(), y, x - CROSS_GAP, y), QLineF(x + CROSS_GAP, y, area.right(), y)])
