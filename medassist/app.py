"""Wire one store, one runner and one window; show it, or work through a plan, take its picture and leave."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtWidgets import QApplication

from medassist.entities.errors import Cancelled, MedAssistError, UnwritableOutput
from medassist.language import set_language
from medassist.session import trail
from medassist.session.impressions import keep_agreement
from medassist.session.objects import load_overlays
from medassist.session.state import Layers, Session
from medassist.session.thresholds import prevalences_of
from medassist.storage import settings
from medassist.ui import theme, window_place
from medassist.ui.main_window import MainWindow
from medassist.ui.plan import Plan, PlanStep, explain_label, run_model
from medassist.ui.probing import probe_label, read_wish
from medassist.ui.quiet_import import quiet_torch_import
from medassist.ui.runner import Runner, crash_of
from medassist.ui.store import Store
from medassist.ui.surroundings import choose_platform, log_to_file, slot_errors_to, steady

SIZE = (1600, 1000)
SETTLE_MS = 250


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

    With `screenshot` the window is written to that picture (PNG) when all work is done, and closed; the first
    error is raised then, after the picture that shows it. Without it errors stay in the window. Ctrl+C raises
    Cancelled. `prepare` may arrange the window just before the picture (choose a tab, a slice). `language` is a
    key of LANGUAGES, "auto", or "" for the current one.
    """
    application = _application(screenshot, language)
    told = settings.read()
    store = Store(_begun(told))
    window: MainWindow
    store.changed.connect(lambda old, new: _keep(window, keep_agreement, old, new))  # before anybody tells the count
    runner = Runner(store)
    window = MainWindow(store, runner)
    window.resize(*size)
    if screenshot is None:
        if size == SIZE:  # nobody asked for another
            window_place.restore(window)
        window.closed.connect(lambda: window_place.remember(window))
    window.keeper.active = screenshot is None  # who takes a picture leaves no work behind
    problems: list[MedAssistError] = []

    def tell(problem: BaseException) -> None:
        problems.append(_as_told(problem))
        window.messages.show_problem(problems[-1])
        if isinstance(problem, KeyboardInterrupt):
            window.close()

    def finish() -> None:
        if screenshot is not None:
            QTimer.singleShot(SETTLE_MS, window, lambda: _picture(window, screenshot, prepare))

    store.changed.connect(lambda old, new: _keep(window, trail.keep, old, new))
    steps = Plan(store, runner, plan, finish)
    with log_to_file(), slot_errors_to(tell), quiet_torch_import(), steady(runner):
        window.show()
        if screenshot is None:
            window.tour.begin_once()
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
    method: str = "",
    probe: str = "",
    overlays: bool = False,
    language: str = "",
    size: tuple[int, int] = SIZE,
) -> int:
    """Open paths; with `model` run it on the first picture, with `explain` a label of it is explained, by `method`.

    With `probe` ("hottest:blur", see `ui.probing`) a region is replaced and that label asked again; its panel is shown.
    With `overlays` what the files hold for the first picture (segmentations, contours, maps) is laid over it.
    """
    plan = [
        *([load_overlays] if overlays else []),
        *([run_model(model)] if model else []),
        *([explain_label(explain, method=method, model=model)] if explain else []),
        *([probe_label(explain, read_wish(probe), model=model)] if probe else []),
    ]

    def prepare(window: MainWindow) -> None:
        window.models.select(Path(model).name)
        if probe:
            window.bring_up(window.probe)

    return show(plan, open_paths=paths, screenshot=screenshot, language=language, size=size, prepare=prepare)


def _begun(told: settings.Settings) -> Session:
    """Return the session a window begins with, by the settings."""
    return Session(
        prevalences=prevalences_of(told.text("prevalences")),
        reader_first=bool(told["reader_first"]),
        layers=Layers(fill_opacity=float(told["fill_opacity"]), heatmap_opacity=float(told["heatmap_opacity"])),
    )


def _keep(window: MainWindow, write: Callable[[Session, Session], None], old: Session, new: Session) -> None:
    """Write down what happened; what cannot be written is said in the window."""
    try:
        write(old, new)
    except UnwritableOutput as problem:
        window.messages.show_problem(problem)


def _application(screenshot: Path | None, language: str) -> QApplication:
    choose_platform(screenshot)
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)  # noqa: S101 - nothing else was made here
    if language:
        set_language(language)
    application.setApplicationName("MedAssist")
    theme.choose(settings.read().text("theme"))
    theme.apply(application)
    return application


def _as_told(problem: BaseException) -> MedAssistError:
    if isinstance(problem, KeyboardInterrupt):
        return Cancelled()
    return problem if isinstance(problem, MedAssistError) else crash_of(problem)


def _picture(window: MainWindow, path: Path, prepare: Callable[[MainWindow], None] | None) -> None:
    """Write the window to a picture and close it, whatever happens: nobody is there to close it."""
    try:
        if prepare is not None:
            prepare(window)
            QApplication.processEvents()
        path.parent.mkdir(parents=True, exist_ok=True)
        written = window.grab().save(str(path), "PNG")
    except OSError:
        written = False
    finally:
        window.close()
    if not written:
        raise UnwritableOutput("The picture {path} cannot be written.", remedy="Choose another place.", path=path)


def _dispose(window: MainWindow, runner: Runner, store: Store) -> None:
    """Delete the widgets while their thread still runs, so that nothing is left to a later collection."""
    for one in (window, runner, store):
        one.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
