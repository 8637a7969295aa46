"""Closing the study on screen: what computes for it stops, its work is saved, then it leaves the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medassist.session.case_marks import study_name
from medassist.session.closing import is_about
from medassist.session.queued import RunState
from medassist.session.state import Session
from medassist.ui.queue_runner import MODEL_LANE
from medassist.ui.runner import Runner

if TYPE_CHECKING:
    from medassist.ui.main_window import MainWindow

OPENING = "open "


def close_study(window: MainWindow, runner: Runner, session: Session) -> None:
    """Close the study of the series on screen; nothing happens without one."""
    if not (session.current and session.holds(session.current)):
        return
    window.editing.finish()
    _stop_jobs(runner, session)
    window.keeper.close_study(session.current)


def _stop_jobs(runner: Runner, session: Session) -> None:
    """Cancel what runs, but neither the opening of other paths nor a queued run on another study."""
    name = study_name(session, session.current)
    running = (one for one in session.queue if one.state is RunState.RUNNING)
    elsewhere = any(not is_about(session, name, one.series.key) for one in running)
    for lane in runner.lanes():
        if not lane.startswith(OPENING) and not (elsewhere and lane == MODEL_LANE):
            runner.cancel(lane)
