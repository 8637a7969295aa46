"""An append-only trail of what was done: JSON lines, each with the SHA-256 of the line before it.

A changed, removed or inserted line breaks the chain. A change of the last line or lines cut off at the end do not:
note `Verified.last_sha256` elsewhere to find that too. No name or identifier of a patient gets in: inputs are hashed,
and only the declared details are taken.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from medassist.entities.errors import UnreadableInput
from medassist.entities.study import Warned, warned
from medassist.locations import data_dir
from medassist.storage.files import locked, unwritable

ACTIONS = (
    "open", "run", "explain", "stamp", "probe", "keep probe", "drop probe", "set threshold", "judge", "export",
    "add model", "remove model", "trust model", "revoke trust", "undo", "redo",
    "edit", "restore", "close",
)  # fmt: skip
DETAILS = (
    "model",
    "model_version",
    "model_sha256",
    "package_sha256",
    "device",
    "method",
    "target",
    "against",
    "stamp",
    "judgement",
    "finding",
    "formats",
    "files",
    "object",
    "overridden",
    "box",
    "followed",
    "corrected_by_hand",
    "threshold_before",
    "threshold_after",
    "outcome",
    "step",
    "change",
    "findings",
)
_FIRST = "0" * 64


@dataclass(frozen=True)
class Verified:
    """What `verify` found: how many lines, the hash of the last one, and every break of the chain."""

    lines: int
    last_sha256: str
    problems: tuple[Warned, ...] = ()

    @property
    def intact(self) -> bool:
        """Whether every line is where and as it was written."""
        return not self.problems


def audit_file() -> Path:
    """Return the file of the trail."""
    return data_dir() / "audit.jsonl"


def hashed(identifier: str) -> str:
    """Return the SHA-256 of an identifier, so that whoever has the study can find its lines and nobody else."""
    return hashlib.sha256(identifier.encode(errors="surrogatepass")).hexdigest()


def record(action: str, *, inputs: tuple[str, ...] = (), details: Mapping[str, str | int | bool] | None = None) -> None:
    """Append one line.

    `inputs` are series or study UIDs (or `Series.key`); only their hashes are kept. Raises ValueError for an action or
    a detail that is not declared, UnwritableOutput when the line cannot be written.
    """
    extra = dict(details or {})
    if action not in ACTIONS or not set(extra) <= set(DETAILS):
        raise ValueError(f"not declared for the audit trail: {action}, {sorted(set(extra) - set(DETAILS))}")
    path = audit_file()
    with locked(path):
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "by": login(),
            "action": action,
            "inputs": [hashed(one) for one in inputs],
            "details": extra,
            "previous": _last_hash(path),
        }
        _append(path, json.dumps(line, ensure_ascii=False).encode() + b"\n")


def login() -> str:
    """Return the name of the account, "unknown" for one without a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # an account without a name, as in some containers
        return "unknown"


def verify() -> Verified:
    """Read the whole trail and check its chain (UnreadableInput when it cannot be read)."""
    lines = _lines(audit_file())
    problems: list[Warned] = []
    previous = _FIRST
    for number, line in enumerate(lines, start=1):
        if _previous(line) is None:
            problems.append(warned("Line {number} of the audit trail cannot be read.", number=number))
        elif _previous(line) != previous:
            problems.append(warned("Line {number} of the audit trail does not follow the one before.", number=number))
        previous = hashlib.sha256(line).hexdigest()
    return Verified(len(lines), previous, tuple(problems))


def _lines(path: Path) -> list[bytes]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnreadableInput("{path} cannot be read: {reason}.", path=path, reason=error.strerror) from error
    return content.split(b"\n")[:-1] if content.endswith(b"\n") else content.split(b"\n")


def _previous(line: bytes) -> str | None:
    """Return the hash a line carries, None when the line is no record."""
    try:
        stored = json.loads(line)
    except ValueError:
        return None
    return str(stored["previous"]) if isinstance(stored, dict) and "previous" in stored else None


def _last_hash(path: Path) -> str:
    lines = _lines(path)
    return hashlib.sha256(lines[-1]).hexdigest() if lines else _FIRST


def _append(path: Path, line: bytes) -> None:
    """Append in one write that reaches the disk; a line torn by a crash is ended first, and `verify` names it."""
    try:
        with path.open("a+b") as file:
            file.seek(0, os.SEEK_END)
            torn = file.tell() > 0 and not _ends_with_newline(path)
            file.write((b"\n" if torn else b"") + line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise unwritable(path, error) from error


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
