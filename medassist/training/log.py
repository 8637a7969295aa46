"""The log of a training, beside its checkpoints."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medassist.training.place import Place

_log = logging.getLogger("medassist.training")


@contextmanager
def logged(path: Path, place: Place) -> Iterator[None]:
    """Append what training says to a file, in the first process only; it names counts and figures, never a subject."""
    if not place.leads:
        yield
        return
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    _log.addHandler(handler)
    level = _log.level
    _log.setLevel(logging.INFO)
    try:
        yield
    finally:
        _log.setLevel(level)
        _log.removeHandler(handler)
        handler.close()
