"""One worker process of `imaging.decode_pool`, seen from the process that asks."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import cast

import numpy as np

import medassist
from medassist.entities.volume import AnyArray
from medassist.imaging.decode_worker import FLAG, Header, read_exactly, receive_header, send

_START_SECONDS, _FRAME_SECONDS, _SECONDS_PER_PIXEL = 60.0, 60.0, 5e-6
_CODE = "import sys; sys.path[:] = sys.argv[1:]; from medassist.imaging.decode_worker import serve; serve()"


class Undecodable(RuntimeError):
    """The worker could not decode the frame; it is ready for the next one."""


class Lost(RuntimeError):
    """The worker ended without an answer: its codec crashed, or it was ended from outside."""


class Overdue(RuntimeError):
    """The worker took so long, that it was ended."""


class DecodeProcess:
    """A process that decodes one frame at a time. It ends with the process that started it, however that one ends."""

    def __init__(self) -> None:
        """Start the process without waiting until it is ready (OSError when none may be started)."""
        self._deadline, self._overdue = math.inf, False
        self._process = subprocess.Popen(  # noqa: S603 - this very Python, with code of this package
            _command(),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            # Ctrl+C in a terminal is for the application alone.
            process_group=None if sys.platform == "win32" else 0,
        )
        self._requests, self._replies = cast(FileIO, self._process.stdin), cast(FileIO, self._process.stdout)

    def wait_until_ready(self) -> None:
        """Return when the process can decode (Lost when it ended instead)."""
        with self._limited(_START_SECONDS):
            receive_header(self._replies)

    def decode(self, header: Header, frame: bytes, shape: tuple[int, ...]) -> AnyArray:
        """Return the values of one frame; its process cannot be used any more after anything but Undecodable."""
        with self._limited(_FRAME_SECONDS + math.prod(shape) * _SECONDS_PER_PIXEL):
            send(self._requests, header | {"shape": shape}, frame)
            reply, size = receive_header(self._replies)
            if "problem" in reply:
                raise Undecodable(reply["problem"])
            values = np.empty(shape, reply["dtype"])
            if values.nbytes != size:
                raise ValueError("the answer has another size")
            read_exactly(self._replies, memoryview(values.reshape(-1).view(np.uint8)))  # type: ignore[arg-type]
        return values

    def end_if_overdue(self) -> None:
        """End a process that took too long over a frame: a damaged one can make a codec loop for ever."""
        if time.monotonic() > self._deadline:
            self._overdue = True
            self._process.kill()

    def end(self) -> None:
        """End the process now; it holds nothing that would be lost."""
        self._process.kill()
        self._process.wait()
        self._close()

    def forget(self) -> None:
        """Let go of a process that belongs to the one this process was forked from."""
        self._process.returncode = 0
        self._close()

    def _close(self) -> None:
        for stream in (self._requests, self._replies):
            with suppress(OSError):
                stream.close()

    @contextmanager
    def _limited(self, seconds: float) -> Iterator[None]:
        """Let `end_if_overdue` end the process when what is done inside takes longer."""
        self._deadline = time.monotonic() + seconds
        try:
            yield
        except (OSError, EOFError, ValueError) as problem:
            raise (Overdue if self._overdue else Lost)(f"no answer from a decoder process: {problem}") from problem
        finally:
            self._deadline = math.inf


def _command() -> list[str]:
    """Return how to start a worker: by this Python, or by the program itself when it is frozen into one file."""
    if getattr(sys, "frozen", False):
        return [sys.executable, FLAG]
    # The folder a script was started from is no place to import from by accident.
    places = [place for place in sys.path if place]
    return [sys.executable, "-c", _CODE, *places, str(Path(medassist.__file__).parents[1])]
