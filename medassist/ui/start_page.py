"""What stands in the middle while nothing is open: how to open something, and what was opened before."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QBrush, QColor, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from medassist.language import tr
from medassist.session.state import Session
from medassist.ui import recent, theme
from medassist.ui.recent import Recent
from medassist.ui.runner import Runner
from medassist.ui.store import Store

RECENT_LANE = "recent"
MOST_WIDE = 640


class StartPage(QWidget):
    """Two buttons and a list; a click or Enter opens a row. Rows whose files are gone are grey and do nothing."""

    folder_wanted = Signal()
    file_wanted = Signal()
    chosen = Signal(Path)

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._runner = store, runner
        self._there: dict[str, bool] = {}
        self.drop, self.promise, self.before = QLabel(self), QLabel(self), QLabel(self)
        self.folder, self.file, self.list = QPushButton(self), QPushButton(self), QListWidget(self)
        self.before.setProperty("role", "title")
        self.promise.setProperty("role", "dim")
        self.folder.setProperty("role", "primary")
        self.folder.clicked.connect(self.folder_wanted)
        self.file.clicked.connect(self.file_wanted)
        self.list.itemClicked.connect(self._open)
        self.list.itemActivated.connect(self._open)
        self._lay_out()
        store.changed.connect(self._changed)
        runner.ended.connect(self._ended)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.drop.setFont(theme.font(13))
        self.drop.setText(tr("Drop a folder, a file or a ZIP anywhere in this window."))
        self.promise.setText(tr("Nothing is copied or sent anywhere."))
        self.folder.setText(tr("Open folder…"))
        self.file.setText(tr("Open file…"))
        self.before.setText(tr("Opened before"))
        self.list.setAccessibleName(tr("Opened before"))
        self._fill()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Look which of the paths are still there."""
        super().showEvent(event)
        self._fill()
        rows = recent.entries()
        if rows:
            self._runner.start(RECENT_LANE, recent.look_for, rows, self._found)

    def _lay_out(self) -> None:
        buttons, middle, whole = QHBoxLayout(), QVBoxLayout(), QHBoxLayout(self)
        for button in (self.folder, self.file):
            buttons.addWidget(button)
        buttons.addStretch(1)
        self.drop.setWordWrap(True)
        self.list.setMaximumHeight(320)
        middle.addStretch(2)
        middle.setSpacing(12)
        middle.addWidget(self.drop)
        middle.addLayout(buttons)
        middle.addWidget(self.promise)
        middle.addSpacing(16)
        middle.addWidget(self.before)
        middle.addWidget(self.list)
        middle.addStretch(3)
        inner = QWidget(self)
        inner.setMaximumWidth(MOST_WIDE)
        inner.setLayout(middle)
        whole.addStretch(1)
        whole.addWidget(inner, 6)
        whole.addStretch(1)

    def _changed(self, old: Session, new: Session) -> None:
        if old.scans is not new.scans:
            for scan in new.scans:
                if all(one is not scan for one in old.scans):
                    recent.describe(scan)

    def _found(self, row: Recent, there: bool) -> None:
        """Take one answer from the thread of the job; it is drawn when the job ends."""
        self._there[row.path] = there

    def _ended(self, lane: str) -> None:
        if lane == RECENT_LANE:
            self._fill()

    def _fill(self) -> None:
        rows = recent.entries()
        at = self.list.currentRow()
        self.list.clear()
        for one in rows:
            self.list.addItem(self._row(one))
        self.list.setCurrentRow(min(at, len(rows) - 1))
        for part in (self.before, self.list):
            part.setVisible(bool(rows))

    def _row(self, one: Recent) -> QListWidgetItem:
        gone = not self._there.get(one.path, True)
        details = (one.modality, one.opened, tr("not there any more") if gone else "")
        told = " · ".join(text for text in (Path(one.path).name, *details) if text)
        item = QListWidgetItem(f"{told}\n{one.path}")
        item.setData(Qt.ItemDataRole.UserRole, one.path)
        item.setToolTip(one.path)
        if gone:
            item.setForeground(QBrush(QColor(theme.DIM)))
            item.setFlags(Qt.ItemFlag.NoItemFlags)
        return item

    def _open(self, item: QListWidgetItem) -> None:
        if item.flags() & Qt.ItemFlag.ItemIsEnabled:
            self.chosen.emit(Path(item.data(Qt.ItemDataRole.UserRole)))
