"""What an installed package holds, and under which licences: the bill of materials its build wrote (CycloneDX)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from medassist.locations import about_dir


@dataclass(frozen=True)
class Part:
    """One library of the package; `licence` is an SPDX expression."""

    name: str
    version: str
    licence: str


def licences_dir() -> Path:
    """Return the folder with the text of every licence, by the name of the part."""
    return about_dir() / "licences"


def parts() -> tuple[Part, ...]:
    """Return the parts in the order of their names; none where nothing was packaged, or the bill is damaged."""
    try:
        told = json.loads((about_dir() / "sbom.cdx.json").read_text(encoding="utf-8"))
        found = [Part(one["name"], one.get("version", ""), _licence(one)) for one in told["components"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()
    return tuple(sorted(found, key=lambda part: part.name.lower()))


def _licence(component: dict[str, list[dict[str, str | dict[str, str]]]]) -> str:
    """Return the licence of a component: an expression, or the identifier of one licence."""
    first = component["licenses"][0]
    one = first.get("license", {})
    named = (one.get("id") or one.get("name", "")) if isinstance(one, dict) else ""
    return str(first.get("expression") or named)
