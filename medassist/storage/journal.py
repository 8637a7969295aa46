"""Work saved as it happens: one folder per sitting, with a base and a journal of lines that only grows.

A line is a checksum and JSON of the parts that changed. What a crash tore off at the end is dropped, all before it
counts. A sitting is locked by the program that writes it; the system frees the lock of a program that died.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from medassist.entities.errors import UnreadableInput
from medassist.entities.study import Warned, warned
from medassist.locations import data_dir
from medassist.storage.arrays import AnyArray, ArrayFolder, damaged
from medassist.storage.case_file import MOST_TEXT, Saved, demand_few_values, parts_in, text_of
from medassist.storage.files import free_lock, locked, make_folder, take_lock, unwritable, write_atomically

BASE, ARRAYS, LOCK, ASIDE = "case.json", "arrays", "in-use.lock", "set-aside"
DAMAGED = "damaged-"
"""Begins the name of a sitting that could not be read: it is kept, and no sitting any more."""
COMPACT_BYTES = 4 * 2**20
KEPT_SITTINGS = 5
LIST = "sittings"
"""Its lock is held while a sitting begins and while old ones are removed."""
GENERATION = "journal"
_CHECKSUM = 16


def cases_dir() -> Path:
    """Return the folder of all saved work ($MEDASSIST_DATA/cases)."""
    return data_dir() / "cases"


def study_folder(study_uid: str, patient_id: str) -> Path:
    """Return the folder of the work on one study of one patient; its name tells neither."""
    told = json.dumps([study_uid, patient_id]).encode()
    return cases_dir() / hashlib.sha256(told).hexdigest()[:32]


class Sitting:
    """One sitting over one study; several threads of one program may write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.arrays = ArrayFolder(folder.parent / ARRAYS)
        self._parts: dict[str, Any] = {}
        self._generation, self._bytes, self._torn = 0, 0, False
        self._lock: int | None = None
        self._one_at_a_time = threading.Lock()

    @classmethod
    def begin(cls, study: Path) -> Sitting:
        """Begin a new sitting over a study (UnwritableOutput); nobody else writes into it."""
        name = f"{datetime.now().astimezone():%Y%m%d-%H%M%S-%f}-{uuid.uuid4().hex[:8]}"  # by name they are in order
        sitting = cls(study / name)
        with locked(cases_dir() / LIST):
            make_folder(sitting.folder)
            with suppress(OSError):
                sitting.folder.parent.chmod(0o700)
            sitting._lock = take_lock(sitting.folder / LOCK)
        return sitting

    def write(self, parts: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> None:
        """Append what changed; it is on the disk when this returns (UnwritableOutput)."""
        for array in arrays.values():  # may take long; verdicts of another thread need not wait for it
            self.arrays.put(array)
        with self._one_at_a_time:
            self._append(parts)

    def _append(self, parts: Mapping[str, Any]) -> None:
        self._parts.update(parts)
        if self._torn or self._bytes > COMPACT_BYTES:
            self.compact()
            return
        told = json.dumps({"at": _now(), "parts": dict(parts)}, allow_nan=False).encode("ascii")
        line = _checksum(told) + b" " + told + b"\n"
        journal = _journal(self.folder, self._generation)
        try:
            with journal.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as problem:
            self._torn = True
            raise unwritable(journal, problem) from problem
        self._bytes += len(line)

    def compact(self) -> None:
        """Put all parts into the base and begin another journal (UnwritableOutput); a crash between loses nothing."""
        before = self._generation
        parts = {**self._parts, GENERATION: before + 1}
        write_atomically(self.folder / BASE, text_of(parts, _now()))
        self._generation, self._bytes, self._torn = before + 1, 0, False
        _journal(self.folder, before).unlink(missing_ok=True)

    def close(self) -> None:
        """Let others have it; a sitting without work leaves nothing behind."""
        if self._lock is not None:
            free_lock(self._lock)
            self._lock = None
        if not self._parts:
            with locked(cases_dir() / LIST):
                shutil.rmtree(self.folder, ignore_errors=True)
                with suppress(OSError):
                    self.folder.parent.rmdir()


def read_sitting(folder: Path) -> Saved:
    """Read the work of a sitting: its base and the lines of its journal that are whole (UnreadableInput)."""
    saved = read_parts(folder)
    if not saved.parts:
        raise UnreadableInput("{path} holds no work of MedAssist.", path=folder)
    return saved


def read_parts(folder: Path) -> Saved:
    """Read a sitting; one whose program was killed before its first line was whole has no parts."""
    parts: dict[str, Any] = {}
    saved_at, notes, base = "", [], folder / BASE
    if base.is_file():
        parts, saved_at = parts_in(_content(base), base)
    generation = parts.pop(GENERATION, 0)
    journal = _journal(folder, generation if isinstance(generation, int) else 0)
    if journal.is_file():
        content = _content(journal)
        demand_few_values(content, journal)
        lines, torn = _whole_lines(content)
        for line in lines:
            parts = parts | line["parts"]
            saved_at = str(line.get("at", saved_at))
        if torn:
            notes.append(warned("The last change was not whole when the program ended; it is lost."))
    notes += _newer_damage(folder)
    return Saved(parts, ArrayFolder(folder.parent / ARRAYS), folder, saved_at, tuple(notes))


def _newer_damage(sitting: Path) -> list[Warned]:
    """Say which later work of the same study was damaged: what is read here is not the newest."""
    later = sorted(one for one in sitting.parent.glob(f"{DAMAGED}*") if one.name > DAMAGED + sitting.name)
    return [warned("Newer work on this study is damaged; it is kept as {path}.", path=one) for one in later]


def sittings(study: Path) -> tuple[Path, ...]:
    """Return the sittings over a study, oldest first, those in use included, damaged ones that were put away not."""
    try:
        found = [one for one in study.iterdir() if one.is_dir() and one.name != ARRAYS and not _is_put_away(one)]
    except OSError:
        return ()
    return tuple(sorted(found))


def is_in_use(sitting: Path) -> bool:
    """Tell whether a program writes into a sitting now."""
    lock = sitting / LOCK
    if not lock.exists():
        return False
    handle = take_lock(lock)
    if handle is None:
        return True
    free_lock(handle)
    return False


def _is_put_away(folder: Path) -> bool:
    return folder.name.startswith(DAMAGED)


def newest_work(study: Path) -> Saved:
    """Return the newest work on a study, also while it is being written (UnreadableInput without any)."""
    for one in reversed(sittings(study)):
        saved = read_parts(one)
        if saved.parts:
            return saved
    raise UnreadableInput("{path} holds no work of MedAssist.", path=study)


def set_aside(sitting: Path) -> None:
    """Do not offer a sitting any more; it stays on disk (UnwritableOutput)."""
    write_atomically(sitting / ASIDE, b"")


def clear_out(study: Path) -> None:
    """Remove all but the newest sittings of a study and the arrays nobody names; nothing while one is in use.

    No sitting can begin meanwhile: it might count on an array that is just being removed (UnwritableOutput when the
    list of sittings stays locked).
    """
    with locked(cases_dir() / LIST):
        _clear_out(study)


def _clear_out(study: Path) -> None:
    found = sittings(study)
    if any(is_in_use(one) for one in found):
        return
    parts: dict[Path, Mapping[str, Any] | None] = {one: _parts_of(one) for one in found}
    kept = [one for one in found if parts[one] != {}][-KEPT_SITTINGS:]
    for one in set(found) - set(kept):
        shutil.rmtree(one, ignore_errors=True)
    if any(parts[one] is None for one in kept) or any(map(_is_put_away, study.iterdir())):
        return  # nobody knows what the damaged one needs
    named = {name for one in kept for name in _names(parts[one])}
    for path in (study / ARRAYS).glob("*"):
        if path.stem not in named:
            path.unlink(missing_ok=True)


def _parts_of(sitting: Path) -> Mapping[str, Any] | None:
    """Return the parts of a sitting, {} for one that holds nothing, None for a damaged one."""
    try:
        return read_parts(sitting).parts
    except UnreadableInput:
        return None


def _names(told: Any) -> Iterator[str]:
    """Yield the names of all arrays in JSON."""
    if isinstance(told, dict):
        if isinstance(told.get("sha256"), str):
            yield told["sha256"]
        for one in told.values():
            yield from _names(one)
    elif isinstance(told, list):
        for one in told:
            yield from _names(one)


def _whole_lines(content: bytes) -> tuple[list[dict[str, Any]], bool]:
    """Return the lines whose checksum holds, and whether one was dropped; after a torn line nothing counts."""
    found: list[dict[str, Any]] = []
    *whole, rest = content.split(b"\n")
    for line in filter(None, whole):
        checksum, _, told = line.partition(b" ")
        if checksum != _checksum(told):
            return found, True
        change = _change_in(told)
        if change is None:
            return found, True
        found.append(change)
    return found, bool(rest)


def _change_in(told: bytes) -> dict[str, Any] | None:
    """Return what a line says, None for a line that this program did not write: a checksum is no signature."""
    try:
        change = json.loads(told)
    except (ValueError, RecursionError):
        return None
    return change if isinstance(change, dict) and isinstance(change.get("parts"), dict) else None


def _journal(folder: Path, generation: int) -> Path:
    """Return the journal that goes on from a base: lines of an earlier one must not overwrite it."""
    return folder / f"journal-{generation}.jsonl"


def _checksum(told: bytes) -> bytes:
    return hashlib.sha256(told).hexdigest()[:_CHECKSUM].encode()


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_TEXT:
            raise damaged(path)
        return path.read_bytes()
    except OSError as problem:
        raise UnreadableInput("{path} cannot be read: {reason}.", path=path, reason=problem.strerror) from problem


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
