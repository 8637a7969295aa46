"""A plan: jobs one after the other, each given the session as the steps before it left it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject

from medassist.entities.errors import MedAssistError, Refused, UnreadableInput
from medassist.progress import Progress
from medassist.session import jobs
from medassist.session.actions import Action
from medassist.session.comparing import comparable, compare_maps
from medassist.session.state import Session
from medassist.ui.explaining import explain
from medassist.ui.opening import showable
from medassist.ui.runner import Runner
from medassist.ui.store import Store

PlanStep = Callable[..., Action | None]
"""`step(session, *, progress) -> Action | None`."""

PLAN_LANE = "plan"


class Plan(QObject):
    """Run steps one after the other, each when nothing else runs; stop at the first failure."""

    def __init__(self, store: Store, runner: Runner, steps: Sequence[PlanStep], done: Callable[[], None]) -> None:
        super().__init__(runner)
        self._store, self._runner, self._steps, self._done = store, runner, list(steps), done
        self.error: MedAssistError | None = None
        self._over = False
        runner.failed.connect(self._failed)
        runner.idle.connect(self.go_on)

    def go_on(self) -> None:
        """Start the next step, or tell that all is done."""
        if self._over:
            return
        if self._steps:
            self._runner.start(PLAN_LANE, self._steps.pop(0), self._store.session)
        else:
            self._over = True
            self._done()

    def _failed(self, _lane: str, error: MedAssistError) -> None:
        if not self._over:
            self.error = self.error or error
            self._steps.clear()


def open_path(path: Path) -> PlanStep:
    """Return the step that scans a path."""

    def step(_session: Session, *, progress: Progress) -> Action:
        return jobs.open_path(path, progress=progress)

    return step


def load_first(session: Session, *, progress: Progress) -> Action:
    """Load the first series that has a picture (UnreadableInput when none has)."""
    for series in session.all_series():
        if showable(series):
            return jobs.load_series(series, progress=progress)
    raise UnreadableInput("There is no series with pictures here.")


def run_model(name: str, *, device: str = "auto") -> PlanStep:
    """Return the step that runs a model on the series on screen."""

    def step(session: Session, *, progress: Progress) -> Action:
        from medassist.inference.catalogue import find

        if session.volume is None:
            raise Refused("There is no series on screen to run a model on.", remedy="Open a study first.")
        study = session.study_of(session.current)
        return jobs.run_model(study, session.volume, find(name), device=device, progress=progress)

    return step


def explain_label(label: str, *, method: str = "", model: str = "") -> PlanStep:
    """Return the step that explains one label of the newest prediction on the series on screen.

    `model` is the name or folder of the package that made it, "" for the name in the prediction.
    """

    def step(session: Session, *, progress: Progress) -> Action:
        if session.volume is None or session.prediction is None:
            raise Refused("There is no model result on screen to explain.", remedy="Run a model first.")
        return explain(session.volume, session.prediction, label, method, model=model, progress=progress)

    return step


def compare_newest(session: Session, *, progress: Progress) -> Action:
    """Put the two newest maps of the series on screen side by side, the older one as A (Refused without two)."""
    maps = comparable(session)
    if len(maps) < 2:
        raise Refused("There are no two maps on screen to compare.", remedy="Explain a label by two methods first.")
    return compare_maps(maps[1], maps[0], progress=progress)
