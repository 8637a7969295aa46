"""Hanging rules: those that ship, and in front of them those of the user or the site, in one TOML file each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from medassist.entities.errors import UnreadableInput
from medassist.entities.hanging_rule import HangingRule, Place
from medassist.entities.pane_layout import LAYOUTS
from medassist.imaging.slicing import Plane
from medassist.locations import config_dir, resources_dir

MAX_BYTES, MOST_RULES = 256 * 1024, 500

_FLAGS = {"prior", "optional"}
_PLACE_KEYS = {one.name for one in fields(Place)}
_RULE_KEYS = {"name", "layout", "panes", "modalities", "body_parts", "words"}


@dataclass(frozen=True)
class HangingRules:
    """The rules in the order in which they are asked, and why those of the user cannot be used."""

    rules: tuple[HangingRule, ...]
    problem: UnreadableInput | None = None


def user_file() -> Path:
    """Return the file with rules of the user; they are asked before those that ship."""
    return config_dir() / "hanging.toml"


def read() -> HangingRules:
    """Read all rules; a broken file of the user counts as none, with its reason, and nothing is raised for it."""
    shipped, own, problem = _read(resources_dir() / "hanging.toml"), _Rules(()), None
    if user_file().is_file():
        try:
            own = _read(user_file())
        except UnreadableInput as error:
            problem = error
    return HangingRules(own.rules if own.alone else (*own.rules, *shipped.rules), problem)


@dataclass(frozen=True)
class _Rules:
    rules: tuple[HangingRule, ...]
    alone: bool = False


def _read(path: Path) -> _Rules:
    try:
        known = path.stat()
    except OSError as error:
        raise _unusable(path, str(error)) from error
    return _read_state(path, known.st_mtime_ns, known.st_size)


@lru_cache(maxsize=8)
def _read_state(path: Path, _changed_ns: int, size: int) -> _Rules:
    """Read a file once for every state it has."""
    if size > MAX_BYTES:
        raise _unusable(path, f"it is larger than {MAX_BYTES} bytes")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # ValueError: TOML and UTF-8
        raise _unusable(path, str(error)) from error
    rows, alone = table.get("rule", []), table.get("alone", False)
    if table.keys() - {"rule", "alone"} or not isinstance(rows, list) or not isinstance(alone, bool):
        raise _unusable(path, "only [[rule]] and alone can stand there")
    if len(rows) > MOST_RULES:
        raise _unusable(path, f"it has more than {MOST_RULES} rules")
    return _Rules(tuple(_rule(path, number, row) for number, row in enumerate(rows, start=1)), alone)


def _rule(path: Path, number: int, row: Any) -> HangingRule:
    where = f"rule {number}"
    if not isinstance(row, Mapping) or row.keys() - _RULE_KEYS:
        raise _unusable(path, where)
    name, layout, panes = row.get("name", where), row.get("layout"), row.get("panes", [])
    if not isinstance(name, str) or not isinstance(layout, str) or layout not in LAYOUTS or not isinstance(panes, list):
        raise _unusable(path, where)
    if len(panes) != LAYOUTS[layout]:
        raise _unusable(path, f"{where}: {layout} has {LAYOUTS[layout]} panes")
    places = tuple(_place(path, f"{where}, pane {n}", one) for n, one in enumerate(panes, start=1))
    return HangingRule(
        name,
        layout,
        places,
        _words(path, where, row, "modalities"),
        _words(path, where, row, "body_parts"),
        _words(path, where, row, "words"),
    )


def _place(path: Path, where: str, row: Any) -> Place:
    if not isinstance(row, Mapping) or row.keys() - _PLACE_KEYS:
        raise _unusable(path, where)
    plane = row.get("plane", "")
    if plane not in ("", *(one.value for one in Plane)) or not all(isinstance(row.get(k, False), bool) for k in _FLAGS):
        raise _unusable(path, where)
    lists = {name: _words(path, where, row, name) for name in _PLACE_KEYS - _FLAGS - {"plane"}}
    return Place(**lists, **{name: row.get(name, False) for name in _FLAGS}, plane=plane)  # type: ignore[arg-type]


def _words(path: Path, where: str, row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = row.get(key, [])
    if not isinstance(values, list) or not all(isinstance(one, str) and one.strip() for one in values):
        raise _unusable(path, f"{where}: {key}")
    return tuple(one.strip().upper() for one in values)


def _unusable(path: Path, reason: str) -> UnreadableInput:
    return UnreadableInput("The hanging rules in {path} cannot be used: {reason}.", path=path, reason=reason)
