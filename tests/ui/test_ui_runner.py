from __future__ import annotations

import logging
import threading
import time

import pytest
from ui_cases import make_scan, make_series, pump

from medassist.entities.errors import UnreadableInput
from medassist.session.actions import AddScan
from medassist.ui.plan import Plan
from medassist.ui.runner import Runner
from medassist.ui.store import Store


def job(source, *, progress, gate=None, steps=0):
    if gate is not None:
        gate.wait(100)
    for number in range(steps):
        progress.step("Working", number / steps)
        time.sleep(0.002)
    return AddScan(make_scan(make_series(source), source=source))


def names(store):
    return [scan.source.name for scan in store.session.scans]


def test_action_is_dispatched_in_the_gui_thread(store, runner):
    threads = []
    store.changed.connect(lambda _old, _new: threads.append(threading.current_thread()))
    runner.start("open", job, "a")
    pump(lambda: names(store) == ["a"])
    assert threads == [threading.main_thread()]


def test_newest_start_wins_and_the_older_is_silent(store, runner):
    ends, gate = [], threading.Event()
    runner.cancelled.connect(ends.append)
    runner.start("open", job, "old", gate=gate)
    runner.start("open", job, "new")
    gate.set()
    pump(lambda: not runner.running())
    assert names(store) == ["new"]
    assert ends == []


def test_queue_keeps_order_and_is_not_outdated_or_cancelled(store, runner):
    gate = threading.Event()
    for name in ("a", "b", "c"):
        runner.queue("save", job, name, gate=gate)
    runner.cancel("save")
    runner.start("save", job, "d")
    gate.set()
    pump(lambda: not runner.running())
    assert names(store) == ["a", "b", "c", "d"]


def test_close_cancels_started_jobs_and_keeps_queued_ones(store):
    runner, began = Runner(store), threading.Event()

    def endless(*, progress):
        began.set()
        while True:
            progress.step("Working")
            time.sleep(0.002)

    runner.start("model", endless)
    runner.queue("save", job, "kept", steps=20)
    began.wait(100)
    runner.close()
    assert names(store) == ["kept"]
    assert not [one for one in threading.enumerate() if one.name.startswith("medassist")]
    runner.deleteLater()


def test_a_plan_does_not_go_on_after_close(store):
    runner, began, later = Runner(store), threading.Event(), []

    def first(_session, *, progress):
        began.set()
        while True:
            progress.step("Working")
            time.sleep(0.002)

    plan = Plan(store, runner, [first, lambda _session, *, progress: later.append("ran")], lambda: later.append("done"))
    plan.go_on()
    began.wait(100)
    runner.close()
    runner.start("model", lambda *, progress: later.append("started"))
    assert not runner.running()
    assert later == []
    runner.deleteLater()


def test_cancel_leaves_the_session_as_it_was(store, runner):
    before, ends = store.session, []
    runner.cancelled.connect(ends.append)
    runner.start("model", job, "a", steps=5000)
    pump(lambda: runner.running("model"))
    runner.cancel("model")
    pump(lambda: not runner.running())
    assert store.session is before
    assert ends == ["model"]


def test_a_result_that_comes_after_cancel_is_dropped(store, runner):
    gate = threading.Event()
    runner.start("model", job, "late", gate=gate)
    time.sleep(0.02)
    runner.cancel("model")
    gate.set()
    pump(lambda: not runner.running())
    assert names(store) == []


def test_known_error_is_told_as_it_is(store, runner):
    told = []
    runner.failed.connect(lambda lane, error: told.append((lane, error.sentence())))

    def broken(*, progress):
        raise UnreadableInput("{path} is cut short.", path="x.dcm")

    runner.start("open", broken)
    pump(lambda: bool(told))
    assert told == [("open", "x.dcm is cut short.")]


def test_unforeseen_error_is_one_sentence_and_the_log_holds_no_message(store, runner, caplog):
    told = []
    runner.failed.connect(lambda _lane, error: told.append(error.sentence()))

    name = "^".join(["Doe", "Jane"])  # a traceback quotes lines of the program, never values

    def broken(*, progress):
        raise KeyError(name)

    with caplog.at_level(logging.ERROR):
        runner.start("open", broken)
        pump(lambda: bool(told))
    assert "KeyError" in told[0]
    assert "Traceback" not in told[0]
    assert "broken" in caplog.text
    assert "Doe" not in caplog.text + told[0]


def test_progress_arrives_and_the_lane_ends_once(store, runner):
    steps, ended, idle = [], [], []
    runner.stepped.connect(lambda _lane, step: steps.append(step))
    runner.ended.connect(ended.append)
    runner.idle.connect(lambda: idle.append(True))
    runner.start("model", job, "a", steps=60)
    pump(lambda: bool(idle))
    assert any(step.stage == "Working" and step.fraction for step in steps)
    assert ended == ["model"]


def test_lanes_run_side_by_side(store, runner):
    gate = threading.Event()
    runner.start("model", job, "slow", gate=gate)
    runner.start("load", job, "fast")
    pump(lambda: names(store) == ["fast"])
    assert runner.lanes() == ("model",)
    gate.set()
    pump(lambda: not runner.running())


def test_a_drawing_bug_is_told_and_the_session_goes_on(store, runner):
    told = []
    runner.failed.connect(lambda _lane, error: told.append(error))

    class Broken:
        def __call__(self, session):
            raise ZeroDivisionError

    runner.start("open", lambda *, progress: Broken())
    pump(lambda: bool(told))
    runner.start("open", job, "a")
    pump(lambda: names(store) == ["a"])


def test_actions_dispatched_while_drawing_keep_their_order():
    store, seen = Store(), []

    def redraw(old, new):
        seen.append((len(old.scans), len(new.scans)))
        if len(new.scans) == 1:
            store.dispatch(AddScan(make_scan(source="/b")))

    store.changed.connect(redraw)
    store.changed.connect(lambda old, new: seen.append((len(old.scans), len(new.scans))))
    store.dispatch(AddScan(make_scan(source="/a")))
    assert seen == [(0, 1), (0, 1), (1, 2), (1, 2)]
    store.deleteLater()


@pytest.mark.parametrize("_repeat", range(3))
def test_no_pool_is_left_when_a_lane_is_empty(store, runner, _repeat):
    runner.start("open", job, "a")
    pump(lambda: not runner.running())
    pump(lambda: not [one for one in threading.enumerate() if one.name.startswith("medassist")])
