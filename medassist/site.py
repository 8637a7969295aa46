"""What a site set up for everybody on this machine: one TOML file, never fatal (see docs/site.md)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from medassist.entities.study import Warned, warned
from medassist.locations import site_file

MAX_BYTES = 1_000_000
MOST_LETTERS = 200
"""Characters of an addition to the research-use notice: it stands in one line on every page and picture."""
DEVICE = re.compile(r"cpu|mps|cuda(:\d{1,3})?")


@dataclass(frozen=True)
class ExportTarget:
    """A folder of the site that reports go to; every report gets a folder of its own in it."""

    name: str
    folder: Path


@dataclass(frozen=True)
class Site:
    """The set-up of a site; without a file nothing is set and nothing is limited.

    Attributes:
        path: the file; `found` tells whether it is there and could be read as a whole.
        settings: defaults of users' settings, not checked here (see `storage.settings`).
        model_folders: folders of model packages for everybody, absolute.
        devices: torch names models may run on ("cuda" is every "cuda:N"); empty when all may.
        notices: by language, what is said after the research-use notice; it never takes the notice's place.
        problems: what in the file is not used, and why.
    """

    path: Path
    found: bool = False
    settings: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    model_folders: tuple[Path, ...] = ()
    devices: tuple[str, ...] = ()
    notices: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    export_targets: tuple[ExportTarget, ...] = ()
    problems: tuple[Warned, ...] = ()

    def allows(self, device: str) -> bool:
        """Tell whether models may run on a device, by its torch name."""
        return not self.devices or device in self.devices or device.partition(":")[0] in self.devices

    def notice(self, language: str) -> str:
        """Return what is added to the research-use notice, "" for nothing: in another language rather than not."""
        return self.notices.get(language) or next(iter(self.notices.values()), "")


def read() -> Site:
    """Return the set-up of the site; what cannot be used is left out and told in `problems`, nothing is raised."""
    path = site_file()
    try:
        told = path.stat()
    except FileNotFoundError:
        return Site(path)
    except OSError as error:
        return _unusable(path, error.strerror)
    return _read(path, told.st_mtime_ns, told.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, _changed_ns: int, size: int) -> Site:
    if not path.is_file() or size > MAX_BYTES:
        return _unusable(path, f"no plain file of at most {MAX_BYTES} bytes")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return _unusable(path, error.strerror)
    except (ValueError, RecursionError) as error:  # ValueError: TOML and UTF-8
        return _unusable(path, error)
    return _checked(path, table)


def _unusable(path: Path, reason: object) -> Site:
    told = warned(
        "The set-up of this site is not used, because {path} cannot be read: {reason}.", path=path, reason=reason
    )
    return Site(path, problems=(told,))


def _checked(path: Path, table: Mapping[str, Any]) -> Site:
    """Take every entry that can be used; each of the others costs only itself."""
    found: dict[str, Any] = {}
    problems = []
    for key, value in table.items():
        try:
            name, reader = _ENTRIES[key]
            found[name] = reader(value)
        except KeyError:
            problems.append(_not_used(path, key, "no such entry is known"))
        except ValueError as error:
            problems.append(_not_used(path, key, error))
    return Site(path, found=True, problems=tuple(problems), **found)


def _not_used(path: Path, key: str, reason: object) -> Warned:
    return warned("{path}: the entry {key} is not used: {reason}.", path=path, key=key, reason=reason)


def _settings(value: object) -> Mapping[str, object]:
    return MappingProxyType(dict(_table(value)))


def _folders(value: object) -> tuple[Path, ...]:
    return tuple(_folder(one) for one in _list(value))


def _devices(value: object) -> tuple[str, ...]:
    names = tuple(one if isinstance(one, str) else repr(one) for one in _list(value))
    unknown = [one for one in names if not DEVICE.fullmatch(one)]
    if unknown or not names:
        raise ValueError(f'{", ".join(unknown) or "an empty list"} is no device; devices are "cpu", "mps", "cuda:0"')
    return names


def _notices(value: object) -> Mapping[str, str]:
    told = {"en": value} if isinstance(value, str) else _table(value)
    for language, text in told.items():
        if language not in ("en", "zh_CN"):
            raise ValueError(f"{language} is no language of the program; there are en and zh_CN")
        if not isinstance(text, str) or not text.strip() or not text.isprintable() or len(text) > MOST_LETTERS:
            raise ValueError(f"a text is one line of at most {MOST_LETTERS} characters")
    return MappingProxyType({language: text.strip() for language, text in told.items()})


def _targets(value: object) -> tuple[ExportTarget, ...]:
    targets = tuple(_target(_table(one)) for one in _list(value))
    if len({one.name for one in targets}) < len(targets):
        raise ValueError("two of them have one name")
    return targets


def _target(row: Mapping[str, Any]) -> ExportTarget:
    name = row.get("name")
    if row.keys() != {"name", "folder"} or not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise ValueError("each of them has a name and a folder, and nothing else")
    return ExportTarget(name.strip(), _folder(row["folder"]))


def _folder(value: object) -> Path:
    if not isinstance(value, str) or "\0" in value or not Path(value).is_absolute():
        raise ValueError(f"{value!r} is no absolute path of a folder")
    return Path(value)


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("it must be a list")  # noqa: TRY004 - what is wrong is a value of the file
    return value


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("it must be a table")  # noqa: TRY004 - what is wrong is a value of the file
    return value


_ENTRIES: Mapping[str, tuple[str, Callable[[object], Any]]] = {
    "settings": ("settings", _settings),
    "model_folders": ("model_folders", _folders),
    "devices": ("devices", _devices),
    "research_use": ("notices", _notices),
    "export_targets": ("export_targets", _targets),
}
"""Every entry a file may have: the attribute it fills, and what reads it (ValueError says what is wrong)."""
