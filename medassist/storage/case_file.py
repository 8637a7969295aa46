"""The case file NAME.medassist: the work on one study in one zip, `work.json` and its arrays. See docs/cases.md."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medassist.entities.errors import UnreadableInput
from medassist.entities.study import Warned
from medassist.imaging.file_names import put, staging_folder
from medassist.storage.arrays import (
    BROKEN,
    AnyArray,
    ArrayFolder,
    ArrayMembers,
    Room,
    content_sha256,
    damaged,
    write_npy,
)
from medassist.storage.codec import Undecodable, decode, encode
from medassist.storage.files import make_folder, unwritable

FORMAT, VERSION = "medassist-case", 1
SUFFIX = ".medassist"
FILE_NAME = f"case{SUFFIX}"
TEXT = "work.json"
MOST_TEXT = 256 * 2**20
"""Bytes of text in one case; a finding takes a few thousand."""
MOST_VALUES = 4 * 2**20
"""Values in such a text: each takes up to a hundred times the memory it takes there ("{},")."""
MOST_ARRAYS = 4 * 2**30

Parts = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Saved:
    """The work on one study as a file holds it.

    Attributes:
        parts: JSON by the name of the part.
        arrays: where the arrays are that it names.
        path: the file or folder, for a person.
        saved_at: local ISO time of the newest change.
        notes: what a reader must know of the file.
    """

    parts: Parts
    arrays: ArrayFolder | ArrayMembers
    path: Path
    saved_at: str = ""
    notes: tuple[Warned, ...] = ()


@dataclass(frozen=True, eq=False)
class Work:
    """What is to be written into a case file: parts as JSON, and the arrays they name."""

    parts: Parts
    arrays: Mapping[str, AnyArray]
    saved_at: str


class Decoder:
    """Read parts of a case; all of them share one limit of memory, and each array is read once."""

    def __init__(self, saved: Saved, most_bytes: int = MOST_ARRAYS) -> None:
        self._saved, self._room = saved, Room(most_bytes)
        self._known: dict[str, AnyArray] = {}
        self.notes: list[Warned] = []

    def part(self, name: str, hint: Any, default: Any) -> Any:
        """Return one part (UnreadableInput when the file holds something else there), `default` without one."""
        if name not in self._saved.parts:
            return default
        try:
            return decode(self._saved.parts[name], hint, self._array, self.notes)
        except (Undecodable, RecursionError) as problem:
            raise damaged(self._saved.path) from problem

    def _array(self, name: str) -> AnyArray:
        if name not in self._known:
            self._known[name] = self._saved.arrays.get(name, self._room)
        return self._known[name]


@dataclass(eq=False)
class Encoder:
    """Collect the arrays of parts while they are encoded."""

    arrays: dict[str, AnyArray] = field(default_factory=dict)

    def part(self, value: Any, hint: Any) -> Any:
        """Return a value as JSON."""
        return encode(value, hint, self._put)

    def _put(self, array: AnyArray) -> str:
        name = content_sha256(array)
        self.arrays[name] = array
        return name


def text_of(parts: Parts, saved_at: str) -> bytes:
    """Return the parts as the text of a case file."""
    told = {"format": FORMAT, "version": VERSION, "saved_at": saved_at, "parts": dict(parts)}
    return json.dumps(told, allow_nan=False).encode("ascii")


def parts_in(text: bytes, path: Path) -> tuple[dict[str, Any], str]:
    """Return the parts in the text of a case file, and when they were saved (UnreadableInput for anything else)."""
    demand_few_values(text, path)
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise damaged(path) from problem
    if not isinstance(told, dict) or told.get("format") != FORMAT or not isinstance(told.get("parts"), dict):
        raise UnreadableInput("{path} holds no work of MedAssist.", path=path)
    if told.get("version") != VERSION:
        raise UnreadableInput(
            "{path} was saved by a newer MedAssist (version {found} of the file, this one reads {known}).",
            remedy="Open it with that version.",
            path=path,
            found=str(told.get("version"))[:20],
            known=VERSION,
        )
    return told["parts"], str(told.get("saved_at", ""))


def demand_few_values(text: bytes, path: Path) -> None:
    """Refuse JSON that would fill the memory once it is read (UnreadableInput)."""
    if sum(text.count(mark) for mark in (b",", b"[", b"{")) > MOST_VALUES:
        raise damaged(path)


def write_case_file(path: Path, parts: Parts, arrays: Mapping[str, AnyArray], saved_at: str) -> None:
    """Write a case file, whole or not at all (UnwritableOutput)."""
    make_folder(path.parent)
    try:
        with staging_folder(path.parent) as stage:
            whole = stage / FILE_NAME
            with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                archive.writestr(TEXT, text_of(parts, saved_at))
                for name, array in arrays.items():
                    with archive.open(f"arrays/{name}.npy", "w", force_zip64=True) as member:
                        write_npy(member, array)
            put(whole, path)
    except OSError as problem:
        raise unwritable(path, problem) from problem


def read_case_file(path: Path) -> Saved:
    """Read a case file; its arrays stay in it until they are asked for (UnreadableInput)."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = archive.getinfo(TEXT).file_size
            if size > MOST_TEXT:
                raise damaged(path)
            with archive.open(TEXT) as file:
                text = file.read(size + 1)
    except KeyError as problem:
        raise UnreadableInput("{path} holds no work of MedAssist.", path=path) from problem
    except BROKEN as problem:
        if not isinstance(problem, OSError) or problem.strerror is None:  # without one it is bz2 that complains
            raise damaged(path) from problem
        raise UnreadableInput("{path} cannot be read: {reason}.", path=path, reason=problem.strerror) from problem
    parts, saved_at = parts_in(text, path)
    return Saved(parts, ArrayMembers(path), path, saved_at)
