"""Help > System check: what works on this machine, worst first; found by a worker, filled as it is found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from medassist.language import localized, tr
from medassist.session.checking.line import MISSING, NOTE, OK, Line
from medassist.session.doctor import as_json, check_system
from medassist.session.state import Session
from medassist.ui import theme
from medassist.ui.job_bar import JobBar
from medassist.ui.runner import Job, Runner

if TYPE_CHECKING:
    from medassist.ui.store import Store

LANE = "system check"
WORST_FIRST = (MISSING, NOTE, OK)


def show_doctor(parent: QWidget, store: Store, runner: Runner) -> DoctorPage:
    """Show the page and begin to look; it does not block the window."""
    page = DoctorPage(store, runner, parent)
    page.show()
    page.look()
    return page


class DoctorPage(QDialog):
    """One row per check, with what to do about it. `job` has another value in tests only."""

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None, *, job: Job = check_system) -> None:
        super().__init__(parent)
        self._store, self._runner, self._job = store, runner, job
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("System check"))
        self.summary, self.table, self.progress = QLabel(self), QTableWidget(0, 4, self), JobBar(runner, LANE, self)
        self.table.setTabKeyNavigation(False)  # Tab goes on to the next part of the page
        self.again, self.copy = QPushButton(tr("Check again"), self), QPushButton(tr("Copy for support"), self)
        self.again.clicked.connect(self.look)
        self.copy.clicked.connect(self._copy)
        self._lay_out()
        runner.began.connect(self._mind)
        runner.ended.connect(self._mind)
        store.changed.connect(self._changed)
        self.finished.connect(lambda _result: runner.cancel(LANE))
        self._draw(store.session.system)

    def look(self) -> None:
        """Run every check anew."""
        self._runner.start(LANE, self._job)

    def _lay_out(self) -> None:
        self.summary.setWordWrap(True)
        self.table.setAccessibleName(tr("System check"))
        self.table.setHorizontalHeaderLabels([tr("Check"), tr("Verdict"), tr("Found"), tr("What to do")])
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        for wide in (2, 3):
            header.setSectionResizeMode(wide, QHeaderView.ResizeMode.Stretch)
        column, buttons = QVBoxLayout(self), QHBoxLayout()
        for part in (self.summary, self.table, self.progress):
            column.addWidget(part)
        buttons.addWidget(self.again)
        buttons.addWidget(self.copy)
        buttons.addStretch(1)
        column.addLayout(buttons)
        self.resize(1000, 680)

    def _changed(self, old: Session, new: Session) -> None:
        if old.system is not new.system:
            self._draw(new.system)

    def _mind(self, lane: str) -> None:
        if lane == LANE:
            self._draw(self._store.session.system)

    def _draw(self, lines: tuple[Line, ...]) -> None:
        busy = self._runner.running(LANE)
        self.summary.setText(tr("Checking…") if busy else summary(lines))
        self.again.setEnabled(not busy)
        self.copy.setEnabled(bool(lines) and not busy)
        colors = {MISSING: theme.BAD, NOTE: theme.CAUTION, OK: theme.GOOD}
        ordered = sorted(lines, key=lambda line: WORST_FIRST.index(line.verdict))
        self.table.setRowCount(len(ordered))
        for row, line in enumerate(ordered):
            advice = "" if line.advice is None else localized(line.advice)
            texts = (localized(line.title), tr(line.verdict), localized(line.told), advice)
            for column, text in enumerate(texts):
                cell = QTableWidgetItem(text)
                cell.setToolTip(text)
                cell.setForeground(QBrush(QColor(colors[line.verdict] if column == 1 else theme.TEXT)))
                self.table.setItem(row, column, cell)

    def _copy(self) -> None:
        """Put what was found on the clipboard, as `doctor --json` prints it: no patient is in it."""
        text = json.dumps(as_json(self._store.session.system), ensure_ascii=False, indent=1)
        QGuiApplication.clipboard().setText(text)


def summary(lines: tuple[Line, ...]) -> str:
    """Say in one line whether all that is needed is here."""
    if not lines:
        return ""
    missing, notes = (sum(line.verdict == one for line in lines) for one in (MISSING, NOTE))
    if missing:
        return tr("Something needed is missing: {count}. What to do stands beside it.", count=missing)
    if notes:
        return tr("Everything needed works. Worth knowing: {count}.", count=notes)
    return tr("Everything needed works.")
