"""Arrays on disk under the SHA-256 of their content: no pickles, nothing is allocated before its size is known."""

from __future__ import annotations

import hashlib
import lzma
import math
import os
import re
import tempfile
import threading
import weakref
import zipfile
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import UnreadableInput
from medassist.storage.files import make_folder, unwritable

AnyArray = NDArray[Any]
MEMBER = "values.npy"
_NAME = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 22
BROKEN = (
    OSError, ValueError, KeyError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError,
    RuntimeError,
)  # fmt: skip
"""What reading a damaged zip may raise, whichever way its members are packed."""

_known: dict[int, tuple[weakref.ref[AnyArray], str]] = {}
_guard = threading.Lock()


def content_sha256(array: AnyArray) -> str:
    """Return the SHA-256 of type, shape and values; of a frozen array it is computed once."""
    with _guard:
        known = _known.get(id(array))
    if known is not None and known[0]() is array:
        return known[1]
    told = hashlib.sha256(f"{array.dtype.str}|{array.shape}|".encode())
    told.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    found = told.hexdigest()
    if not array.flags.writeable:
        key = id(array)
        with _guard:
            _known[key] = (weakref.ref(array, lambda _gone: _known.pop(key, None)), found)
    return found


class Room:
    """How many bytes of arrays may still be read (UnreadableInput when a file wants more)."""

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes

    def take(self, needed: int, path: Path) -> None:
        """Take the bytes of one array, before it is made."""
        self._left -= needed
        if self._left < 0:
            raise UnreadableInput(
                "{path} holds more masks and maps than fit into the memory.", remedy="Close other studies.", path=path
            )


def read_array(
    opened: Callable[[], AbstractContextManager[IO[bytes]]], size: int, name: str, path: Path, room: Room
) -> AnyArray:
    """Read one array of `size` bytes as .npy and check that it has the content its name promises.

    Raises UnreadableInput for anything else than plain numbers, and for sizes that do not agree.
    """
    try:
        with opened() as file:
            shape, dtype = _header(file)
            needed = math.prod(shape) * dtype.itemsize
            if needed + file.tell() != size:
                raise ValueError("the size does not agree")
            room.take(needed, path)
            values = np.empty(shape, dtype)
            _fill(file, values)
    except BROKEN as problem:
        raise damaged(path) from problem
    values.setflags(write=False)
    if content_sha256(values) != name:
        raise damaged(path)
    return values


class DamagedWork(UnreadableInput):
    """A file of saved work is not what was written."""


def damaged(path: Path) -> DamagedWork:
    """Return the error that says that a file of saved work is not what was written."""
    return DamagedWork(
        "{path} is damaged, so the work saved in it cannot be restored.", remedy="Take an older copy.", path=path
    )


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError("another version of .npy")
    try:
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    except (SyntaxError, TokenError, MemoryError) as problem:  # numpy lets out what Python says of the text
        raise ValueError("no header") from problem
    if fortran or dtype.kind not in "buif" or len(shape) > 5 or any(one < 0 for one in shape):
        raise ValueError("no plain numbers")
    return shape, dtype


def _fill(file: IO[bytes], values: AnyArray) -> None:
    whole = values.reshape(-1).view(np.uint8)
    for start in range(0, len(whole), _CHUNK):
        part = whole[start : start + _CHUNK]
        content = file.read(len(part))
        if len(content) != len(part):
            raise ValueError("it ends too early")
        part[:] = np.frombuffer(content, np.uint8)


def write_npy(file: IO[bytes], array: AnyArray) -> None:
    """Write one array as .npy, C order, without pickles."""
    np.lib.format.write_array(file, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)


class ArrayFolder:
    """A folder of arrays, each a compressed .npz; one content is written once, also by several programs at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, array: AnyArray) -> str:
        """Keep an array and return its name (UnwritableOutput when the disk refuses)."""
        name = content_sha256(array)
        path = self._path(name)
        if not path.exists():
            make_folder(self.folder)
            self._write(path, array)
        return name

    def get(self, name: str, room: Room) -> AnyArray:
        """Read an array by its name (UnreadableInput when it is missing or damaged)."""
        path = self._path(name)
        try:
            with zipfile.ZipFile(path) as archive:
                size = archive.getinfo(MEMBER).file_size
                return read_array(lambda: archive.open(MEMBER), size, name, path, room)
        except BROKEN as problem:
            raise damaged(path) from problem

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise damaged(self.folder)
        return self.folder / f"{name}.npz"

    def _write(self, path: Path, array: AnyArray) -> None:
        partial = ""
        try:
            handle, partial = tempfile.mkstemp(dir=self.folder, prefix=".new-")
            with os.fdopen(handle, "wb") as file:
                with (
                    zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
                    archive.open(MEMBER, "w", force_zip64=True) as member,
                ):
                    write_npy(member, array)
                file.flush()
                os.fsync(file.fileno())
            Path(partial).replace(path)
        except OSError as problem:
            if partial:
                Path(partial).unlink(missing_ok=True)
            raise unwritable(path, problem) from problem


class ArrayMembers:
    """The arrays inside an opened case file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, name: str, room: Room) -> AnyArray:
        """Read an array by its name (UnreadableInput when it is missing or damaged)."""
        if not _NAME.fullmatch(name):
            raise damaged(self.path)
        try:
            with zipfile.ZipFile(self.path) as archive:
                member = f"arrays/{name}.npy"
                size = archive.getinfo(member).file_size
                return read_array(lambda: archive.open(member), size, name, self.path, room)
        except BROKEN as problem:
            raise damaged(self.path) from problem
