"""Converted networks in the user's cache: converting takes seconds, reading back a fraction of one.

What is read back is checked against torch on a window of noise before it is used, so that a damaged file can cost
time, never an answer.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from medassist.inference.packages import Package
from medassist.locations import cache_dir

MOST_BYTES = 2 * 2**30
log = logging.getLogger(__name__)


def place_of(package: Package, shape: tuple[int, ...], version: str) -> Path | None:
    """Return the file (.xml, beside it .bin) for one network, window and version; None for weights without a hash."""
    if not package.sha256:
        return None
    what = hashlib.sha256(package.config.read_bytes() if package.config.is_file() else b"")
    spec = package.suitability.embedding
    watched = None if spec is None else (spec.layer, spec.pool)
    what.update(repr((package.sha256, shape, version, watched, _own_networks())).encode())
    return cache_dir() / "openvino" / f"{what.hexdigest()[:40]}.xml"


@cache
def _own_networks() -> tuple[tuple[str, int, int], ...]:
    """Return what the files of our own networks look like: other code makes another graph of the same weights."""
    files = sorted((Path(__file__).parents[1] / "networks").glob("*.py"))
    return tuple((one.name, told.st_size, told.st_mtime_ns) for one in files for told in (one.stat(),))


def read(place: Path | None, core: Any) -> Any | None:
    """Return the model kept at `place`, None when there is none that can be read."""
    if place is None or not place.is_file() or not place.with_suffix(".bin").is_file():
        return None
    try:
        model = core.read_model(place, place.with_suffix(".bin"))
        os.utime(place)
    except (RuntimeError, OSError):
        log.warning("a converted network could not be read back and is converted again")
        return None
    return model


def keep(place: Path | None, model: Any, library: Any) -> None:
    """Write a model to `place` in full precision; the oldest ones give way. A full disk costs nothing but time."""
    if place is None:
        return
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as staging:
            whole = Path(staging) / place.name
            library.save_model(model, whole, compress_to_fp16=False)
            whole.with_suffix(".bin").replace(place.with_suffix(".bin"))
            whole.replace(place)
        _make_room(place)
    except (OSError, RuntimeError):
        log.warning("a converted network could not be kept")


def _make_room(newest: Path) -> None:
    kept = sorted(newest.parent.glob("*.xml"), key=lambda one: one.stat().st_mtime)
    size = sum(one.stat().st_size for one in newest.parent.glob("*.*"))
    for oldest in kept:
        if size <= MOST_BYTES or oldest == newest:
            break
        for file in (oldest, oldest.with_suffix(".bin")):
            size -= file.stat().st_size if file.is_file() else 0
            file.unlink(missing_ok=True)
