"""A few worker processes that decode frames: start them, share them out, replace those that crash, end them all."""

from __future__ import annotations

import logging
import threading
import time

from medassist.entities.volume import AnyArray
from medassist.imaging.decode_process import DecodeProcess, Lost, Undecodable
from medassist.imaging.decode_worker import Header

_TICK_SECONDS, _REST_SECONDS = 1.0, 120.0
"""Workers that had nothing to do for so long give their memory back, 60 MB each; others start in 0.2 s."""

log = logging.getLogger(__name__)


class Pool:
    """A few worker processes, each of which decodes one frame at a time; safe to use from any thread.

    Attributes:
        most: as many run at the same time; 0 when none can be started here.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._changed = threading.Condition()
        self._processes: set[DecodeProcess] = set()
        self._ready: set[DecodeProcess] = set()
        self._idle: list[DecodeProcess] = []
        self._starting = 0
        self._used = 0.0
        self._housekeeper: threading.Thread | None = None
        self._closed = threading.Event()

    def start(self, count: int) -> int:
        """Let `count` workers run or start, without waiting for them; return how many do."""
        with self._changed:
            while len(self._ready) + self._starting < min(count, self.most):
                threading.Thread(target=self._start_one, name="start-decoder", daemon=True).start()
                self._starting += 1
            return len(self._ready) + self._starting

    def decode(self, header: Header, frame: bytes, shape: tuple[int, ...], *, patient: bool) -> AnyArray | None:
        """Return the values of one frame; None when no worker runs or starts (`patient`: and none can).

        Raises Undecodable, Overdue, or Lost when two workers in a row ended over it: one may have been ended from
        outside, by a system short of memory.
        """
        process = self._take(patient=patient)
        if process is None:
            return None
        try:
            return self._ask(process, header, frame, shape)
        except Lost:
            another = self._take(patient=True)
            if another is None:
                raise
            return self._ask(another, header, frame, shape)

    def close(self) -> None:
        """End all workers; none starts any more."""
        with self._changed:
            self.most = 0
            self._closed.set()
            self._discard(*self._processes)
            self._changed.notify_all()

    def forget(self) -> None:
        """Let go of the workers in a process that was forked: they work for the one it was forked from."""
        for process in self._processes:
            process.forget()

    def _take(self, *, patient: bool) -> DecodeProcess | None:
        with self._changed:
            while not self._idle:
                if patient:
                    self.start(1)
                if not self._ready and not self._starting:
                    return None
                self._changed.wait()
            return self._idle.pop()

    def _ask(self, process: DecodeProcess, header: Header, frame: bytes, shape: tuple[int, ...]) -> AnyArray:
        try:
            values = process.decode(header, frame, shape)
        except Undecodable:
            self._give(process)
            raise
        except BaseException as problem:
            log.warning("a decoder process ended: %s", type(problem).__name__)
            self._lose(process)
            raise
        self._give(process)
        return values

    def _give(self, process: DecodeProcess) -> None:
        with self._changed:
            if process in self._ready:
                self._idle.append(process)
                self._changed.notify()
            self._used = time.monotonic()

    def _lose(self, process: DecodeProcess) -> None:
        """End a worker that cannot be used any more and start another one in its place."""
        with self._changed:
            count = len(self._ready) + self._starting
            self._discard(process)
            self.start(count)
            self._changed.notify_all()

    def _start_one(self) -> None:
        process: DecodeProcess | None = None
        try:
            process = self._register(DecodeProcess())
            process.wait_until_ready()
        except (OSError, RuntimeError) as problem:
            log.warning("no decoder process can be started: %s", type(problem).__name__)
            self._started(process, ready=False)
        else:
            self._started(process, ready=True)

    def _register(self, process: DecodeProcess) -> DecodeProcess:
        """Note a process that has just been started, so that `close` ends it while it is not ready either."""
        with self._changed:
            self._processes.add(process)
            if self._closed.is_set():
                self._discard(process)
            elif self._housekeeper is None:
                self._housekeeper = threading.Thread(target=self._keep_house, name="watch-decoders", daemon=True)
                self._housekeeper.start()
        return process

    def _started(self, process: DecodeProcess | None, *, ready: bool) -> None:
        with self._changed:
            self._starting -= 1
            if ready and process in self._processes:
                self._ready.add(process)
                self._give(process)
            else:  # what failed once will fail again: go on with the workers there are
                self.most = len(self._ready) + self._starting
                self._discard(*((process,) if process else ()))
            self._changed.notify_all()

    def _keep_house(self) -> None:
        """End workers that are overdue, and all of them when there was nothing to do for a while."""
        while not self._closed.wait(_TICK_SECONDS):
            with self._changed:
                for process in self._processes:
                    process.end_if_overdue()
                busy = self._starting or len(self._idle) < len(self._ready)
                if not busy and time.monotonic() > self._used + _REST_SECONDS:
                    self._discard(*self._processes)
                if not self._processes:
                    self._housekeeper = None
                    return

    def _discard(self, *processes: DecodeProcess) -> None:
        for process in processes:
            process.end()
            self._processes.discard(process)
            self._ready.discard(process)
            if process in self._idle:
                self._idle.remove(process)
