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
        size, files = _measure(root)
        if not any((one.size_bytes, one.files) == (size, files) for one in known):
            return None
        found = content_of(root)
    except Refused:
        return None
    return next((one for one in known if one.content_sha256 == found.sha256), None)


def _measure(root: Path) -> tuple[int, int]:
    sizes = [size for _, _, size in _files(root)]
    return sum(sizes), len(sizes)


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
