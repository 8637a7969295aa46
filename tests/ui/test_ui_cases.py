"""Work is saved while the reader works, survives a kill, and is offered, never mixed in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from phantoms import write_ct_series
from same_values import same
from ui_cases import add_heat, add_mask, make_volume, opened, pump

from medassist.entities.errors import UnwritableOutput
from medassist.entities.finding import Judgement
from medassist.session.actions import Judge
from medassist.session.cases import SAVED
from medassist.session.history import Undo
from medassist.session.restoring import find_case
from medassist.storage import journal
from medassist.ui.case_keeper import SAVE_LANE, SAVE_MS
from medassist.ui.main_window import MainWindow
from medassist.ui.runner import Runner
from medassist.ui.store import Store


@pytest.fixture
def ct(tmp_path):
    write_ct_series(tmp_path / "ct", slices=10, rows=40, columns=30)
    return tmp_path / "ct"


class Sat:
    """One window over a folder of images, and its closing."""

    def __init__(self, folder: Path) -> None:
        self.store = Store()
        self.runner = Runner(self.store)
        self.window = MainWindow(self.store, self.runner)
        self.window.show()
        self.window.open([folder])
        pump(lambda: self.store.session.volume is not None and not self.runner.running())

    def work(self) -> None:
        self.store.dispatch(add_mask(self.store.session.volume))
        self.store.dispatch(Judge("1.2.1", Judgement.REJECTED, "Dr Who", "noon", "skin fold"))

    def leave(self) -> None:
        self.window.close()
        self.runner.close()
        for one in (self.window, self.runner, self.store):
            one.deleteLater()


@pytest.fixture
def sit(application, ct):
    sat = []

    def begin(folder: Path = ct) -> Sat:
        sat.append(Sat(folder))
        return sat[-1]

    yield begin
    for one in sat:
        one.leave()


def sittings() -> list[Path]:
    return [one for study in journal.cases_dir().glob("*") for one in journal.sittings(study)]


def saved_verdicts() -> list[str]:
    return [one["judgement"] for one in find_case(sittings()[-1]).parts["findings"]]


def test_a_verdict_is_on_disk_while_the_window_is_open(sit):
    first = sit()
    assert sittings() == [], "who only looks leaves nothing"
    first.work()
    pump(lambda: bool(sittings()) and not first.runner.running(SAVE_LANE))
    assert saved_verdicts() == ["rejected"]
    first.store.dispatch(Undo())
    pump(lambda: saved_verdicts() == ["unreviewed"])
    assert first.window.messages.sentences() == ()


def test_saving_is_no_work_that_could_be_stopped(sit):
    first = sit()
    first.runner.began.connect(lambda lane: seen.append((lane, first.window.status.job.text())))
    seen: list[tuple[str, str]] = []
    first.work()
    pump(lambda: SAVE_LANE in dict(seen) and not first.runner.running())
    assert {said for _lane, said in seen} == {"Ready"}
    assert SAVE_LANE in dict(seen)


def test_work_is_offered_and_restored_as_it_was(sit):
    first = sit()
    first.work()
    first.store.dispatch(add_heat(first.store.session.volume))
    first.window.speak("en")
    before = first.store.session
    first.leave()
    again = sit()
    assert not again.window.cases.isHidden()
    assert again.store.session.findings == ()
    assert "findings 1, of which judged 1" in again.window.cases.text.text()
    assert again.window.cases.restore.text() == "Restore"
    again.window.cases.restore.click()
    pump(lambda: bool(again.store.session.restored) and not again.runner.running())
    for name in SAVED:
        assert same(getattr(before, name), getattr(again.store.session, name)), name
    assert not again.window.menus.edit.undo.isEnabled()
    assert "demo_model 0.1.0 is not installed here" in again.window.cases.text.text()
    again.window.cases.close_notes.click()
    assert again.window.cases.isHidden()
    assert again.window.messages.sentences() == ()


def test_new_work_is_not_mixed_with_what_is_restored(sit):
    first = sit()
    first.work()
    first.leave()
    again = sit()
    again.store.dispatch(add_mask(again.store.session.volume, (1, 2, 3)))
    assert again.window.cases.restore.text() == "Restore in place of the new work"
    pump(lambda: len(sittings()) == 2 and not again.runner.running())
    again.window.cases.restore.click()
    pump(lambda: bool(again.store.session.restored) and not again.runner.running())
    assert [one.judgement for one in again.store.session.findings] == [Judgement.REJECTED]
    assert len(again.store.session.predictions) == 1


def test_start_afresh_asks_no_more(sit):
    first = sit()
    first.work()
    first.leave()
    again = sit()
    again.window.cases.afresh.click()
    pump(lambda: again.window.cases.isHidden())
    again.leave()
    third = sit()
    assert third.window.cases.isHidden()
    assert third.store.session.findings == ()
    assert saved_verdicts() == ["rejected"], "it is still there"


def test_two_windows_do_not_touch_each_others_work(sit):
    one = sit()
    one.work()
    pump(lambda: bool(sittings()) and not one.runner.running())
    two = sit()
    assert two.window.cases.isHidden(), "what another window writes is not offered"
    two.store.dispatch(add_mask(two.store.session.volume, (1, 2, 3)))
    pump(lambda: len(sittings()) == 2 and not two.runner.running())
    verdicts = {tuple(f["judgement"] for f in find_case(path).parts["findings"]) for path in sittings()}
    assert verdicts == {("rejected",), ("unreviewed",)}


def test_a_full_disk_is_said_once_and_work_goes_on(sit, monkeypatch):
    def full(self, parts, arrays):
        raise UnwritableOutput("{path} cannot be written: No space left.", path="journal")

    monkeypatch.setattr(journal.Sitting, "write", full)
    first = sit()
    first.work()
    pump(lambda: bool(first.window.messages.sentences()))
    first.window.messages.clear()
    first.store.dispatch(Judge("1.2.1", Judgement.ACCEPTED, "Dr Who", "one"))
    pump(lambda: not first.window.keeper.waiting and not first.runner.running())
    assert first.window.messages.sentences() == ()
    assert first.store.session.findings[0].judgement is Judgement.ACCEPTED


def test_damaged_work_is_said_and_not_restored(sit):
    first = sit()
    first.work()
    first.leave()
    (sitting,) = sittings()
    journal.write_atomically(sitting / journal.BASE, b"{")
    again = sit()
    assert [text for text in again.window.messages.sentences() if "is damaged" in text]
    assert again.window.cases.isHidden()


def test_a_case_file_is_saved_and_opened_from_the_menu_way(sit, tmp_path):
    first = sit()
    first.work()
    first.window.menus.file.aboutToShow.emit()
    assert first.window.menus.save_case.isEnabled()
    first.window.keeper.save_as(tmp_path / "mine")
    pump(lambda: not first.runner.running())
    before = first.store.session
    again = sit(tmp_path / "mine.medassist")
    for name in SAVED:
        assert same(getattr(before, name), getattr(again.store.session, name)), name
    assert again.window.messages.sentences() == ()


def test_a_picture_leaves_no_work_behind(window, store, runner):
    volume = make_volume()
    window.keeper.active = False
    store.dispatch(lambda _now: opened(volume))
    store.dispatch(add_mask(volume))
    window.close()
    assert sittings() == []


SCRIPT = """
import sys
sys.path[:0] = [{tests!r}, {ui!r}]
from pathlib import Path
from PySide6.QtWidgets import QApplication
from ui_cases import add_mask, pump
from medassist.entities.finding import Judgement
from medassist.session.actions import Judge
from medassist.ui.main_window import MainWindow
from medassist.ui.runner import Runner
from medassist.ui.store import Store

