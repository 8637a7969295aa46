"""Three steps for who starts the program for the first time: one line above the picture that is in nobody's way."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from medassist.entities.finding import Judgement
from medassist.language import tr
from medassist.session.state import Session
from medassist.storage import settings
from medassist.ui.reader import keep
from medassist.ui.store import Store

LAST = 3


class TourBar(QFrame):
    """Open, run a model, judge and report. It goes on by itself when a step is done, and away when asked to."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self.step = store, 1
        self.setProperty("role", "message")
        self.setProperty("tone", "note")
        self.text, self.back, self.next, self.leave = QLabel(self), *(QPushButton(self) for _ in range(3))
        self.text.setWordWrap(True)
        line = QHBoxLayout(self)
        line.setContentsMargins(10, 6, 6, 6)
        line.addWidget(self.text, 1)
        for button in (self.back, self.next, self.leave):
            line.addWidget(button)
        self.back.clicked.connect(lambda: self._go(self.step - 1))
        self.next.clicked.connect(lambda: self._go(self.step + 1))
        self.leave.clicked.connect(self.hide)
        store.changed.connect(self._changed)
        self.hide()
        self.retranslate()

    def begin_once(self) -> None:
        """Show the tour to who has not seen it."""
        if not settings.read()["tour_seen"]:
            keep("tour_seen", True)
            self.begin()

    def begin(self) -> None:
        """Show the tour, at the first step that is not done yet."""
        session = self._store.session
        self._go(next((step for step in range(1, LAST) if not _done(step, session)), LAST))
        self.show()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        steps = {
            1: tr("Open a study: drop a folder or a file anywhere in this window, or press Ctrl+O."),
            2: tr("Run a model: choose one on the right and press Run model. What it says is a suggestion."),
            3: tr("Judge and report: accept or reject each finding, then write the report under Report."),
        }
        self.text.setText(tr("Step {number} of {count}.", number=self.step, count=LAST) + " " + steps[self.step])
        self.setAccessibleName(self.text.text())
        self.back.setText(tr("Back"))
        self.next.setText(tr("Next"))
        self.leave.setText(tr("Done") if self.step == LAST else tr("Leave the tour"))
        self.back.setEnabled(self.step > 1)
        self.next.setVisible(self.step < LAST)

    def _go(self, step: int) -> None:
        self.step = min(max(step, 1), LAST)
        self.retranslate()

    def _changed(self, old: Session, new: Session) -> None:
        if self.isHidden() or _done(self.step, old) or not _done(self.step, new):
            return
        if self.step == LAST:
            self.hide()
        else:
            self._go(self.step + 1)


def _done(step: int, session: Session) -> bool:
    """Tell whether the reader did what a step is about; the last one is done when a report of judged findings is."""
    judged = any(one.judgement is not Judgement.UNREVIEWED for one in session.findings)
    done = {1: session.volume is not None, 2: bool(session.predictions), 3: judged and bool(session.reports)}
    return done[step]
