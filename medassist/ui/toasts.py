"""Notes of finished jobs in the lower right corner: they block nothing, go by themselves, and can be sent away."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from medassist.language import tr
from medassist.session.state import Session
from medassist.ui.runner import Runner
from medassist.ui.store import Store
from medassist.ui.wording import local_title

MOST, STAYS_MS = 3, 8000
WIDTH, MARGIN, GAP = 320, 12, 6


class Toasts(QWidget):
    """The newest notes, the newest lowest. Only what the panels may know is told (the store in front of the store)."""

    def __init__(self, store: Store, runner: Runner, window: QWidget, clear_of: QWidget) -> None:
        super().__init__(window)
        self._store, self._window, self._clear_of = store, window, clear_of
        self._before: dict[str, Session] = {}
        self.notes: list[Toast] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, GAP)
        self._column.setSpacing(GAP)
        self.setFixedWidth(WIDTH)
        self.setAccessibleName(tr("Finished jobs"))
        runner.began.connect(self._began)
        runner.ended.connect(self._ended)
        window.installEventFilter(self)
        self.hide()

    def tell(self, text: str) -> None:
        """Show a note; the oldest goes where there are too many."""
        for old in self.notes[: max(0, len(self.notes) - MOST + 1)]:
            self.dismiss(old)
        note = Toast(text, self)
        self.notes.append(note)
        self._column.addWidget(note)
        note.show()
        self._place()

    def dismiss(self, note: Toast) -> None:
        """Take a note away."""
        if note in self.notes:
            self.notes.remove(note)
            self._column.removeWidget(note)
            note.hide()
            note.deleteLater()
            self._place()

    def retranslate(self) -> None:
        """Say the buttons again; a note stays as it was told."""
        self.setAccessibleName(tr("Finished jobs"))
        for note in self.notes:
            note.retranslate()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Stay in the corner when the window changes its size."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        self.setVisible(bool(self.notes))
        self.setFixedHeight(max(1, sum(note.needed_height() + GAP for note in self.notes)))
        area = self._window.rect()
        bottom = area.bottom() - self._clear_of.height() - MARGIN
        self.move(area.right() - WIDTH - MARGIN, bottom - self.height())
        self.raise_()

    def _began(self, lane: str) -> None:
        self._before.setdefault(lane, self._store.session)

    def _ended(self, lane: str) -> None:
        before = self._before.pop(lane, None)
        for text in finished(before, self._store.session, lane) if before is not None else ():
            self.tell(text)


class Toast(QFrame):
    """One note with its way out: Escape, the button, or time; it stays while somebody is on it."""

    def __init__(self, text: str, toasts: Toasts) -> None:
        super().__init__(toasts)
        self._toasts = toasts
        self.setProperty("role", "message")
        self.setProperty("tone", "note")
        self.text, self.close_button = QLabel(text, self), QPushButton("✕", self)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setWordWrap(True)
        self.close_button.setFixedWidth(32)
        self.close_button.setFlat(True)
        self.close_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.close_button.clicked.connect(lambda: toasts.dismiss(self))
        self.close_button.setProperty("role", "close")
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 6, 6)
        row.addWidget(self.text, 1)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.expire)
        self._timer.start(STAYS_MS)
        self.retranslate()

    def retranslate(self) -> None:
        """Name the button in the current language."""
        self.close_button.setAccessibleName(tr("Close this message"))
        self.close_button.setToolTip(tr("Close this message"))

    def needed_height(self) -> int:
        """Return how high the note is with its text in the width of all notes."""
        self.ensurePolished()
        margins = self._row.contentsMargins()
        beside = margins.left() + margins.right() + self._row.spacing() + self.close_button.width()
        text = self.text.heightForWidth(WIDTH - beside)
        return max(text, self.close_button.sizeHint().height()) + margins.top() + margins.bottom()

    def expire(self) -> None:
        """Go, unless the mouse or the keyboard is on it."""
        if self.underMouse() or self.close_button.hasFocus():
            self._timer.start(STAYS_MS)
        else:
            self._toasts.dismiss(self)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Go at Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self._toasts.dismiss(self)
        else:
            super().keyPressEvent(event)


def finished(before: Session, after: Session, lane: str) -> tuple[str, ...]:
    """Say what a job has brought that a reader may have waited for; nothing of work that was restored."""
    if lane == "report":
        written = after.reports[len(before.reports) :]
        return (tr("The report is written: {path}", path=written[-1].parent),) if written else ()
    if lane == "explain":
        return (tr("The explanation is done."),) if len(after.heatmaps) > len(before.heatmaps) else ()
    if lane != "model":
        return ()
    known = {(one.model, one.started) for one in before.predictions}  # an edited mask is the same run
    came = [one.model for one in after.predictions if (one.model, one.started) not in known]
    names = (local_title(one.title or one.name, one.title_zh) for one in came)
    return tuple(tr("The model is done: {model}", model=name) for name in names)
