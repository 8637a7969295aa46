"""What stands in the corners keeps clear of the letter at the lower edge."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from medassist.ui import theme
from medassist.ui.viewer.hud import LETTERS, corner_boxes
from medassist.ui.viewer.texts import Corners


def lower_left(words: str, width: float, *more: str) -> QRectF:
    canvas = QImage(2000, 800, QImage.Format.Format_RGB32)
    painter = QPainter(canvas)
    painter.setFont(theme.font(9.0))
    box = corner_boxes(painter, QRectF(0, 0, width, 700), Corners((), (), (words, *more), ()))[2]
    painter.end()
    return box


def test_a_long_line_stands_above_the_letter_and_a_short_one_beside_it(application):
    long = "reduced: 1 screen pixel for 14 of the picture " * 2
    for width in (300.0, 560.0, 1800.0):
        beside_letter = lower_left(long, width).right() > width / 2 - LETTERS / 2
        raised = lower_left(long, width).bottom() < 700 - 2 * 8
        assert raised == (beside_letter or width < 420)
    assert lower_left("W 400  L 40", 560.0).bottom() > 700 - 2 * 8


def test_many_lines_in_a_low_pane_leave_the_letter_of_the_side_free(application):
    low = [lower_left("W 400  L 40", 560.0, *["Axial"] * count) for count in (2, 30)]
    assert low[0].left() < LETTERS <= low[1].left()
    assert low[0].top() > 700 / 2
