"""The line above the picture that tells what went wrong; it never blocks."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from medassist.entities.errors import MedAssistError
from medassist.language import localized, tr

MOST = 3


class MessageBar(QWidget):
    """Show the newest problems, each until the reader closes it (three at most, the newest on top)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._problems: list[MedAssistError] = []
        self.hide()

    def show_problem(self, problem: MedAssistError) -> None:
        """Put a problem on top; the same sentence is not shown twice."""
        self._problems = [one for one in self._problems if one.sentence() != problem.sentence()][: MOST - 1]
        self._problems.insert(0, problem)
        self.retranslate()

    def sentences(self) -> tuple[str, ...]:
        """Return what is on screen, newest first."""
        return tuple(localized(one) for one in self._problems)

    def dismiss(self, problem: MedAssistError) -> None:
        """Take one problem away."""
        self._problems = [one for one in self._problems if one is not problem]
        self.retranslate()

    def clear(self) -> None:
        """Take everything away."""
        self._problems = []
        self.retranslate()

    def retranslate(self) -> None:
        """Build the rows again in the current language."""
        while (item := self._column.takeAt(0)) is not None:
            row = item.widget()
            if row is not None:
                row.hide()
                row.deleteLater()
        for problem in self._problems:
            self._column.addWidget(self._row(problem))
        self.setVisible(bool(self._problems))

    def _row(self, problem: MedAssistError) -> QFrame:
        frame = QFrame(self)
        frame.setProperty("role", "message")
        line = QHBoxLayout(frame)
        line.setContentsMargins(10, 6, 6, 6)
        text = QLabel(localized(problem), frame)
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        close = QPushButton("✕", frame)
        close.setFixedWidth(32)
        close.setFlat(True)
        close.setProperty("role", "close")
        close.setAccessibleName(tr("Close this message"))
        close.setToolTip(tr("Close this message"))
        close.clicked.connect(lambda: self.dismiss(problem))
        line.addWidget(text, 1)
        line.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        return frame
