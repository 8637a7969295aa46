"""Help > Collect a bug report: the user reads what is in it, then saves it; it is never sent by the program."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from medassist.entities.errors import UnwritableOutput
from medassist.language import localized, tr
from medassist.session.bug_report import pages, write
from medassist.session.state import Session

FILE = "medassist-bug-report.zip"


class BugReportPage(QDialog):
    """The list of files, the text of the chosen one, and Save."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Bug report"))
        self.pages = pages(session)
        self.told, self.outcome, self.save = QLabel(self), QLabel(self), QPushButton(tr("Save as…"), self)
        self.list, self.text = QListWidget(self), QPlainTextEdit(self)
        self.list.addItems([page.name for page in self.pages])
        self.list.setAccessibleName(tr("Files of the bug report"))
        self.text.setAccessibleName(tr("Content of the file"))
        self.text.setReadOnly(True)
        self.list.currentRowChanged.connect(lambda row: self.text.setPlainText(self.pages[row].text))
        self.save.clicked.connect(self._choose)
        self._lay_out()
        self.list.setCurrentRow(0)

    def write(self, path: Path) -> None:
        """Write the report and say so here."""
        try:
            write(self.pages, path)
        except UnwritableOutput as problem:
            self.outcome.setText(localized(problem))
            return
        self.outcome.setText(tr("Saved: {path}", path=path))

    def _lay_out(self) -> None:
        self.told.setText(
            tr("This is all of it. Names, numbers of patients, UIDs and paths are removed. Nothing is sent: save it, "
               "read it, and attach it to your report.")
        )  # fmt: skip
        for label in (self.told, self.outcome):
            label.setWordWrap(True)
        self.outcome.setTextFormat(Qt.TextFormat.PlainText)
        self.list.setMaximumWidth(180)
        column, row, last = QVBoxLayout(self), QHBoxLayout(), QHBoxLayout()
        row.addWidget(self.list)
        row.addWidget(self.text, 1)
        last.addWidget(self.outcome, 1)
        last.addWidget(self.save)
        column.addWidget(self.told)
        column.addLayout(row, 1)
        column.addLayout(last)
        self.resize(820, 560)

    def _choose(self) -> None:
        name, _filter = QFileDialog.getSaveFileName(self, tr("Save as…"), FILE, "ZIP (*.zip)")
        if name:
            self.write(Path(name))


def show_bug_report(parent: QWidget, session: Session) -> BugReportPage:
    """Show what a bug report about this session holds; it does not block the window."""
    page = BugReportPage(session, parent)
    page.show()
    return page
