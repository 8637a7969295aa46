"""File names a native library can take, and files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medassist.entities.errors import UnreadableInput


def is_speakable(path: Path) -> bool:
    """Tell whether ITK can be given this name.

    A name that is no UTF-8 (Chinese in GBK, unpacked on Linux) ends the whole process; on Windows ITK's readers fail on
    names outside ASCII (both measured with SimpleITK 2.5).
    """
    return str(path).isascii() or (os.name != "nt" and not any("\ud800" <= mark <= "\udfff" for mark in str(path)))


@contextmanager
def readable_name(path: Path) -> Iterator[Path]:
    """Yield a name under which ITK can read a file: its own, or that of a link or a copy.

    Raises UnreadableInput for a header whose data lie in another file, which a copy would lose.
    """
    if is_speakable(path):
        yield path
        return
    if path.suffix.lower() in (".mhd", ".nhdr"):
        raise UnreadableInput("{path} has a name that cannot be opened.", remedy="Rename it.", path=path)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        plain = Path(folder) / _plain(path)
        if os.name == "nt":
            shutil.copyfile(path, plain)
        else:
            plain.symlink_to(path.absolute())
        yield plain


@contextmanager
def writable_name(path: Path) -> Iterator[Path]:
    """Yield a name ITK can write to; when the work is done without an error, the file is moved to `path`.

    So a file appears whole or not at all, under this name: ITK would write "a.nii.nii.gz" as "a.nii.gz" (measured
    with SimpleITK 2.5). The folder of `path` exists. Raises OSError.
    """
    with staging_folder(path.parent) as folder:
        whole = folder / _plain(path)
        yield whole
        put(whole, path)


def _plain(path: Path) -> str:
    """Return a name without surprises that ends like `path`."""
    return "volume.nii.gz" if path.name.lower().endswith(".nii.gz") else f"volume{path.suffix}"


@contextmanager
def staging_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder for files to be written whole before they are `put` into `target`, and remove it.

    It lies inside `target`, or among the temporary files when a library could not be given that name.
    """
    inside = target if is_speakable(target) else None
    with tempfile.TemporaryDirectory(prefix=".medassist-", dir=inside, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def put(whole: Path, path: Path) -> None:
    """Move a finished file to its place in one step, also from another disk (OSError)."""
    try:
        whole.replace(path)
    except OSError as problem:
        if problem.errno != errno.EXDEV:
            raise
        beside = path.with_name(f".{path.name}.part")
        shutil.copyfile(whole, beside)
        beside.replace(path)
