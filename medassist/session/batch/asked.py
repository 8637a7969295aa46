"""What is asked of every case: the methods with their numbers, the target, and what the answers are bound to."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import medassist
from medassist.entities.errors import Refused, UsageError
from medassist.session.batch.references import mark_of

if TYPE_CHECKING:
    from medassist.inference.packages import Package

ALL = "all"


@dataclass(frozen=True)
class Method:
    """One column of the comparison: a method with numbers of its own.

    Attributes:
        name: the word of the command line.
        settings: what was asked for; what is missing has its default.
        named: whether it was asked for by name; one of "all" that cannot answer here is left out without an error.
    """

    name: str
    settings: Mapping[str, float] = field(default_factory=dict)
    named: bool = True

    @property
    def column(self) -> str:
        """The method as it is written on the command line."""
        told = ",".join(f"{name}={value:g}" for name, value in sorted(self.settings.items()))
        return f"{self.name}:{told}" if told else self.name

    @property
    def slug(self) -> str:
        """The method as the name of a file; two columns never share one."""
        return re.sub(r"[^\w.+=,-]", "_", self.column)


@dataclass(frozen=True)
class Wanted:
    """What is asked of every case.

    Attributes:
        target: label to explain, "" for the one the model says most surely.
        against, layer: as for `explain`; a layer counts for the methods that read one.
        stamped: whether every map is measured.
        reference_label: which finding, or number of a mask, of the references counts; "" for that of the target.
        override_reason: run although a check of the input failed.
    """

    methods: tuple[Method, ...]
    target: str = ""
    against: str = ""
    layer: str = ""
    stamped: bool = True
    reference: str = ""
    reference_label: str = ""
    override_reason: str = ""
    device: str = "auto"
    language: str = "en"

    def bound_to(self, package: Package) -> dict[str, Any]:
        """Return what kept answers must share with new ones; more methods may be asked later, other questions not.

        Of the reference a mark of its content, since its name may be that of a person.
        """
        return {
            "model": package.name,
            "sha256": package.sha256,
            "target": self.target,
            "against": self.against,
            "layer": self.layer,
            "stamped": self.stamped,
            "reference": mark_of(Path(self.reference)) if self.reference else "",
            "reference_label": self.reference_label,
            "medassist": medassist.__version__,
        }


def methods_of(text: str, package: Package, layer: str = "") -> tuple[Method, ...]:
    """Return the methods of "NAME,NAME:SETTING=VALUE,…" or "all", each once.

    UsageError for an unknown method, setting or value; Refused for one that cannot be used here.
    """
    from medassist.explain.methods import checked, methods

    task = "segmentation" if package.marks_voxels else package.task
    if text.strip().lower() == ALL:
        usable = (one for one in methods() if one.applies_to(task) and one.availability().ok)
        return tuple(Method(one.name, named=False) for one in usable)
    found: dict[str, Method] = {}
    for name, settings in _parts(text or package.explanation.method):
        explainer = checked(name, task, settings=settings)
        method = Method(explainer.name, settings)
        found.setdefault(method.column, method)
    if layer and not any(checked(one.name, task).reads_layer for one in found.values()):
        raise UsageError("None of these methods reads a layer, so none can be named.")
    return tuple(found.values())


def _parts(text: str) -> list[tuple[str, dict[str, float]]]:
    """Split at commas; a part with "=" but without ":" is one more setting of the method before it."""
    methods: list[tuple[str, dict[str, float]]] = []
    for part in text.split(","):
        name, colon, setting = part.partition(":")
        if "=" not in name:
            methods.append((name.strip(), {}))
        elif methods:
            colon, setting = ":", part
        if colon or "=" in name:
            key, value = _setting(setting, part, known=bool(methods))
            methods[-1][1][key] = value
    return methods


def _setting(text: str, part: str, *, known: bool) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not known or not name.strip() or not math.isfinite(number):
        raise UsageError(
            "{part} is no setting of an explanation.",
            remedy="Write METHOD:NAME=VALUE, for example occlusion:window=0.1.",
            part=part or text,
        )
    return name.strip(), number


def demand_explainable(package: Package, wanted: Wanted) -> None:
    """Refuse what no case could answer, before the first one is read (UsageError, Refused)."""
    from medassist.explain.methods import label_of
    from medassist.session.jobs import check_runs_alone

    check_runs_alone(package)
    if not package.explainable.ok:
        raise Refused("{model} cannot be explained: {reason}.", model=package.name, reason=package.explainable.reason)
    for label in (wanted.target, wanted.against):
        if label:
            label_of(package, label)
    if wanted.target and wanted.target == wanted.against:
        raise UsageError(
            "{target} cannot be compared with itself.",
            remedy="Name another label to compare with.",
            target=wanted.target,
        )
