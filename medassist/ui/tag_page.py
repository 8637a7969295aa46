"""View > DICOM tags: every element of the file behind the slice on screen, to search, compare and copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from medassist.entities.element import ElementRow
from medassist.entities.errors import MedAssistError
from medassist.language import localized, tr
from medassist.session.element_lists import (
    Place,
    ShowElements,
    is_listable,
    list_elements,
    place_beside,
    place_on_screen,
)
from medassist.session.element_rows import matching, rows, walk
from medassist.session.state import Session
from medassist.ui.runner import Runner
from medassist.ui.tag_model import TagModel
from medassist.ui.tag_words import as_text, heading

if TYPE_CHECKING:
    from medassist.ui.store import Store

LANE = "tags"
PAUSE_MS = 150
"""How long scrolling and typing rest before files are read and rows are looked through."""
MOST_OPEN = 400
"""Found rows up to this number are unfolded at once."""
WIDTHS = (120, 44, 270, 300)


def show_tags(parent: QWidget, store: Store, runner: Runner) -> TagPage:
    """Show the page; it does not block the window."""
    page = TagPage(store, runner, parent)
    page.show()
    page.read()
    return page


class TagPage(QDialog):
    """Follows the slice on screen. What it reads goes when it is closed."""

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._runner = store, runner
        self._rows: tuple[ElementRow, ...] = ()
        self._asked: tuple[Place, ...] | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.about, self.note = QLabel(self), QLabel(self)
        self.search, self.differences = QLineEdit(self), QCheckBox(self)
        self.beside, self.slice = QComboBox(self), QSpinBox(self)
        self.tree, self.model = QTreeView(self), TagModel(self)
        self.copy, self.copy_all = QPushButton(self), QPushButton(self)
        self.words = QLabel(self), QLabel(self)
        self._reading, self._looking = QTimer(self), QTimer(self)
        self._lay_out()
        self._connect()
        self._say("")
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.setWindowTitle(tr("DICOM tags"))
        self.differences.setText(tr("Only differences"))
        self.copy.setText(tr("Copy rows"))
        self.copy_all.setText(tr("Copy all"))
        self.search.setPlaceholderText(tr("Search name, tag, keyword or value"))
        for label, part, word in zip(
            self.words, (self.search, self.beside), (tr("Search"), tr("Compare with")), strict=True
        ):
            label.setText(word)
            part.setAccessibleName(word)
        self.slice.setAccessibleName(tr("File or frame"))
        self.slice.setToolTip(tr("Which file or frame of that series, as stored"))
        self.tree.setAccessibleName(tr("DICOM tags"))
        self._offer()
        self._draw()

    def read(self) -> None:
        """Read the files again, where they are others by now."""
        here = place_on_screen(self._store.session)
        places = () if here is None else (here, *self._second())
        if places == self._asked:
            return
        self._asked = places
        self._say("" if places else tr("There is no DICOM file behind this picture."))
        if places:
            self._runner.start(LANE, list_elements, places)
        else:
            self._store.dispatch(ShowElements(()))

    def shown(self) -> tuple[ElementRow, ...]:
        """Return the rows that hold what is searched for."""
        return matching(self._rows, self.search.text(), only_differences=self._only_differences())

    def _second(self) -> tuple[Place, ...]:
        session, key = self._store.session, self.beside.currentData()
        if not key or not session.holds(key):
            return ()
        series = session.series(key)
        return (Place(series, min(self.slice.value() - 1, len(series.frames) - 1)),)

    def _only_differences(self) -> bool:
        return self.differences.isChecked() and len(self._store.session.element_lists) == 2

    def _connect(self) -> None:
        for timer, act in ((self._reading, self.read), (self._looking, self._search)):
            timer.setSingleShot(True)
            timer.setInterval(PAUSE_MS)
            timer.timeout.connect(act)
        self.search.textChanged.connect(lambda _text: self._looking.start())
        self.differences.toggled.connect(lambda _on: self._search())
        self.beside.activated.connect(lambda _at: self._choose())
        self.slice.valueChanged.connect(lambda _at: self._reading.start())
        self.copy.clicked.connect(self._copy_rows)
        self.copy_all.clicked.connect(lambda: self._copy(self.shown()))
        QShortcut(QKeySequence.StandardKey.Copy, self.tree, self._copy_rows)
        QShortcut(QKeySequence.StandardKey.Find, self, self.search.setFocus)
        self._store.changed.connect(self._changed)
        self._runner.failed.connect(self._failed)
        self.finished.connect(lambda _result: self._let_go())

    def _let_go(self) -> None:
        self._reading.stop()
        self._looking.stop()
        self._runner.cancel(LANE)
        self._store.dispatch(ShowElements(()))

    def _lay_out(self) -> None:
        self.about.setWordWrap(True)
        self.about.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setWordWrap(True)
        self.search.setClearButtonEnabled(True)
        self._dress_tree()
        column, form, second, buttons = QVBoxLayout(self), QFormLayout(), QHBoxLayout(), QHBoxLayout()
        second.addWidget(self.beside, 1)
        second.addWidget(self.slice)
        second.addWidget(self.differences)
        form.addRow(self.words[0], self.search)
        form.addRow(self.words[1], second)
        for button in (self.copy, self.copy_all):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        buttons.addStretch(1)
        column.addWidget(self.about)
        column.addLayout(form)
        column.addWidget(self.tree, 1)
        column.addWidget(self.note)
        column.addLayout(buttons)
        self.search.setFocus()
        self.resize(920, 680)

    def _dress_tree(self) -> None:
        tree = self.tree
        tree.setModel(self.model)
        tree.setUniformRowHeights(True)
        tree.setAlternatingRowColors(True)
        tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        tree.header().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for column, width in enumerate(WIDTHS):
            tree.setColumnWidth(column, width)

    def _offer(self) -> None:
        """List the series that can be held against the one on screen, the same one too: its slices differ."""
        chosen = self.beside.currentData()
        self.beside.clear()
        self.beside.addItem(tr("Nothing"), "")
        for series in filter(is_listable, self._store.session.all_series()):
            self.beside.addItem(series.title or series.modality, series.key)
        self.beside.setCurrentIndex(max(self.beside.findData(chosen), 0))

    def _choose(self) -> None:
        """Begin with the slice of the other series that is nearest to the crosshair."""
        session, key = self._store.session, self.beside.currentData()
        if key:
            place = place_beside(session, session.series(key))
            self.slice.blockSignals(True)
            self.slice.setRange(1, max(len(session.series(key).frames), 1))
            self.slice.setValue(1 if place is None else place.position + 1)
            self.slice.blockSignals(False)
        self.read()
        self._draw()

    def _changed(self, old: Session, new: Session) -> None:
        if old.scans is not new.scans:
            self._offer()
        if old.element_lists is not new.element_lists:
            self._draw()
        if old.current != new.current or old.views is not new.views or old.volumes is not new.volumes:
            self._reading.start()

    def _failed(self, lane: str, error: MedAssistError) -> None:
        if lane == LANE:
            self._store.dispatch(ShowElements(()))
            self._say(localized(error))

    def _say(self, text: str) -> None:
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def _draw(self) -> None:
        session = self._store.session
        lists = session.element_lists
        self.about.setText("\n".join(heading(session, one) for one in lists) or tr("DICOM tags"))
        self._rows = rows(*(one.elements for one in lists)) if lists else ()
        if any(one.cut for one in lists):
            self._say(tr("The file has more elements than are listed here."))
        for part in (self.slice, self.differences):
            part.setEnabled(bool(self.beside.currentData()))
        self._search()

    def _search(self) -> None:
        found, compared = self.shown(), len(self._store.session.element_lists) == 2
        place = self.tree.verticalScrollBar().value()
        self.model.show_rows(found, compared=compared)
        self.tree.verticalScrollBar().setValue(place)  # the same element of the next slice
        if self.search.text().strip() or self._only_differences():
            few = sum(1 for _ in zip(walk(found), range(MOST_OPEN + 1), strict=False)) <= MOST_OPEN
            self.tree.expandAll() if few else self.tree.expandToDepth(0)
        self.copy.setEnabled(bool(found))
        self.copy_all.setEnabled(bool(found))

    def _copy_rows(self) -> None:
        chosen = sorted(self.tree.selectionModel().selectedRows(), key=lambda at: self.tree.visualRect(at).top())
        self._copy([self.model.row_at(at) for at in chosen])

    def _copy(self, found: Sequence[ElementRow]) -> None:
        compared = len(self._store.session.element_lists) == 2
        if found:
            QGuiApplication.clipboard().setText(as_text(found, compared=compared))
