"""The one place that holds the session; widgets hear `changed(old, new)` and draw."""

from __future__ import annotations

from collections import deque

from PySide6.QtCore import QObject, Signal

from medassist.session.actions import Action
from medassist.session.history import fold
from medassist.session.seeing import seen
from medassist.session.state import Session


class Store(QObject):
    """Hold the current `Session` and fold actions into it, in the order in which they arrive.

    What can be undone is remembered (see `session.history`).

    A store may stand in front of another one: it shows what may be seen of the session behind it and passes every
    action on. Panels get such a store, so that none of them can tell what has to stay hidden.

    An action dispatched while listeners are still drawing an earlier one waits for its turn, so that every
    listener sees the same sequence of (old, new) pairs.
    """

    changed = Signal(object, object)

    def __init__(
        self, session: Session | None = None, parent: QObject | None = None, *, behind: Store | None = None
    ) -> None:
        super().__init__(parent)
        self._behind = behind
        if behind is not None:
            session = seen(behind.session)
            behind.changed.connect(self._show)
        self._session = session if session is not None else Session()
        self._waiting: deque[Action] = deque()
        self._folding = False

    @property
    def session(self) -> Session:
        """The current state."""
        return self._session

    def dispatch(self, action: Action) -> None:
        """Apply `action` and tell everybody; call it in the GUI thread only."""
        if self._behind is not None:
            self._behind.dispatch(action)
            return
        self._waiting.append(action)
        if self._folding:
            return
        self._folding = True
        try:
            while self._waiting:
                self._fold(self._waiting.popleft())
        finally:
            self._folding = False
            self._waiting.clear()

    def _fold(self, action: Action) -> None:
        old, self._session = self._session, fold(self._session, action)
        if self._session is not old:
            self.changed.emit(old, self._session)

    def _show(self, old: Session, new: Session) -> None:
        before, self._session = self._session, seen(new, (old, self._session))
        if self._session is not before:
            self.changed.emit(before, self._session)
