"""Jobs in worker threads, their actions in the GUI thread: the only bridge between the two.

A worker never touches a QObject: it puts plain messages into a queue that a timer of the GUI thread empties
while something runs. (Python's cyclic collector may run in any thread and would delete widgets there.)
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue

from PySide6.QtCore import QObject, QTimer, Signal

from medassist.entities.errors import Cancelled, MedAssistError
from medassist.locations import log_file
from medassist.progress import Progress, Step
from medassist.session.actions import Action
from medassist.ui.store import Store

Job = Callable[..., Action | None]

POLL_MS = 15
HOLD_S = 0.15
"""A job done by then shows only its result: what it offers before would flicker."""
EVERY_S = 0.1
"""How often at most what a job offers is shown: drawing takes time from the job itself."""

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Run:
    lane: str
    outdatable: bool
    progress: Progress = field(default_factory=Progress)
    outdated: bool = False
    future: Future[None] | None = None
    offer: Action | None = None
    offer_due: float = 0.0


@dataclass(frozen=True, eq=False)
class _Outcome:
    action: Action | None = None
    error: MedAssistError | None = None


@dataclass(frozen=True, eq=False)
class _Offer:
    action: Action


Inbox = SimpleQueue[tuple[_Run, Step | _Offer | _Outcome]]


def crash_of(problem: BaseException) -> MedAssistError:
    """Log an unforeseen exception and return the one sentence for the user.

    The text of the exception stays out of the log: it can hold values of the file, and so of the patient.
    """
    frames = "".join(traceback.format_tb(problem.__traceback__))
    log.error("unexpected %s\n%s", type(problem).__name__, frames)
    return MedAssistError(
        "Something unexpected happened inside MedAssist ({kind}).",
        remedy="The details are in {path}.",
        kind=type(problem).__name__,
        path=log_file(),
    )


def _work(job: Callable[..., Action | None], run: _Run, inbox: Inbox) -> None:
    """Run one job in the worker and post how it ended."""
    try:
        run.progress.step("Waiting")
        outcome = _Outcome(action=job(progress=run.progress))
    except MedAssistError as error:
        outcome = _Outcome(error=error.with_traceback(None))
    except Exception as problem:
        outcome = _Outcome(error=crash_of(problem))
    inbox.put((run, outcome))


class Runner(QObject):
    """Run jobs, one after the other within a lane, lanes side by side.

    Of what a job offers while it runs the newest is dispatched, once `hold_s` went by since it was started and then
    every `EVERY_S`; nothing of a job that was cancelled or outdated.

    Signals, all in the GUI thread: `began(lane)`; `stepped(lane, Step)`; then, unless a newer job outdated
    this one, `failed(lane, MedAssistError)` or `cancelled(lane)` when it has no result; `ended(lane)` when
    nothing in the lane counts any more; `idle()` when no lane has anything left.
    """

    began = Signal(str)
    stepped = Signal(str, object)
    failed = Signal(str, object)
    cancelled = Signal(str)
    ended = Signal(str)
    idle = Signal()

    def __init__(self, store: Store, parent: QObject | None = None, *, hold_s: float = HOLD_S) -> None:
        super().__init__(parent)
        self._store, self._hold_s = store, hold_s
        self._inbox: Inbox = SimpleQueue()
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._runs: list[_Run] = []
        self._closed = False
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._deliver)

    def start(self, lane: str, job: Job, *args: object, **options: object) -> None:
        """Run `job(*args, progress=..., **options)`; whatever was started in this lane before is outdated."""
        for run in self._runs:
            if run.lane == lane and run.outdatable:
                run.outdated = True
                run.progress.cancel()
        due = time.monotonic() + self._hold_s
        self._submit(_Run(lane, outdatable=True, offer_due=due), partial(job, *args, **options))

    def queue(self, lane: str, job: Job, *args: object, **options: object) -> None:
        """Run a job that must not be lost (a save): in order, never cancelled, waited for at close."""
        self._submit(_Run(lane, outdatable=False), partial(job, *args, **options))

    def cancel(self, lane: str) -> None:
        """Ask the cancellable jobs of a lane to stop at their next step."""
        for run in self._runs:
            if run.lane == lane and run.outdatable:
                run.progress.cancel()

    def finish(self, lane: str) -> None:
        """Wait for the jobs of a lane that must not be lost, and deliver what they produced."""
        wait([run.future for run in self._runs if run.lane == lane and not run.outdatable and run.future is not None])
        self._deliver()

    def running(self, lane: str = "") -> bool:
        """Tell whether a lane (any lane, by default) has a job that runs or waits and still counts."""
        return any(not run.outdated and lane in ("", run.lane) for run in self._runs)

    def lanes(self) -> tuple[str, ...]:
        """Return the lanes with jobs that count, oldest first."""
        return tuple(dict.fromkeys(run.lane for run in self._runs if not run.outdated))

    def close(self) -> None:
        """Cancel what can be cancelled, wait for every thread, and deliver what queued jobs produced.

        Nothing is `idle` after this and nothing starts any more, whoever asks.
        """
        self._closed = True
        for run in self._runs:
            if run.outdatable:
                run.outdated = True
                run.progress.cancel()
        wait([run.future for run in self._runs if run.future is not None])
        self._deliver()
        self._timer.stop()
        for pool in self._pools.values():
            pool.shutdown(wait=True)
        self._pools.clear()

    def _submit(self, run: _Run, job: Callable[..., Action | None]) -> None:
        if self._closed:
            return
        inbox = self._inbox
        run.progress = Progress(lambda step: inbox.put((run, step)), lambda action: inbox.put((run, _Offer(action))))
        self._runs.append(run)
        if run.lane not in self._pools:
            self._pools[run.lane] = ThreadPoolExecutor(1, thread_name_prefix=f"medassist-{run.lane}")
        run.future = self._pools[run.lane].submit(_work, job, run, inbox)
        self._timer.start()
        self.began.emit(run.lane)

    def _deliver(self) -> None:
        steps: dict[_Run, Step] = {}
        while True:
            try:
                run, news = self._inbox.get_nowait()
            except Empty:
                break
            if isinstance(news, Step):
                steps[run] = news
            elif isinstance(news, _Offer):
                run.offer = news.action
            else:
                steps.pop(run, None)
                self._finish(run, news)
        for run, step in steps.items():
            if not run.outdated:
                self.stepped.emit(run.lane, step)
        for run in tuple(self._runs):
            self._take(run)

    def _take(self, run: _Run) -> None:
        """Dispatch what a job has so far, when it is time."""
        now = time.monotonic()
        if run.offer is None or now < run.offer_due:
            return
        offer, run.offer, run.offer_due = run.offer, None, now + EVERY_S
        if not run.outdated and not run.progress.cancelled:
            self._dispatch(run, offer)

    def _finish(self, run: _Run, outcome: _Outcome) -> None:
        self._runs.remove(run)
        if not run.outdated:
            self._tell(run, outcome)
        if not any(other.lane == run.lane for other in self._runs):
            self._pools.pop(run.lane).shutdown(wait=True)  # its only job just ended
        if not self.running(run.lane):
            self.ended.emit(run.lane)
        if not self._runs:
            self._timer.stop()
            if not self._closed:
                self.idle.emit()

    def _tell(self, run: _Run, outcome: _Outcome) -> None:
        error = outcome.error
        if run.progress.cancelled or isinstance(error, Cancelled):
            self.cancelled.emit(run.lane)
        elif error is not None:
            self.failed.emit(run.lane, error)
        elif outcome.action is not None:
            self._dispatch(run, outcome.action)

    def _dispatch(self, run: _Run, action: Action) -> None:
        try:
            self._store.dispatch(action)
        except Exception as problem:
            self.failed.emit(run.lane, crash_of(problem))
