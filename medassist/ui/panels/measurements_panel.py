"""What the reader measured on the series on screen: go there, name it, make a finding of it, copy it, delete it."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from medassist.entities.errors import MedAssistError
from medassist.entities.measurement import Measurement
from medassist.language import localized, tr
from medassist.session.actions import MoveCursor, SetTime
from medassist.session.judging import AddFinding, finding_of_reader
from medassist.session.measurements import (
    ChangeMeasurement,
    DropMeasurement,
    SelectMeasurement,
    measurement_of,
    place_of,
)
from medassist.session.state import Session
from medassist.ui.measurement_text import table_text
from medassist.ui.measurements_table import MeasurementsTable
from medassist.ui.reader import reader_name
from medassist.ui.store import Store

MOST_PX = 16777215
"""What Qt takes for a height without a limit."""


class MeasurementsPanel(QWidget):
    """Has a height only while there are measurements; the picture and this list select together."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._wanted = store, ""
        self.title, self.note = QLabel(self), QLabel(self)
        self.title.setProperty("role", "title")
        self.note.setProperty("role", "dim")
        self.note.setWordWrap(True)
        self.table = MeasurementsTable(self)
        self.claim, self.copy, self.delete = (QPushButton(self) for _ in range(3))
        self._lay_out()
        self.table.named.connect(self._name)
        self.table.chosen.connect(self._go)
        self.table.dropped.connect(lambda uid: store.dispatch(DropMeasurement(uid)))
        self.claim.clicked.connect(self.make_finding)
        self.copy.clicked.connect(self.copy_table)
        self.delete.clicked.connect(lambda: store.dispatch(DropMeasurement(self.table.selected())))
        store.changed.connect(self._changed)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.claim.setText(tr("Make a finding"))
        self.copy.setText(tr("Copy table"))
        self.copy.setToolTip(tr("All figures as text with tabs, for a spreadsheet"))
        self.delete.setText(tr("Delete"))
        self.table.retranslate()
        self._draw(self._store.session)

    def make_finding(self) -> None:
        """Make a finding of the selected measurement, under its name; ask for one where it has none."""
        uid = self.table.selected()
        one = measurement_of(self._store.session, uid)
        if one is None:
            return
        if one.label:
            self._claim(one)
        else:
            self._wanted = uid
            self._say(tr("Type what it is; the finding gets this name."))
            self.table.ask_name()

    def copy_table(self) -> None:
        """Put the table on the clipboard."""
        session = self._store.session
        if session.volume is not None:
            QGuiApplication.clipboard().setText(table_text(session.measurements_here, session.volume))
            self._say(tr("The table is on the clipboard."))

    def _lay_out(self) -> None:
        column, row = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(4, 4, 8, 4)
        for button in (self.claim, self.copy, self.delete):
            row.addWidget(button)
        row.addStretch(1)
        for widget in (self.title, self.table, self.note):
            column.addWidget(widget, int(widget is self.table))
        column.addLayout(row)

    def _claim(self, one: Measurement) -> None:
        volume = self._store.session.volumes.get(one.series_key)
        if volume is None:
            return
        at = datetime.now().astimezone().isoformat(timespec="seconds")
        try:
            finding = finding_of_reader(volume, one.label, by=reader_name(), at=at, measurement=one)
        except MedAssistError as problem:
            self._say(localized(problem))
            return
        self._say("")
        self._store.dispatch(AddFinding(finding))

    def _name(self, uid: str, words: str) -> None:
        wanted, self._wanted = self._wanted == uid, ""
        self._store.dispatch(ChangeMeasurement(uid, label=words))
        one = measurement_of(self._store.session, uid)
        if wanted and one is not None and one.label:
            self._claim(one)

    def _go(self, uid: str) -> None:
        session = self._store.session
        one = measurement_of(session, uid)
        if one is None or session.volume is None:
            return
        if self._wanted != uid:
            self._wanted = ""
        if session.selected_measurement != uid or session.view.time != one.time:
            self._store.dispatch(SelectMeasurement(uid))
            self._store.dispatch(SetTime(one.time))
        self._store.dispatch(MoveCursor(place_of(one, session.volume)))

    def _say(self, text: str) -> None:
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def _changed(self, old: Session, new: Session) -> None:
        if old.measurements != new.measurements or old.current != new.current:
            self._say("")
        same = (old.measurements, old.selected_measurement, old.findings) == (
            new.measurements, new.selected_measurement, new.findings)  # fmt: skip
        if not same or old.volume is not new.volume or old.current != new.current:
            self._draw(new)

    def _draw(self, session: Session) -> None:
        here = session.measurements_here
        self.setMaximumHeight(MOST_PX if here else 0)
        self.title.setText(tr("Measurements ({count})", count=len(here)))
        self.table.show_all(here, session.volume, session.selected_measurement)
        one = measurement_of(session, session.selected_measurement)
        known = one is not None and any(each.measurement_uid == one.uid for each in session.findings)
        self.claim.setEnabled(one in here and not known)
        self.claim.setToolTip(tr("It is a finding already.") if known else "")
        self.delete.setEnabled(one in here)
        self.note.setVisible(bool(self.note.text()))
