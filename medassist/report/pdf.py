"""The report as PDF, laid out by Qt from the same template as the HTML page.

QTextDocument, QPdfWriter, QPainter and QImage belong to no thread, so the document may be written by a worker while a
window runs. Without any application object one is made, without a screen; it must then be the main thread that asks.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from medassist.entities.errors import UnwritableOutput
from medassist.progress import Progress
from medassist.report.case import Case
from medassist.report.html import render
from medassist.report.page import Page, page

if TYPE_CHECKING:
    from PySide6.QtCore import QEventLoop, QRectF
    from PySide6.QtGui import QFont, QGuiApplication, QImage, QPaintDevice, QPainter, QPdfWriter, QTextDocument

DPI = 120
HTML_DPI = 96  # Qt reads sizes in HTML as pixels of 1/96 inch and enlarges them for the paint device
MARGIN_MM = 15
A4_MM = (210, 297)
QUIET_TURNS, TURN_S = 3, 0.012
"""The layout of a text is done when so many turns of an event loop, one timer tick apart, had nothing to do."""
HEADER_MM = 9
WIDE = 1.35
"""Pictures this much wider than high have a line of their own."""
FONTS = ["Noto Sans", "Segoe UI", "Helvetica Neue", "DejaVu Sans", "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC"]
"""Latin ones first: of digits in Noto Sans CJK Qt writes no text into a PDF, so that a copied figure would be gone."""

_MM_PER_INCH = 25.4
_made: list[QGuiApplication] = []  # an application object must outlive every font and picture


def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write report.pdf (A4) with the key pictures that lie in `folder`; the notice stands on every page."""
    from PySide6.QtCore import QEventLoop, QMarginsF
    from PySide6.QtGui import QImage, QPageLayout, QPageSize, QPdfWriter

    _ensure_application()
    _events = QEventLoop()  # the layout of a text starts timers, and those want a dispatcher in a worker's thread
    told = page(case)
    path = folder / "report.pdf"
    writer = QPdfWriter(str(path))
    writer.setResolution(DPI)
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    margins = QMarginsF(MARGIN_MM, MARGIN_MM, MARGIN_MM, MARGIN_MM)
    writer.setPageMargins(margins, QPageLayout.Unit.Millimeter)
    writer.setTitle(told.heading)
    writer.setCreator("MedAssist")
    pictures = {one.file_name: QImage(str(folder / one.file_name)) for one in told.pictures}
    document = _document(told, pictures, writer, (writer.width(), writer.height()))
    _keep_headings(document)
    _print(document, told, writer)
    return (path,)


def preview(told: Page, pictures: Mapping[str, QImage], width_px: int, progress: Progress) -> tuple[QImage, ...]:
    """Return the pages as `write` lays them out, as pictures `width_px` wide; any thread may ask while a window runs.

    `pictures` are the key pictures by their file name. Raises Cancelled between two pages.
    """
    from PySide6.QtCore import QEventLoop, Qt
    from PySide6.QtGui import QImage, QPainter

    events = QEventLoop()
    paper = QImage(1, 1, QImage.Format.Format_RGB32)
    paper.setDotsPerMeterX(round(DPI * 1000 / _MM_PER_INCH))
    paper.setDotsPerMeterY(round(DPI * 1000 / _MM_PER_INCH))
    width, height = (_px(one - 2 * MARGIN_MM) for one in A4_MM)
    document = _document(told, pictures, paper, (width, height))
    _settle(events, progress)
    _keep_headings(document)
    scale, margin = width_px / _px(A4_MM[0]), _px(MARGIN_MM)
    pages = []
    for number in range(document.pageCount()):
        progress.step("Drawing the preview", number / document.pageCount())
        shown = QImage(width_px, round(_px(A4_MM[1]) * scale), QImage.Format.Format_RGB32)
        shown.setDotsPerMeterX(paper.dotsPerMeterX())
        shown.setDotsPerMeterY(paper.dotsPerMeterY())
        shown.fill(Qt.GlobalColor.white)
        painter = QPainter(shown)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.scale(scale, scale)
        painter.translate(margin, margin)
        _draw_page(painter, document, told, number, (width, height))
        painter.end()
        pages.append(shown)
    return tuple(pages)


def _px(mm: float) -> int:
    return round(mm / _MM_PER_INCH * DPI)


def _ensure_application() -> None:
    """Make a screenless application when there is none: Qt has no fonts without one.

    It is one that can have windows, so that a window test or a second face in this process finds what it needs.
    """
    from PySide6.QtCore import QCoreApplication
    from PySide6.QtGui import QGuiApplication
    from PySide6.QtWidgets import QApplication

    running = QCoreApplication.instance()
    if running is None:
        chosen = os.environ.get("QT_QPA_PLATFORM")
        os.environ["QT_QPA_PLATFORM"] = chosen or "offscreen"
        _made.append(QApplication(["medassist"]))
        if chosen is None:
            del os.environ["QT_QPA_PLATFORM"]
    elif not isinstance(running, QGuiApplication):
        raise UnwritableOutput(
            "The PDF cannot be written: a Qt application without fonts runs in this process.",
            remedy="Write the report from the window or from the command line.",
        )


