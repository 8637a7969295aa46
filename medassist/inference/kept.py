"""Answers kept on disk, so that the same run need not be run again tomorrow: numbers only, by what they depend on.

A file holds a mask, scores, checks and how they were computed; no name, no identifier, no pixel of the image. It is
found by a SHA-256 over the pixels, the package, the options, and the program itself with the libraries that compute.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Sequence
from dataclasses import astuple, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from medassist import __version__
from medassist.entities.errors import MedAssistError
from medassist.entities.prediction import Prediction
from medassist.entities.study import Warned
from medassist.entities.volume import Volume
from medassist.inference.devices import choose
from medassist.inference.packages import Package
from medassist.inference.result_file import MOST_BYTES as MOST_BYTES_OF_ONE
from medassist.inference.result_file import Unkept, decode, encode
from medassist.inference.results import Key
from medassist.locations import cache_dir

MOST_BYTES = 2**30
LIBRARIES = ("torch", "monai", "openvino", "numpy", "scipy", "SimpleITK")
log = logging.getLogger(__name__)


def place_of(key: Key, package: Package) -> Path | None:
    """Return the file of one answer; None for a package with code of its own, which no hash of the key covers."""
    if package.trusted:
        return None
    name = hashlib.sha256(repr((astuple(key), __version__, _libraries(), _program())).encode()).hexdigest()
    return cache_dir() / "results" / f"{name[:40]}.npz"


def holds(key: Key | None, package: Package) -> bool:
    """Tell whether there is a file for a key; whether it can be read shows when it is."""
    place = None if key is None else place_of(key, package)
    return place is not None and place.is_file()


def fetch(key: Key, package: Package, volume: Volume, elsewhere: Sequence[str | Warned] = ()) -> Prediction | None:
    """Return the answer kept under a key with the notes of its series; None for a damaged one, which the log names."""
    place = place_of(key, package)
    if place is None or not place.is_file():
        return None
    try:
        answer = decode(_content(place), package, volume)
        os.utime(place)
    except (Unkept, OSError) as problem:
        log.warning("a kept result could not be read and is computed again: %s", type(problem).__name__)
        return None
    if not _is_here(answer.device):
        return None
    manifest = replace(answer.manifest, input_sha256=key.input_sha256)
    return replace(answer, notes=(*elsewhere, *answer.notes), manifest=manifest)


def keep(key: Key, package: Package, answer: Prediction, elsewhere: Sequence[str | Warned] = ()) -> None:
    """Write an answer whole or not at all; the ones not asked for longest give way. A full disk costs nothing."""
    place = place_of(key, package)
    if place is None:
        return
    try:
        content = encode(answer, elsewhere)
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as staging:
            whole = Path(staging) / place.name
            whole.write_bytes(content)
            whole.replace(place)
        _make_room(place)
    except (OSError, ValueError, MemoryError) as problem:
        log.warning("a result could not be kept: %s", type(problem).__name__)


def _content(place: Path) -> bytes:
    if place.stat().st_size > MOST_BYTES_OF_ONE:
        raise Unkept("too large")
    return place.read_bytes()


def _make_room(newest: Path) -> None:
    known = [(one, one.stat()) for one in newest.parent.glob("*.npz")]
    size = sum(told.st_size for _, told in known)
    for oldest, told in sorted(known, key=lambda one: one[1].st_mtime):
        if size <= MOST_BYTES or oldest == newest:
            break
        oldest.unlink(missing_ok=True)
        size -= told.st_size


def _is_here(device: str) -> bool:
    """Tell whether what computed an answer is still there: its explanation runs there, too."""
    try:
        return device == "cpu" or choose(device) == device
    except MedAssistError:
        return False


@cache
def _libraries() -> tuple[str, ...]:
    return tuple(map(_version, LIBRARIES))


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


@cache
def _program() -> str:
    """Return a hash of what the files of the program look like: another one may answer otherwise."""
    rooms = Path(__file__).parents[1]
    files = sorted(one for room in ("inference", "imaging", "entities") for one in (rooms / room).rglob("*.py"))
    looks = [(one.name, told.st_size, told.st_mtime_ns) for one in files for told in (one.stat(),)]
    return hashlib.sha256(repr(looks).encode()).hexdigest()
