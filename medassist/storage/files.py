"""Write files so that a crash leaves the old one or the new one, and let one process at a time at them."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from medassist.entities.errors import UnwritableOutput

_WAIT_S = 10.0


def make_folder(folder: Path) -> Path:
    """Create `folder` with its parents and return it (UnwritableOutput when that fails)."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    return folder


def unwritable(path: Path, error: OSError) -> UnwritableOutput:
    """Return the error that says why `path` cannot be written."""
    return UnwritableOutput(
        "{path} cannot be written: {reason}.",
        remedy="Check that the disk is not full and that you may write there.",
        path=path,
        reason=error.strerror or str(error),
    )


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step (UnwritableOutput when that fails)."""
    make_folder(path.parent)
    partial = ""
    try:
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(partial).replace(path)
    except OSError as error:
        if partial:
            Path(partial).unlink(missing_ok=True)
        raise unwritable(path, error) from error


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file of `path` (its name with ".lock" added), alone among all processes and threads.

    The operating system frees the lock when a process dies. Raises UnwritableOutput when another one holds it for
    more than ten seconds.
    """
    make_folder(path.parent)
    lock = path.with_name(path.name + ".lock")
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unwritable(lock, error) from error
    try:
        _wait_for(handle, path)
        try:
            yield
        finally:
            _release(handle)
    finally:
        os.close(handle)


def take_lock(lock: Path) -> int | None:
    """Hold a lock file until `free_lock`, or the death of the program; None when somebody else holds it."""
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unwritable(lock, error) from error
    if _try(handle):
        return handle
    os.close(handle)
    return None


def free_lock(handle: int) -> None:
    """Let others have a lock taken before."""
    _release(handle)
    os.close(handle)


def _wait_for(handle: int, path: Path) -> None:
    give_up = time.monotonic() + _WAIT_S
    while not _try(handle):
        if time.monotonic() > give_up:
            raise UnwritableOutput("{path} is in use by another MedAssist.", remedy="Try again in a moment.", path=path)
        time.sleep(0.02)


if sys.platform == "win32":
    import msvcrt

    def _try(handle: int) -> bool:
        os.lseek(handle, 0, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _release(handle: int) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _release(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)
