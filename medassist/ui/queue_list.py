"""The queued runs in sight: what waits, runs, is done or was refused, and why; each can be taken back."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from medassist.language import localized, tr
from medassist.session.queued import OPEN, ClearEnded, QueuedRun, RunState
from medassist.session.state import Session
from medassist.ui import theme
from medassist.ui.opening import show_series
from medassist.ui.queue_runner import QueueRunner
from medassist.ui.runner import Runner
from medassist.ui.store import Store
from medassist.ui.wording import date_text, local_title

NUMBER = Qt.ItemDataRole.UserRole
MOST_PX = 170


class QueueList(QWidget):
    """Hidden while nothing was queued; a double click brings a series on screen."""

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._runner = store, runner
        self.works = QueueRunner(store, runner, self)
        self.title, self.rows = QLabel(self), QListWidget(self)
        self.one, self.all, self.clear = QPushButton(self), QPushButton(self), QPushButton(self)
        self.rows.setWordWrap(True)
        self.rows.setMaximumHeight(MOST_PX)
        column, line = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        for button in (self.one, self.all, self.clear):
            line.addWidget(button)
        column.addWidget(self.title)
        column.addWidget(self.rows)
        column.addLayout(line)
        self.one.clicked.connect(self._cancel_chosen)
        self.all.clicked.connect(self.works.cancel_all)
        self.clear.clicked.connect(lambda: store.dispatch(ClearEnded()))
        self.rows.currentRowChanged.connect(lambda _row: self._draw_buttons())
        self.rows.itemActivated.connect(self._show)
        store.changed.connect(self._changed)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.rows.setAccessibleName(tr("Queued runs"))
        self.one.setText(tr("Cancel this"))
        self.all.setText(tr("Cancel all"))
        self.clear.setText(tr("Clear list"))
        self._draw()

    def _changed(self, old: Session, new: Session) -> None:
        if old.queue is not new.queue:
            self._draw()

    def _draw(self) -> None:
        queue, chosen = self._store.session.queue, self._chosen()
        with QSignalBlocker(self.rows):
            self.rows.clear()
            for run in queue:
                self.rows.addItem(_item(run))
            numbers = [run.number for run in queue]
            if chosen is not None and chosen.number in numbers:
                self.rows.setCurrentRow(numbers.index(chosen.number))
        running = next((row for row, run in enumerate(queue) if run.state is RunState.RUNNING), None)
        if running is not None:
            self.rows.scrollToItem(self.rows.item(running))
        ended = sum(run.state not in OPEN for run in queue)
        self.title.setText(tr("Queued runs: {ended} of {count} ended", ended=ended, count=len(queue)))
        self.setVisible(bool(queue))
        self._draw_buttons()

    def _draw_buttons(self) -> None:
        queue, chosen = self._store.session.queue, self._chosen()
        self.one.setEnabled(chosen is not None and chosen.state in OPEN)
        self.all.setEnabled(any(run.state in OPEN for run in queue))
        self.clear.setEnabled(any(run.state not in OPEN for run in queue))

    def _chosen(self) -> QueuedRun | None:
        item = self.rows.currentItem()
        return None if item is None else self._run(item)

    def _run(self, item: QListWidgetItem) -> QueuedRun | None:
        return next((one for one in self._store.session.queue if one.number == item.data(NUMBER)), None)

    def _cancel_chosen(self) -> None:
        chosen = self._chosen()
        if chosen is not None:
            self.works.cancel(chosen)

    def _show(self, item: QListWidgetItem) -> None:
        run = self._run(item)
        if run is not None and self._store.session.holds(run.series.key):
            show_series(self._store, self._runner, self._store.session.series(run.series.key))


def state_word(state: RunState) -> str:
    """Name where a queued run is."""
    return {
        RunState.WAITING: tr("waits"),
        RunState.RUNNING: tr("running"),
        RunState.DONE: tr("done"),
        RunState.REFUSED: tr("refused"),
        RunState.FAILED: tr("failed"),
        RunState.CANCELLED: tr("cancelled"),
    }[state]


def _item(run: QueuedRun) -> QListWidgetItem:
    series, patient = run.series, run.study.patient
    whose = (patient.name.replace("^", " ").strip(), patient.patient_id, date_text(run.study.date))
    title = local_title(run.package.title, run.package.title_zh) or run.package.name
    said = state_word(run.state)
    if run.reason is not None:
        said = tr("{state}: {reason}", state=said, reason=localized(run.reason))
    first = " · ".join(text for text in (series.title or tr("Series without a name"), *whose) if text)
    item = QListWidgetItem(f"{first}\n{title} · {said}")
    item.setData(NUMBER, run.number)
    item.setToolTip(item.text())
    item.setForeground(QBrush(QColor(_color(run.state))))
    return item


def _color(state: RunState) -> str:
    return {
        RunState.WAITING: theme.DIM,
        RunState.RUNNING: theme.ACCENT,
        RunState.DONE: theme.GOOD,
        RunState.REFUSED: theme.BAD,
        RunState.FAILED: theme.BAD,
        RunState.CANCELLED: theme.DIM,
    }[state]
