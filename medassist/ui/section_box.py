"""One section of a report to write in: the reader's words, or the program's until the reader writes."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from medassist.language import tr
from medassist.report.sections import Section

FEWEST_LINES, MOST_LINES = 2, 12


class SectionBox(QWidget):
    """Title, text, and who wrote it. `edited` tells of typing, `dropped` and `confirmed` of the buttons."""

    edited = Signal()
    dropped = Signal()
    confirmed = Signal()

    def __init__(self, section: Section, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.section = section
        self.title, self.remark = QLabel(self), QLabel(self)
        self.text = QPlainTextEdit(self)
        self.drop, self.confirm = QPushButton(self), QPushButton(self)
        self.title.setProperty("role", "title")
        self.remark.setWordWrap(True)
        self.text.setTabChangesFocus(True)
        self._lay_out()
        self.text.textChanged.connect(self._typed)
        self.drop.clicked.connect(self.dropped)
        self.confirm.clicked.connect(self.confirmed)
        self.text.setPlainText(section.text)
        self.show_section(section)

    def show_section(self, section: Section) -> None:
        """Show what a section says now; words that are being typed stay where they are."""
        typed = self.text.toPlainText() != self.section.text
        self.section = section
        if not typed and self.text.toPlainText() != section.text:
            with QSignalBlocker(self.text):
                self.text.setPlainText(section.text)
            self._fit()
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        section = self.section
        self.title.setText(section.title)
        self.text.setAccessibleName(section.title)
        self.text.setPlaceholderText(tr("Left out of the report while it is empty"))
        self.drop.setText(tr("Back to the program's sentences"))
        self.confirm.setText(tr("My words still hold"))
        warned = section.outdated or section.foreign
        self.remark.setText(_remark(section))
        self.remark.setProperty("role", "banner" if warned else "dim")
        self.remark.style().polish(self.remark)
        self.remark.setVisible(bool(self.remark.text()))
        self.drop.setVisible(section.passage is not None)
        self.confirm.setVisible(warned)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Fit the text to the new width."""
        super().resizeEvent(event)
        self._fit()

    def take(self, text: str) -> None:
        """Show a text that was chosen, not typed."""
        with QSignalBlocker(self.text):
            self.text.setPlainText(text)
        self._fit()

    def _lay_out(self) -> None:
        column, line = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(3)
        line.addWidget(self.confirm)
        line.addWidget(self.drop)
        line.addStretch(1)
        column.addWidget(self.title)
        column.addWidget(self.text)
        column.addWidget(self.remark)
        column.addLayout(line)

    def _typed(self) -> None:
        self._fit()
        self.edited.emit()

    def _fit(self) -> None:
        """Be as high as the text, within limits; beyond them it scrolls."""
        lines = int(self.text.document().size().height())  # of a plain text edit it counts lines
        shown = min(max(lines, FEWEST_LINES), MOST_LINES)
        self.text.setFixedHeight(shown * self.text.fontMetrics().lineSpacing() + 14)


def _remark(section: Section) -> str:
    own = section.passage
    if own is None:
        return ""
    if section.foreign:
        return tr("Written for a report in another language.")
    if section.outdated:
        return tr("The findings changed since this was written. The program would write now: {text}",
                  text=section.generated or "–")  # fmt: skip
    return tr("Your words, kept as they are.")
