"""Pages as pictures, one below the other."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QLabel, QScrollArea, QVBoxLayout, QWidget

from medassist.language import tr

NARROWEST, WIDEST, EDGE = 420, 1000, 26


class PageView(QScrollArea):
    """Shows the pages of a report; a new set of pages leaves the reader where he was."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inside = QWidget(self)
        self._column = QVBoxLayout(self._inside)
        self._column.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.pages: list[QLabel] = []
        self._shown: list[QImage] = []
        self.told = QLabel(self._inside)
        self.told.setProperty("role", "dim")
        self.told.setWordWrap(True)
        self._column.addWidget(self.told)
        self.setWidget(self._inside)
        self.setWidgetResizable(True)

    @property
    def page_px(self) -> int:
        """How wide a page may be."""
        return min(max(self.viewport().width() - EDGE, NARROWEST), WIDEST)

    def show_pages(self, pages: Sequence[QImage]) -> None:
        """Show other pages; only those that changed are given to the screen."""
        self.told.hide()
        while len(self.pages) > len(pages):
            gone = self.pages.pop()
            self._column.removeWidget(gone)
            gone.deleteLater()
        while len(self.pages) < len(pages):
            self.pages.append(QLabel(self._inside))
            self._column.addWidget(self.pages[-1])
        before, self._shown = self._shown, list(pages)
        for number, (label, image) in enumerate(zip(self.pages, pages, strict=True), start=1):
            if number > len(before) or before[number - 1] != image:
                label.setPixmap(QPixmap.fromImage(image))
            label.setAccessibleName(tr("Page {number} of {count}", number=number, count=len(pages)))

    def tell(self, text: str) -> None:
        """Show a sentence instead of pages."""
        self.show_pages(())
        self.told.setText(text)
        self.told.show()
