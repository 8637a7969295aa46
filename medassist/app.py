"""Wire one store, one runner and one window; show it, or work through a plan, take its picture and leave."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from medassist.entities.errors import Cancelled, MedAssistError, Refused, UnreadableInput, UnwritableOutput
from medassist.language import set_language
from medassist.locations import log_file
from medassist.progress import Progress
from medassist.session import jobs
from medassist.session.actions import Action
from medassist.session.state import Session
from medassist.ui import theme
from medassist.ui.collector import Collector
from medassist.ui.main_window import MainWindow
from medassist.ui.opening import showable
from medassist.ui.quiet_import import quiet_torch_import
from medassist.ui.runner import Runner, crash_of
from medassist.ui.store import Store

PlanStep = Callable[..., Action | None]
"""`step(session, *, progress) -> Action | None`: a job that is given the session as the steps before it left it."""

PLAN_LANE = "plan"
SIZE = (1600, 1000)
SETTLE_MS = 250
SWITCH_S = 0.001


class _Plan(QObject):
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


def show(
    plan: Sequence[PlanStep] = (),
    *,
    open_paths: Sequence[Path] = (),
    screenshot: Path | None = None,
    language: str = "",
    size: tuple[int, int] = SIZE,
    prepare: Callable[[MainWindow], None] | None = None,
) -> int:
    """Show the window, open paths as a drop would, then run the plan; return 0 when the window was closed.

    With `screenshot` the window is written to that picture (PNG) when all work is done, and closed. `prepare`
    may arrange the window just before (choose a tab, a slice). The first error of a plan is raised then, after
    the picture that shows it was written; without `screenshot` errors stay in
    the window. Ctrl+C raises Cancelled. `language` is a key
    of LANGUAGES, "auto", or "" for the current one.
    """
    _choose_platform(screenshot)
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)  # noqa: S101 - nothing else was made here
    if language:
        set_language(language)
    application.setApplicationName("MedAssist")
    theme.apply(application)
    store = Store()
    runner = Runner(store)
    window = MainWindow(store, runner)
    window.resize(*size)
    problems: list[MedAssistError] = []

    def finish() -> None:
        if screenshot is not None:
            QTimer.singleShot(SETTLE_MS, window, lambda: _picture(window, screenshot, prepare, problems))

    steps = _Plan(store, runner, plan, finish)
    with _log_to_file(), _excepthook(window, problems), quiet_torch_import(), _steady(runner):
        window.show()
        window.closed.connect(application.quit)
        if open_paths:
            window.open(open_paths)
        else:
            QTimer.singleShot(0, steps, steps.go_on)
        application.exec()
    error = steps.error or next(iter(problems), None)
    _dispose(window, runner, store)
    if error is not None and (screenshot is not None or isinstance(error, Cancelled)):
        raise error
    return 0


def run(
    paths: Sequence[Path],
    *,
    screenshot: Path | None = None,
    model: str = "",
    explain: str = "",
    language: str = "",
    size: tuple[int, int] = SIZE,
) -> int:
    """Open paths; with `model` run it on the first picture, with `explain` explain that label ("" for none)."""
    plan = [*([run_model(model)] if model else []), *([explain_label(explain)] if explain else [])]
    return show(plan, open_paths=paths, screenshot=screenshot, language=language, size=size)


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


def explain_label(label: str, *, method: str = "") -> PlanStep:
    """Return the step that explains one label of the newest prediction on the series on screen."""

    def step(session: Session, *, progress: Progress) -> Action:
        from medassist.ui.panels.explain_panel import explain

        if session.volume is None or session.prediction is None:
            raise Refused("There is no model result on screen to explain.", remedy="Run a model first.")
        return explain(session.volume, session.prediction, label, method, progress=progress)

    return step


def _choose_platform(screenshot: Path | None) -> None:
    """Draw without a screen where there is none; a window nobody can see is refused (Qt itself would abort)."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM") or QApplication.instance():
        return
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return
    if screenshot is None:
        raise Refused(
            "There is no display to show a window on.",
            remedy="Set DISPLAY, or use `medassist analyze`, which needs no window.",
        )
    os.environ["QT_QPA_PLATFORM"] = "offscreen"


def _picture(
    window: MainWindow,
    path: Path,
    prepare: Callable[[MainWindow], None] | None,
    problems: list[MedAssistError],
) -> None:
    try:
        if prepare is not None:
            prepare(window)
            QApplication.processEvents()
        path.parent.mkdir(parents=True, exist_ok=True)
        written = window.grab().save(str(path), "PNG")
    except OSError:
        written = False
    finally:
        window.close()  # whatever happened: nobody is there to close it
    if not written:
        problems.append(
            UnwritableOutput("The picture {path} cannot be written.", remedy="Choose another place.", path=path)
        )


def _dispose(window: MainWindow, runner: Runner, store: Store) -> None:
    """Delete the widgets while their thread still runs, so that nothing is left to a later collection."""
    for one in (window, runner, store):
        one.deleteLater()
    QApplication.sendPostedEvents(None, 52)  # QEvent.DeferredDelete


@contextmanager
def _steady(owner: QObject) -> Iterator[None]:
    """Keep workers from stopping the window: collect garbage here, and let threads take turns quickly."""
    before, collector = sys.getswitchinterval(), Collector(owner)
    sys.setswitchinterval(SWITCH_S)
    collector.start()
    try:
        yield
    finally:
        collector.stop()
        sys.setswitchinterval(before)


@contextmanager
def _log_to_file() -> Iterator[None]:
    """Write the log of this window; where it cannot be written, errors still reach the window."""
    handler: logging.Handler
    try:
        log_file().parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(log_file(), encoding="utf-8")
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger("medassist")
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


@contextmanager
def _excepthook(window: MainWindow, problems: list[MedAssistError]) -> Iterator[None]:
    """Send what goes wrong in a slot to the log and to the message bar; Ctrl+C closes the window."""
    before = sys.excepthook

    def tell(_kind: type[BaseException], problem: BaseException, _where: TracebackType | None) -> None:
        if isinstance(problem, KeyboardInterrupt):
            problems.append(Cancelled())
            window.close()
        else:
            window.messages.show_problem(problem if isinstance(problem, MedAssistError) else crash_of(problem))

    sys.excepthook = tell
    try:
        yield
    finally:
        sys.excepthook = before
