"""Keep libraries quiet: what they have to say about odd but readable files is no answer to a person."""

from __future__ import annotations

import gc
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_STANDARD_ERROR = 2
_lock = threading.Lock()
_inside: list[int] = []
"""One entry per caller inside; the first is the descriptor to put back, the others repeat it."""


@contextmanager
def quietly() -> Iterator[None]:
    """Silence the warnings of pydicom and highdicom about the values of a header."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def uncollected() -> Iterator[None]:
    """Let Python's cyclic collector rest: it would look through the headers of all files again and again.

    That costs a scan an eighth of its time. Scans may overlap; the collector works again when the first one ends.
    """
    worked = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if worked:
            gc.enable()


@contextmanager
def silenced() -> Iterator[None]:
    """Send standard error nowhere while ITK, GDCM or niftilib run: they print their complaints and raise besides.

    A descriptor belongs to the whole process; threads may be inside together, and the last one out puts it back.
    """
    with _lock:
        kept = _inside[0] if _inside else _redirect()
        _inside.append(kept)
    try:
        yield
    finally:
        with _lock:
            _inside.pop()
            if not _inside and kept >= 0:
                os.dup2(kept, _STANDARD_ERROR)
                os.close(kept)


def _redirect() -> int:
    """Point standard error at the null device and return a copy of what it was, -1 when there is none."""
    try:
        kept = os.dup(_STANDARD_ERROR)
    except OSError:  # a windowed program on Windows has no standard error
        return -1
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STANDARD_ERROR)
    os.close(nowhere)
    return kept
