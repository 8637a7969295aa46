"""What a call takes in a process of its own: memory at its peak, as the kernel of Linux tells, and processor time."""

from __future__ import annotations

import gc
import json
import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = sys.platform == "linux"


@dataclass(frozen=True)
class Taken:
    """Peak of the resident memory above that before the call, and seconds of the processor, also of a plain call."""

    peak: int
    seconds: float
    plain_seconds: float


def alone(call: Callable[[], object], plain: Callable[[], object], before: Callable[[], object]) -> Taken | None:
    """Return what `call` takes after `before`, which loads what is loaded once; None when it failed.

    The process is a fork of this one, so that nobody else's memory counts; torch must not have run backwards in it.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        told = b""
        try:
            told = json.dumps(_taken(call, plain, before)).encode()
        except Exception as error:  # what a method refuses, and how others fail
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os.write(write, told)
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return Taken(*json.loads(answer)) if answer else None


def _taken(
    call: Callable[[], object], plain: Callable[[], object], before: Callable[[], object]
) -> tuple[int, float, float]:
    before()
    plain_seconds = min(clocked(plain), clocked(plain))
    gc.collect()
    resident = status_bytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    seconds = clocked(call)
    return status_bytes("VmHWM") - resident, seconds, plain_seconds


def clocked(call: Callable[[], object]) -> float:
    """Return the processor seconds of this process that a call takes."""
    began = time.process_time()
    call()
    return time.process_time() - began


def status_bytes(name: str) -> int:
    """Return a number of this process that the kernel of Linux keeps: "VmRSS" now, "VmHWM" at its peak."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return 1024 * int(found.group(1)) if found else 0
