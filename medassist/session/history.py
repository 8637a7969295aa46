"""Undo and redo of everything a reader makes, and of what models add to it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from medassist.session.memory import budget_bytes
from medassist.session.reopening import are_outdated
from medassist.session.step_titles import tell
from medassist.session.steps import History, Step

if TYPE_CHECKING:
    from medassist.session.state import Session

WORK = ("findings", "predictions", "measurements", "probes", "thresholds", "prevalences", "drafts")
"""The fields of `Session` that are the work: an action that changes one of them is a step that can be undone.

What follows by itself (maps, stamps, views) is none. A field added to `Session` goes here or into the test that lists
all others.
"""
MOST = 100
TYPING_S = 3.0
"""Changes of the words of a report that follow each other faster are one step."""


class Action(Protocol):
    """One step of the session."""

    def __call__(self, session: Session) -> Session:
        """Return the next session."""


@dataclass(frozen=True)
class Undo:
    """Take the last step of the work back."""

    def __call__(self, session: Session) -> Session:
        """Return the session with the work as it was before; the same session when there is nothing to undo."""
        history, step = session.history, session.history.to_undo
        if step is None:
            return session
        mirrored = replace(step, values=_values(session, step.values), open=False)
        moved = replace(history, past=history.past[:-1], future=(*history.future, mirrored), undone=history.undone + 1)
        return _restored(session, step, moved)


@dataclass(frozen=True)
class Redo:
    """Do the step again that was undone last."""

    def __call__(self, session: Session) -> Session:
        """Return the session with the step done again; the same session when nothing was undone."""
        history, step = session.history, session.history.to_redo
        if step is None:
            return session
        mirrored = replace(step, values=_values(session, step.values))
        moved = replace(history, past=(*history.past, mirrored), future=history.future[:-1], redone=history.redone + 1)
        return _restored(session, step, moved)


def fold(session: Session, action: Action, *, now: float | None = None) -> Session:
    """Apply an action and remember the work as it was before, where the action changed it.

    `now` is the time in seconds of the monotonic clock. Pictures that are others now end the history: what was found on
    the old ones must not come back.
    """
    after = action(session)
    if after is session or after.history is not session.history:  # Undo, Redo, or one that begins anew
        return after
    if after.scans is not session.scans and are_outdated(session, after, _keys(session)):
        return replace(after, history=History())
    changed = {name: getattr(session, name) for name in WORK if getattr(after, name) is not getattr(session, name)}
    if not changed:
        return after
    moment = time.monotonic() if now is None else now
    step = Step(tell(session, after), MappingProxyType(changed), type(action), _goes_on(action, changed), moment)
    return replace(after, history=_bounded(_with_step(session.history, step), after))


def forget(session: Session) -> Session:
    """Return the session with nothing to undo."""
    return replace(session, history=History())


def _goes_on(action: Action, changed: Mapping[str, Any]) -> bool:
    return not getattr(action, "settled", True) or changed.keys() == {"drafts"}


def _with_step(history: History, step: Step) -> History:
    """Add a step, or let the last one, which is not over, go on; what was undone cannot be done again after it."""
    last = history.to_undo
    if last is not None and not history.future and _belongs(last, step):
        values = MappingProxyType({**step.values, **last.values})
        goes_on = replace(last, values=values, open=step.open, at=step.at)
        return replace(history, past=(*history.past[:-1], goes_on))
    return replace(history, past=(*history.past, step)[-MOST:], future=())


def _belongs(last: Step, step: Step) -> bool:
    """Tell whether a step is the same one going on: a dial still held, or the next word of the same text."""
    if not last.open or last.kind is not step.kind or last.title != step.title:
        return False
    return "drafts" not in step.values or step.at - last.at <= TYPING_S


def _values(session: Session, names: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType({name: getattr(session, name) for name in names})


def _restored(session: Session, step: Step, history: History) -> Session:
    """Put the values of a step back; maps that came with a run go with it."""
    from medassist.session.thresholds import changes_between

    after = replace(session, history=history, **step.values)
    kept = {id(one) for run in after.predictions for one in _own_maps(run)}
    lost = {id(one) for run in session.predictions for one in _own_maps(run)} - kept
    back = [one for run in after.predictions for one in _own_maps(run) if id(one) not in map(id, session.heatmaps)]
    known = {id(one) for run in session.predictions for one in _own_maps(run)}
    maps = tuple(one for one in session.heatmaps if id(one) not in lost)
    news = tuple(one for one in back if id(one) not in known)
    changes = changes_between(session, after)
    return replace(
        after,
        heatmaps=(*maps, *news) if lost or news else session.heatmaps,
        threshold_changes=(*session.threshold_changes, *changes) if changes else session.threshold_changes,
    )


def _own_maps(prediction: Any) -> Iterator[Any]:
    return (one for one in (prediction.spread, prediction.uncertainty) if one is not None)


def _keys(session: Session) -> set[str]:
    """Return the keys of the series that the work, and what can be undone of it, is about."""
    history = session.history
    values = [value for step in (*history.past, *history.future) for value in step.values.values()]
    things = [one for value in values for one in (value.values() if isinstance(value, Mapping) else value)]
    told = (getattr(one, "series_key", "") for one in things)
    return {key for key in told if key}


def _bounded(history: History, session: Session) -> History:
    """Drop the oldest steps until the masks that only the history holds fit into a quarter of the memory we may use."""
    room, held = budget_bytes() // 4, {id(one) for one in _arrays(session.predictions)}
    for number in range(len(history.past), 0, -1):
        for one in _arrays(history.past[number - 1].values.get("predictions", ())):
            if id(one) not in held:
                held.add(id(one))
                room -= one.nbytes
        if room < 0 and number < len(history.past):
            return replace(history, past=history.past[number:])
    return history


def _arrays(predictions: Any) -> Iterator[np.ndarray[Any, Any]]:
    for one in predictions:
        masks = (one.mask, None if one.edit is None else one.edit.original)
        yield from (mask.labels_zyx for mask in masks if mask is not None)
        yield from (mask.instances.labels_zyx for mask in masks if mask is not None and mask.instances is not None)
        yield from (values for told in _own_maps(one) for values in (told.values_zyx, told.native_zyx))
