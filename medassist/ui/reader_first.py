"""The switch of the reader-first mode: kept for the next start, and at once in the session."""

from __future__ import annotations

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from medassist.session.impressions import SetReaderFirst
from medassist.ui.reader import keep
from medassist.ui.store import Store


def reader_first_switch(menu: QMenu, store: Store) -> QAction:
    """Add an entry to a menu that hides what models say until the reader has recorded a first impression."""
    action = QAction(menu)
    action.setCheckable(True)

    def switch(on: bool) -> None:
        keep("reader_first", on)
        store.dispatch(SetReaderFirst(on))

    action.triggered.connect(switch)
    menu.aboutToShow.connect(lambda: action.setChecked(store.session.reader_first))
    menu.addAction(action)
    return action
