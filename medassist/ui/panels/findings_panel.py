"""The claims about the series on screen: where to look, how sure, who says so, and the reader's verdict."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QBrush, QColor, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from medassist.entities.finding import Finding, Judgement
from medassist.language import tr
from medassist.session.actions import Judge, MoveCursor
from medassist.session.state import Session
from medassist.ui import theme
from medassist.ui.reader import reader_name
from medassist.ui.store import Store
from medassist.ui.wording import JUDGEMENT_COLORS, finding_measure, finding_title, judgement_word

VERDICT_KEYS = (("A", Judgement.ACCEPTED), ("R", Judgement.REJECTED), ("D", Judgement.DEFERRED))
CLAIM, WHERE, SIZE, ORIGIN, VERDICT = range(5)


class FindingsPanel(QWidget):
    """One row per claim; a click jumps there; A, R and D judge the selected row."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._rows = store, tuple[Finding, ...]()
        self.title, self.hint, self.note = QLabel(self), QLabel(self), QLabel(self)
        self.title.setProperty("role", "title")
        for text in (self.hint, self.note):
            text.setProperty("role", "dim")
            text.setWordWrap(True)
        self.table = self._make_table()
        self.comment = QLineEdit(self)
        self.comment.setMaxLength(500)
        self.buttons = {judgement: QPushButton(self) for _key, judgement in VERDICT_KEYS}
        self._lay_out()
        for key, judgement in VERDICT_KEYS:
            self.buttons[judgement].clicked.connect(lambda _on=False, verdict=judgement: self.judge(verdict))
            shortcut = QShortcut(QKeySequence(key), self.table)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(lambda verdict=judgement: self.judge(verdict))
        store.changed.connect(self._changed)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.title.setText(tr("Findings"))
        self.hint.setText(tr("No findings on this series yet. Run a model to get suggestions to review."))
        self.table.setAccessibleName(tr("Findings"))
        self.table.setHorizontalHeaderLabels([tr("Finding"), tr("Where"), tr("Value"), tr("Origin"), tr("Reader")])
        self.comment.setPlaceholderText(tr("Comment (kept with the verdict)"))
        self.comment.setAccessibleName(tr("Comment on the selected finding"))
        words = {
            Judgement.ACCEPTED: tr("Accept (A)"),
            Judgement.REJECTED: tr("Reject (R)"),
            Judgement.DEFERRED: tr("Defer (D)"),
        }
        for judgement, button in self.buttons.items():
            button.setText(words[judgement])
        self._build(self._store.session)

    def selected(self) -> Finding | None:
        """Return the finding of the selected row."""
        row = self.table.currentRow()
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def judge(self, judgement: Judgement) -> None:
        """Record the reader's verdict on the selected finding."""
        finding = self.selected()
        if finding is None:
            return
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        comment = self.comment.text().strip()
        self._store.dispatch(Judge(finding.tracking_uid, judgement, reader_name(), now, comment))

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, 5, self)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setWordWrap(True)
        table.setMinimumHeight(96)
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(CLAIM, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        table.cellClicked.connect(lambda row, _column: self._jump(row))
        table.currentCellChanged.connect(lambda row, *_rest: self._jump(row))
        return table

    def _lay_out(self) -> None:
        column, line = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(4, 8, 8, 8)
        for widget in (self.title, self.hint, self.table, self.note, self.comment):
            column.addWidget(widget)
        for button in self.buttons.values():
            line.addWidget(button)
        column.addLayout(line)

    def _changed(self, old: Session, new: Session) -> None:
        if old.findings is not new.findings or old.current != new.current:
            self._build(new)

    def _build(self, session: Session) -> None:
        chosen = self.selected()
        self._rows = session.findings_of(session.current)
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(self._rows))
            for row, finding in enumerate(self._rows):
                self._fill(row, finding)
            uids = [one.tracking_uid for one in self._rows]
            if chosen is not None and chosen.tracking_uid in uids:
                self.table.selectRow(uids.index(chosen.tracking_uid))
            else:
                self.table.setCurrentCell(-1, -1)
        self.table.resizeRowsToContents()
        self.hint.setVisible(not self._rows)
        self._draw_selected()

    def _fill(self, row: int, finding: Finding) -> None:
        said_by = f"AI · {finding.model.name}" if finding.model is not None else tr("Reader")
        cells = (
            (finding_title(finding), theme.TEXT if finding.present else theme.DIM),
            (_where(finding), theme.TEXT),
            (finding_measure(finding), theme.TEXT),
            ("AI" if finding.model is not None else tr("Reader"), theme.AI if finding.model else theme.TEXT),
            (judgement_word(finding.judgement), JUDGEMENT_COLORS[finding.judgement]),
        )
        for column, (text, color) in enumerate(cells):
            cell = QTableWidgetItem(text)
            cell.setForeground(QBrush(QColor(color)))
            cell.setToolTip(said_by if column == ORIGIN else finding.comment if column == VERDICT else text)
            self.table.setItem(row, column, cell)

    def _jump(self, row: int) -> None:
        self._draw_selected()
        if not 0 <= row < len(self._rows):
            return
        volume, finding = self._store.session.volume, self._rows[row]
        if finding.center_lps is not None:
            self._store.dispatch(MoveCursor(finding.center_lps))
        elif finding.key_slice is not None and volume is not None:
            i, j, _k = volume.geometry.to_index(self._store.session.view.cursor_lps)
            x, y, z = volume.geometry.to_world([i, j, finding.key_slice])
            self._store.dispatch(MoveCursor((float(x), float(y), float(z))))

    def _draw_selected(self) -> None:
        finding = self.selected()
        self.note.setText("" if finding is None else _note(finding))
        self.note.setVisible(bool(self.note.text()))
        self.comment.setText("" if finding is None else finding.comment)
        for widget in (self.comment, *self.buttons.values()):
            widget.setVisible(bool(self._rows))
            widget.setEnabled(finding is not None)


def _where(finding: Finding) -> str:
    if finding.key_slice is not None:
        return tr("slice {number}", number=finding.key_slice + 1)
    return tr("whole image") if finding.center_lps is None else ""


def _note(finding: Finding) -> str:
    if finding.model is None:
        return ""
    said = tr("Model output of {name} {version}, for review by a qualified reader.",
              name=finding.model.name, version=finding.model.version)  # fmt: skip
    if finding.probability is not None and not finding.calibrated:
        said += " " + tr("The score is not a probability of disease.")
    return f"{said} {tr(finding.operating_point)}" if finding.operating_point else said
