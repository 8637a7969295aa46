"""View > Image statistics: histogram of the slice or of an outline, or the values along a length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from medassist.language import tr
from medassist.session.measurements import measurement_of
from medassist.session.state import Session
from medassist.session.value_statistics import ShowInspected, inspect_values, question_of
from medassist.ui.runner import Runner
from medassist.ui.value_chart import ValueChart
from medassist.ui.value_words import as_text, figure_text, heading

if TYPE_CHECKING:
    from medassist.ui.store import Store

LANE = "statistics"
PAUSE_MS = 120
"""How long scrolling and drawing rest before values are measured."""


def show_values(parent: QWidget, store: Store, runner: Runner) -> ValuePage:
    """Show the page; it does not block the window."""
    page = ValuePage(store, runner, parent)
    page.show()
    page.measure()
    return page


class ValuePage(QDialog):
    """Follows the crosshair and the selected drawing. What it measured goes when it is closed."""

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._runner = store, runner
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.about, self.figures, self.hint = QLabel(self), QLabel(self), QLabel(self)
        self.chart, self.copy = ValueChart(self), QPushButton(self)
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(PAUSE_MS)
        self._resting.timeout.connect(self.measure)
        self.copy.clicked.connect(self._copy)
        self._lay_out()
        store.changed.connect(self._changed)
        self.finished.connect(lambda _result: self._let_go())
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.setWindowTitle(tr("Image statistics"))
        self.copy.setText(tr("Copy values"))
        self.hint.setText(tr("Select an outline for the values inside it, or a length for those along it."))
        self._draw(self._store.session)

    def measure(self) -> None:
        """Measure what is on screen now."""
        asked = question_of(self._store.session)
        if asked is None:
            self._store.dispatch(ShowInspected(None))
        else:
            self._runner.start(LANE, inspect_values, asked)

    def _let_go(self) -> None:
        self._resting.stop()
        self._runner.cancel(LANE)
        self._store.dispatch(ShowInspected(None))

    def _changed(self, old: Session, new: Session) -> None:
        if old.inspected is not new.inspected:
            self._draw(new)
        told = [(one.volume, one.views, one.selected_measurement, one.measurements) for one in (old, new)]
        if any(before is not after for before, after in zip(*told, strict=True)):
            self._resting.start()

    def _draw(self, session: Session) -> None:
        found = session.inspected
        drawn = None if found is None else measurement_of(session, found.measurement_uid)
        self.about.setText(tr("There is no picture on screen.") if found is None else heading(session, found, drawn))
        self.figures.setText("" if found is None else figure_text(found))
        self.chart.clear()
        if found is not None and found.profile is not None:
            self.chart.show_profile(found.profile)
        elif found is not None and found.statistics is not None and found.statistics.count:
            self.chart.show_histogram(found.statistics)
        self.chart.setAccessibleName(self.about.text())
        self.copy.setEnabled(found is not None and bool(as_text(found)))

    def _copy(self) -> None:
        if self._store.session.inspected is not None:
            QGuiApplication.clipboard().setText(as_text(self._store.session.inspected))

    def _lay_out(self) -> None:
        column, row = QVBoxLayout(self), QHBoxLayout()
        self.hint.setProperty("role", "dim")
        self.figures.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for label in (self.about, self.figures, self.hint):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        row.addWidget(self.copy)
        row.addStretch(1)
        column.addWidget(self.about)
        column.addWidget(self.chart, 1)
        column.addWidget(self.figures)
        column.addWidget(self.hint)
        column.addLayout(row)
        self.resize(620, 440)
