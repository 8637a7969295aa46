"""The list of claims: what, where, how sure, who says so, and the reader's verdict, all in sight at any width."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from medassist.entities.finding import Finding, Judgement
from medassist.language import tr
from medassist.ui import theme
from medassist.ui.findings_order import CLAIM, ORIGIN, SIZE, VERDICT, WHERE, Group, GroupKey, Row, rows_of
from medassist.ui.wording import (
    evidence_mark,
    finding_measure,
    finding_title,
    judgement_color,
    judgement_word,
    local_title,
    origin_text,
    side_word,
)

SHARES = {CLAIM: 0.3, WHERE: 0.15, SIZE: 0.31, VERDICT: 0.24}
"""Of the width that the origin leaves."""
ORIGIN_SHARE, ORIGIN_PX = 0.16, (44, 64)

__all__ = ["CLAIM", "ORIGIN", "SIZE", "VERDICT", "WHERE", "FindingsTable"]


class FindingsTable(QTableWidget):
    """One row per finding; texts wrap, so that the verdict never leaves the panel.

    A click on a heading sorts, a second one the other way round, a third one as the models gave them. The row above the
    pieces of a segment opens and closes it. `marks` tells what other evidence there is for a finding.
    """

    regrouped = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(SHARES) + 1, parent)
        self.setTabKeyNavigation(False)  # Tab goes on to the next part of the window
        self._findings, self._rows = tuple[Finding, ...](), tuple[Row, ...]()
        self._closed = set[GroupKey]()
        self._column: int | None = None
        self._descending = False
        self.marks: Callable[[Finding], str] = lambda _finding: ""
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
        header.setSectionsClickable(True)
        header.sectionClicked.connect(self.sort_by)
        self.cellClicked.connect(lambda row, _column: self._toggle(row))

    def retranslate(self) -> None:
        """Say the headings again in the current language."""
        self.setAccessibleName(tr("Findings"))
        self.setHorizontalHeaderLabels([tr("Finding"), tr("Where"), tr("Value"), tr("Origin"), tr("Reader")])
        for heading in map(self.horizontalHeaderItem, range(self.columnCount())):
            if heading is not None:
                heading.setToolTip(tr("Sort; again: the other way round, then as before"))

    def selected(self) -> Finding | None:
        """Return the finding of the selected row."""
        return self.finding(self.currentRow())

    def finding(self, row: int) -> Finding | None:
        """Return the finding of one row; None for the row above the pieces of a segment."""
        found = self._rows[row] if 0 <= row < len(self._rows) else None
        return found if isinstance(found, Finding) else None

    def select(self, tracking_uid: str) -> None:
        """Select a finding by its UID, as a click would; its segment is opened."""
        about = next((one for one in self._rows if isinstance(one, Group) and _holds(one, tracking_uid)), None)
        if about is not None and not about.is_open:
            self._closed.discard(about.key)
            self._refill()
        uids = [one.tracking_uid if isinstance(one, Finding) else "" for one in self._rows]
        if tracking_uid in uids:
            self.setCurrentCell(uids.index(tracking_uid), CLAIM)

    def next_unjudged(self) -> Finding | None:
        """Return the next finding nobody judged, in the order of the list, after the selected one and round the end."""
        grouped = {one.tracking_uid for row in self._rows if isinstance(row, Group) for one in row.findings}
        listed = [one for row in self._rows for one in _told_by(row, grouped)]
        chosen = self.selected()
        at = next((n for n, one in enumerate(listed) if chosen and one.tracking_uid == chosen.tracking_uid), -1)
        turned = [*listed[at + 1 :], *listed[: max(at, 0)]]
        return next((one for one in turned if one.judgement is Judgement.UNREVIEWED), None)

    def sort_by(self, column: int) -> None:
        """Sort by a column; by the same one again the other way round, and the third time not at all."""
        if self._column != column:
            self._column, self._descending = column, column == SIZE  # the largest and surest first
        elif self._descending is (column == SIZE):
            self._descending = not self._descending
        else:
            self._column = None
        header, order = self.horizontalHeader(), Qt.SortOrder
        header.setSortIndicatorShown(self._column is not None)
        header.setSortIndicator(column, order.DescendingOrder if self._descending else order.AscendingOrder)
        self._refill()

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Fill the table without a signal; the selected finding stays selected where it is still there."""
        self._findings = tuple(findings)
        self._refill()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Open and close a segment by Return; all else as a table does."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.finding(self.currentRow()) is None:
            self._toggle(self.currentRow())
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Share the width out."""
        super().resizeEvent(event)
        whole, (least, most) = self.viewport().width(), ORIGIN_PX
        origin = min(max(int(ORIGIN_SHARE * whole), least), most)
        self.setColumnWidth(ORIGIN, origin)
        for column, share in SHARES.items():
            self.setColumnWidth(column, int(share * (whole - origin)))
        chosen = self.currentItem()
        if chosen is not None:  # what is told about it takes room, which must not hide the row itself
            self.scrollToItem(chosen)

    def _toggle(self, row: int) -> None:
        group = self._rows[row] if 0 <= row < len(self._rows) else None
        if isinstance(group, Group):
            self._closed ^= {group.key}
            self._refill()
            self.regrouped.emit()

    def _refill(self) -> None:
        chosen = self.selected()
        self._rows = rows_of(self._findings, self._column, descending=self._descending, closed=self._closed)
        uids = [one.tracking_uid if isinstance(one, Finding) else "" for one in self._rows]
        with QSignalBlocker(self):
            self.clearSpans()
            self.setRowCount(len(self._rows))
            for row, one in enumerate(self._rows):
                self._fill_group(row, one) if isinstance(one, Group) else self._fill(row, one)
            if chosen is not None and chosen.tracking_uid in uids:
                self.selectRow(uids.index(chosen.tracking_uid))
            else:
                self.setCurrentCell(-1, -1)

    def _fill(self, row: int, finding: Finding) -> None:
        said_by = f"AI · {origin_text(finding)}" if finding.model is not None else origin_text(finding)
        told = (finding_measure(finding), self.marks(finding), evidence_mark(finding))
        cells = (
            (finding_title(finding), theme.TEXT if finding.present else theme.DIM),
            (_where(finding), theme.TEXT),
            (" · ".join(filter(None, told)), theme.TEXT),
            (_origin_mark(finding), theme.AI if finding.model and not finding.edited_by else theme.TEXT),
            (judgement_word(finding.judgement), judgement_color(finding.judgement)),
        )
        for column, (text, color) in enumerate(cells):
            cell = QTableWidgetItem(text)
            cell.setForeground(QBrush(QColor(color)))
            cell.setToolTip(said_by if column == ORIGIN else finding.comment if column == VERDICT else text)
            self.setItem(row, column, cell)

    def _fill_group(self, row: int, group: Group) -> None:
        first = group.findings[0]
        title = local_title(first.label, first.title_zh)
        told = tr("{label}: {count} findings, {open} to judge", label=title, count=len(group.findings),
                  open=group.to_judge)  # fmt: skip
        cell = QTableWidgetItem(f"{'▾' if group.is_open else '▸'} {told}")
        cell.setForeground(QBrush(QColor(theme.CAUTION if group.to_judge else theme.DIM)))
        cell.setToolTip(tr("Open or close"))
        for column in range(self.columnCount()):
            self.setItem(row, column, cell if column == CLAIM else QTableWidgetItem(""))
        self.setSpan(row, CLAIM, 1, self.columnCount())


def _told_by(row: Row, grouped: Collection[str]) -> tuple[Finding, ...]:
    """Return the findings a row stands for: those of a group are told by the row above them, open or not."""
    if isinstance(row, Group):
        return row.findings
    return () if row.tracking_uid in grouped else (row,)


def _holds(group: Group, tracking_uid: str) -> bool:
    return any(one.tracking_uid == tracking_uid for one in group.findings)


def _origin_mark(finding: Finding) -> str:
    """Say whose claim it is: what a reader edited is no longer what the model said."""
    if finding.model is None:
        return tr("Reader")
    return tr("Edited") if finding.edited_by else "AI"


def _where(finding: Finding) -> str:
    place = ""
    if finding.key_slice is not None:
        place = tr("slice {number}", number=finding.key_slice + 1)
    elif finding.center_lps is None:
        place = tr("whole image")
    return " · ".join(filter(None, (side_word(finding), place)))
