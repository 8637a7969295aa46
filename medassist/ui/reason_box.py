"""Typical reasons to reject what a model claims: one choice writes one into the comment, in the reader's language."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QWidget

from medassist.entities.study import warned
from medassist.language import LANGUAGES, catalogue, localized, tr

REASONS = (
    warned("Normal anatomy"),
    warned("Artefact"),
    warned("Wrong place or extent"),
    warned("Other finding"),
    warned("Old, known, treated"),
    warned("Image not suitable"),
)
"""The most frequent first."""
BETWEEN = "; "


class ReasonBox(QComboBox):
    """`chosen` carries the words of a reason; the wheel scrolls the panel instead of choosing one."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.activated.connect(lambda index: self.chosen.emit(reasons()[index]))
        self.retranslate()

    def choose(self, index: int) -> None:
        """Choose a reason as a click would."""
        self.setCurrentIndex(index)
        self.activated.emit(index)

    def show_comment(self, comment: str) -> None:
        """Show the reason a comment begins with, or ask for one."""
        with QSignalBlocker(self):
            self.setCurrentIndex(next((n for n, one in enumerate(reasons()) if comment.startswith(one)), -1))

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Leave the wheel to the panel: nobody should give a reason by scrolling."""
        event.ignore()

    def retranslate(self) -> None:
        """Say the reasons again in the current language."""
        chosen = self.currentIndex()
        with QSignalBlocker(self):
            self.clear()
            self.addItems(list(reasons()))
            self.setPlaceholderText(tr("Why? Choose a reason, or type one above."))
            self.setAccessibleName(tr("Reason to reject it"))
            self.setCurrentIndex(chosen)


def reasons() -> tuple[str, ...]:
    """Return the reasons in the language of the moment."""
    return tuple(localized(one) for one in REASONS)


def without_reason(comment: str) -> str:
    """Return a comment without the reason before it, in whatever language it was given: what the reader typed."""
    said = comment.strip()
    for language in LANGUAGES:
        for one in REASONS:
            reason = catalogue(language).get(one.message, one.message)
            if said == reason or said.startswith(reason + BETWEEN):
                return said.removeprefix(reason).removeprefix(BETWEEN).strip()
    return said
