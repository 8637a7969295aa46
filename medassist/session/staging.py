"""Bring a package aside, look at it there, and leave nothing behind."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from medassist.entities.errors import MedAssistError, UnreadableInput
from medassist.locations import data_dir
from medassist.progress import Progress

STAGING = ".models-"
_STALE_S = 86_400
_MAC = "__MACOSX"


@contextlib.contextmanager
def staged() -> Iterator[Path]:
    """Yield an empty folder beside the user's models, so that moving there is one step; it is removed afterwards."""
    from medassist.storage.files import make_folder, unwritable

    home = make_folder(data_dir())
    for old in home.glob(f"{STAGING}*"):  # of a run that was killed
        if time.time() - old.stat().st_mtime > _STALE_S:
            shutil.rmtree(old, ignore_errors=True)
    try:
        folder = Path(tempfile.mkdtemp(dir=home, prefix=STAGING))
    except OSError as error:
        raise unwritable(home, error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def told_of(source: Path, staging: Path) -> Iterator[None]:
    """Let errors name the place the user knows instead of the folder aside, and what to trust."""
    try:
        yield
    except MedAssistError as error:
        if not any(str(staging) in str(value) for value in error.values.values()):
            raise
        told = {
            key: str(value).replace(str(staging / _stem(source)), str(source)) for key, value in error.values.items()
        }
        raise type(error)(error.message, remedy=error.remedy, **{**told, "name": source}) from error


def _stem(source: Path) -> str:
    return source.resolve().stem if source.suffix.lower() == ".zip" else source.resolve().name


def brought(source: Path, staging: Path, progress: Progress) -> Path:
    """Copy a package aside and return its root (UnreadableInput when there is none)."""
    from medassist.storage.files import make_folder
    from medassist.storage.model_archive import copy_package, unpack_package

    if not source.exists():
        raise UnreadableInput("{path} does not exist.", path=source)
    folder = make_folder(staging / (_stem(source) or "model"))
    if source.is_dir():
        copy_package(source, folder, progress=progress)
    else:
        unpack_package(source, folder, progress=progress)
    return _root_in(folder, source)


def _root_in(folder: Path, source: Path) -> Path:
    """Return the folder of the package: the whole, or the one folder that stands alone in it."""
    from medassist.inference.packages import METADATA

    for _ in range(3):
        if (folder / METADATA).is_file():
            return folder
        inner = [one for one in folder.iterdir() if one.is_dir() and one.name != _MAC]
        if len(inner) != 1:
            break
        folder = inner[0]
    raise UnreadableInput(
        "{path} holds no model package: {file} is missing.",
        remedy="A model package is a folder with configs/metadata.json and configs/inference.json.",
        path=source,
        file=METADATA,
    )


@contextlib.contextmanager
def package_at(which: str, progress: Progress) -> Iterator[tuple[Path, str]]:
    """Yield folder and name of an installed model, of a folder, or of a zip unpacked aside."""
    from medassist.inference.catalogue import locate

    path = Path(which)
    if path.is_file():
        with staged() as staging, told_of(path, staging):
            root = brought(path, staging, progress)
            yield root, root.name
    else:
        yield locate(which)
