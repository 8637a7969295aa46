"""What works on this machine: one line per check, with the remedy where something is missing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from medassist import __version__
from medassist.entities.errors import Cancelled
from medassist.entities.study import Warned, warned
from medassist.progress import Progress
from medassist.session.checking import codecs, computing, display, installed, machine
from medassist.session.checking.line import MISSING, OK, Line

if TYPE_CHECKING:
    from medassist.session.state import Session

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KnowSystem:
    """Keep what the doctor found, for the page in the window."""

    lines: tuple[Line, ...]

    def __call__(self, session: Session) -> Session:
        """Return the session with these lines."""
        return replace(session, system=self.lines)


def examine(*, progress: Progress) -> tuple[Line, ...]:
    """Run every check; none of them raises but Cancelled."""
    checks: tuple[tuple[str, Callable[[], Iterator[Line]]], ...] = (
        ("MedAssist", machine.program),
        ("libraries", computing.libraries),
        ("devices", computing.devices),
        ("backend OpenVINO", computing.openvino),
        ("training", computing.training),
        ("optimising", computing.optimising),
        ("display", display.display),
        ("Chinese font", display.fonts),
        ("codecs", codecs.codecs),
        ("models", partial(installed.models, progress)),
        ("explainers", installed.explainers),
        ("memory", machine.memory),
        ("folders", machine.folders),
        ("samples", installed.samples),
        ("terms", installed.terms),
        ("site", installed.set_up),
        ("settings", installed.own_settings),
    )
    lines: list[Line] = []
    for name, check in progress.over(checks, "Checking this machine"):
        lines.extend(_guarded(name, check))
        progress.offer(KnowSystem(tuple(lines)))
    return tuple(lines)


def check_system(*, progress: Progress) -> KnowSystem:
    """Run every check, as a job of the window."""
    return KnowSystem(examine(progress=progress))


def worst(lines: Iterable[Line]) -> str:
    """Return MISSING when something needed is missing, else OK: a note is nothing to act on."""
    return MISSING if any(line.verdict == MISSING for line in lines) else OK


def as_json(lines: tuple[Line, ...]) -> dict[str, object]:
    """Return what `doctor --json` prints (its schema: docs/doctor.schema.json)."""
    return {"version": __version__, "verdict": worst(lines), "checks": [line.as_json() for line in lines]}


def _guarded(name: str, check: Callable[[], Iterator[Line]]) -> Iterator[Line]:
    """Let a check that fails itself cost only itself: a broken installation is what the doctor is asked about."""
    try:
        yield from check()
    except Cancelled:
        raise
    except Exception as error:
        log.warning("the check of %s failed: %s", name, type(error).__name__, exc_info=True)
        told = warned("this could not be checked: {kind}: {reason}", kind=type(error).__name__, reason=error)
        yield Line(Warned(name), MISSING, told, warned("Install MedAssist again."))
