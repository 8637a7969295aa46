"""The Edit menu: take the last step back, do it again; what was drawn and not kept comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from medassist.language import localized, tr
from medassist.session.history import Redo, Undo
from medassist.session.state import Session
from medassist.session.steps import Step
from medassist.session.thresholds import prevalences_to_keep
from medassist.ui.reader import keep

if TYPE_CHECKING:
    from medassist.ui.edit_bar import EditBar
    from medassist.ui.region_bar import RegionBar
    from medassist.ui.store import Store

UNDO_KEYS, REDO_KEYS = ("Ctrl+Z",), ("Ctrl+Shift+Z", "Ctrl+Y")


class EditMenu(QMenu):
    """Undo and Redo, each with what it would do; text fields keep these keys for their own words.

    `elsewhere` tells of a step that changed a series which is not on screen: nobody would see it change.
    """

    elsewhere = Signal(str)

    def __init__(self, store: Store, region: RegionBar, editing: EditBar, bar: QMenuBar) -> None:
        super().__init__(bar)
        self._store, self._region, self._editing = store, region, editing
        self.undo, self.redo = QAction(self), QAction(self)
        for action, keys, act in ((self.undo, UNDO_KEYS, self._undo), (self.redo, REDO_KEYS, self._redo)):
            action.setShortcuts([QKeySequence(one) for one in keys])
            action.triggered.connect(lambda _on=False, act=act: act())
            self.addAction(action)
        store.changed.connect(self._changed)
        editing.busy.connect(lambda: self._draw(self._store.session))
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.setTitle(tr("Edit"))
        self._draw(self._store.session)

    def _undo(self) -> None:
        if self._draws(self._store.session):
            self._region.undo.click()
        elif not self._editing.wait_for_strokes(Undo()):
            self._store.dispatch(Undo())

    def _redo(self) -> None:
        if not self._editing.wait_for_strokes(Redo()):
            self._store.dispatch(Redo())

    def _changed(self, old: Session, new: Session) -> None:
        if old.history.undone != new.history.undone or old.history.redone != new.history.redone:
            self._keep_settings(old, new)
            self._tell_elsewhere(old, new)
        if old.history is not new.history or old.region is not new.region or old.current != new.current:
            self._draw(new)

    def _keep_settings(self, old: Session, new: Session) -> None:
        """Let the next start know what the dial told it, as it is now."""
        if old.prevalences is not new.prevalences:
            keep("prevalences", prevalences_to_keep(new.prevalences))

    def _tell_elsewhere(self, old: Session, new: Session) -> None:
        undone = old.history.undone != new.history.undone
        step = old.history.to_undo if undone else old.history.to_redo
        if step is not None and _is_elsewhere(step, new):
            self.elsewhere.emit(_undo(step, new) if undone else _redo(step, new))

    def _draw(self, session: Session) -> None:
        """Name the next step either way; a menu entry with nothing to do is grey."""
        history = session.history
        drawing = self._draws(session)
        self.undo.setText(
            tr("Undo: {step}", step=tr("drawing the region")) if drawing else _undo(history.to_undo, session)
        )
        self.undo.setEnabled(drawing or history.to_undo is not None or self._editing.is_busy)
        self.redo.setText(_redo(history.to_redo, session))
        self.redo.setEnabled(history.to_redo is not None)

    def _draws(self, session: Session) -> bool:
        """Tell whether a region is being drawn that has a change to take back."""
        return self._region.open and session.drawing is not None and session.drawing.before is not None


def _undo(step: Step | None, session: Session) -> str:
    return tr("Undo") if step is None else tr("Undo: {step}", step=_named(step, session))


def _redo(step: Step | None, session: Session) -> str:
    return tr("Redo") if step is None else tr("Redo: {step}", step=_named(step, session))


def _is_elsewhere(step: Step, session: Session) -> bool:
    return bool(step.told.series) and session.current not in step.told.series


def _named(step: Step, session: Session) -> str:
    """Name a step, and the series it is about where that is another one than the one on screen."""
    title = localized(step.title)
    if not _is_elsewhere(step, session):
        return title
    key = step.told.series[0]
    series = session.series(key).title if session.holds(key) else ""
    return tr("{step} (on another series: {series})", step=title, series=series or tr("Series without a name"))
