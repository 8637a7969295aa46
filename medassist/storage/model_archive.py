"""Unpack a zip with a model package, or copy a folder with one, without trusting either: refuse, never repair.

A study with a strange member is still opened without it (`imaging.archives`). A model package is not: whoever packs a
link, a path out of the folder or a bomb wants something, and a package without the member would be another package.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from medassist.entities.errors import Refused, UnreadableInput
from medassist.progress import Progress
from medassist.storage.files import make_folder, unwritable

MAX_FILES = 5_000
MAX_BYTES = 16 << 30
MAX_RATIO = 100
"""Weights hardly shrink and texts shrink to a tenth; deflate's own limit is about 1000."""

FREE_BYTES = 16 << 20
"""What may come out of any archive, however small: a network before training can be all zeros."""

_CHUNK = 1 << 20
_STAGE = "Unpacking the model package"
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError)
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")


def unpack_package(archive: Path, folder: Path, *, progress: Progress) -> None:
    """Write every file of a zip under the empty `folder`.

    Refused for an encrypted member, a link or device, a name that is absolute, climbs out or could be read in two
    ways, two members of one name, and more files, bytes or compression than a package has; UnreadableInput for what is
    no zip or damaged. The sizes an archive announces are checked first and counted again while it is read.
    """
    try:
        with zipfile.ZipFile(archive) as content:
            members = [one for one in content.infolist() if not one.is_dir()]
            _check(archive, content.infolist(), members)
            left = _allowed(archive)
            for member in progress.over(members, _STAGE, len(members)):
                left -= _extract(content, member, _target(archive, folder, member.filename), left, archive)
    except _DAMAGED as error:
        raise UnreadableInput("{path} is a damaged archive: {reason}.", path=archive, reason=error) from error
    except OSError as error:
        raise UnreadableInput("{path} cannot be read: {reason}.", path=archive, reason=error.strerror) from error


def copy_package(source: Path, folder: Path, *, progress: Progress) -> None:
    """Copy every file under `source` to the empty `folder`; Refused for links, devices, too many files or bytes."""
    files = list(_regular_files(source))
    if sum(path.stat().st_size for path in files) > MAX_BYTES:
        raise _too_much(source)
    for path in progress.over(files, "Copying the model package", len(files)):
        target = folder / path.relative_to(source)
        make_folder(target.parent)
        try:
            shutil.copyfile(path, target)
        except OSError as error:
            raise unwritable(target, error) from error


def _regular_files(source: Path) -> Iterator[Path]:
    """Yield the files of a folder (Refused for anything that is neither file nor folder, and for links)."""
    count = 0
    for folder, folders, names in os.walk(source):
        for name in (*folders, *names):
            path = Path(folder) / name
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise Refused(
                    "{path} holds {member}, a link or device; nothing was unpacked.",
                    path=source,
                    member=path.relative_to(source).as_posix(),
                )
        for name in names:
            count += 1
            if count > MAX_FILES:
                raise _too_much(source)
            yield Path(folder) / name


def _check(archive: Path, everything: list[zipfile.ZipInfo], members: list[zipfile.ZipInfo]) -> None:
    if len(everything) > MAX_FILES or sum(one.file_size for one in members) > _allowed(archive):
        raise _too_much(archive)
    seen: set[str] = set()
    for one in everything:
        name = one.filename
        if one.flag_bits & 0x1:
            raise Refused("{path} is encrypted; nothing was unpacked.", path=archive)
        kind = stat.S_IFMT(one.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise Refused(
                "{path} holds {member}, a link or device; nothing was unpacked.", path=archive, member=name[:200]
            )
        folded = name.rstrip("/").casefold()
        if folded in seen:
            raise Refused("{path} holds {member} twice; nothing was unpacked.", path=archive, member=name[:200])
        seen.add(folded)
        _target(archive, Path(), name)


def _allowed(archive: Path) -> int:
    return min(MAX_BYTES, max(FREE_BYTES, MAX_RATIO * archive.stat().st_size))


def _too_much(path: Path) -> Refused:
    return Refused(
        "{path} would unpack to more files or bytes than a model package has; nothing was unpacked.",
        remedy="At most {files} files, {size} GB, and {ratio} times the size of the archive are allowed.",
        path=path,
        files=MAX_FILES,
        size=MAX_BYTES >> 30,
        ratio=MAX_RATIO,
    )


def _target(archive: Path, folder: Path, name: str) -> Path:
    """Return where a member goes; Refused for a name that could leave the folder on any system."""
    parts = PurePosixPath(name).parts
    strange = any(ord(letter) < 32 or letter in '\\:<>"|?*' for letter in name)
    if not parts or name.startswith("/") or ".." in name.split("/") or strange or any(map(_RESERVED.match, parts)):
        raise Refused(
            "{path} holds the name {name}, which would be written outside its folder; nothing was unpacked.",
            path=archive,
            name=repr(name[:200]),
        )
    return folder.joinpath(*parts)


def _extract(content: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, left: int, archive: Path) -> int:
    """Write one member and return its size; the size in the archive may lie, so the bytes are counted."""
    make_folder(target.parent)
    written = 0
    with _created(target) as file:
        for chunk in _chunks(content, member, archive):
            written += len(chunk)
            if written > left:
                raise _too_much(archive)
            try:
                file.write(chunk)
            except OSError as error:
                raise unwritable(target, error) from error
    return written


def _chunks(content: zipfile.ZipFile, member: zipfile.ZipInfo, archive: Path) -> Iterator[bytes]:
    """Yield what a member unpacks to (Refused when that is not what the archive announces: damaged or tampered)."""
    try:
        with content.open(member) as source:
            while chunk := source.read(_CHUNK):
                yield chunk
    except _DAMAGED as error:
        raise Refused(
            "{path} does not hold what it announces as {member}; nothing was unpacked.",
            remedy="Get it again from a source you trust.",
            path=archive,
            member=member.filename[:200],
        ) from error


def _created(target: Path) -> BinaryIO:
    try:
        return target.open("xb")
    except OSError as error:
        raise unwritable(target, error) from error
