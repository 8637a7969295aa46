"""The key pictures of a report: a list to add to, order, caption and take from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, QSize
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from medassist.entities.draft import KeyPicture, Shown
from medassist.language import tr
from medassist.report.key_choice import KeyView
from medassist.session.drafts import DropPicture, OrderPictures, PutPicture, draft_of
from medassist.session.keeping import keep_slice
from medassist.ui.report_preview import Preview
from medassist.ui.store import Store

ICON = QSize(110, 84)


class ReportPictures(QWidget):
    """Thumbnails with their slice; what is chosen can be moved, captioned, shown otherwise or left out."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._views = store, tuple[KeyView, ...]()
        self.title, self.list = QLabel(self), QListWidget(self)
        self.title.setProperty("role", "title")
        self.list.setIconSize(ICON)
        self.list.setMinimumHeight(190)
        self.add, self.up, self.down, self.remove = (QPushButton(self) for _ in range(4))
        self.shown, self.caption = QComboBox(self), QLineEdit(self)
        self.caption.setMaxLength(300)
        for _kind in Shown:
            self.shown.addItem("")
        self._lay_out()
        self.list.currentRowChanged.connect(lambda _row: self._draw_chosen())
        self.add.clicked.connect(lambda: store.dispatch(keep_slice(store.session)))
        self.up.clicked.connect(lambda: self._move(-1))
        self.down.clicked.connect(lambda: self._move(1))
        self.remove.clicked.connect(self._remove)
        self.shown.activated.connect(lambda number: self._change(shown=tuple(Shown)[number]))
        self.caption.editingFinished.connect(lambda: self._change(caption=self.caption.text().strip()))
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.title.setText(tr("Key pictures"))
        self.list.setAccessibleName(tr("Key pictures"))
        self.add.setText(tr("Add the slice on screen (S)"))
        self.up.setText(tr("Up"))
        self.down.setText(tr("Down"))
        self.remove.setText(tr("Leave out"))
        self.caption.setPlaceholderText(tr("Caption"))
        self.caption.setAccessibleName(tr("Caption"))
        self.shown.setAccessibleName(tr("What the picture shows"))
        words = {
            Shown.PICTURE: tr("Slice alone"),
            Shown.OVERLAYS: tr("With overlays"),
            Shown.BOTH: tr("Both, side by side"),
        }
        for number, kind in enumerate(Shown):
            self.shown.setItemText(number, words[kind])

    def show_preview(self, preview: Preview) -> None:
        """List the pictures of a preview; the chosen one stays chosen."""
        chosen, self._views = self.chosen(), preview.views
        with QSignalBlocker(self.list):
            self.list.clear()
            for view in self._views:
                line = QListWidgetItem(QIcon(QPixmap.fromImage(preview.thumbnails[view.name])), _line(view))
                self.list.addItem(line)
            names = [one.name for one in self._views]
            self.list.setCurrentRow(names.index(chosen) if chosen in names else -1)
        self._draw_chosen()

    def chosen(self) -> str:
        """Return the name of the chosen picture, "" for none."""
        row = self.list.currentRow()
        return self._views[row].name if 0 <= row < len(self._views) else ""

    def _lay_out(self) -> None:
        column, first, second = QVBoxLayout(self), QHBoxLayout(), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        first.addWidget(self.add, 1)
        for button in (self.up, self.down, self.remove):
            first.addWidget(button)
        second.addWidget(self.shown)
        second.addWidget(self.caption, 1)
        column.addWidget(self.title)
        column.addWidget(self.list)
        column.addLayout(first)
        column.addLayout(second)

    def _draw_chosen(self) -> None:
        row = self.list.currentRow()
        view = self._views[row] if 0 <= row < len(self._views) else None
        named = view is not None and bool(view.name)
        for widget in (self.remove, self.shown, self.caption):
            widget.setEnabled(named)
        self.up.setEnabled(named and row > 0)
        self.down.setEnabled(named and row < len(self._views) - 1)
        if view is not None:
            with QSignalBlocker(self.shown):
                self.shown.setCurrentIndex(tuple(Shown).index(view.shown))
            if not self.caption.hasFocus():
                self.caption.setText(view.caption)

    def _picture(self, view: KeyView) -> KeyPicture:
        """Return a picture as the draft keeps it."""
        kept = draft_of(self._store.session, self._store.session.current).pictures
        return next((one for one in kept if one.name == view.name), KeyPicture(view.name, view.index, view.time))

    def _change(self, **changes: object) -> None:
        row = self.list.currentRow()
        if 0 <= row < len(self._views) and self._views[row].name:
            picture = self._picture(self._views[row])
            changed = replace(picture, **changes)  # type: ignore[arg-type]
            if changed != picture:
                self._store.dispatch(PutPicture(self._store.session.current, changed))

    def _move(self, step: int) -> None:
        row = self.list.currentRow()
        ordered = [self._picture(one) for one in self._views if one.name]
        if 0 <= row < len(ordered) and 0 <= row + step < len(ordered):
            ordered[row], ordered[row + step] = ordered[row + step], ordered[row]
            self._dispatch_order(ordered)

    def _dispatch_order(self, ordered: Sequence[KeyPicture]) -> None:
        self._store.dispatch(OrderPictures(self._store.session.current, tuple(ordered)))

    def _remove(self) -> None:
        if self.chosen():
            self._store.dispatch(DropPicture(self._store.session.current, self.chosen()))


def _line(view: KeyView) -> str:
    marks = [tr("slice {number}", number=view.index + 1)]
    marks += [tr("not reviewed")] if view.unreviewed else []
    marks += [view.caption] if view.caption else []
    return "\n".join(marks)
