"""Measures maps after they were made: those that are cheap unasked, and never in the way of what a reader asked for."""

from __future__ import annotations

from weakref import WeakSet

from PySide6.QtCore import QObject

from medassist.entities.heatmap import Heatmap
from medassist.session.measuring import measure, next_to_measure, prediction_of
from medassist.session.state import Session
from medassist.ui.runner import Job, Runner
from medassist.ui.store import Store

LANE = "stamp"
FIRST = ("explain", "model", "region", "probe")
"""Lanes of what a reader asked for: measuring gives way to them and goes on when they are done."""


class MapMeasurer(QObject):
    """Starts the job of a stamp when nothing else is at work. `job` has another value in tests only."""

    def __init__(self, store: Store, runner: Runner, parent: QObject | None = None, *, job: Job = measure) -> None:
        super().__init__(parent)
        self._store, self._runner, self._job = store, runner, job
        self._tried: WeakSet[Heatmap] = WeakSet()
        self._asked: Heatmap | None = None
        self._gives_way = False
        self._nothing_in: tuple[object, ...] = ()
        runner.began.connect(self._began)
        runner.failed.connect(lambda lane, _error: self._gave_up(lane))
        runner.cancelled.connect(self._gave_up)
        runner.idle.connect(self._look)
        store.changed.connect(self._changed)

    def measures(self, heatmap: Heatmap) -> bool:
        """Tell whether this very map is being measured."""
        return self._runner.running(LANE) and heatmap is self._asked

    def start(self, heatmap: Heatmap) -> None:
        """Measure a map of the series on screen."""
        session = self._store.session
        prediction = prediction_of(session, heatmap)
        if session.volume is not None and prediction is not None:
            self._asked, self._gives_way = heatmap, False
            self._runner.start(LANE, self._job, session.volume, prediction, heatmap)

    def _changed(self, old: Session, new: Session) -> None:
        gone = self._asked is not None and not any(one is self._asked for one in new.heatmaps)
        if gone and self._runner.running(LANE):
            self._give_way()
        results = old.heatmaps is not new.heatmaps or old.predictions is not new.predictions
        if results or old.current != new.current or old.loading is not new.loading:
            self._look()

    def _look(self) -> None:
        """Measure the newest map that is cheap and was not measured, once nothing else is at work.

        Looking reads the catalogue of models: where there was nothing to measure it is not done again, though every
        save of the work ends a job.
        """
        session = self._store.session
        seen = (session.heatmaps, session.predictions, session.current, session.volume, session.model_changes)
        if self._runner.running() or _same(seen, self._nothing_in):
            return
        heatmap = next_to_measure(session, self._tried)
        self._nothing_in = seen if heatmap is None else ()
        if heatmap is not None:
            self.start(heatmap)

    def _began(self, lane: str) -> None:
        if lane in FIRST and self._runner.running(LANE):
            self._give_way()

    def _give_way(self) -> None:
        self._gives_way = True
        self._runner.cancel(LANE)

    def _gave_up(self, lane: str) -> None:
        """Do not start again what the reader stopped, or what cannot be measured; what gave way is."""
        if lane == LANE and self._asked is not None and not self._gives_way:
            self._tried.add(self._asked)


def _same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))
