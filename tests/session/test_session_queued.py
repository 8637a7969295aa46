"""Several runs in order: what is queued, how each ends, and what gives way to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medassist.entities.errors import Cancelled, Refused, UnreadableInput, Unsuited
from medassist.entities.geometry import Geometry
from medassist.entities.prediction import Check, Prediction, Verdict
from medassist.entities.study import Patient, Scan, Series, SeriesKind, Study
from medassist.entities.volume import Volume, Window
from medassist.inference.packages import Package, Suitability
from medassist.progress import Progress
from medassist.session import jobs
from medassist.session.actions import AddPrediction, AddScan, ShowVolume
from medassist.session.memory import with_room
from medassist.session.queued import (
    BeginRun,
    ChooseSeries,
    ClearEnded,
    DropWaiting,
    EndRun,
    QueueRuns,
    RunState,
    candidates,
    refused_rows,
    run_queued,
)
from medassist.session.state import Session

PACKAGE = Package(Path("/models/demo"), "demo", "1.0", "Demo", "演示", "segmentation")
SHAPE = (4, 8, 8)


def series(key: str, modality: str = "CT", kind: SeriesKind = SeriesKind.VOLUME) -> Series:
    return Series(key, kind, (), modality=modality, shape_zyx=SHAPE if kind is not SeriesKind.OTHER else (0, 0, 0))


def volume(one: Series) -> Volume:
    grid = Geometry(np.eye(4), SHAPE, "1.2")
    return Volume(one, np.zeros((1, *SHAPE), np.int16), grid, windows=(Window(40.0, 400.0),))


def scan(*found: Series, source: str = "/data") -> Scan:
    return Scan(Path(source), (Study("1.2.3", Patient("Doe^Jane"), series=found),))


@pytest.fixture
def session() -> Session:
    return AddScan(scan(series("a"), series("b"), series("c", "MR"), series("sr", "SR", SeriesKind.OTHER)))(Session())


def states(session: Session) -> list[str]:
    return [one.state.value for one in session.queue]


def added(key: str) -> AddPrediction:
    return AddPrediction(Prediction(PACKAGE.ref, key, "2026-01-02T10:11:12", "cpu"), ())


def test_series_are_queued_once_in_their_order(session) -> None:
    session = QueueRuns(("b", "a", "b", "gone"), PACKAGE)(session)
    assert [one.series.key for one in session.queue] == ["b", "a"]
    assert [one.number for one in session.queue] == [1, 2]
    session = QueueRuns(("a", "c"), PACKAGE)(session)
    assert [one.series.key for one in session.queue] == ["b", "a", "c"]
    session = EndRun(1, RunState.DONE)(session)
    assert [one.series.key for one in QueueRuns(("b",), PACKAGE)(session).queue] == ["b", "a", "c", "b"]


def test_candidates_are_of_the_modality_and_not_answered_yet_unless_chosen(session) -> None:
    package = replace(PACKAGE, suitability=Suitability(modality=("CT",)))
    assert candidates(session, package) == ("a", "b")
    assert candidates(session, PACKAGE) == ("a", "b", "c")
    assert candidates(added("a")(session), package) == ("b",)
    chosen = ChooseSeries(("a", "c", "sr"))(added("a")(session))
    assert candidates(chosen, package) == ("a", "c")
    assert candidates(Session(), package) == ()


def test_a_result_is_kept_under_its_series_and_the_screen_stays(session) -> None:
    session = ShowVolume(volume(series("b")))(session)
    session = BeginRun(1)(QueueRuns(("a",), PACKAGE)(session))
    assert states(session) == ["running"]
    after = EndRun(1, RunState.DONE, added=added("a"))(session)
    assert states(after) == ["done"]
    assert [one.series_key for one in after.predictions] == ["a"]
    assert after.current == "b"
    assert after.prediction is None


def test_a_result_for_files_that_changed_meanwhile_is_not_kept(session) -> None:
    session = BeginRun(1)(QueueRuns(("a",), PACKAGE)(session))
    session = AddScan(scan(replace(series("a"), description="another")))(session)
    after = EndRun(1, RunState.DONE, added=added("a"))(session)
    assert after.predictions == ()
    assert states(after) == ["refused"]
    assert "files changed" in after.queue[0].reason.message


def test_one_or_all_waiting_runs_are_dropped_and_ended_ones_cleared(session) -> None:
    session = BeginRun(1)(QueueRuns(("a", "b", "c"), PACKAGE)(session))
    assert states(DropWaiting(2)(session)) == ["running", "cancelled", "waiting"]
    dropped = DropWaiting()(session)
    assert states(dropped) == ["running", "cancelled", "cancelled"]
    assert DropWaiting()(dropped) is dropped
    assert states(ClearEnded()(dropped)) == ["running"]
    assert states(EndRun(2, RunState.DONE)(dropped)) == ["running", "cancelled", "cancelled"]


def test_series_unseen_for_longest_give_way_to_one_that_is_read_but_never_the_one_shown(session) -> None:
    for key in ("a", "b"):
        session = ShowVolume(volume(series(key)))(session)
    held = volume(series("a")).array_tzyx.nbytes
    queued = QueueRuns(("c",), PACKAGE)(session)
    assert list(BeginRun(1, budget_bytes=4 * held)(queued).volumes) == ["a", "b"]
    assert list(BeginRun(1, budget_bytes=3 * held)(queued).volumes) == ["b"]
    assert list(BeginRun(1, budget_bytes=1)(queued).volumes) == ["b"]
    loaded = QueueRuns(("a",), PACKAGE)(session)
    assert list(BeginRun(1, budget_bytes=1)(loaded).volumes) == ["a", "b"]
    assert list(with_room(session.volumes, held, ("a",), 2 * held)) == ["a"]


def test_what_does_not_suit_ends_refused_with_its_table(session, monkeypatch) -> None:
    rows = (Check("Likeness to the training images", "distance ≤ 1", "3.20", Verdict.FAIL),)

    def refuse(*_args, **_options):
        raise Unsuited("The series does not suit the model.", rows)

    monkeypatch.setattr(jobs, "run_model", refuse)
    session = BeginRun(1)(QueueRuns(("a",), PACKAGE)(session))
    end = run_queued(session.queue[0], volume(series("a")), progress=Progress())
    assert end.state is RunState.REFUSED
    after = end(session)
    assert refused_rows(after, PACKAGE.ref, "a") == rows
    assert refused_rows(after, PACKAGE.ref, "b") == ()
    assert after.predictions == ()


@pytest.mark.parametrize("error", [UnreadableInput("The file cannot be read."), Refused("There is no memory.")])
def test_what_cannot_be_read_ends_refused_with_the_reason(session, monkeypatch, error) -> None:
    def refuse(*_args, **_options):
        raise error

    monkeypatch.setattr(jobs, "load_series", refuse)
    session = QueueRuns(("a",), PACKAGE)(session)
    end = run_queued(session.queue[0], None, progress=Progress())
    assert (end.state, end.reason, end.added) == (RunState.REFUSED, error, None)


def test_a_cancelled_run_is_told_to_whoever_runs_it(session, monkeypatch) -> None:
    def cancel(*_args, **_options):
        raise Cancelled

    monkeypatch.setattr(jobs, "run_model", cancel)
    session = QueueRuns(("a",), PACKAGE)(session)
    with pytest.raises(Cancelled):
        run_queued(session.queue[0], volume(series("a")), progress=Progress())


def test_the_job_gets_the_study_the_pixels_and_the_options_of_the_queue(session, monkeypatch) -> None:
    seen = []
    monkeypatch.setattr(jobs, "run_model", lambda *args, **options: seen.append((args, options)) or added("a"))
    pixels, progress = volume(series("a")), Progress()
    session = QueueRuns(("a",), PACKAGE, {"device": "cpu"})(session)
    end = run_queued(session.queue[0], pixels, progress=progress)
    assert seen == [((session.study_of("a"), pixels, PACKAGE), {"device": "cpu", "progress": progress})]
    assert end.state is RunState.DONE
    assert end.added is not None
