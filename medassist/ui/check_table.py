"""The suitability table: what the model demands, what the series has, and the verdict in colour and word."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from medassist.entities.prediction import Check, Verdict
from medassist.language import tr
from medassist.ui import theme
from medassist.ui.wording import verdict_color, verdict_word


class CheckTable(QTableWidget):
    """One row per check; hidden while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 4, parent)
        self.setTabKeyNavigation(False)  # Tab goes on to the next part of the window
        self._checks: tuple[Check, ...] = ()
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setShowGrid(False)
        self.setProperty("role", "dense")
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.ResizeToContents)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.setAccessibleName(tr("Does this series suit the model?"))
        self.setHorizontalHeaderLabels([tr("Check"), tr("Demanded"), tr("Actual"), tr("Verdict")])
        self.show_checks(self._checks)

    def show_checks(self, checks: Sequence[Check]) -> None:
        """Fill the table."""
        self._checks = tuple(checks)
        self.setRowCount(len(self._checks))
        for row, check in enumerate(self._checks):
            texts = (tr(check.name), tr(check.demanded), tr(check.found), verdict_word(check.verdict))
            for column, text in enumerate(texts):
                cell = QTableWidgetItem(text)
                cell.setToolTip(text)
                cell.setForeground(QBrush(QColor(verdict_color(check.verdict) if column == 3 else theme.TEXT)))
                self.setItem(row, column, cell)
        self._fit()
        self.setVisible(bool(self._checks))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Wrap the texts anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Be as high as all rows, which wrap as the width changes: the page around scrolls, not the table."""
        self.resizeRowsToContents()
        self.setFixedHeight(self.horizontalHeader().height() + self.verticalHeader().length() + 4)


def problem_text(checks: Sequence[Check]) -> str:
    """Say that a series does not suit a model and in what: the row may be far down the table; "" when it does."""
    failed = [one for one in checks if one.verdict is Verdict.FAIL]
    told = (
        tr("{check}: demanded {demanded}, found {found}",
           check=tr(one.name), demanded=tr(one.demanded), found=tr(one.found))
        for one in failed
    )  # fmt: skip
    warning = tr("This series does not suit this model. Its output may be wrong.")
    return "\n".join([warning, *(f"• {text}" for text in told)]) if failed else ""
