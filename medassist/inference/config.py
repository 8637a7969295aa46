"""The inference.json or .yaml of a bundle as plain data: literals, references and named components, never code.

The grammar is MONAI's bundle configuration: `{"_target_": NAME, argument: value}`, `@key#part` for another place of the
file, `%key` for a copy of it, `$…` for an expression of plain values (`expressions`), `_disabled_` for a part that is
left out. Only what is asked for is resolved; everything else in the file is never looked at. What is not plain is
refused with its line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medassist.entities.errors import Refused
from medassist.inference.expressions import Dtype, NotPlainError, evaluate
from medassist.inference.schema import Section, as_section, read_json
from medassist.inference.yaml_file import read_yaml

__all__ = ["Component", "Dtype", "component", "components", "read_config", "value_at"]

MAX_DEPTH = 32
MAX_STEPS = 50_000
NOT_ARGUMENTS = ("_target_", "_desc_", "_disabled_", "_mode_", "_requires_")

_REMEDY = "MedAssist runs only packages made of known MONAI parts with plain values, never code from a file."
_NOT_ALLOWED = "{file}, line {line}: {key} holds {found}, which is not allowed."
_WHOLE_REFERENCE = re.compile(r"[@%](?:#+|(?:::)+)?\w+(?:(?:#|::)\w+)*")
_RELATIVE = re.compile(r"[@%]((?:#|::)+)")
_STEP = re.compile(r"#|::")


@dataclass(frozen=True)
class Component:
    """A class to build: its `_target_` and the untouched keyword arguments; `key` is its place in the file."""

    reader: _Reader = field(repr=False, compare=False)
    key: str
    target: str
    raw: Mapping[str, Any]

    @property
    def file(self) -> Path:
        """The file it stands in."""
        return self.reader.config.file

    @property
    def name(self) -> str:
        """Last part of the target: "UNet" of "monai.networks.nets.UNet"."""
        return self.target.rpartition(".")[2]

    @property
    def module(self) -> str:
        """Everything before the last dot of the target, "" for a bare class name."""
        return self.target.rpartition(".")[0]

    @property
    def arguments(self) -> dict[str, Any]:
        """All arguments as plain values (Refused when one is not plain)."""
        return self.without(())

    def without(self, names: object) -> dict[str, Any]:
        """Return the arguments as plain values, without looking at those called `names` (a container of str)."""
        return {name: self.argument(name) for name in self.raw if name not in names}  # type: ignore[operator]

    def argument(self, name: str, default: Any = None) -> Any:
        """Return one argument as a plain value (Refused when it is not plain)."""
        if name not in self.raw:
            return default
        return self.reader.plain(f"{self.key}.{name}", self.raw[name], 0)

    def refuse(self, why: str, **values: object) -> Refused:
        """Return the error that this component is not allowed; `why` may name {file}, {line}, {key} and {target}."""
        told = {"file": self.file, "key": self.key, "target": self.target, "line": _line_of(self.file, self.target)}
        return Refused(why, remedy=_REMEDY, **(told | values))


def read_config(file: Path) -> Section:
    """Read inference.json, .yaml or .yml (Refused when it is no object)."""
    return read_yaml(file) if file.suffix in (".yaml", ".yml") else read_json(file)


def component(config: Section, *keys: str) -> Component:
    """Return the component under the first of `keys` that exists (Refused when none does)."""
    key = next((name for name in keys if name in config.data), keys[0])
    found = _Reader(config).component(config.place(key), config.value(key))
    if found is None:
        raise Refused("{file}: {key} is switched off by _disabled_.", file=config.file, key=config.place(key))
    return found


def components(config: Section, key: str) -> tuple[Component, ...]:
    """Return the chain under `key`: a Compose of components, a list, or one; () when missing or disabled."""
    if key not in config.data:
        return ()
    return tuple(_Reader(config).chain(key, config.data[key], 0))


def value_at(config: Section, key: str, *, instead: Mapping[str, Any] | None = None) -> Any:
    """Return the plain value of one top-level key; `instead` replaces other top-level keys (Refused when not plain)."""
    changed = Section(config.file, config.key, {**config.data, **(instead or {})})
    return _Reader(changed).plain(key, changed.value(key), 0)


@dataclass
class _Reader:
    """Resolves one configuration; counts its steps, so that references of references cannot keep it busy for ever."""

    config: Section
    steps: int = 0

    def plain(self, key: str, value: object, depth: int) -> Any:
        """Return `value` with references and expressions resolved; Refused for code or a nested component."""
        if depth > MAX_DEPTH:
            raise self.refused(key, "…")
        key, value = self.follow(key, value)
        if isinstance(value, dict):
            special = next((name for name in value if name.startswith("_")), None)
            if special is not None:
                raise self.refused(key, str(value.get("_target_", special)))
            return {name: self.plain(f"{key}.{name}", item, depth + 1) for name, item in value.items()}
        if isinstance(value, list):
            return [self.plain(f"{key}[{at}]", item, depth + 1) for at, item in enumerate(value)]
        return value

    def component(self, key: str, value: object) -> Component | None:
        """Return the component that stands at `key`, None for a disabled one."""
        place, value = self.follow(key, value)
        section = as_section(self.config.file, place, value)
        if self.disabled(section):
            return None
        target = section.text("_target_")
        special = [name for name in section.data if name.startswith("_") and name not in NOT_ARGUMENTS]
        special += ["_requires_"] if section.data.get("_requires_") else []
        special += ["_mode_"] if section.data.get("_mode_", "default") != "default" else []
        if special:
            raise self.refused(section.place(special[0]), special[0])
        arguments = {name: item for name, item in section.data.items() if name not in NOT_ARGUMENTS}
        return Component(self, place, target, arguments)

    def chain(self, key: str, value: object, depth: int) -> list[Component]:
        """Return the components of a Compose, a list or a single component, Composes within them unfolded."""
        if depth > MAX_DEPTH:
            raise self.refused(key, "…")
        key, value = self.follow(key, value)
        if isinstance(value, list):
            return [part for at, item in enumerate(value) for part in self.chain(f"{key}[{at}]", item, depth + 1)]
        found = self.component(key, value)
        if found is None or found.name != "Compose":
            return [] if found is None else [found]
        unknown = set(found.raw) - {"transforms", "map_items", "unpack_items", "log_stats", "lazy", "overrides"}
        if unknown:
            raise self.refused(f"{key}.{min(unknown)}", min(unknown))
        return self.chain(f"{key}.transforms", found.raw.get("transforms", []), depth + 1)

    def disabled(self, section: Section) -> bool:
        """Tell whether `_disabled_` says true, as a flag, a text or an expression of plain values."""
        value = self.plain(section.place("_disabled_"), section.data.get("_disabled_", False), 0)
        return value.strip().lower() == "true" if isinstance(value, str) else bool(value)

    def follow(self, key: str, value: object) -> tuple[str, object]:
        """Return where the value of `value` stands and that value: references followed, expressions worked out."""
        asked = key
        for _ in range(MAX_DEPTH):
            self.steps += 1
            if self.steps > MAX_STEPS or not isinstance(value, str | int | float | bool | list | dict | Dtype | None):
                break
            if not isinstance(value, str) or value[:1] not in ("@", "%", "$"):
                return key, value
            if value.startswith("$@") and _WHOLE_REFERENCE.fullmatch(value[1:]):
                value = value[1:]
            if value.startswith("$"):
                value = self.expression(key, value)
            elif _WHOLE_REFERENCE.fullmatch(value):
                key, value = self.referred(key, value)
            else:
                break
        raise self.refused(asked, str(value))

    def expression(self, key: str, text: str) -> object:
        place = key

        def resolve(reference: str) -> object:
            return self.follow(*self.referred(place, f"@{reference}"))[1]

        try:
            return evaluate(self.absolute(key, text[1:]), resolve)
        except NotPlainError as error:
            raise self.refused(key, text) from error

    def referred(self, key: str, reference: str) -> tuple[str, object]:
        """Return the place and the untouched value that `@a#b#0` names."""
        value: object = self.config.data
        place = ""
        for step in _STEP.split(self.absolute(key, reference)[1:]):
            # A part of a whole that is itself a reference or an expression: `@size#0`, size = "@roi".
            place, value = self.follow(place, value) if place else (place, value)
            if isinstance(value, dict) and step in value:
                place, value = f"{place}.{step}" if place else step, value[step]
            elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
                place, value = f"{place}[{step}]", value[int(step)]
            else:
                raise self.refused(key, reference)
        return place, value

    def absolute(self, key: str, text: str) -> str:
        """Write relative references (`@#brother`, `@##uncle`) from the top of the file."""
        path = re.findall(r"[^.\[\]]+", key)

        def whole(found: re.Match[str]) -> str:
            levels = len(_STEP.findall(found.group(1)))
            if levels > len(path):
                raise self.refused(key, text)
            return found.group()[0] + "".join(f"{part}#" for part in path[: len(path) - levels])

        return _RELATIVE.sub(whole, text)

    def refused(self, key: str, found: str) -> Refused:
        """Return the error that what stands at `key` is not allowed."""
        line = _line_of(self.config.file, found)
        return Refused(
            _NOT_ALLOWED, remedy=_REMEDY, file=self.config.file, line=line, key=key or "{}", found=found[:200]
        )


def _line_of(file: Path, text: str) -> int | str:
    """Return the 1-based line on which `text` first stands, "?" when it cannot be told."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    first = text.splitlines()[0] if text else text
    # As a whole value first, so that "@a" is not found inside "@ab".
    for wanted in (f'"{escaped}"', f"'{text}'", escaped, first):
        for number, line in enumerate(lines, 1):
            if wanted and wanted in line:
                return number
    return "?"
