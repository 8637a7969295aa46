"""Studies hung by rules when they come on screen, and the series their panes ask for loaded one after the other."""

from __future__ import annotations

from PySide6.QtCore import QObject

from medassist.entities.study import Series
from medassist.session.arranging import PutInPane, load_beside
from medassist.session.hanging import hang
from medassist.session.objects import can_open
from medassist.session.state import Session
from medassist.storage.hanging import read
from medassist.ui.objects import open_object
from medassist.ui.opening import show_series, showable
from medassist.ui.runner import Runner
from medassist.ui.store import Store
from medassist.ui.viewer.panes import PaneGrid

LANE = "pane"


class Hanger(QObject):
    """Arrange panes by the rules, unless a reader chose how, and fill them; the series on screen is never replaced."""

    def __init__(self, store: Store, runner: Runner, panes: PaneGrid, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._runner = store, runner
        self._tried: dict[str, Series] = {}
        self._told = False
        store.changed.connect(self._changed)
        runner.ended.connect(lambda _lane: self._fill(store.session))
        panes.dropped.connect(self.drop)

    def drop(self, number: int, key: str) -> None:
        """Show a series, or what is laid over one, that was dropped into a pane."""
        session = self._store.session
        if not session.holds(key):
            return
        series, told = session.series(key), session.arrangement
        if can_open(series):
            open_object(self._store, self._runner, series)
        elif told.panes and number != told.active and showable(series):
            self._store.dispatch(PutInPane(number, key))
        else:
            show_series(self._store, self._runner, series)

    def _changed(self, old: Session, new: Session) -> None:
        if new.current and not new.arrangement.by_reader and self._is_due(old, new):
            rules = read()
            if rules.problem is not None and not self._told:
                self._told = True
                self._runner.failed.emit(LANE, rules.problem)
            self._store.dispatch(hang(new, rules.rules))
        if old.arrangement is not new.arrangement or old.loading is not new.loading or old.scans is not new.scans:
            self._fill(new)

    def _is_due(self, old: Session, new: Session) -> bool:
        """Tell whether another study came on screen that no pane showed, or a reader left the layout to the rules."""
        if old.arrangement.by_reader:
            return True
        if new.current in old.arrangement.keys(old.current):
            return False
        before = old.study_of(old.current).study_uid if old.holds(old.current) else None
        return new.holds(new.current) and new.study_of(new.current).study_uid != before

    def _fill(self, session: Session) -> None:
        """Load the next series a pane asks for, once the one on screen is there; what failed is not tried again."""
        keys = [one.series_key for one in session.arrangement.panes if session.holds(one.series_key)]
        self._tried = {key: one for key, one in self._tried.items() if key in keys}
        if session.loading is not None or self._runner.running(LANE):
            return
        for key in keys:
            series = session.series(key)
            if key not in session.volumes and self._tried.get(key) is not series:
                self._tried[key] = series
                self._runner.start(LANE, load_beside, series)
                return
