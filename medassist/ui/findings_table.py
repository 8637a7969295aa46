"""The list of claims: what, where, how sure, who says so, and the reader's verdict, all in sight at any width."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QBrush, QColor, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from medassist.entities.finding import Finding
from medassist.language import tr
from medassist.ui import theme
from medassist.ui.wording import JUDGEMENT_COLORS, evidence_mark, finding_measure, finding_title, judgement_word

CLAIM, WHERE, SIZE, ORIGIN, VERDICT = range(5)
SHARES = {CLAIM: 0.26, WHERE: 0.16, SIZE: 0.34, VERDICT: 0.24}
ORIGIN_PX = 44


class FindingsTable(QTableWidget):
    """One row per finding; texts wrap, so that the verdict never leaves the panel."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(SHARES) + 1, parent)
        self._rows = tuple[Finding, ...]()
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setProperty("role", "dense")
        self.setShowGrid(False)
        self.setMinimumHeight(96)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(16)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setTextElideMode(Qt.TextElideMode.ElideRight)
        header.setHighlightSections(False)

    def retranslate(self) -> None:
        """Say the headings again in the current language."""
        self.setAccessibleName(tr("Findings"))
        self.setHorizontalHeaderLabels([tr("Finding"), tr("Where"), tr("Value"), tr("Origin"), tr("Reader")])

    def selected(self) -> Finding | None:
        """Return the finding of the selected row."""
        return self.finding(self.currentRow())

    def finding(self, row: int) -> Finding | None:
        """Return the finding of one row."""
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Fill the table without a signal; the selected finding stays selected where it is still there."""
        chosen, self._rows = self.selected(), tuple(findings)
        uids = [one.tracking_uid for one in self._rows]
        with QSignalBlocker(self):
            self.setRowCount(len(self._rows))
            for row, finding in enumerate(self._rows):
                self._fill(row, finding)
            if chosen is not None and chosen.tracking_uid in uids:
                self.selectRow(uids.index(chosen.tracking_uid))
            else:
                self.setCurrentCell(-1, -1)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Share the width out."""
        super().resizeEvent(event)
        self.setColumnWidth(ORIGIN, ORIGIN_PX)
        for column, share in SHARES.items():
            self.setColumnWidth(column, int(share * (self.viewport().width() - ORIGIN_PX)))
        chosen = self.currentItem()
        if chosen is not None:  # what is told about it takes room, which must not hide the row itself
            self.scrollToItem(chosen)

    def _fill(self, row: int, finding: Finding) -> None:
        said_by = f"AI · {finding.model.name}" if finding.model is not None else tr("Reader")
        cells = (
            (finding_title(finding), theme.TEXT if finding.present else theme.DIM),
            (_where(finding), theme.TEXT),
            (" · ".join(filter(None, (finding_measure(finding), evidence_mark(finding)))), theme.TEXT),
            ("AI" if finding.model is not None else tr("Reader"), theme.AI if finding.model else theme.TEXT),
            (judgement_word(finding.judgement), JUDGEMENT_COLORS[finding.judgement]),
        )
        for column, (text, color) in enumerate(cells):
            cell = QTableWidgetItem(text)
            cell.setForeground(QBrush(QColor(color)))
            cell.setToolTip(said_by if column == ORIGIN else finding.comment if column == VERDICT else text)
            self.setItem(row, column, cell)


def _where(finding: Finding) -> str:
    if finding.key_slice is not None:
        return tr("slice {number}", number=finding.key_slice + 1)
    return tr("whole image") if finding.center_lps is None else ""
