"""Work through the queued runs, one after the other, in the lane of the single run: no two networks at once."""

from __future__ import annotations

from PySide6.QtCore import QObject

from medassist.entities.errors import MedAssistError
from medassist.session.queued import BeginRun, DropWaiting, EndRun, QueuedRun, RunState, run_queued
from medassist.session.state import Session
from medassist.ui.runner import Job, Runner
from medassist.ui.store import Store

MODEL_LANE = "model"


class QueueRunner(QObject):
    """Start the next run whenever the lane is free. `job` has another value in tests only."""

    def __init__(self, store: Store, runner: Runner, parent: QObject | None = None, *, job: Job = run_queued) -> None:
        super().__init__(parent)
        self._store, self._runner, self._job = store, runner, job
        self._under_way: int | None = None
        store.changed.connect(self._changed)
        runner.failed.connect(self._failed)
        runner.cancelled.connect(self._cancelled)
        runner.ended.connect(self._ended)

    def cancel(self, run: QueuedRun) -> None:
        """Take one run back, whether it waits or runs; the others go on."""
        if run.number == self._under_way:
            self._runner.cancel(MODEL_LANE)
        else:
            self._store.dispatch(DropWaiting(run.number))

    def cancel_all(self) -> None:
        """Take back everything that waits or runs."""
        self._store.dispatch(DropWaiting())
        if self._under_way is not None:
            self._runner.cancel(MODEL_LANE)

    def _changed(self, old: Session, new: Session) -> None:
        if old.queue is not new.queue:
            self._go_on(new)

    def _go_on(self, session: Session) -> None:
        waiting = next((one for one in session.queue if one.state is RunState.WAITING), None)
        if waiting is None or self._under_way is not None or self._runner.running(MODEL_LANE):
            return
        self._under_way = waiting.number
        self._store.dispatch(BeginRun(waiting.number))
        known = session.volumes.get(waiting.series.key)
        loaded = known if known is not None and known.series == waiting.series else None
        self._runner.start(MODEL_LANE, self._job, waiting, loaded)

    def _failed(self, lane: str, error: MedAssistError) -> None:
        if lane == MODEL_LANE:
            self._end(RunState.FAILED, error)

    def _cancelled(self, lane: str) -> None:
        if lane == MODEL_LANE:
            self._end(RunState.CANCELLED)

    def _end(self, state: RunState, reason: MedAssistError | None = None) -> None:
        if self._under_way is not None:
            self._store.dispatch(EndRun(self._under_way, state, reason))

    def _ended(self, lane: str) -> None:
        """Go on; a run that has told nothing by now was outdated by another."""
        if lane == MODEL_LANE:
            self._end(RunState.CANCELLED)
            self._under_way = None
            self._go_on(self._store.session)
