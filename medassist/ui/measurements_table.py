"""The rows of the list of measurements: shape, name, figures, slice."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from medassist.entities.measurement import Measurement
from medassist.entities.volume import Volume
from medassist.imaging.measuring import remarks
from medassist.language import localized, tr
from medassist.ui.measure_words import figures_text, shape_word
from medassist.ui.measurement_text import slice_text
from medassist.ui.tool_icons import tool_icon

SHAPE, NAME, FIGURES, SLICE = range(4)
SHAPE_PX, SLICE_PX = 30, 84
NAME_SHARE = 0.36


class MeasurementsTable(QTableWidget):
    """`named(uid, words)` when a name was typed, `chosen(uid)` when a row was, `dropped(uid)` for its key."""

    named = Signal(str, str)
    chosen = Signal(str)
    dropped = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 4, parent)
        self.setTabKeyNavigation(False)  # Tab goes on to the next part of the window
        self._uids: tuple[str, ...] = ()
        self.setProperty("role", "dense")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        edit = QAbstractItemView.EditTrigger
        self.setEditTriggers(edit.DoubleClicked | edit.EditKeyPressed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setShowGrid(False)
        self.setMinimumHeight(84)
        self.setWordWrap(False)  # what does not fit is told by the tip
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setMinimumSectionSize(16)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.itemChanged.connect(self._typed)
        self.currentCellChanged.connect(lambda row, *_rest: self._choose(row))
        self.cellClicked.connect(lambda row, _column: self._choose(row))

    def retranslate(self) -> None:
        """Say the headings again in the current language."""
        self.setAccessibleName(tr("Measurements"))
        self.setHorizontalHeaderLabels(["", tr("Name"), tr("Measured"), tr("Slice")])

    def show_all(self, measurements: tuple[Measurement, ...], volume: Volume | None, selected: str) -> None:
        """List measurements; nothing is told of it."""
        with QSignalBlocker(self):
            self._uids = tuple(one.uid for one in measurements)
            self.setRowCount(len(measurements))
            for row, one in enumerate(measurements):
                self._fill(row, one, volume)
            row = self._uids.index(selected) if selected in self._uids else -1
            if row >= 0:
                self.setCurrentCell(row, NAME)
            else:
                self.clearSelection()
                self.setCurrentCell(-1, -1)

    def selected(self) -> str:
        """Return the UID of the chosen row, "" for none."""
        row = self.currentRow()
        return self._uids[row] if 0 <= row < len(self._uids) and self.selectedItems() else ""

    def ask_name(self) -> None:
        """Let the reader type the name of the chosen one."""
        item = self.item(self.currentRow(), NAME)
        if item is not None:
            self.editItem(item)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Delete the chosen one by its key."""
        if event.key() == Qt.Key.Key_Delete and self.selected():
            self.dropped.emit(self.selected())
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Share the width out."""
        super().resizeEvent(event)
        room = self.viewport().width() - SHAPE_PX - SLICE_PX
        for column, width in {
            SHAPE: SHAPE_PX, NAME: int(NAME_SHARE * room), FIGURES: room - int(NAME_SHARE * room), SLICE: SLICE_PX,
        }.items():  # fmt: skip
            self.setColumnWidth(column, width)

    def _fill(self, row: int, one: Measurement, volume: Volume | None) -> None:
        figures = figures_text(one)
        told = "" if volume is None else "\n".join(localized(each) for each in remarks(one, volume))
        place = "" if volume is None else slice_text(one, volume)
        place += f" · t{one.time + 1}" if volume is not None and len(volume.array_tzyx) > 1 else ""
        for column, text in enumerate(("", one.label, f"{figures} ⚠" if told else figures, place)):
            item = QTableWidgetItem(text)
            item.setToolTip("\n".join(part for part in (shape_word(one.shape), figures, told) if part))
            if column != NAME:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
            if column == SHAPE:
                item.setIcon(tool_icon(one.shape))
                item.setData(Qt.ItemDataRole.AccessibleTextRole, shape_word(one.shape))
            self.setItem(row, column, item)

    def _typed(self, item: QTableWidgetItem) -> None:
        if item.column() == NAME and 0 <= item.row() < len(self._uids):
            self.named.emit(self._uids[item.row()], item.text())

    def _choose(self, row: int) -> None:
        if 0 <= row < len(self._uids):
            self.chosen.emit(self._uids[row])
