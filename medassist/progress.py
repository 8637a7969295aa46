"""How a long job tells the face where it is, and how the face tells the job to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import Any, TypeVar

from medassist.entities.errors import Cancelled

T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """One report of a job: stage (English text), share done in 0..1 or None, seconds left or None."""

    stage: str
    fraction: float | None = None
    seconds_left: float | None = None


class Progress:
    """Report stages and stop at the next step once `cancel` was called (from any thread).

    `listener` is called in the thread of the job; a face must hand the `Step` to its own thread. So is `taker`, with
    what the job has so far; a face that shows only what is finished takes nothing.
    """

    def __init__(
        self,
        listener: Callable[[Step], None] = lambda _step: None,
        taker: Callable[[Any], None] = lambda _action: None,
    ) -> None:
        self._listener, self._taker = listener, taker
        self._cancelled = threading.Event()
        self._stage = ""
        self._began = time.monotonic()

    def cancel(self) -> None:
        """Ask the job to stop; its next `step` raises `Cancelled`."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether someone asked to stop."""
        return self._cancelled.is_set()

    def step(self, stage: str, fraction: float | None = None) -> None:
        """Report where the job is; raise `Cancelled` when it was asked to stop.

        The time left is the time spent in this stage scaled by what remains of it.
        """
        if self.cancelled:
            raise Cancelled()
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._began = stage, now
        left = (now - self._began) * (1.0 - fraction) / fraction if fraction else None
        self._listener(Step(stage, fraction, left))

    def offer(self, action: Callable[[Any], Any]) -> None:
        """Offer the face an action that shows what the job has so far; raise `Cancelled` when it was asked to stop.

        Each offer must be whole in itself: a face may skip all but the newest, and the result of the job ends them.
        """
        if self.cancelled:
            raise Cancelled()
        self._taker(action)

    def over(self, items: Iterable[T], stage: str, total: int | None = None) -> Iterator[T]:
        """Yield `items`, reporting a step before each one and a full bar at the end."""
        count = total if total is not None else len(items) if isinstance(items, Sized) else None
        for done, item in enumerate(items):
            self.step(stage, done / count if count else None)
            yield item
        self.step(stage, 1.0)
