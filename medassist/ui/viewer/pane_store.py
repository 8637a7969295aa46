"""The session as one pane shows it, and the way of its actions to the series it shows."""

from __future__ import annotations

from PySide6.QtCore import QObject

from medassist.session.actions import Action
from medassist.session.arranging import OnPane, at_pane
from medassist.session.state import Session
from medassist.ui.store import Store


class PaneStore(Store):
    """Stand in front of a store for one pane: `session` has the series of the pane on screen, and actions reach it.

    So a plane needs to know of one series only. It says nothing of changes: the viewer draws all panes.
    """

    def __init__(self, store: Store, number: int, parent: QObject | None = None) -> None:
        super().__init__(parent=parent)
        self._all, self.number = store, number

    @property
    def session(self) -> Session:
        """The current state of this pane."""
        return at_pane(self._all.session, self.number)

    def dispatch(self, action: Action) -> None:
        """Let an action change the series of this pane; the one on screen stays the one on screen."""
        told = self._all.session.arrangement
        here = self.number == told.active or not told.panes
        self._all.dispatch(action if here else OnPane(self.number, action))
