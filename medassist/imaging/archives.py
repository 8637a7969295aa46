"""Unpack a zip archive without trusting it."""

from __future__ import annotations

import atexit
import re
import shutil
import stat
import tempfile
import time
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from medassist.entities.errors import UnreadableInput
from medassist.locations import cache_dir
from medassist.progress import Progress

MAX_MEMBERS = 200_000
MAX_BYTES = 64 << 30
MAX_RATIO = 200
MAX_DEPTH = 3
"""Archives inside archives are unpacked as well, this many levels deep."""

KEPT_FREE = 2 << 30
"""Bytes of the disk that stay free: of a folder full of archives, those that do not fit are left packed and named."""

_FREE_BYTES = 64 << 20
_CHUNK = 1 << 20
_STALE_DAYS = 2


def unpack(path: Path, *, progress: Progress) -> Path:
    """Unpack a zip into a folder of the cache that is removed when the program ends, and return the folder.

    A zip inside becomes a folder of its name; a zip that was unpacked before and has not changed is not unpacked again.
    Raises UnreadableInput for a damaged or encrypted archive, for names that would leave the folder, for more files,
    bytes or compression than a study can have, all levels together, and for what would fill the disk. Links and folders
    are left out; a damaged zip inside stays a file.
    """
    status = path.stat()
    stamp = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
    known = _unpacked.get((path, stamp))
    if known is None or not known.is_dir():
        known = _unpacked[path, stamp] = _unpack_anew(path, progress)
    return known


def _unpack_anew(path: Path, progress: Progress) -> Path:
    folder = _new_folder(path)
    try:
        allowance = _Allowance(path, min(MAX_BYTES, max(_FREE_BYTES, MAX_RATIO * path.stat().st_size)), folder)
        inner = _unpack_one(path, folder, allowance, progress)
        for _ in range(MAX_DEPTH - 1):
            inner = [found for one in inner for found in _unfold(one, allowance, progress)]
    except BaseException as problem:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(problem, _DAMAGED):
            raise UnreadableInput(
                "{path} cannot be unpacked: it is damaged, encrypted, or packed in an unknown way.", path=path
            ) from problem
        if isinstance(problem, OSError):
            raise _no_room(path, folder, problem) from problem
        raise
    return folder


_unpacked: dict[tuple[Path, tuple[int, ...]], Path] = {}

_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


@dataclass
class _Allowance:
    """What may still come out of an archive and the archives inside it, into `folder`."""

    path: Path
    bytes_left: int
    folder: Path
    files_left: int = MAX_MEMBERS

    def __post_init__(self) -> None:
        self.limit = self.bytes_left

    def promise(self, size: int) -> None:
        """Refuse an archive whose own list says that too much would come out, before anything does."""
        self._spare(size)
        if size > self.bytes_left:
            self.take(self.bytes_left + 1)

    def _spare(self, size: int) -> None:
        """Refuse what would leave less than `KEPT_FREE` bytes on the disk."""
        free = shutil.disk_usage(self.folder).free
        if free - size < KEPT_FREE:
            raise UnreadableInput(
                "{path} was left packed: only {free} MB are free in {folder}, and {kept} MB of them are kept.",
                remedy="Make room there, or choose another folder with MEDASSIST_CACHE.",
                path=self.path,
                free=free >> 20,
                folder=self.folder.parent,
                kept=KEPT_FREE >> 20,
            )

    def take(self, size: int, files: int = 0) -> None:
        """Count what comes out; refuse what is too much."""
        self.bytes_left -= size
        self.files_left -= files
        self._spare(0)
        if self.bytes_left < 0 or self.files_left < 0:
            raise UnreadableInput(
                "{path} would unpack to more than {size} MB or {count} files; it was left alone.",
                remedy="Unpack it yourself if you trust it, and open the folder.",
                path=self.path,
                size=self.limit >> 20,
                count=MAX_MEMBERS,
            )


def _unpack_one(path: Path, folder: Path, allowance: _Allowance, progress: Progress) -> list[Path]:
    """Unpack one archive and return the archives inside it."""
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir() and not _is_link(member)]
        targets = [_target(path, folder, member.filename) for member in members]
        allowance.take(0, len(members))
        allowance.promise(sum(member.file_size for member in members))
        for member, target in progress.over(zip(members, targets, strict=True), "Unpacking", len(members)):
            _extract(archive, member, target, allowance)
    return [target for target in targets if target.suffix.lower() == ".zip"]


def _unfold(path: Path, allowance: _Allowance, progress: Progress) -> list[Path]:
    """Put a folder with its contents in the place of an archive, and return the archives inside it."""
    packed = path.with_name(f".{path.name}.packed")
    path.rename(packed)
    try:
        inner = _unpack_one(packed, path, allowance, progress)
    except _DAMAGED:
        shutil.rmtree(path, ignore_errors=True)
        packed.rename(path)
        return []
    packed.unlink()
    return inner


def _new_folder(path: Path) -> Path:
    """Return an empty folder in the cache for an archive; folders a crashed run left behind are removed."""
    home = cache_dir() / "unpacked"
    try:
        home.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=home))
    except OSError as error:
        raise _no_room(path, home, error) from error
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for old in home.iterdir():
        with suppress(OSError):  # another process ends now and takes its own away
            if time.time() - old.stat().st_mtime > _STALE_DAYS * 86400:
                shutil.rmtree(old, ignore_errors=True)
    return folder


def _no_room(path: Path, folder: Path, error: OSError) -> UnreadableInput:
    return UnreadableInput(
        "{path} cannot be unpacked into {folder}: {reason}.", path=path, folder=folder, reason=error.strerror
    )


def _is_link(member: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(member.external_attr >> 16)


def _target(path: Path, folder: Path, name: str) -> Path:
    """Return where a member goes, refusing names that are absolute or climb out of the folder."""
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or re.match(r"^[A-Za-z]:", name):
        raise UnreadableInput(
            "{path} holds the name {name}, which would be written outside its folder; nothing was unpacked.",
            path=path,
            name=name,
        )
    return folder.joinpath(*(re.sub(r'[<>:"|?*\x00-\x1f]', "_", part) for part in pure.parts))


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, allowance: _Allowance) -> None:
    """Write one member; sizes in the archive may lie, so the bytes are counted."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, target.open("wb") as file:
        while chunk := source.read(_CHUNK):
            allowance.take(len(chunk))
            file.write(chunk)
