"""Explanation methods of other Python packages: the entry point group `medassist.explainers`.

A package is imported when explanations are first used, never before. What cannot be imported or does not fit the door
of every method stays listed with its reason; built-in methods win over others of their name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from medassist.explain.guarded import Guarded
from medassist.explain.protocol import Attribution, Explainer, Question, Setting
from medassist.plugins import Availability
from medassist.progress import Progress

ENTRY_POINTS = "medassist.explainers"
NAME = re.compile(r"[a-z][a-z0-9+_-]{0,39}")
TASKS = ("classification", "segmentation")
VERBS = ("title", "applies_to", "availability", "passes", "attribute")


@dataclass(frozen=True)
class Offered:
    """What one entry point offers.

    Attributes:
        name: of the entry point.
        package: the Python package and its version, "" when it does not say.
        explainer: the method, None when it cannot be used.
        reason: why not, an English sentence; "" for a usable one.
        hidden: whether a built-in method of that name makes it invisible.
    """

    name: str
    package: str
    explainer: Explainer | None = None
    reason: str = ""
    hidden: bool = False

    @property
    def listed(self) -> Explainer:
        """The method, or what stands for one that cannot be used in a list."""
        return self.explainer or Unusable(self.name, self.reason)


@dataclass(frozen=True)
class Unusable:
    """A method that is there in name only: it can be listed, with its reason, and nothing else."""

    name: str
    reason: str
    settings: tuple[Setting, ...] = ()
    reads_layer: bool = False
    remark: str = ""

    def title(self, task: str) -> str:  # noqa: ARG002 - the door of every method
        """Return its name: nobody knows another one."""
        return self.name

    def applies_to(self, task: str) -> bool:
        """Tell that it is listed with the methods for both tasks."""
        return task in TASKS

    def availability(self) -> Availability:
        """Return why it cannot be used."""
        return Availability(self.reason)

    def passes(self, question: Question) -> float:  # noqa: ARG002 - the door of every method
        """Return 0: it is never run."""
        return 0.0

    def attribute(self, question: Question, *, progress: Progress) -> Attribution:
        """Refuse: `find` does not hand it out."""
        raise NotImplementedError(self.reason)


def offers(own: Iterable[Explainer]) -> tuple[Offered, ...]:
    """Return what installed packages offer beside the methods `own`, by name; this imports them, once."""
    taken = {_letters(word) for one in own for word in (one.name, *(one.title(task) for task in TASKS))}
    return tuple(_hidden(one) if _clashes(one, taken) else one for one in _loaded())


@cache
def _loaded() -> tuple[Offered, ...]:
    offered = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    return tuple(_load(offered[name]) for name in sorted(offered))


def _load(point: EntryPoint) -> Offered:
    package = f"{point.dist.name} {point.dist.version}" if point.dist is not None else ""
    if not NAME.fullmatch(point.name):
        return Offered(point.name[:40], package, reason="its name is not made of small letters, digits, +, - and _")
    try:
        value: Any = point.load()
        found = value() if isinstance(value, type) else value
        wrong = misfit(found, point.name)
    except (Exception, SystemExit) as error:  # foreign code may raise anything
        return Offered(point.name, package, reason=f"it cannot be loaded: {type(error).__name__}: {error}"[:200])
    if wrong:
        return Offered(point.name, package, reason=wrong)
    return Offered(point.name, package, Guarded(found, package or point.name))


def misfit(found: Any, name: str) -> str:
    """Return what a method lacks to go through the door of every method, "" when it fits."""
    missing = [verb for verb in VERBS if not callable(getattr(found, verb, None))]
    if missing:
        return f"it does not fit the protocol: it has no {missing[0]}"
    kinds = {"name": str, "settings": tuple, "reads_layer": bool, "remark": str}
    wrong = [word for word, kind in kinds.items() if not isinstance(getattr(found, word, None), kind)]
    if not wrong:
        wrong += ["name"] if found.name != name else []
        wrong += ["settings"] if not all(_sane(one) for one in found.settings) else []
        wrong += ["title"] if not all(isinstance(found.title(task), str) for task in TASKS) else []
        wrong += ["applies_to"] if not all(isinstance(found.applies_to(task), bool) for task in TASKS) else []
        wrong += ["availability"] if not isinstance(found.availability(), Availability) else []
    return f"it does not fit the protocol: its {wrong[0]} is not what it should be" if wrong else ""


def _sane(setting: object) -> bool:
    return isinstance(setting, Setting) and setting.low <= setting.default <= setting.high


def _clashes(one: Offered, taken: set[str]) -> bool:
    titles = [one.explainer.title(task) for task in TASKS] if one.explainer is not None else []
    return any(_letters(word) in taken for word in (one.name, *titles))


def _hidden(one: Offered) -> Offered:
    return Offered(one.name, one.package, None, "a built-in method has that name, and it is the one that is used", True)


def _letters(name: str) -> str:
    return re.sub("[-_ ]", "", name.lower())
