"""Typed keys of the tables of a recipe; what is missing or wrong is named with its file and its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medassist.entities.errors import UsageError

Table = Mapping[str, Any]


@dataclass(frozen=True)
class Reader:
    """Reads typed keys of one table and names the file and the key when one is missing or wrong."""

    path: Path
    table: Table
    where: str = ""

    def get(self, key: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        """Return a value of that type (UsageError when it is missing or another)."""
        value = self.table.get(key, default)
        name = f"{self.where}.{key}".lstrip(".")
        if value is None:
            raise UsageError("The recipe {path} lacks the key {key}.", path=self.path, key=name)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise UsageError("The key {key} of the recipe {path} has the wrong type.", path=self.path, key=name)
        return value

    def choice(self, key: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """Return one of the allowed words (UsageError)."""
        value = self.get(key, str, default)
        if value not in allowed:
            raise UsageError(
                "The key {key} of the recipe {path} is {value}; it must be one of: {allowed}.",
                path=self.path,
                key=f"{self.where}.{key}".lstrip("."),
                value=value,
                allowed=", ".join(allowed),
            )
        return str(value)

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """Return a number inside its range (UsageError)."""
        value = float(self.get(key, (int, float), default))
        if not low <= value <= high:
            raise UsageError(
                "The key {key} of the recipe {path} is {value}; it must lie between {low} and {high}.",
                path=self.path,
                key=f"{self.where}.{key}".lstrip("."),
                value=value,
                low=low,
                high=high,
            )
        return value

    def count(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number inside its range (UsageError)."""
        self.get(key, int, default)
        return int(self.number(key, low, high, default))

    def sub(self, key: str, default: Table | None = None) -> Reader:
        """Return a reader of a table inside this one (UsageError)."""
        return Reader(self.path, self.get(key, dict, default), f"{self.where}.{key}".lstrip("."))

    def tables(self, key: str, default: list[Table] | None = None) -> tuple[Table, ...]:
        """Return a list of tables (UsageError)."""
        found = tuple(self.get(key, list, default))
        if not all(isinstance(each, dict) for each in found):
            raise UsageError("The key {key} of the recipe {path} has the wrong type.", path=self.path, key=key)
        return found
