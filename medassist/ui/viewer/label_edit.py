"""A line to type in, right on the picture."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from medassist.language import tr
from medassist.session.measurements import LONGEST_LABEL

WIDTH_PX = 180


class LabelEdit(QLineEdit):
    """Ask for a few words; Enter or a click elsewhere keeps them, Esc does not. `typed` is called at most once."""

    def __init__(self, text: str, at: QPoint, typed: Callable[[str | None], None], parent: QWidget) -> None:
        super().__init__(text, parent)
        self._typed: Callable[[str | None], None] | None = typed
        self.setMaxLength(LONGEST_LABEL)
        self.setAccessibleName(tr("Name of the measurement"))
        self.setPlaceholderText(tr("Name of the measurement"))
        self.setFixedWidth(min(WIDTH_PX, parent.width()))
        room = parent.rect().adjusted(0, 0, -self.width(), -self.sizeHint().height())
        self.move(min(max(at.x(), 0), room.right()), min(max(at.y(), 0), room.bottom()))
        self.selectAll()
        self.show()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Keep the words, or give them up."""
        if event.key() == Qt.Key.Key_Escape:
            self._end(None)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._end(self.text().strip())
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Keep the words when the reader goes on with something else."""
        super().focusOutEvent(event)
        if event.reason() is not Qt.FocusReason.PopupFocusReason:
            self._end(self.text().strip())

    def _end(self, words: str | None) -> None:
        typed, self._typed = self._typed, None
        if typed is None:
            return
        self.hide()
        self.deleteLater()
        typed(words)
