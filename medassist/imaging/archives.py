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
from pathlib import Path, PurePosixPath

from medassist.entities.errors import UnreadableInput
from medassist.locations import cache_dir
from medassist.progress import Progress

MAX_MEMBERS = 200_000
MAX_BYTES = 64 << 30
MAX_RATIO = 200
_FREE_BYTES = 64 << 20
_CHUNK = 1 << 20
_STALE_DAYS = 2


def unpack(path: Path, *, progress: Progress) -> Path:
    """Unpack a zip into a folder of the cache that is removed when the program ends, and return the folder.

    Raises UnreadableInput for a damaged or encrypted archive, for names that would leave the folder, and for more
    files, bytes or compression than a study can have. Links and folders are left out.
    """
    folder = _new_folder()
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir() and not _is_link(member)]
            targets = [_target(path, folder, member.filename) for member in members]
            limit = _limit(path, members)
            written = 0
            for member, target in progress.over(zip(members, targets, strict=True), "Unpacking", len(members)):
                written = _extract(archive, member, target, written, limit, path)
    except UnreadableInput:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as problem:
        shutil.rmtree(folder, ignore_errors=True)
        raise UnreadableInput(
            "{path} cannot be unpacked: it is damaged, encrypted, or packed in an unknown way.", path=path
        ) from problem
    except OSError as problem:
        shutil.rmtree(folder, ignore_errors=True)
        raise UnreadableInput(
            "{path} cannot be unpacked into {folder}: {reason}.", path=path, folder=folder, reason=problem.strerror
        ) from problem
    return folder


def _new_folder() -> Path:
    """Return an empty folder in the cache; folders a crashed run left behind are removed."""
    home = cache_dir() / "unpacked"
    home.mkdir(parents=True, exist_ok=True)
    for old in home.iterdir():
        if time.time() - old.stat().st_mtime > _STALE_DAYS * 86400:
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(dir=home))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


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


def _limit(path: Path, members: list[zipfile.ZipInfo]) -> int:
    """Return how many bytes may come out, refusing what already announces more."""
    limit = min(MAX_BYTES, max(_FREE_BYTES, MAX_RATIO * path.stat().st_size))
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > limit:
        raise _too_large(path, limit)
    return limit


def _extract(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, written: int, limit: int, path: Path
) -> int:
    """Write one member and return the bytes written so far; sizes in the archive may lie, so they are counted."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, target.open("wb") as file:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > limit:
                raise _too_large(path, limit)
            file.write(chunk)
    return written


def _too_large(path: Path, limit: int) -> UnreadableInput:
    return UnreadableInput(
        "{path} would unpack to more than {size} MB or {count} files; it was left alone.",
        remedy="Unpack it yourself if you trust it, and open the folder.",
        path=path,
        size=limit >> 20,
        count=MAX_MEMBERS,
    )
