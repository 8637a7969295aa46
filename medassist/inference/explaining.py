"""What a package says about its explanations: the layer, the method, where a map fails, and what was measured once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from medassist.entities.errors import Refused
from medassist.entities.stamp import Limits
from medassist.inference.optimised import Promised
from medassist.inference.promised import promised
from medassist.inference.schema import Section, as_section, inside

MAX_BYTES = 1_000_000
MEASURED = tuple(f"randomised_{part}_{measure}" for part in ("top", "all") for measure in ("ssim", "rank"))
"""What depends on the model and the method alone: likeness to the maps of networks with random weights."""


@dataclass(frozen=True)
class ExplanationSpec:
    """How a package wants to be explained.

    Attributes:
        layer: what a class activation map reads, "" when the package names none.
        method: the suggested one.
        limits: where a map fails.
        measured: the file with what was measured once for each method, None without one.
    """

    layer: str = ""
    method: str = "gradcam"
    limits: Limits = field(default_factory=Limits)
    measured: Promised | None = None


def read_explanation(section: Section, root: Path) -> ExplanationSpec:
    """Read the section "explanation" of the package in `root` (Refused naming file and key)."""
    return ExplanationSpec(
        section.text("layer", ""),
        section.text("method", "gradcam"),
        _limits(section.section("limits", optional=True)),
        _promised(section.section("measured"), root) if "measured" in section.data else None,
    )


def _limits(section: Section) -> Limits:
    usual = Limits()
    stated = {one.name: section.number(one.name, getattr(usual, one.name)) for one in fields(Limits)}
    for name in section.data:
        if name not in stated or not 0.0 <= stated[name] <= 1.0:
            raise Refused(
                "{file}: the key {key} must be one of {choices}, from 0 to 1.",
                file=section.file,
                key=section.place(name),
                choices=", ".join(stated),
            )
    return Limits(**stated)


def _promised(section: Section, root: Path) -> Promised:
    return Promised(inside(root, section.file, section.place("file"), section.text("file")), section.sha256())


def read_measured(spec: ExplanationSpec, weights: str, model: str) -> Mapping[str, Mapping[str, float]]:
    """Return by method what was measured once; empty for a package without.

    Refused when the file is not the promised one, is for other weights (SHA-256), or holds no usable numbers.
    """
    if spec.measured is None:
        return {}
    content = promised(spec.measured.file, spec.measured.sha256, model, MAX_BYTES)
    try:
        parsed: object = json.loads(content, parse_int=float)  # an integer too long for a float is infinite then
    except (ValueError, RecursionError) as error:
        raise Refused("{file} is not valid JSON: {reason}.", file=spec.measured.file, reason=error) from error
    whole = as_section(spec.measured.file, "", parsed)
    if whole.text("weights").lower() != weights:
        raise Refused(
            "{file} was measured on other weights than those of {model}, so its maps cannot be judged by it.",
            remedy="Measure again: python -m medassist.explain.quality PACKAGE",
            file=spec.measured.file,
            model=model,
        )
    methods = whole.section("methods")
    return {name: _numbers(methods.section(name)) for name in methods.data}


def _numbers(section: Section) -> Mapping[str, float]:
    found = {name: section.number(name) for name in MEASURED if name in section.data}
    for name, value in found.items():
        if not -1.0 <= value <= 1.0:
            raise Refused(
                "{file}: the key {key} must lie between {lowest} and {highest}.",
                file=section.file,
                key=section.place(name),
                lowest=-1,
                highest=1,
            )
    return found
