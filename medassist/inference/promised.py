"""Read a file of a package whose SHA-256 its metadata promise."""

from __future__ import annotations

import hashlib
from pathlib import Path

from medassist.entities.errors import Refused


def promised(file: Path, sha256: str, model: str, most_bytes: int) -> bytes:
    """Return the content of `file` (Refused when it cannot be read, is larger than `most_bytes` or another file)."""
    try:
        content = file.read_bytes() if file.stat().st_size <= most_bytes else b""
    except OSError as error:
        raise Refused("{file} cannot be read: {reason}.", file=file, reason=error.strerror or error) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Refused(
            "{file} is not the file the metadata of {model} promises.",
            remedy="Install the model package again from a source you trust.",
            file=file,
            model=model,
        )
    return content
