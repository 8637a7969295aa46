"""Runs of one model on several series, one after the other: what waits, what runs, how each ended and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from medassist.entities.errors import Cancelled, MedAssistError, Refused, UnreadableInput, Unsuited
from medassist.entities.prediction import Check, ModelRef
from medassist.entities.study import Series, Study
from medassist.entities.volume import Volume
from medassist.progress import Progress
from medassist.session import jobs
from medassist.session.actions import AddPrediction
from medassist.session.linking import on_screen
from medassist.session.memory import budget_bytes, with_room
from medassist.session.state import Session

if TYPE_CHECKING:
    from medassist.inference.packages import Package

BYTES_PER_VALUE = 4
"""What a value of a series takes at most once it is read: int16 or float32."""


class RunState(StrEnum):
    """Where a queued run is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (RunState.WAITING, RunState.RUNNING)


@dataclass(frozen=True, eq=False)
class QueuedRun:
    """One model to run on one series.

    `options` are those of `jobs.run_model`, as they were when it was queued; there is never an override among them:
    a reason belongs to a series somebody looked at. `reason` says why it has no result.
    """

    number: int
    study: Study
    series: Series
    package: Package
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    state: RunState = RunState.WAITING
    reason: MedAssistError | None = None


@dataclass(frozen=True, eq=False)
class QueueRuns:
    """Queue one model for several series, in this order; those it waits or runs for already stand there once."""

    keys: tuple[str, ...]
    package: Package
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def __call__(self, session: Session) -> Session:
        """Return the session with the runs at the end of the queue."""
        busy = {(one.series.key, one.package.ref) for one in session.queue if one.state in OPEN}
        keys = [key for key in dict.fromkeys(self.keys) if (key, self.package.ref) not in busy and session.holds(key)]
        first = max((one.number for one in session.queue), default=0) + 1
        runs = (
            QueuedRun(first + index, session.study_of(key), session.series(key), self.package, self.options)
            for index, key in enumerate(keys)
        )
        return replace(session, queue=(*session.queue, *runs))


@dataclass(frozen=True)
class BeginRun:
    """Mark a run as running, and make room for its series: those unseen for longest give way, never the one shown."""

    number: int
    budget_bytes: int = field(default_factory=budget_bytes)

    def __call__(self, session: Session) -> Session:
        """Return the session with the run under way."""
        run = next((one for one in session.queue if one.number == self.number), None)
        if run is None:
            return session
        volumes = session.volumes
        if run.series.key not in volumes:
            needed = BYTES_PER_VALUE * prod(run.series.shape_zyx) * run.series.times
            volumes = with_room(volumes, needed, on_screen(session), self.budget_bytes)
        return replace(_marked(session, self.number, RunState.RUNNING), volumes=volumes)


@dataclass(frozen=True, eq=False)
class EndRun:
    """Mark a run as ended, and keep its result unless its series was closed or its files changed meanwhile."""

    number: int
    state: RunState
    reason: MedAssistError | None = None
    added: AddPrediction | None = None

    def __call__(self, session: Session) -> Session:
        """Return the session with the result and the mark."""
        run = next((one for one in session.queue if one.number == self.number), None)
        if run is None or self.added is None:
            return _marked(session, self.number, self.state, self.reason)
        if not is_open(session, run.series):
            return _marked(session, self.number, RunState.REFUSED, _gone())
        return _marked(self.added(session), self.number, self.state, self.reason)


@dataclass(frozen=True)
class DropWaiting:
    """Cancel what still waits: one run by its number, or all of it."""

    number: int | None = None

    def __call__(self, session: Session) -> Session:
        """Return the session in which nothing of it will be run."""

        def cancelled(one: QueuedRun) -> QueuedRun:
            meant = one.state is RunState.WAITING and self.number in (None, one.number)
            return replace(one, state=RunState.CANCELLED) if meant else one

        if not any(one.state is RunState.WAITING for one in session.queue):
            return session
        return replace(session, queue=tuple(map(cancelled, session.queue)))


@dataclass(frozen=True)
class ClearEnded:
    """Take what ended off the list; results stay."""

    def __call__(self, session: Session) -> Session:
        """Return the session with what waits or runs."""
        return replace(session, queue=tuple(one for one in session.queue if one.state in OPEN))


@dataclass(frozen=True)
class ChooseSeries:
    """Remember which series the reader marked in the tree, beside the one on screen."""

    keys: tuple[str, ...]

    def __call__(self, session: Session) -> Session:
        """Return the session with the choice."""
        return session if self.keys == session.chosen else replace(session, chosen=self.keys)


def run_queued(run: QueuedRun, loaded: Volume | None, *, progress: Progress) -> EndRun:
    """Run one queued model; a series that does not suit or cannot be read ends it as refused, with the reason.

    `loaded` are the pixels where they are in memory; read here, they are let go with the run.
    """
    try:
        volume = loaded if loaded is not None else jobs.load_series(run.series, progress=progress).volume
        added = jobs.run_model(run.study, volume, run.package, progress=progress, **run.options)  # type: ignore[arg-type]
    except Cancelled:
        raise
    except MedAssistError as reason:
        return EndRun(run.number, RunState.REFUSED, reason.with_traceback(None))
    return EndRun(run.number, RunState.DONE, added=added)


def candidates(session: Session, package: Package) -> tuple[str, ...]:
    """Return the keys of the series one may queue for a model: chosen by the reader, else all of its modality.

    A choice counts from two on. Of all, those the very same weights have answered for already are left out.
    """
    chosen = [key for key in session.chosen if session.holds(key)]
    if len(chosen) > 1:
        return tuple(key for key in chosen if session.series(key).shape_zyx[0] > 0)
    try:
        pictures: Sequence[Series] = jobs.with_pictures(session.all_series(), Path())
    except UnreadableInput:
        return ()
    allowed = package.suitability.modality
    done = {one.series_key for one in session.predictions if one.model == package.ref}
    fitting = (one for one in pictures if not allowed or not one.modality or one.modality in allowed)
    return tuple(one.key for one in fitting if one.key not in done)


def refused_rows(session: Session, model: ModelRef, series_key: str) -> tuple[Check, ...]:
    """Return the suitability table of the newest queued run of a model on a series, when that refused it."""
    for one in reversed(session.queue):
        if (one.package.ref, one.series.key) == (model, series_key):
            return one.reason.rows if isinstance(one.reason, Unsuited) else ()
    return ()


def is_open(session: Session, series: Series) -> bool:
    """Tell whether this very series is open, with the same files."""
    return session.holds(series.key) and session.series(series.key) == series


def _gone() -> Refused:
    return Refused("The series was closed, or its files changed, before the run had ended.")


def _marked(session: Session, number: int, state: RunState, reason: MedAssistError | None = None) -> Session:
    queue = tuple(
        replace(one, state=state, reason=reason) if one.number == number and one.state in OPEN else one
        for one in session.queue
    )
    return replace(session, queue=queue)
