"""How often first impressions and models said the same: JSON lines on this computer, with hashes for identifiers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from medassist.entities.prediction import ModelRef
from medassist.locations import data_dir
from medassist.storage.audit import hashed, login
from medassist.storage.files import locked, unwritable

MOST_BYTES = 50_000_000
"""A file larger than this was not written by us; it is not read."""


@dataclass(frozen=True)
class Count:
    """How many answers there were, and how many of them were the same."""

    same: int = 0
    answers: int = 0


def agreement_file() -> Path:
    """Return the file of the answers."""
    return data_dir() / "agreement.jsonl"


def record(series_key: str, model: ModelRef, answers: Mapping[str, tuple[str, bool]]) -> None:
    """Append what a reader and a model said of one series.

    The series and the reader are kept as hashes; labels are those of the model, never words of a reader. `answers`
    tells by label what the reader said ("present", "absent") and whether the model called it. UnwritableOutput when
    the line cannot be written.
    """
    path = agreement_file()
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": hashed(login()),
        "series": hashed(series_key),
        "model": model.name,
        "model_version": model.version,
        "model_sha256": model.sha256,
        "answers": {label: {"reader": reader, "model": called} for label, (reader, called) in answers.items()},
    }
    with locked(path):
        try:
            with path.open("ab") as file:
                file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        except OSError as error:
            raise unwritable(path, error) from error


def counted() -> Count:
    """Return the answers so far on this computer; lines that cannot be read are left out."""
    path = agreement_file()
    try:
        told = path.stat()
    except OSError:
        return Count()
    return _counted(path, told.st_mtime_ns, told.st_size)


@lru_cache(maxsize=1)
def _counted(path: Path, _changed_ns: int, size: int) -> Count:
    try:
        lines = path.read_bytes().splitlines() if size <= MOST_BYTES else []
    except OSError:
        return Count()
    told = [one for line in lines for one in _answers(line)]
    return Count(sum(told), len(told))


def _answers(line: bytes) -> list[bool]:
    """Return for each answer of a line whether both said the same."""
    try:
        answers = json.loads(line)["answers"].values()
        return [(one["reader"] == "present") is bool(one["model"]) for one in answers]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
