"""One file of terms, read as data: every complaint names the file and the term."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medassist.entities.errors import UnreadableInput
from medassist.entities.prediction import Code
from medassist.entities.term import Term

_KEYS = {"label", "zh", "also", "code", "category", "sides", "site"}
_MOST = (16, 16, 64)
"""Characters of a value and a scheme (SH) and of a meaning (LO) in DICOM."""
_ANATOMY = "91723000"


def terms_of(path: Path, max_bytes: int) -> tuple[Term, ...]:
    """Return the terms of one file (UnreadableInput with the first thing that is wrong)."""
    table = _parsed(path, max_bytes)
    rows = table.get("terms", [])
    if not isinstance(rows, list) or table.keys() - {"terms", "category"}:
        raise UnreadableInput("{path} must hold a list called terms and may name their category.", path=path)
    category = None if "category" not in table else _code(path, "terms", "category", table["category"])
    return tuple(_term(path, number, row, category) for number, row in enumerate(rows, start=1))


def _parsed(path: Path, max_bytes: int) -> dict[str, Any]:
    try:
        if not path.is_file() or path.stat().st_size > max_bytes:
            raise UnreadableInput(
                "{path} is no file of terms: it must be a plain file of at most {size} bytes.",
                path=path,
                size=max_bytes,
            )
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # ValueError: TOML and UTF-8
        raise UnreadableInput("{path} is no file of terms: {reason}.", path=path, reason=error) from error


def _term(path: Path, number: int, row: object, category: Code | None) -> Term:
    place = f"terms[{number}]"
    if not isinstance(row, Mapping):
        raise _unusable(path, place, "terms")
    place = str(row.get("label") or place)
    unknown = sorted(row.keys() - _KEYS)
    if unknown:
        raise _unusable(path, place, unknown[0])
    also, sides, site = row.get("also", []), row.get("sides", False), row.get("site", "")
    own = _code(path, place, "category", row["category"]) if "category" in row else category
    if own is None:
        raise _unusable(path, place, "category")
    sound = {
        "label": _is_word(row.get("label")),
        "zh": row.get("zh", "") == "" or _is_word(row["zh"]),
        "also": isinstance(also, list) and all(_is_word(one) for one in also),
        "sides": isinstance(sides, bool),
        "site": _is_word(site) or (site == "" and (not sides or own.value == _ANATOMY)),
    }
    for key, fits in sound.items():
        if not fits:
            raise _unusable(path, place, key)
    code = _code(path, place, "code", row.get("code"))
    return Term(row["label"], row.get("zh", ""), code, own, tuple(also), sides, site)


def _is_word(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= 64 and value.isprintable() and "\\" not in value


def _code(path: Path, place: str, key: str, value: object) -> Code:
    if not isinstance(value, list) or len(value) != 3 or not all(_is_word(one) for one in value):
        raise _unusable(path, place, key)
    if any(len(one) > most for one, most in zip(value, _MOST, strict=True)):
        raise _unusable(path, place, key)
    return Code(*value)


def _unusable(path: Path, place: str, key: str) -> UnreadableInput:
    return UnreadableInput("{path}: {key} of {place} cannot be used.", path=path, key=key, place=place)
