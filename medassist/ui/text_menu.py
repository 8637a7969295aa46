"""View > Texts on the picture: all, few, or none but what must be known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from medassist.entities.look import CornerText
from medassist.language import tr
from medassist.session.actions import SetLayers

if TYPE_CHECKING:
    from medassist.session.state import Session
    from medassist.ui.store import Store

KEY = "V"


class TextMenu(QMenu):
    """One entry for each amount, and one that goes to the next."""

    def __init__(self, store: Store, parent: QWidget) -> None:
        super().__init__(parent)
        self._store = store
        group = QActionGroup(self)
        self.entries = {much: self._entry(much, group) for much in CornerText}
        self.addSeparator()
        self.switch = QAction(self)
        self.switch.setShortcut(QKeySequence(KEY))
        self.switch.triggered.connect(lambda _on=False: self.set(store.session.layers.corner_text.next))
        self.addAction(self.switch)
        store.changed.connect(lambda _old, new: self._mark(new))
        self._mark(store.session)

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.setTitle(tr("Texts on the picture"))
        words = {
            CornerText.FULL: tr("All"),
            CornerText.SHORT: tr("Patient, series and slice"),
            CornerText.OFF: tr("Patient and side only"),
        }
        for much, entry in self.entries.items():
            entry.setText(words[much])
        self.switch.setText(tr("Fewer or more"))

    def set(self, much: CornerText) -> None:
        """Write this much on the picture."""
        self._store.dispatch(SetLayers(replace(self._store.session.layers, corner_text=much)))

    def _entry(self, much: CornerText, group: QActionGroup) -> QAction:
        entry = QAction(group)
        entry.setCheckable(True)
        entry.triggered.connect(lambda _on=False: self.set(much))
        self.addAction(entry)
        return entry

    def _mark(self, session: Session) -> None:
        self.entries[session.layers.corner_text].setChecked(True)
