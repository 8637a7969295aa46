"""Plug-ins that cannot run are kept with the reason, so that a menu can show them greyed with why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True)
class Availability:
    """Whether something can be used here; `reason` is an English sentence when it cannot."""

    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether it can be used."""
        return not self.reason


def needs(modules: Iterable[str]) -> Availability:
    """Tell whether top-level `modules` are installed, without importing them."""
    missing = [name for name in modules if not _is_there(name)]
    return Availability(f"needs the Python package {', '.join(missing)}, which is not installed" if missing else "")


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a site may forbid a module by a finder of its own
        return False
