"""Which packages the user trusts to run code: by the SHA-256 over all they hold, so that any changed byte ends it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from medassist.entities.errors import Refused
from medassist.locations import data_dir

MAX_FILES = 5_000
MAX_BYTES = 50_000_000_000

_Stamp = tuple[tuple[str, int, int, int, int], ...]
_known: dict[Path, tuple[_Stamp, str]] = {}
"""Content by folder, so that a list on screen does not hash gigabytes again; any write changes the stamp (ctime)."""


@dataclass(frozen=True)
class Trust:
    """One line of the list: which content, under which name and version, who trusted it and when (ISO, UTC).

    `size_bytes` and `files` of the content let a package that cannot be the one be passed over without hashing it.
    """

    content_sha256: str
    size_bytes: int
    files: int
    name: str
    version: str
    by: str
    at: str


@dataclass(frozen=True)
class Content:
    """All files of a package in the order of their names: SHA-256, size and number."""

    sha256: str
    size_bytes: int
    files: int


def trust_file() -> Path:
    """Return the user's list."""
    return data_dir() / "trusted-models.json"


def content_of(root: Path) -> Content:
    """Return the identity of all a folder holds: sorted relative paths, sizes and bytes (see docs/model-package.md).

    Refused for a link, for what is no plain file, and for a folder that cannot be read: what is not counted could
    change unseen.
    """
    files = tuple(_files(root))
    if sum(size for _, _, size in files) > MAX_BYTES:
        raise Refused("{folder} holds more than {size} GB.", folder=root, size=MAX_BYTES // 10**9)
    whole = hashlib.sha256()
    for name, path, size in files:
        encoded = name.encode(errors="surrogatepass")
        whole.update(f"{len(encoded)} {size} ".encode() + encoded + _sha256(path))
    return Content(whole.hexdigest(), sum(size for _, _, size in files), len(files))


def trusted() -> tuple[Trust, ...]:
    """Return the user's list, oldest first; one that cannot be read trusts nothing."""
    try:
        content = json.loads(trust_file().read_text(encoding="utf-8"))
        return tuple(Trust(**one) for one in content["trusted"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def as_bytes(entries: tuple[Trust, ...]) -> bytes:
    """Return the list as it lies in `trust_file`."""
    return json.dumps({"trusted": [asdict(one) for one in entries]}, ensure_ascii=False, indent=1).encode()


def trust_of(root: Path) -> Trust | None:
    """Return who trusts the package in `root` as it is now, None when nobody does."""
    known = trusted()
    if not known:
        return None
    try:
        stamp = tuple(_stamp(name, path) for name, path, _ in _files(root))
        size, files = sum(one[1] for one in stamp), len(stamp)
        if not any((one.size_bytes, one.files) == (size, files) for one in known):
            return None
        found = _remembered(root.resolve(), stamp)
    except (Refused, OSError):
        return None
    return next((one for one in known if one.content_sha256 == found), None)


def _stamp(name: str, path: Path) -> tuple[str, int, int, int, int]:
    state = path.stat()
    return name, state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino


def _remembered(root: Path, stamp: _Stamp) -> str:
    before, sha256 = _known.get(root, ((), ""))
    if before != stamp:
        sha256 = content_of(root).sha256
        _known[root] = stamp, sha256
    return sha256


def _files(root: Path) -> Iterator[tuple[str, Path, int]]:
    """Yield (name with "/", path, size) of every file, sorted by name."""
    found = []
    for folder, folders, names in os.walk(root, onerror=_stop):
        for name in (*folders, *names):
            path = Path(folder) / name
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise Refused("{file} is a link or no plain file, so this package cannot be trusted.", file=path)
        found += [Path(folder) / name for name in names]
        if len(found) > MAX_FILES:
            raise Refused("{folder} holds more than {count} files.", folder=root, count=MAX_FILES)
    for path in sorted(found, key=lambda one: one.relative_to(root).as_posix()):
        yield path.relative_to(root).as_posix(), path, path.stat().st_size


def _stop(error: OSError) -> None:
    raise Refused("{file} cannot be read: {reason}.", file=error.filename, reason=error.strerror) from error


def _sha256(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise Refused("{file} cannot be read: {reason}.", file=path, reason=error.strerror) from error
