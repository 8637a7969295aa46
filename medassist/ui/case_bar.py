"""The line over the picture that offers work saved earlier on the study on screen, and tells what restoring found."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from medassist.entities.saved_work import Offer, Restored
from medassist.language import localized, tr
from medassist.session.case_marks import study_name
from medassist.session.cases import studies_with_work
from medassist.session.state import Session
from medassist.ui.case_keeper import RESTORE_LANE, CaseKeeper
from medassist.ui.runner import Runner
from medassist.ui.store import Store


class CaseBar(QWidget):
    """Restore, or start afresh; hidden while there is nothing to decide."""

    def __init__(self, store: Store, runner: Runner, keeper: CaseKeeper, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._runner, self._keeper = store, runner, keeper
        self._told = 0
        self.frame = QFrame(self)
        self.frame.setProperty("role", "message")
        self.frame.setProperty("tone", "note")
        self.text = QLabel(self.frame)
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.restore, self.afresh, self.close_notes = (QPushButton(self.frame) for _ in range(3))
        self.restore.setProperty("role", "primary")
        line, column = QHBoxLayout(self.frame), QVBoxLayout(self)
        line.setContentsMargins(10, 6, 6, 6)
        column.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.text, 1)
        for button in (self.restore, self.afresh, self.close_notes):
            line.addWidget(button)
        column.addWidget(self.frame)
        self.restore.clicked.connect(self._restore)
        self.afresh.clicked.connect(self._begin_afresh)
        self.close_notes.clicked.connect(self._close_notes)
        store.changed.connect(self._changed)
        for signal in (runner.began, runner.ended):
            signal.connect(self._lane_changed)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.afresh.setText(tr("Start afresh"))
        self.afresh.setToolTip(tr("The saved work stays on this computer, but is not offered again."))
        self.close_notes.setText(tr("Close"))
        self._draw(self._store.session)

    def offer(self) -> Offer | None:
        """Return the work that is offered for the study on screen."""
        session = self._store.session
        if not session.current or not session.holds(session.current):
            return None
        name = study_name(session, session.current)
        return next((one for one in session.offers if one.study == name), None)

    def _offered(self, offer: Offer) -> str:
        """Say what was found; how much a model found is not told to a reader who wants to look first."""
        found = tr("Work of {time} on this study was found.", time=_when(offer.saved_at))
        if not self._store.session.reader_first:
            found = tr("Work of {time} on this study was found: findings {findings}, of which judged {judged}.",
                       time=_when(offer.saved_at), findings=offer.findings, judged=offer.judged)  # fmt: skip
        return "\n".join([found, *map(localized, offer.notes)])

    def _restore(self) -> None:
        offer = self.offer()
        if offer is not None:
            self._keeper.restore(offer.folder)

    def _begin_afresh(self) -> None:
        offer = self.offer()
        if offer is not None:
            self._keeper.begin_afresh(offer.folder)

    def _close_notes(self) -> None:
        self._told = len(self._store.session.restored)
        self._draw(self._store.session)

    def _changed(self, old: Session, new: Session) -> None:
        watched = ("offers", "restored", "current", "findings", "predictions", "measurements")
        if any(getattr(old, name) is not getattr(new, name) for name in watched):
            self._draw(new)

    def _lane_changed(self, lane: str) -> None:
        if lane == RESTORE_LANE:
            self._draw(self._store.session)

    def _draw(self, session: Session) -> None:
        offer = self.offer()
        notes = [one for one in session.restored[self._told :] if one.notes]
        busy = self._runner.running(RESTORE_LANE)
        self.setVisible(offer is not None or bool(notes))
        self.text.setText("\n".join(_restored(one) for one in notes) if offer is None else self._offered(offer))
        for button in (self.restore, self.afresh):
            button.setVisible(offer is not None)
            button.setEnabled(not busy)
        self.close_notes.setVisible(offer is None)
        if offer is not None:
            mine = studies_with_work(session).get(offer.study)
            self.restore.setText(tr("Restore in place of the new work") if mine else tr("Restore"))


def _restored(one: Restored) -> str:
    notes = " ".join(localized(note) for note in one.notes)
    return tr("The work of {time} was restored. {notes}", time=_when(one.saved_at), notes=notes)


def _when(saved_at: str) -> str:
    """Return the time of today, or date and time of another day; what is no time as it stands."""
    try:
        moment = datetime.fromisoformat(saved_at)
    except ValueError:
        return saved_at
    today = datetime.now().astimezone().date() == moment.date()
    return f"{moment:%H:%M}" if today else f"{moment:%Y-%m-%d %H:%M}"
