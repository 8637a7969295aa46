"""Take named members out of a wheel, zip or tar archive, and nothing else: no links, no building, no running.

Members are read as bytes and written under names checked here. (`tarfile`'s own "data" filter does the same for whole
archives, and is missing from the Python 3.11.2 of Debian 12.)
"""

from __future__ import annotations

import contextlib
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from medassist.entities.errors import Refused, UnreadableInput
from medassist.progress import Progress
from medassist.storage.files import make_folder, unwritable

MAX_FILES = 5_000
MAX_BYTES = 2_000_000_000

Member = tuple[str, int, Callable[[], IO[bytes]]]


def unpack(archive: Path, members: tuple[str, ...], target: Path, *, progress: Progress) -> tuple[Path, ...]:
    """Write the regular files named by `members` under `target` and return them.

    A member that ends with "/" means every regular file under it, kept in its subfolders; another one is written by
    its last name. Raises UnreadableInput for an archive that is damaged or lacks a member, Refused for one that wants
    to write outside of `target` or is larger than `MAX_FILES` or `MAX_BYTES`.
    """
    try:
        with _opened(archive) as content:
            chosen = [(place, size, read) for name, size, read in content if (place := _place(name, members))]
            _check(archive, members, [place for place, _, _ in chosen], sum(size for _, size, _ in chosen))
            steps = progress.over(chosen, "Unpacking the sample")
            return tuple(_write(target / place, size, read) for place, size, read in steps)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise UnreadableInput("{path} is a damaged archive: {reason}.", path=archive, reason=error) from error


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[list[Member]]:
    """List the regular files of an archive: name, size in bytes, and how to open them."""
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as wheel:
            infos = [info for info in wheel.infolist() if not info.is_dir()]
            yield [(info.filename, info.file_size, partial(wheel.open, info)) for info in infos]
    else:
        with tarfile.open(archive) as tar:
            yield [(info.name, info.size, partial(_read, tar, info)) for info in tar if info.isreg()]


def _read(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(info)
    if content is None:
        raise tarfile.ReadError(f"{info.name} holds no data")
    return content


def _place(name: str, members: tuple[str, ...]) -> str:
    """Return where a member goes, relative to the target; "" when nobody asked for it."""
    if name in members:
        return PurePosixPath(name).name
    folder = next((one for one in members if one.endswith("/") and name.startswith(one)), None)
    return name[len(folder) :] if folder else ""


def _check(archive: Path, members: tuple[str, ...], places: list[str], total_bytes: int) -> None:
    for place in places:
        parts = place.replace("\\", "/").split("/")
        if ".." in parts or "" in parts or any(":" in part for part in parts):
            raise Refused("{path} wants to write outside of its folder: {member}.", path=archive, member=place)
    if len(places) > MAX_FILES or total_bytes > MAX_BYTES:
        raise Refused(
            "{path} would unpack to {count} files and {size} bytes, more than a sample may have.",
            path=archive,
            count=len(places),
            size=total_bytes,
        )
    if len(places) < len(members):
        raise UnreadableInput(
            "{path} lacks a file it should hold: {members}.", path=archive, members=", ".join(members)
        )


def _write(path: Path, size: int, read: Callable[[], IO[bytes]]) -> Path:
    with read() as source:
        # one byte more than announced tells a header that lies about the size
        content = source.read(size + 1)
    if len(content) != size:
        raise UnreadableInput("{path} does not have the size its archive announces.", path=path.name)
    make_folder(path.parent)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise unwritable(path, error) from error
    return path
