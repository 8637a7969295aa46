"""The card of a model, read-only, in the language of the moment."""

from __future__ import annotations

from PySide6.QtGui import QTextCursor, QTextFormat
from PySide6.QtWidgets import QTextBrowser, QWidget

from medassist.inference.packages import Package
from medassist.language import current_language, tr

MOST_CHARACTERS = 100_000
LEAST_HEIGHT = 120
LARGEST_HEADING = 1  # Qt's steps above the text; its own, 3, would fill a narrow panel with the title


class ModelCard(QTextBrowser):
    """Markdown without links that lead out; hidden while no model is chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenExternalLinks(False)
        self.setOpenLinks(False)
        self.setMinimumHeight(LEAST_HEIGHT)

    def show_package(self, package: Package | None) -> None:
        """Show the card of a model."""
        self.setAccessibleName(tr("Model card"))
        self.setMarkdown(_text(package))
        self._calm_headings()
        self.setVisible(package is not None)

    def _calm_headings(self) -> None:
        block = self.document().begin()
        while block.isValid():
            level = block.blockFormat().headingLevel()
            if level:
                cursor = QTextCursor(block)
                cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
                style = cursor.charFormat()
                style.setProperty(QTextFormat.Property.FontSizeAdjustment, max(0, LARGEST_HEADING + 1 - level))
                cursor.mergeCharFormat(style)
            block = block.next()


def _text(package: Package | None) -> str:
    """Return the card in the language of the moment, in English when there is no other."""
    if package is None:
        return ""
    try:
        return package.card(current_language())[:MOST_CHARACTERS] or tr("This model has no card.")
    except OSError as problem:
        return tr("The model card cannot be read: {reason}", reason=type(problem).__name__)
