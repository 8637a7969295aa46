"""Read YAML of a model package as plain data: no tags that build objects, no aliases that multiply."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medassist.entities.errors import Refused
from medassist.inference.schema import Section, as_section, read_text

MAX_BYTES = 200_000
"""PyYAML reads a few hundred kilobytes a second; the configuration of a bundle has less than ten."""

MAX_VALUES = 200_000


def read_yaml(file: Path) -> Section:
    """Read one YAML file (Refused when it is missing, too large, no YAML of plain values or no object)."""
    import yaml

    class Loader(yaml.SafeLoader):
        left = MAX_VALUES

        def flatten_mapping(self, node: Any) -> None:
            """Merge `<<` as PyYAML does, once what that copies has been counted."""
            for key, value in node.value:
                for part in _merged(key, value):
                    self.flatten_mapping(part)
                    self.left -= len(part.value)
                    if self.left < 0:
                        raise ValueError("its aliases repeat without end")
            super().flatten_mapping(node)

    try:
        value = yaml.load(read_text(file, MAX_BYTES), Loader)  # noqa: S506 - a SafeLoader
        plain = _plain(value, {}, [MAX_VALUES])
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:300]
        raise Refused("{file} is not valid YAML: {reason}.", file=file, reason=reason) from error
    return as_section(file, "", plain)


def _merged(key: Any, value: Any) -> list[Any]:
    """Return the mappings that `<<: *one` or `<<: [*one, *other]` copies, [] for any other key."""
    if key.tag != "tag:yaml.org,2002:merge":
        return []
    parts = value.value if value.id == "sequence" else [value]
    return [part for part in parts if part.id == "mapping"]


def _plain(value: Any, above: dict[int, bool], left: list[int]) -> Any:
    """Return a copy in which nothing is shared and keys are text, as JSON has it.

    ValueError for an alias that holds itself, for more values than `left`, and for dates, sets and bytes.
    """
    left[0] -= 1
    if left[0] < 0 or id(value) in above:
        raise ValueError("its aliases repeat without end")
    if not isinstance(value, dict | list):
        if not isinstance(value, str | int | float | bool | None):
            raise TypeError(f"{value!r} is no plain value")
        return value
    above[id(value)] = True
    try:
        if isinstance(value, dict):
            return {str(key): _plain(item, above, left) for key, item in value.items()}
        return [_plain(item, above, left) for item in value]
    finally:
        del above[id(value)]
