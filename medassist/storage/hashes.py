"""The SHA-256 of a file, and the refusal of a file that is another one."""

from __future__ import annotations

import hashlib
from pathlib import Path

from medassist.entities.errors import Refused, UnreadableInput


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits (UnreadableInput when it cannot be read)."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableInput("{path} cannot be read: {reason}.", path=path, reason=error.strerror) from error


def check_sha256(path: Path, sha256: str) -> None:
    """Refuse a file whose SHA-256 is not the one of the manifest."""
    found = sha256_of(path)
    if found != sha256:
        raise Refused(
            "{file} is not the file the manifest names: its SHA-256 is {found}, not {expected}.",
            remedy="Nothing of it was opened. Ask an index you trust, or install MedAssist again if it came with it.",
            file=path.name,
            found=found,
            expected=sha256,
        )
