"""Settings are declared data: key, type, default and the text a preferences page shows; a site may set defaults."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeGuard

from medassist import site
from medassist.entities.errors import UsageError
from medassist.entities.study import Warned, warned
from medassist.locations import config_dir
from medassist.storage.files import locked, write_atomically

Value = str | bool | int | float


@dataclass(frozen=True)
class Setting:
    """One declared setting; its type is the type of `default`.

    Attributes:
        text: English label; `choices` are the allowed values, empty when any value of the type is.
        low, high: inclusive range of a number.
        pattern: what a text must look like as a whole, "" for any.
        personal: whether only a user may set it, not a site for everybody.
        offered: whether the settings window shows it; others are kept by what they are about.
    """

    key: str
    default: Value
    text: str
    choices: tuple[Value, ...] = ()
    low: float | None = None
    high: float | None = None
    pattern: str = ""
    personal: bool = False
    offered: bool = True

    def accepts(self, value: object) -> TypeGuard[Value]:
        """Tell whether `value` has the right type and lies in the allowed range."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        same_type = number if isinstance(self.default, float) else type(value) is type(self.default)
        if not same_type or (self.choices and value not in self.choices):
            return False
        if self.pattern and not re.fullmatch(self.pattern, str(value)):
            return False
        above = self.low is None or (isinstance(value, int | float) and value >= self.low)
        return above and (self.high is None or (isinstance(value, int | float) and value <= self.high))


DECLARED: tuple[Setting, ...] = (
    Setting("language", "auto", "Language", choices=("auto", "en", "zh_CN")),
    Setting("theme", "dark", "Theme", choices=("dark", "light", "high contrast")),
    Setting("device", "auto", "Device that runs models", pattern=rf"auto|{site.DEVICE.pattern}"),
    Setting("reader_first", False, "Hide what models say until the reader has recorded a first impression"),
    Setting("reader_name", "", "Name of the reader in reports", personal=True),
    Setting("last_folder", "", "Folder opened last", personal=True, offered=False),
    Setting("tour_seen", False, "The tour for a first start was shown", personal=True, offered=False),
    Setting("remember_recent", True, "Keep a list of what was opened on this computer"),
    Setting("window_drag_inverted", False, "Dragging up makes the picture brighter", offered=False),
    Setting("fill_opacity", 0.3, "Opacity of a mask's fill", low=0.0, high=1.0),
    Setting("prevalences", "{}", "Local prevalence of the findings of models", personal=True, offered=False),
    Setting("remember_results", True, "Keep what models said on this computer, to answer the same run at once"),
    Setting("heatmap_opacity", 0.5, "Opacity of a heatmap", low=0.0, high=1.0),
    Setting(
        "segmentations",
        "auto",
        "How DICOM segmentations are written",
        choices=("auto", "binary", "labelmap", "fractional"),
    ),
    Setting("rejected_in_dicom", False, "Write rejected findings into DICOM objects too, marked as rejected"),
    Setting("measure_tool_stays", False, "Keep the tool after a measurement"),
)


DEFAULT, SITE, USER = "default", "site", "user"


@dataclass(frozen=True)
class Settings:
    """A value for every declared key.

    Attributes:
        origins: DEFAULT, SITE or USER for every key: who set the value that holds.
        of_site: what holds where the user sets nothing.
        problems: what in the files could not be used.
    """

    values: Mapping[str, Value] = field(
        default_factory=lambda: MappingProxyType({one.key: one.default for one in DECLARED})
    )
    problems: tuple[Warned, ...] = ()
    origins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    of_site: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))

    def __getitem__(self, key: str) -> Value:
        """Return the value of a declared key (KeyError for another one)."""
        return self.values[key]

    def text(self, key: str) -> str:
        """Return the value of a key whose type is text."""
        return str(self.values[key])


def settings_file() -> Path:
    """Return the file the settings lie in."""
    return config_dir() / "settings.json"


