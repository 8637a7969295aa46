"""What a call takes in memory at its peak, beyond what the process had, as the kernel of Linux measures it."""

from __future__ import annotations

import ctypes
import gc
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

HERE = sys.platform == "linux"
_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -3, -1


def peak_bytes(call: Callable[[], object], before: Callable[[], object]) -> float | None:
    """Return the peak of the resident memory of `call` above that after `before`; None when it failed.

    `before` loads what is loaded once. The process is a fork of this one, so that nobody else's memory counts; torch
    must not have run backwards in it before.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        told = b""
        try:
            told = str(_measured(call, before)).encode()
        finally:
            os.write(write, told)
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return float(answer) if answer else None


def _measured(call: Callable[[], object], before: Callable[[], object]) -> int:
    libc = ctypes.CDLL("libc.so.6")
    libc.mallopt(_M_MMAP_THRESHOLD, 64 * 1024)  # tensors go back to the system when they are freed
    libc.mallopt(_M_TRIM_THRESHOLD, 64 * 1024)
    before()
    gc.collect()
    libc.malloc_trim(0)
    resident = status_bytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    call()
    return status_bytes("VmHWM") - resident


def status_bytes(name: str) -> int:
    """Return a number of this process that the kernel of Linux keeps: "VmRSS" now, "VmHWM" at its peak."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return 1024 * int(found.group(1)) if found else 0
