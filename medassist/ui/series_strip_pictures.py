"""Asks for the thumbnails of the rows on screen, a few at a time, when nothing is being opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue

from PySide6.QtCore import QObject, QTimer, Signal

from medassist.entities.study import Series
from medassist.session.thumbnails import Shelf, Thumbnail, Wanted, can_be_pictured, make_thumbnails
from medassist.ui.opening import LOAD_LANE, is_opening
from medassist.ui.runner import Runner

THUMBNAIL_LANE = "thumbnails"
AT_ONCE = 4
"""Series of one job: those scrolled to meanwhile come next."""
SOON_MS = 40


class Thumbnails(QObject):
    """Thumbnails of what is on screen. They are no part of the session: nothing is decided by them.

    `visible` returns the series on screen, from the top. `made(key)` tells of a new one, in the GUI thread.
    """

    made = Signal(str)

    def __init__(self, runner: Runner, visible: Callable[[], Iterable[Wanted]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner, self._visible = runner, visible
        self._inbox = SimpleQueue[tuple[Series, Thumbnail | None]]()
        self._asked: dict[str, Series] = {}
        self.shelf = Shelf()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SOON_MS)
        self._timer.timeout.connect(self._next)
        runner.began.connect(self._give_way)
        runner.stepped.connect(lambda lane, _step: self._take(lane))
        runner.cancelled.connect(self._stopped)
        runner.ended.connect(self._ended)

    def look(self) -> None:
        """See soon what is on screen and missing."""
        self._timer.start()

    def _next(self) -> None:
        lanes = self._runner.lanes()
        if self._runner.running(THUMBNAIL_LANE) or any(is_opening(lane) for lane in lanes):
            return
        missing = [
            (series, volume)
            for series, volume in self._visible()
            if can_be_pictured(series, volume) and not self.shelf.has(series)
        ][:AT_ONCE]
        if missing:
            self._asked = {series.key: series for series, _ in missing}
            self._runner.start(THUMBNAIL_LANE, make_thumbnails, tuple(missing), self._deliver)

    def _deliver(self, series: Series, thumbnail: Thumbnail | None) -> None:
        """Take one from the thread of the job."""
        self._inbox.put((series, thumbnail))

    def _give_way(self, lane: str) -> None:
        if lane == LOAD_LANE:
            self._runner.cancel(THUMBNAIL_LANE)

    def _stopped(self, lane: str) -> None:
        if lane == THUMBNAIL_LANE:
            self._asked.clear()  # asked for again when there is time

    def _take(self, lane: str) -> None:
        while lane == THUMBNAIL_LANE:
            try:
                series, thumbnail = self._inbox.get_nowait()
            except Empty:
                return
            self._asked.pop(series.key, None)
            self.shelf.put(series, thumbnail)
            self.made.emit(series.key)

    def _ended(self, lane: str) -> None:
        self._take(lane)
        if lane == THUMBNAIL_LANE:
            for series in self._asked.values():  # failed: not again before its files are opened again
                self.shelf.put(series, None)
            self._asked.clear()
        self.look()