def read() -> Settings:
    """Read the settings: the user's before the site's before the defaults; a `problem` tells of each unusable one.

    A damaged file must not keep the product from starting, so nothing is raised.
    """
    values: dict[str, Value] = {one.key: one.default for one in DECLARED}
    origins = dict.fromkeys(values, DEFAULT)
    problems = _lay_over(values, _of_site(), site.read().path, origins, SITE)
    of_site, (stored, damage) = dict(values), _users()
    problems += [damage] if damage is not None else _lay_over(values, stored, settings_file(), origins, USER)
    return Settings(
        MappingProxyType(values), tuple(problems), origins=MappingProxyType(origins), of_site=MappingProxyType(of_site)
    )


def _users() -> tuple[dict[str, object], Warned | None]:
    """Return what the user's file holds, or why it cannot be used."""
    path = settings_file()
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, None
    except (OSError, ValueError) as error:
        return {}, warned("{path} cannot be used: {reason}. All settings have their defaults.", path=path, reason=error)
    if not isinstance(stored, dict):
        return {}, warned("{path} holds no settings. All settings have their defaults.", path=path)
    return stored, None


def _of_site() -> dict[str, object]:
    """Return what the site set for everybody, but for what only a user may set."""
    personal = {one.key for one in DECLARED if one.personal}
    return {key: value for key, value in site.read().settings.items() if key not in personal}


def site_problems() -> tuple[Warned, ...]:
    """Return what in the site's file cannot be used, its settings too."""
    found = site.read()
    allowed = {one.key for one in DECLARED if not one.personal}
    unknown = tuple(
        warned("{path}: the setting {key} is not one a site can set.", path=found.path, key=key)
        for key in found.settings
        if key not in allowed
    )
    values: dict[str, Value] = {one.key: one.default for one in DECLARED}
    return (*found.problems, *unknown, *_lay_over(values, _of_site(), found.path, {}, SITE))


def _lay_over(
    values: dict[str, Value], stored: Mapping[str, object], path: Path, origins: dict[str, str], origin: str
) -> list[Warned]:
    """Put what is stored in the place of what holds so far; return what cannot be used, which changes nothing."""
    problems = []
    for one in DECLARED:
        value = stored.get(one.key, one.default)
        if one.key in stored and one.accepts(value):
            values[one.key], origins[one.key] = value, origin
        elif one.key in stored:
            problems.append(
                warned(
                    "The setting {key} in {path} cannot be {value}; it is {default} now.",
                    key=one.key,
                    path=path,
                    value=repr(value),
                    default=repr(values[one.key]),
                )
            )
    return problems


def declared(key: str) -> Setting:
    """Return the declaration of `key` (UsageError names the known ones)."""
    for one in DECLARED:
        if one.key == key:
            return one
    raise UsageError(
        "There is no setting called {key}; there are {known}.", key=key, known=", ".join(one.key for one in DECLARED)
    )


def write(key: str, value: Value) -> Settings:
    """Change one setting on disk and return all of them.

    Keys of a newer version stay in the file. Raises UsageError for an unknown key or a value it cannot have,
    UnwritableOutput when the file cannot be written.
    """
    setting = declared(key)
    if not setting.accepts(value):
        raise UsageError("The setting {key} cannot be {value}.", key=key, value=repr(value))
    path = settings_file()
    with locked(path):
        write_atomically(path, json.dumps(_stored(path) | {key: value}, ensure_ascii=False, indent=2).encode())
    return read()


def forget(key: str) -> Settings:
    """Take back what the user set, so that the site's value or the default holds; return all settings.

    Raises UsageError for an unknown key, UnwritableOutput when the file cannot be written.
    """
    path = settings_file()
    declared(key)
    with locked(path):
        kept = {name: value for name, value in _stored(path).items() if name != key}
        write_atomically(path, json.dumps(kept, ensure_ascii=False, indent=2).encode())
    return read()


def _stored(path: Path) -> dict[str, object]:
    """Return what the file holds, nothing when it is missing; a damaged file is kept aside as settings.json.damaged."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        stored = None
    if isinstance(stored, dict):
        return stored
    path.replace(path.with_name(path.name + ".damaged"))
    return {}
