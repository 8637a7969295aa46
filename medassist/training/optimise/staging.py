"""A copy of a package beside the place it will take: there all at once, or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medassist.entities.errors import Refused, UnwritableOutput
from medassist.inference.packages import METADATA, Package
from medassist.training.record import write_json

LEFT_OUT = shutil.ignore_patterns("__pycache__", ".git", "*.partial")


@contextmanager
def staged(package: Package, out: Path) -> Iterator[Path]:
    """Yield a copy of a package to work on; it is gone afterwards unless `publish` moved it to `out`.

    UnwritableOutput when `out` is there already or nothing can be written beside it.
    """
    if out.exists():
        raise UnwritableOutput("{path} is there already.", remedy="Choose another place.", path=out)
    with _beside(out) as place:
        copy = place / out.name
        try:
            shutil.copytree(package.root, copy, ignore=LEFT_OUT)
        except (OSError, shutil.Error) as error:
            raise _unwritable(out, error) from error
        yield copy


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        place = tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.", ignore_cleanup_errors=True)
    except OSError as error:
        raise _unwritable(out, error) from error
    with place as name:
        yield Path(name)


def publish(copy: Path, out: Path) -> None:
    """Move a finished copy to its place in one step (UnwritableOutput)."""
    try:
        copy.rename(out)
    except OSError as error:
        raise _unwritable(out, error) from error


def _unwritable(out: Path, error: Exception) -> UnwritableOutput:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return UnwritableOutput("{path} cannot be written: {reason}.", path=out, reason=reason)


def own_section(copy: Path) -> dict[str, Any]:
    """Return the "medassist" section of a copy (Refused for a bundle that has none)."""
    own = _metadata(copy).get("medassist")
    if not isinstance(own, dict):
        raise Refused(
            "{path} has no section medassist in its metadata, so an optimised form has no place in it.", path=copy
        )
    return own


def note_version(copy: Path, names: Sequence[str], **changes: object) -> None:
    """Give a copy the version `1.0.0+int8`, so that nobody takes it for the original, and change its own section.

    Args:
        copy: the package that is worked on.
        names: what was done to it.
        changes: keys of the "medassist" section; None takes one out.
    """
    metadata = _metadata(copy)
    version = f"{str(metadata.get('version', '0.0.0')).partition('+')[0]}+{'.'.join(names)}"
    log = metadata.get("changelog")
    words = f"Made by medassist optimize: {', '.join(names)}."
    own = {**metadata["medassist"], **changes}
    metadata |= {
        "version": version,
        "changelog": {**(log if isinstance(log, Mapping) else {}), version: words},
        "medassist": {key: value for key, value in own.items() if value is not None},
    }
    write_json(copy / METADATA, metadata)


def _metadata(copy: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((copy / METADATA).read_text(encoding="utf-8"))
    return content
