"""The reader's verdict on the selected finding: a comment, buttons with their keys, and reasons for a rejection."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QGridLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from medassist.entities.finding import Finding, Judgement
from medassist.language import tr
from medassist.ui.reason_box import BETWEEN, ReasonBox, without_reason

VERDICT_KEYS = (("A", Judgement.ACCEPTED), ("R", Judgement.REJECTED), ("D", Judgement.DEFERRED))
EDIT_KEY, NEXT_KEY, ADD_KEY = "E", "N", "Shift+N"


class VerdictBar(QWidget):
    """Knows no store. `judged` carries the verdict; the others ask for a correction, the next one, a new one."""

    judged = Signal(object)
    edit_asked = Signal()
    next_asked = Signal()
    add_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._about = ("", "")
        self.comment, self.reasons = QLineEdit(self), ReasonBox(self)
        self.comment.setMaxLength(500)
        self.buttons = {judgement: QPushButton(self) for _key, judgement in VERDICT_KEYS}
        self.edit, self.next, self.add = QPushButton(self), QPushButton(self), QPushButton(self)
        self._lay_out()
        self.reasons.chosen.connect(self._because)
        self.shortcuts = tuple(self._shortcut(key, judgement) for key, judgement in VERDICT_KEYS)
        self.edit_key, self.next_key, self.add_key = (QShortcut(QKeySequence(key), self)
                                                      for key in (EDIT_KEY, NEXT_KEY, ADD_KEY))  # fmt: skip
        for button, shortcut, signal in ((self.edit, self.edit_key, self.edit_asked),
                                         (self.next, self.next_key, self.next_asked),
                                         (self.add, self.add_key, self.add_asked)):  # fmt: skip
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(signal)
            button.clicked.connect(signal)
        self.retranslate()

    def show_finding(self, finding: Finding | None, *, any_left: bool, can_add: bool) -> None:
        """Offer what can be done now; a comment being typed stays while finding and comment are the same."""
        about = ("", "") if finding is None else (finding.tracking_uid, finding.comment)
        if about != self._about:
            self._about = about
            self.comment.setText("" if finding is None else finding.comment)
        for shortcut in (*self.shortcuts, self.edit_key):
            shortcut.setEnabled(finding is not None)
        for widget in (self.comment, self.edit, *self.buttons.values()):
            widget.setEnabled(finding is not None)
        rejected = finding is not None and finding.judgement is Judgement.REJECTED
        self.reasons.setVisible(rejected)
        self.reasons.show_comment("" if finding is None else finding.comment)
        self.next.setEnabled(any_left)
        self.next_key.setEnabled(any_left)
        self.add.setEnabled(can_add)
        self.add_key.setEnabled(can_add)

    def show_verdicts(self, shown: bool) -> None:
        """Show what is about findings; without any there is only the button to add one."""
        for widget in (self.comment, self.edit, self.next, *self.buttons.values()):
            widget.setVisible(shown)

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.comment.setPlaceholderText(tr("Comment (kept with the verdict)"))
        self.comment.setAccessibleName(tr("Comment on the selected finding"))
        words = {
            Judgement.ACCEPTED: tr("Accept (A)"),
            Judgement.REJECTED: tr("Reject (R)"),
            Judgement.DEFERRED: tr("Defer (D)"),
        }
        for judgement, button in self.buttons.items():
            button.setText(words[judgement])
        self.edit.setText(tr("Edit (E)"))
        self.next.setText(tr("Next (N)"))
        self.next.setToolTip(tr("The next finding nobody judged"))
        self.add.setText(tr("Add"))
        self.add.setToolTip(tr("Add a finding of your own at the crosshair (Shift+N)"))
        self.reasons.retranslate()

    def _lay_out(self) -> None:
        column, grid = QVBoxLayout(self), QGridLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        grid.setSpacing(4)
        for number, button in enumerate((*self.buttons.values(), self.edit, self.next, self.add)):
            grid.addWidget(button, number // 3, number % 3)
        column.addWidget(self.comment)
        column.addWidget(self.reasons)
        column.addLayout(grid)

    def _shortcut(self, key: str, judgement: Judgement) -> QShortcut:
        shortcut = QShortcut(QKeySequence(key), self)
        shortcut.setAutoRepeat(False)
        shortcut.activated.connect(lambda: self.judged.emit(judgement))
        self.buttons[judgement].clicked.connect(lambda _on=False: self.judged.emit(judgement))
        return shortcut

    def _because(self, reason: str) -> None:
        """Put a reason in front of what the reader typed; another reason takes its place."""
        typed = without_reason(self.comment.text())
        self.comment.setText(BETWEEN.join(filter(None, (reason, typed))))
        self.judged.emit(Judgement.REJECTED)
