"""A note tells that a job is done, blocks nothing, goes by key, button and time, and tells nothing that is hidden."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from ui_cases import pump

from medassist.entities.prediction import ModelRef
from medassist.session.state import Session
from medassist.ui.toasts import MOST, finished


@dataclass(frozen=True)
class Wrote:
    path: Path

    def __call__(self, session: Session) -> Session:
        return replace(session, reports=(*session.reports, self.path))


def test_a_written_report_is_told_without_taking_the_focus(window, runner):
    window.viewer.setFocus()
    runner.start("report", lambda *, progress: Wrote(Path("out") / "report.html"))
    pump(lambda: window.toasts.notes)
    note = window.toasts.notes[0]
    assert "out" in note.text.text()
    assert note.isVisible()
    assert not note.close_button.hasFocus()
    assert note.height() >= note.text.heightForWidth(note.text.width()) + 12
    assert window.rect().contains(window.toasts.geometry())
    assert window.toasts.geometry().bottom() < window.status.geometry().top()


def test_a_job_without_a_result_tells_nothing(window, runner):
    runner.start("report", lambda *, progress: None)
    pump(lambda: not runner.running())
    assert window.toasts.notes == []


def test_notes_stack_and_go_by_escape_button_and_time(window, application):
    toasts = window.toasts
    for number in range(MOST + 2):
        toasts.tell(f"note {number}")
    assert [one.text.text() for one in toasts.notes] == [f"note {number}" for number in range(2, MOST + 2)]
    toasts.notes[0].close_button.setFocus()
    QTest.keyClick(toasts.notes[0].close_button, Qt.Key.Key_Escape)
    assert len(toasts.notes) == MOST - 1
    QTest.mouseClick(toasts.notes[0].close_button, Qt.MouseButton.LeftButton)
    assert len(toasts.notes) == MOST - 2
    toasts.notes[0].close_button.setFocus()
    toasts.notes[0].expire()
    assert len(toasts.notes) == MOST - 2, "somebody is on it"
    window.strip.setFocus()
    toasts.notes[0].close_button.clearFocus()
    toasts.notes[0].expire()
    assert toasts.notes == []
    assert toasts.isHidden()


def test_a_model_is_told_by_what_may_be_seen():
    came = SimpleNamespace(model=ModelRef("m", "1", "0" * 64, "Hippocampus"), started="10:11")
    before, after = Session(), replace(Session(), predictions=(came,))
    assert finished(before, after, "model") == ("The model is done: Hippocampus",)
    edited = replace(after, predictions=(SimpleNamespace(model=came.model, started=came.started),))
    assert finished(before, before, "model") == ()
    assert finished(after, edited, "model") == ()
    assert finished(before, after, "restore") == ()
