"""The reader's first impression of a series, asked for before anything a model said is shown."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from medassist.entities.impression import Impression, Presence, Withheld
from medassist.language import tr
from medassist.session.impressions import RecordImpression, impression_of, is_revealed
from medassist.session.state import Session
from medassist.ui.choice_box import ChoiceBox
from medassist.ui.reader import reader_name
from medassist.ui.store import Store
from medassist.ui.wording import local_title

TEXT_LINES = 3


class ImpressionForm(QWidget):
    """Asks for each label the models know, and for words; hidden while there is nothing to hide.

    It sees the session as every panel does: it cannot know what was found. The panel places its `button`, which must
    not scroll out of sight.
    """

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._asked = store, ""
        self._labels: tuple[tuple[str, str], ...] = ()
        self.title, self.hint = QLabel(self), QLabel(self)
        self.title.setProperty("role", "title")
        self.hint.setProperty("role", "dim")
        for text in (self.title, self.hint):
            text.setWordWrap(True)
        self.answers: dict[str, ChoiceBox] = {}
        self.words, self.button = QPlainTextEdit(self), QPushButton(self)
        self.words.setTabChangesFocus(True)
        self.words.setFixedHeight(TEXT_LINES * self.words.fontMetrics().lineSpacing() + 14)
        self.button.setProperty("role", "primary")
        self._rows = QFormLayout()
        self._rows.setVerticalSpacing(3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 6, 0)
        column.addWidget(self.title)
        column.addWidget(self.hint)
        column.addLayout(self._rows)
        column.addWidget(self.words)
        self.words.textChanged.connect(self._mind_button)
        self.button.clicked.connect(self.record)
        store.changed.connect(self._changed)
        self.retranslate()

    @property
    def is_asking(self) -> bool:
        """Whether an impression of the series on screen is wanted."""
        session = self._store.session
        return session.volume is not None and not is_revealed(session, session.current)

    def record(self) -> None:
        """Keep what was answered; results are shown then."""
        session = self._store.session
        told = {label: box.currentData() for label, box in self.answers.items() if box.currentData() is not None}
        at = datetime.now().astimezone().isoformat(timespec="seconds")
        text = self.words.toPlainText().strip()
        self._store.dispatch(RecordImpression(Impression(session.current, reader_name(), at, text, told)))

    def retranslate(self) -> None:
        """Say everything again in the current language; answers stay."""
        self.title.setText(tr("Your first impression"))
        self.words.setPlaceholderText(tr("What do you see?"))
        self.words.setAccessibleName(tr("Your first impression in words"))
        self.button.setText(tr("Record it and show results"))
        self._ask(self._labels, keep=True)
        self._draw(self._store.session)

    def _changed(self, old: Session, new: Session) -> None:
        names = ("withheld", "current", "volume", "impressions", "reader_first", "findings")
        if any(getattr(old, name) is not getattr(new, name) for name in names):
            self._draw(new)

    def _draw(self, session: Session) -> None:
        held = next((one for one in session.withheld if one.series_key == session.current), None)
        if session.current != self._asked:
            self._asked = session.current
            self.words.clear()
            self._ask((), keep=False)
        labels = () if held is None else held.labels
        if labels != self._labels:
            self._ask(labels, keep=True)
        self.hint.setText(_hint(held))
        self.setVisible(self.is_asking)
        self._mind_button()

    def _ask(self, labels: tuple[tuple[str, str], ...], *, keep: bool) -> None:
        """Lay out a row for each label; answers given before stay."""
        given = {label: box.currentData() for label, box in self.answers.items()} if keep else {}
        while self._rows.rowCount():
            self._rows.removeRow(0)
        self._labels, self.answers = labels, {}
        for label, title_zh in labels:
            box, title = ChoiceBox(self), local_title(label, title_zh)
            for text, answer in _choices():
                box.addItem(text, answer)
            box.setCurrentIndex(max(0, next((n for n, one in enumerate(_choices()) if one[1] is given.get(label)), 0)))
            box.setAccessibleName(title)
            box.currentIndexChanged.connect(lambda _index: self._mind_button())
            name = QLabel(title, self)
            name.setTextFormat(Qt.TextFormat.PlainText)
            name.setWordWrap(True)
            self._rows.addRow(name, box)
            self.answers[label] = box

    def _mind_button(self) -> None:
        answered = any(box.currentData() is not None for box in self.answers.values())
        self.button.setEnabled(answered or bool(self.words.toPlainText().strip()))


def _choices() -> tuple[tuple[str, Presence | None], ...]:
    return (
        (tr("left open"), None),
        (tr("present"), Presence.PRESENT),
        (tr("absent"), Presence.ABSENT),
        (tr("unsure"), Presence.UNSURE),
    )


def _hint(held: Withheld | None) -> str:
    if held is None:
        return tr("No model has run on this series yet. What one says will be shown once your impression is recorded.")
    return tr("A model has run. What it says is hidden until your impression is recorded.")


def agreement_text(session: Session) -> str:
    """Say how often the impression of the series on screen and the newest models agree, and on this computer so far."""
    from medassist.session.impressions import agreement
    from medassist.storage.agreement import counted

    impression = impression_of(session, session.current)
    if impression is None:
        return ""
    here = (one for one in session.predictions if one.series_key == session.current and one.ran_alone)
    told = [answer for one in here for answer in agreement(impression, one, session.findings)]
    if not told:
        return tr("Your first impression is recorded.")
    so_far, same = counted(), sum(one.same for one in told)
    said = tr("Your first impression and the model agree in {same} of {count} answers.", same=same, count=len(told))
    return said + " " + tr("On this computer so far: {same} of {count}.", same=so_far.same, count=so_far.answers)
