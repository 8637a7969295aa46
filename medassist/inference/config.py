"""The inference.json of a bundle as plain data: literals, simple references and named components, never code.

The grammar is MONAI's bundle configuration without its `$` expressions: `{"_target_": NAME, argument: literal}`,
`@key` for a literal elsewhere in the file and `$torch.float32` for a dtype. Everything else is refused with its line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medassist.entities.errors import Refused
from medassist.inference.schema import Section, as_section, read_json

DTYPE = re.compile(r"\$torch\.(float32|float64|int32|int64|uint8|bool)")
MAX_DEPTH = 32


@dataclass(frozen=True)
class Dtype:
    """A torch dtype by name, kept as a name until torch is needed."""

    name: str


@dataclass(frozen=True)
class Component:
    """A class to build: its `_target_` and literal keyword arguments; `key` is its place in `file`."""

    file: Path
    key: str
    target: str
    arguments: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Last part of the target: "UNet" of "monai.networks.nets.UNet"."""
        return self.target.rpartition(".")[2]

    @property
    def module(self) -> str:
        """Everything before the last dot of the target, "" for a bare class name."""
        return self.target.rpartition(".")[0]

    def refuse(self, why: str) -> Refused:
        """Return the error that this component is not allowed; `why` is a template of {file}, {key}, {target}."""
        return Refused(why, remedy=_REMEDY, file=self.file, key=self.key, target=self.target)


_REMEDY = "MedAssist runs only packages made of known MONAI parts with plain values, never code from a file."


def read_config(file: Path) -> Section:
    """Read inference.json (Refused when it is no JSON object)."""
    return read_json(file)


def component(config: Section, *keys: str) -> Component:
    """Return the component under the first of `keys` that exists (Refused when none does)."""
    key = next((name for name in keys if name in config.data), keys[0])
    return _component(config, config.place(key), config.value(key))


def components(config: Section, key: str) -> tuple[Component, ...]:
    """Return the chain under `key`: a Compose of components, a list, or one; () when missing."""
    if key not in config.data:
        return ()
    value = _referred(config, key, config.data[key])
    if isinstance(value, dict) and str(value.get("_target_", "")).rpartition(".")[2] == "Compose":
        section = as_section(config.file, key, value)
        unknown = set(section.data) - {"_target_", "_desc_", "transforms"}
        if unknown:
            raise _refused(config, f"{key}.{min(unknown)}", min(unknown))
        value = _referred(config, f"{key}.transforms", section.items("transforms", ()))
        key = f"{key}.transforms"
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(_component(config, f"{key}[{at}]", item) for at, item in enumerate(items))


def _component(config: Section, key: str, value: object) -> Component:
    section = as_section(config.file, key, _referred(config, key, value))
    target = section.text("_target_")
    special = [name for name in section.data if name.startswith("_") and name not in ("_target_", "_desc_")]
    if special:
        raise _refused(config, section.place(special[0]), special[0])
    arguments = {
        name: _literal(config, section.place(name), item, 0)
        for name, item in section.data.items()
        if not name.startswith("_")
    }
    return Component(config.file, key, target, arguments)


def _literal(config: Section, key: str, value: object, depth: int) -> Any:
    """Return `value` with references and dtypes resolved; Refused for any expression or nested component."""
    if depth > MAX_DEPTH:
        raise _refused(config, key, "…")
    value = _referred(config, key, value)
    if isinstance(value, str):
        dtype = DTYPE.fullmatch(value)
        if value.startswith("$") and not dtype:
            raise _refused(config, key, value)
        return Dtype(dtype.group(1)) if dtype else value
    if isinstance(value, dict):
        if any(name.startswith("_") for name in value):
            raise _refused(config, key, next(name for name in value if name.startswith("_")))
        return {name: _literal(config, f"{key}.{name}", item, depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_literal(config, f"{key}[{at}]", item, depth + 1) for at, item in enumerate(value)]
    return value


def _referred(config: Section, key: str, value: object) -> object:
    """Follow `@name` to another top-level key of the file."""
    for _ in range(MAX_DEPTH):
        if not (isinstance(value, str) and value.startswith("@")):
            return value
        if value[1:] not in config.data:
            raise _refused(config, key, value)
        value = config.data[value[1:]]
    raise _refused(config, key, str(value))


def _refused(config: Section, key: str, found: str) -> Refused:
    return Refused(
        "{file}, line {line}: {key} holds {found}, which is not allowed.",
        remedy=_REMEDY,
        file=config.file,
        line=_line_of(config.file, found),
        key=key,
        found=found,
    )


def _line_of(file: Path, text: str) -> int | str:
    """Return the 1-based line on which `text` first stands, "?" when it cannot be told."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if text in line), "?")
