"""A report, key objects, a presentation state or a PDF of a file, to read; it does not block the window."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from medassist.entities.document import Document, Item
from medassist.language import localized, tr
from medassist.session.state import Session

OPEN_LINES = 400
"""A tree of more lines than this starts folded."""


def show_document(parent: QWidget, document: Document, session: Session) -> QDialog:
    """Show what a file says: its kind and origin first, so that nobody takes it for a result of this program."""
    page = QDialog(parent)
    page.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    page.setWindowTitle(f"{tr(document.kind)} · {document.title}")
    column = QVBoxLayout(page)
    column.addWidget(_told(page, heading(document, session)))
    for note in document.notes:
        column.addWidget(_told(page, f"⚠ {localized(note)}"))
    if document.items:
        column.addWidget(tree_of(page, document))
    if document.pdf:
        for widget in _pdf_buttons(page, document):
            column.addWidget(widget)
    page.resize(760, 640 if document.items else 160)
    page.show()
    return page


def heading(document: Document, session: Session) -> str:
    """Say where the document comes from and which series it is about."""
    about = next((one.title for one in session.all_series() if one.key == document.series_key), "")
    origin = tr("Read from a file; it is no result of a model run here.")
    return f"{origin}\n{tr('About: {series}', series=about)}" if about else origin


def tree_of(parent: QWidget, document: Document) -> QTreeWidget:
    """Return the lines as a tree of concept and value."""
    tree = QTreeWidget(parent)
    tree.setHeaderLabels([tr("Concept"), tr("Content")])
    tree.setAccessibleName(document.title)
    tree.setWordWrap(True)
    tree.addTopLevelItems([_line(item) for item in document.items])
    if sum(1 for _ in document.walk()) <= OPEN_LINES:
        tree.expandAll()
    tree.setColumnWidth(0, 380)
    return tree


def _line(item: Item) -> QTreeWidgetItem:
    line = QTreeWidgetItem([tr(item.concept) if item.code is None else item.concept, item.value])
    line.setToolTip(1, item.value)
    if item.code is not None:
        line.setToolTip(0, f"{item.code.value} ({item.code.scheme})")
    line.addChildren([_line(child) for child in item.children])
    return line


def _told(parent: QWidget, text: str) -> QLabel:
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label


def _pdf_buttons(page: QDialog, document: Document) -> tuple[QWidget, ...]:
    save, view = QPushButton(tr("Save as…"), page), QPushButton(tr("Open in the system's viewer"), page)
    problem = _told(page, "")
    save.clicked.connect(lambda: _save(page, document, problem))
    view.clicked.connect(lambda: _view(document))
    return save, view, problem


def _save(page: QDialog, document: Document, problem: QLabel) -> None:
    chosen, _filter = QFileDialog.getSaveFileName(page, tr("Save as…"), "document.pdf", "PDF (*.pdf)")
    if chosen:
        try:
            Path(chosen).write_bytes(document.pdf)
        except OSError:
            problem.setText(tr("{file} could not be written.", file=chosen))


def _view(document: Document) -> None:
    """Hand a copy with a name of our own to the system: no name from the file reaches it."""
    path = Path(tempfile.mkdtemp(prefix="medassist-")) / "document.pdf"
    path.write_bytes(document.pdf)
    path.chmod(0o600)
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
