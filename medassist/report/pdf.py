"""The report as PDF, laid out by Qt from the same template as the HTML page.

QTextDocument, QPdfWriter, QPainter and QImage belong to no thread, so the document may be written by a worker while a
window runs. Without any application object one is made, without a screen; it must then be the main thread that asks.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from medassist.entities.errors import UnwritableOutput
from medassist.report.case import Case
from medassist.report.html import render
from medassist.report.page import Page, page

if TYPE_CHECKING:
    from PySide6.QtGui import QGuiApplication, QPainter, QPdfWriter, QTextDocument

DPI = 120
HTML_DPI = 96  # Qt reads sizes in HTML as pixels of 1/96 inch and enlarges them for the paint device
MARGIN_MM = 15
HEADER_MM = 9
FONTS = ["Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "Noto Sans", "Segoe UI", "DejaVu Sans"]

_MM_PER_INCH = 25.4
_made: list[QGuiApplication] = []  # an application object must outlive every font and picture


def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write report.pdf (A4) with the key pictures that lie in `folder`; the notice stands on every page."""
    from PySide6.QtCore import QEventLoop, QMarginsF
    from PySide6.QtGui import QPageLayout, QPageSize, QPdfWriter

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
    _print(_document(told, folder, writer), told, writer)
    return (path,)


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


def _document(told: Page, folder: Path, writer: QPdfWriter) -> QTextDocument:
    from PySide6.QtCore import QSizeF, QUrl
    from PySide6.QtGui import QFont, QImage, QTextDocument

    document = QTextDocument()
    document.documentLayout().setPaintDevice(writer)
    font = QFont()
    font.setFamilies(FONTS)
    document.setDefaultFont(font)
    document.setDocumentMargin(0)
    width, height = writer.width(), writer.height() - 2 * _header_px()
    document.setPageSize(QSizeF(width, height))
    heights = {}
    share_across, share_down = (0.47, 0.34) if len(told.pictures) > 1 else (0.98, 0.75)
    for one in told.pictures:
        image = QImage(str(folder / one.file_name))
        document.addResource(QTextDocument.ResourceType.ImageResource.value, QUrl(one.file_name), image)
        fitting = min(share_down * height, share_across * width * image.height() / image.width())
        heights[one.file_name] = int(fitting * HTML_DPI / DPI)
    sources = {one.file_name: one.file_name for one in told.pictures}
    document.setHtml(render(told, sources, paged=True, heights=heights))
    return document


def _header_px() -> int:
    return round(HEADER_MM / _MM_PER_INCH * DPI)


def _print(document: QTextDocument, told: Page, writer: QPdfWriter) -> None:
    from PySide6.QtCore import QRectF
    from PySide6.QtGui import QPainter

    painter = QPainter()
    if not painter.begin(writer):
        raise OSError("the PDF writer cannot open its file")
    try:
        body = document.pageSize().height()
        for number in range(document.pageCount()):
            if number:
                writer.newPage()
            _draw_frame(painter, told, writer, f"{number + 1} / {document.pageCount()}")
            painter.save()
            painter.translate(0, _header_px() - number * body)
            document.drawContents(painter, QRectF(0, number * body, writer.width(), body))
            painter.restore()
    finally:
        painter.end()


def _draw_frame(painter: QPainter, told: Page, writer: QPdfWriter, number: str) -> None:
    """Write the notice at the top and the bottom of a page, with the status, the time and the page number."""
    from PySide6.QtCore import QRectF, Qt
    from PySide6.QtGui import QColor, QFont

    font = QFont()
    font.setFamilies(FONTS)
    font.setPointSizeF(8)
    painter.setFont(font)
    width, line = writer.width(), _header_px() * 0.6
    top, bottom = QRectF(0, 0, width, line), QRectF(0, writer.height() - line, width, line)
    left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
    painter.setPen(QColor("#8a5300"))
    for strip in (top, bottom):
        painter.drawText(strip, left | Qt.AlignmentFlag.AlignVCenter, told.notice)
    painter.setPen(QColor("#55606e"))
    painter.drawText(top, right | Qt.AlignmentFlag.AlignVCenter, told.created)
    painter.drawText(bottom, right | Qt.AlignmentFlag.AlignVCenter, number)
    painter.setPen(QColor("#c9d3df"))
    painter.drawLine(0, int(line), width, int(line))
    painter.drawLine(0, int(writer.height() - line), width, int(writer.height() - line))
