"""Read JSON of a model package key by key, so that every complaint names the file and the key."""

from __future__ import annotations

import json
import re
import stat
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medassist.entities.errors import Refused

MAX_BYTES = 8_000_000
_LARGEST = sys.float_info.max  # JSON may hold whole numbers that no float can


@dataclass(frozen=True)
class Section:
    """One JSON object of `file`; `key` is its dotted place there ("" for the whole file)."""

    file: Path
    key: str
    data: Mapping[str, Any]

    def place(self, key: str) -> str:
        """Return the full dotted name of one of its keys."""
        return f"{self.key}.{key}" if self.key else key

    def value(self, key: str) -> Any:
        """Return what stands under `key` (Refused when it is missing)."""
        if key not in self.data:
            raise Refused("{file}: the key {key} is missing.", file=self.file, key=self.place(key))
        return self.data[key]

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; `default` stands for a missing key, None demands it."""
        value = self.value(key) if default is None else self.data.get(key, default)
        if not isinstance(value, str):
            raise Refused("{file}: the key {key} must be a text.", file=self.file, key=self.place(key))
        return value

    def choice(self, key: str, choices: Sequence[str], default: str | None = None) -> str:
        """Return a text that must be one of `choices`."""
        value = self.text(key, default)
        if value not in choices:
            raise Refused(
                "{file}: the key {key} must be one of {choices}.",
                file=self.file,
                key=self.place(key),
                choices=", ".join(choices),
            )
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """Return a finite number."""
        value = self.value(key) if default is None else self.data.get(key, default)
        if not _is_number(value) or not abs(value) <= _LARGEST:
            raise Refused("{file}: the key {key} must be a number.", file=self.file, key=self.place(key))
        return float(value)

    def integer(self, key: str, default: int | None = None) -> int:
        """Return a whole number."""
        value = self.number(key, default)
        if value != int(value):
            raise Refused("{file}: the key {key} must be a whole number.", file=self.file, key=self.place(key))
        return int(value)

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            raise Refused("{file}: the key {key} must be true or false.", file=self.file, key=self.place(key))
        return value

    def sha256(self, key: str = "sha256") -> str:
        """Return a SHA-256 as 64 hexadecimal digits in lower case."""
        value = self.text(key).lower()
        if not re.fullmatch(r"[0-9a-f]{64}", value):
            raise Refused("{file}: the key {key} must be 64 hexadecimal digits.", file=self.file, key=self.place(key))
        return value

    def items(self, key: str, default: Sequence[Any] | None = None) -> tuple[Any, ...]:
        """Return a list as a tuple."""
        value = self.value(key) if default is None else self.data.get(key, default)
        if not isinstance(value, list | tuple):
            raise Refused("{file}: the key {key} must be a list.", file=self.file, key=self.place(key))
        return tuple(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty when the key is missing."""
        value = self.items(key, ())
        if not all(isinstance(item, str) for item in value):
            raise Refused("{file}: the key {key} must be a list of texts.", file=self.file, key=self.place(key))
        return value

    def span(self, key: str) -> tuple[float, float] | None:
        """Return a [low, high] range, None when the key is missing."""
        if key not in self.data:
            return None
        value = self.items(key)
        numbers = [item for item in value if _is_number(item) and (isinstance(item, float) or abs(item) <= _LARGEST)]
        if len(value) != 2 or len(numbers) != 2 or not numbers[0] <= numbers[1]:
            raise Refused("{file}: the key {key} must be a range [low, high].", file=self.file, key=self.place(key))
        return float(numbers[0]), float(numbers[1])

    def section(self, key: str, *, optional: bool = False) -> Section:
        """Return the object under `key`; an empty one when it is optional and missing."""
        value = self.data.get(key, {}) if optional else self.value(key)
        return as_section(self.file, self.place(key), value)

    def sections(self, key: str) -> tuple[Section, ...]:
        """Return the objects of a list that must not be empty."""
        value = self.items(key)
        if not value:
            raise Refused("{file}: the key {key} must not be empty.", file=self.file, key=self.place(key))
        return tuple(as_section(self.file, f"{self.place(key)}[{at}]", item) for at, item in enumerate(value))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_section(file: Path, key: str, value: object) -> Section:
    """Return `value` as a section (Refused when it is no JSON object)."""
    if not isinstance(value, dict):
        raise Refused("{file}: the key {key} must be an object.", file=file, key=key or "{}")
    return Section(file, key, value)


def read_json(file: Path) -> Section:
    """Read one JSON file (Refused when it is missing, too large or no JSON object)."""
    try:
        value = json.loads(read_text(file, MAX_BYTES))
    except (ValueError, RecursionError) as error:
        raise Refused("{file} is not valid JSON: {reason}.", file=file, reason=error) from error
    return as_section(file, "", value)


def read_text(file: Path, limit: int) -> str:
    """Read a text file of at most `limit` bytes (Refused when it is missing or larger, ValueError for no UTF-8)."""
    try:
        status = file.stat()
        if status.st_size > limit:
            raise Refused("{file} is larger than {limit} bytes.", file=file, limit=limit)
        if not stat.S_ISREG(status.st_mode):  # to open a pipe would wait for somebody who writes
            raise Refused("{file} is no file.", file=file)
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise Refused(
            "{file} cannot be read: {reason}.",
            remedy="A model package is a folder with configs/metadata.json and configs/inference.json.",
            file=file,
            reason=error.strerror or error,
        ) from error


def plain_label(value: object) -> str:
    """Return a name as reports can print it and DICOM can store it (LO): one line of at most 64 characters.

    A backslash, which separates values there, becomes a slash; what cannot be printed a blank.
    """
    printable = "".join(letter if letter.isprintable() else " " for letter in str(value).replace("\\", "/"))
    return " ".join(printable.split())[:64].rstrip()


def inside(root: Path, file: Path, key: str, relative: str) -> Path:
    """Return `root / relative` with links resolved; Refused when it leaves the folder of the package."""
    resolved = (root / relative.replace("\0", "")).resolve()
    if not relative or not resolved.is_relative_to(root.resolve()) or "\0" in relative:
        raise Refused(
            "{file}: the key {key} points outside the package: {path}.", file=file, key=key, path=relative or '""'
        )
    return resolved