def _document(told: Page, pictures: Mapping[str, QImage], device: QPaintDevice, size: tuple[int, int]) -> QTextDocument:
    """Lay the pages out for a device; `size` is that of the paper without its margins, in dots."""
    from PySide6.QtCore import QSizeF, QUrl
    from PySide6.QtGui import QTextDocument

    document = QTextDocument()
    document.setDefaultFont(_font(9))
    document.setDocumentMargin(0)
    width, height = size[0], size[1] - 2 * _header_px()
    wide = {name for name, image in pictures.items() if image.width() > WIDE * image.height()}
    heights = {}
    for name, image in pictures.items():
        document.addResource(QTextDocument.ResourceType.ImageResource.value, QUrl(name), image)
        across, down = (
            (0.98, 0.75 if len(pictures) == 1 else 0.34) if name in wide or len(pictures) == 1 else (0.47, 0.34)
        )
        fitting = min(down * height, across * width * image.height() / image.width())
        heights[name] = int(fitting * HTML_DPI / DPI)
    document.setHtml(render(told, {name: name for name in pictures}, paged=True, heights=heights, wide=wide))
    document.documentLayout().setPaintDevice(device)
    document.setPageSize(QSizeF(width, height))
    return document


def _settle(events: QEventLoop, progress: Progress) -> None:
    """Let the layout of a document grow step by step in a worker.

    Asked for at once, it would hold Python's lock so long that the window stands still.
    """
    quiet = 0
    while quiet < QUIET_TURNS:
        progress.step("Drawing the preview")
        quiet = 0 if events.processEvents(events.ProcessEventsFlag.AllEvents) else quiet + 1
        time.sleep(TURN_S)


def _font(points: float) -> QFont:
    """Return the first of our faces that is installed, the others behind it: a name that is not there gets any face."""
    from PySide6.QtGui import QFont, QFontDatabase

    installed = set(QFontDatabase.families())
    font = QFont()
    font.setFamilies([one for one in FONTS if one in installed])
    font.setPointSizeF(points)
    return font


def _keep_headings(document: QTextDocument) -> None:
    """Move headings that end a page to the next one, beside what they are headings of."""
    from PySide6.QtGui import QTextCursor, QTextFormat

    height, layout = document.pageSize().height(), document.documentLayout()
    block = document.begin()
    while block.isValid():
        following = block.next()
        heading = block.blockFormat().headingLevel() and following.isValid()
        if (
            heading
            and layout.blockBoundingRect(following).top() // height > layout.blockBoundingRect(block).top() // height
        ):
            moved = block.blockFormat()
            moved.setPageBreakPolicy(QTextFormat.PageBreakFlag.PageBreak_AlwaysBefore)
            QTextCursor(block).setBlockFormat(moved)
        block = following


def _header_px() -> int:
    return round(HEADER_MM / _MM_PER_INCH * DPI)


def _print(document: QTextDocument, told: Page, writer: QPdfWriter) -> None:
    from PySide6.QtGui import QPainter

    painter = QPainter()
    if not painter.begin(writer):
        raise OSError("the PDF writer cannot open its file")
    try:
        for number in range(document.pageCount()):
            if number:
                writer.newPage()
            _draw_page(painter, document, told, number, (writer.width(), writer.height()))
    finally:
        painter.end()


def _draw_page(painter: QPainter, document: QTextDocument, told: Page, number: int, size: tuple[int, int]) -> None:
    """Draw one page, counted from 0, with its frame; `size` is that of the paper without its margins."""
    from PySide6.QtCore import QRectF

    body = document.pageSize().height()
    _draw_frame(painter, told, size, f"{number + 1} / {document.pageCount()}")
    painter.save()
    painter.translate(0, _header_px() - number * body)
    document.drawContents(painter, QRectF(0, number * body, size[0], body))
    painter.restore()


def _draw_frame(painter: QPainter, told: Page, size: tuple[int, int], number: str) -> None:
    """Write at the top and the bottom of a page whose it is, the notice, the time and the page number.

    A page may be torn out, so each says all of it; what is too long for its half of the line ends in "…".
    """
    from PySide6.QtCore import QRectF
    from PySide6.QtGui import QColor

    painter.setFont(_font(8))
    (width, height), line = size, _header_px() * 0.6
    top, bottom = QRectF(0, 0, width, line), QRectF(0, height - line, width, line)
    notice, quiet = QColor("#8a5300"), QColor("#55606e")
    room = painter.fontMetrics().horizontalAdvance(f"{told.notice}MM") / width
    painter.setPen(QColor("#1c2430"))
    _write(painter, top, told.identity, 1 - room)
    painter.setPen(notice)
    _write(painter, top, told.notice, room, right=True)
    _write(painter, bottom, told.notice, 0.5)
    painter.setPen(quiet)
    _write(painter, bottom, f"{told.created} · {number}", 0.48, right=True)
    painter.setPen(QColor("#c9d3df"))
    painter.drawLine(0, int(line), width, int(line))
    painter.drawLine(0, int(height - line), width, int(height - line))


def _write(painter: QPainter, strip: QRectF, text: str, share: float, *, right: bool = False) -> None:
    """Write one line into a share of a strip."""
    from PySide6.QtCore import Qt

    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    fitting = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(share * strip.width()))
    painter.drawText(strip, side | Qt.AlignmentFlag.AlignVCenter, fitting)