application = QApplication([])
store = Store()
runner = Runner(store)
window = MainWindow(store, runner)
window.show()
window.open([Path({folder!r})])
pump(lambda: store.session.volume is not None and not runner.running())
store.dispatch(add_mask(store.session.volume))
for number in range(100000):
    store.dispatch(Judge("1.2.1", Judgement.REJECTED, "Dr Who", "noon", f"comment {{number}}"))
    if number % 10 == 0:
        pump(lambda: not window.keeper.waiting and not runner.running())
        print(number, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a signal of POSIX systems")
def test_a_killed_window_loses_nothing_that_was_written(ct, sit):
    """What waits is written 0.3 s later: what the window told to be written must be there after it was killed."""
    here = Path(__file__).parent
    script = SCRIPT.format(tests=str(here.parent), ui=str(here), folder=str(ct))
    offscreen = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    running = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=offscreen)
    assert running.stdout is not None
    written = 0
    while written < 40:
        written = int(running.stdout.readline())
    running.send_signal(signal.SIGKILL)
    written = max([written, *map(int, running.stdout.read().split())])
    running.wait()
    running.stdout.close()
    again = sit()
    assert not again.window.cases.isHidden()
    again.window.cases.restore.click()
    pump(lambda: bool(again.store.session.restored) and not again.runner.running())
    (finding,) = again.store.session.findings
    assert finding.judgement is Judgement.REJECTED
    assert int(finding.comment.removeprefix("comment ")) >= written
    assert again.store.session.mask is not None


def test_what_changed_is_written_within_a_second():
    assert SAVE_MS < 1000


def test_a_study_is_closed_with_its_last_verdict_and_offered_again(sit, ct):
    first = sit()
    first.work()
    first.window.menus.close_study.trigger()
    pump(lambda: not first.runner.running() and not first.store.session.scans)
    assert saved_verdicts() == ["rejected"]
    assert (first.store.session.current, first.store.session.findings) == ("", ())
    first.window.menus.close_study.trigger()  # nothing to close any more
    first.window.open([ct])
    pump(lambda: first.store.session.volume is not None and not first.runner.running())
    assert [one.judged for one in first.store.session.offers] == [1]
    assert first.window.messages.sentences() == ()


def test_a_study_stays_open_where_its_work_cannot_be_saved(sit, monkeypatch):
    first = sit()
    first.work()
    pump(lambda: bool(sittings()) and not first.runner.running())

    def full(*_arguments, **_more):
        raise UnwritableOutput("The disk is full.")

    first.store.dispatch(Judge("1.2.1", Judgement.ACCEPTED, "Dr Who", "noon"))
    monkeypatch.setattr(journal.Sitting, "write", full)
    first.window.menus.close_study.trigger()
    pump(lambda: not first.runner.running())
    assert first.store.session.volume is not None
    assert any("The disk is full." in one for one in first.window.messages.sentences())
    monkeypatch.undo()
