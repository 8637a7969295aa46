"""The card of a model, read-only, in the language of the moment."""

from __future__ import annotations

from PySide6.QtCore import QUrl
from PySide6.QtGui import QImage, QTextCursor, QTextDocument, QTextFormat
from PySide6.QtWidgets import QTextBrowser, QWidget

from medassist.inference.packages import Package
from medassist.language import current_language, tr
from medassist.ui.model_facts import facts, language_note

MOST_CHARACTERS = 100_000
LEAST_HEIGHT = 320  # of a page that scrolls
LARGEST_HEADING = 1  # Qt's steps above the text; its own, 3, would fill a narrow panel with the title


class ModelCard(QTextBrowser):
    """Markdown without HTML, pictures or links that lead out; hidden while no model is chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenExternalLinks(False)
        self.setOpenLinks(False)
        self.setMinimumHeight(LEAST_HEIGHT)
        self._shown = ""

    def show_package(self, package: Package | None) -> None:
        """Show the card of a model."""
        self.setAccessibleName(tr("Model card"))
        plain = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML
        text = _text(package)
        if text != self._shown:  # laying a long card out takes longer than a picture may
            self._shown = text
            self.document().setMarkdown(text, plain)
            self._calm_headings()
        self.setVisible(package is not None)

    def loadResource(self, _kind: int, _name: QUrl | str) -> object:  # noqa: N802
        """Give an empty picture for every picture: a card may name any file or device of this machine.

        Without one Qt would open the file itself, and read a device for ever.
        """
        empty = QImage(1, 1, QImage.Format.Format_ARGB32)
        empty.fill(0)
        return empty

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
    """Return the facts, then the card in the language of the moment, in English when there is no other."""
    if package is None:
        return ""
    return "\n\n".join(one for one in (facts(package), language_note(package), _card(package)) if one)


def _card(package: Package) -> str:
    try:
        return package.card(current_language())[:MOST_CHARACTERS] or tr("This model has no card.")
    except OSError as problem:
        return tr("The model card cannot be read: {reason}", reason=type(problem).__name__)
