"""Objects of files in the window: a click opens them over their images, whichever of the two was there first."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from medassist.entities.errors import MedAssistError
from medassist.entities.study import Series
from medassist.session.objects import (
    AwaitObject,
    ForgetObject,
    RemoveOverlay,
    awaited,
    is_overlay,
    load_object,
    target_of,
)
from medassist.session.state import Session
from medassist.ui.document_page import show_document
from medassist.ui.opening import show_series
from medassist.ui.runner import Runner
from medassist.ui.store import Store

OBJECT_LANE = "object"


def open_object(store: Store, runner: Runner, series: Series) -> None:
    """Ask for an object: its images come on screen first; where they are not open yet, it waits for them.

    An overlay that lies over the series on screen is taken away instead.
    """
    if any(one.key == series.key for one in store.session.overlays_here):
        store.dispatch(RemoveOverlay(series.key, store.session.current))
        return
    store.dispatch(AwaitObject(series.key))
    target = target_of(store.session, series)
    if target is not None and target.key != store.session.current:
        show_series(store, runner, target)


class ObjectOpener(QObject):
    """Open what the session awaits as soon as its images are on screen, one at a time; show documents that arrive."""

    def __init__(self, store: Store, runner: Runner, window: QWidget) -> None:
        super().__init__(window)
        self._store, self._runner, self._window = store, runner, window
        self._under_way = ""
        store.changed.connect(self._changed)
        runner.failed.connect(self._failed)
        runner.cancelled.connect(self._stopped)

    def _changed(self, old: Session, new: Session) -> None:
        if self._under_way not in new.awaited:
            self._under_way = ""
        if new.documents is not old.documents and new.documents:
            show_document(self._window, new.documents[-1], new)
        if old.scans is not new.scans:
            self._bring_images(new)
        self._start(new)

    def _bring_images(self, session: Session) -> None:
        """Show the images of what was asked for before they were there."""
        for series in awaited(session):
            target = target_of(session, series)
            if target is not None and target.key != session.current:
                show_series(self._store, self._runner, target)
                return

    def _start(self, session: Session) -> None:
        for series in awaited(session):
            if self._under_way:
                return
            target = target_of(session, series)
            if target is not None and target.key == session.current and session.volume is None:
                continue  # its images are on screen in parts only
            on_screen = target is not None and target.key == session.current
            if on_screen or not is_overlay(series):
                self._under_way = series.key
                self._runner.start(OBJECT_LANE, load_object, series, session.volume if on_screen else None)

    def _failed(self, lane: str, _error: MedAssistError) -> None:
        self._stopped(lane)

    def _stopped(self, lane: str) -> None:
        if lane == OBJECT_LANE and self._under_way:
            key, self._under_way = self._under_way, ""
            self._store.dispatch(ForgetObject(key))
