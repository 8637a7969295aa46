"""A model on several series: marked in the tree, queued, run in order while the reader looks at something else."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from bundles import write_segmenter
from phantoms import write_ct_series, write_mr_series
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from test_ui_panels import FakeRunner
from ui_cases import add_mask, make_scan, make_series, make_volume, pump

from medassist.entities.errors import Cancelled, MedAssistError, Refused, Unsuited
from medassist.entities.prediction import Check, Verdict
from medassist.entities.study import SeriesKind
from medassist.inference.packages import Package
from medassist.language import set_language
from medassist.locations import user_models_dir
from medassist.session.actions import AddScan, ShowVolume
from medassist.session.queued import ChooseSeries, EndRun, QueueRuns, RunState
from medassist.ui.panels.model_panel import ModelPanel
from medassist.ui.panels.study_panel import KEY, StudyPanel
from medassist.ui.queue_list import QueueList
from medassist.ui.queue_runner import MODEL_LANE, QueueRunner
from medassist.ui.status_bar import StatusBar

PACKAGE = Package(Path("/models/demo"), "demo", "1.0", "Title demo", "标题 demo", "segmentation")


@pytest.fixture
def fake():
    one = FakeRunner()
    yield one
    one.deleteLater()


@pytest.fixture
def three(store):
    series = [make_series(key, description=key) for key in ("one", "two", "three")]
    store.dispatch(AddScan(make_scan(*series, make_series("sr", SeriesKind.OTHER, shape_zyx=(0, 0, 0)))))
    return series


def states(store) -> list[str]:
    return [one.state.value for one in store.session.queue]


def mark(panel, *keys) -> None:
    """Click the rows of series with Ctrl held, as a reader does."""
    tree = panel.tree
    for item in tree.findItems("", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive):
        if item.data(0, KEY) in keys:
            at = tree.visualItemRect(item).center()
            QTest.mouseClick(
                tree.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, at
            )  # fmt: skip


def selected(panel) -> list[str]:
    return [item.data(0, KEY) for item in panel.tree.selectedItems()]


def test_series_are_marked_without_being_shown_and_stay_marked(store, fake, keep, three):
    panel = keep(StudyPanel(store, fake))
    store.dispatch(ShowVolume(make_volume(three[0])))
    mark(panel, "three")
    assert store.session.chosen == ("one", "three")
    assert not fake.calls
    assert [item.font(0).bold() for item in panel.tree.selectedItems()] == [True, False]
    store.dispatch(add_mask(make_volume(three[1])))
    assert selected(panel) == ["one", "three"]
    fake.ended.emit("load")
    assert selected(panel) == ["one", "three"]
    assert store.session.chosen == ("one", "three")


def test_a_plain_click_marks_one_and_shows_it(store, fake, keep, three):
    panel = keep(StudyPanel(store, fake))
    store.dispatch(ShowVolume(make_volume(three[0])))
    mark(panel, "three")
    item = next(item for item in panel.tree.findItems("two", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive))
    QTest.mouseClick(panel.tree.viewport(), Qt.MouseButton.LeftButton, pos=panel.tree.visualItemRect(item).center())
    assert store.session.chosen == ()
    assert fake.calls[0][3][0].key == "two"


def test_the_button_counts_the_series_and_queues_them_with_the_options(store, fake, keep, three):
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [PACKAGE]))
    assert panel.several.text() == "Run on all 3 series that may suit"
    store.dispatch(ChooseSeries(("one", "three")))
    assert panel.several.text() == "Run on the 2 marked series"
    panel.device.setCurrentIndex(1)
    panel.several.click()
    assert [one.series.key for one in store.session.queue] == ["one", "three"]
    assert store.session.queue[0].options == {"device": "cpu"}
    assert panel.queue.isVisible()
    kind, lane, _job, args, _options = fake.calls[0]
    assert (kind, lane, args[0].series.key, args[1]) == ("start", MODEL_LANE, "one", None)


def test_the_table_of_a_run_refused_in_the_queue_is_there_when_its_series_is_opened(store, fake, keep, three):
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [PACKAGE]))
    store.dispatch(ShowVolume(make_volume(three[0])))
    assert panel.run.isEnabled()
    rows = (Check("Likeness to the training images", "distance ≤ 1", "3.20", Verdict.FAIL),)
    store.dispatch(QueueRuns(("one", "two"), PACKAGE))
    store.dispatch(EndRun(1, RunState.REFUSED, Unsuited("It does not suit.", rows)))
    assert panel.table.rowCount() == 1
    assert "3.20" in panel.problem.text()
    assert not panel.run.isEnabled()
    store.dispatch(ShowVolume(make_volume(three[1])))
    assert "3.20" not in panel.problem.text()


def test_one_series_is_no_queue(store, fake, keep):
    store.dispatch(AddScan(make_scan(make_series("one"))))
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [PACKAGE]))
    assert not panel.several.isVisible()
    assert not panel.queue.isVisible()


def test_pixels_of_files_that_changed_are_read_again(store, fake, three):
    works = QueueRunner(store, fake)
    store.dispatch(ShowVolume(make_volume(three[0])))
    store.dispatch(ShowVolume(make_volume(make_series("two", description="before"))))
    store.dispatch(QueueRuns(("two",), PACKAGE))
    assert fake.calls[0][3][1] is None
    works.deleteLater()


def working(store, runner, answers):
    """Return a queue whose runs end as `answers` say, by series key: an error is raised, an event waited for."""

    def job(run, _loaded, *, progress):
        answer = answers.get(run.series.key)
        if isinstance(answer, threading.Event):
            while not answer.wait(0.01):
                progress.step("Predicting")
        if isinstance(answer, EndRun):
            return answer
        if isinstance(answer, BaseException):
            raise answer
        return EndRun(run.number, RunState.DONE, added=add_mask(make_volume(run.series)))

    return QueueRunner(store, runner, runner, job=job)


def test_runs_go_on_in_order_whatever_becomes_of_one(store, runner, three):
    answers = {"one": EndRun(1, RunState.REFUSED, Refused("no")), "two": MedAssistError("Something unexpected.")}
    working(store, runner, answers)
    store.dispatch(QueueRuns(("one", "two", "three"), PACKAGE))
    pump(lambda: not runner.running())
    assert states(store) == ["refused", "failed", "done"]
    assert [one.series_key for one in store.session.predictions] == ["three"]


def test_a_crash_of_a_run_is_told_and_the_next_goes_on(store, runner, three):
    working(store, runner, {"one": ValueError("a bug")})
    store.dispatch(QueueRuns(("one", "two"), PACKAGE))
    pump(lambda: not runner.running())
    assert states(store) == ["failed", "done"]
    assert "unexpected" in store.session.queue[0].reason.message


@pytest.mark.parametrize("end", ["one", "all", "waiting", "stop"])
def test_one_or_all_runs_are_cancelled(store, runner, keep, three, end):
    gate = threading.Event()
    works = working(store, runner, {"one": gate})
    bar = keep(StatusBar(store, runner))
    store.dispatch(QueueRuns(("one", "two", "three"), PACKAGE))
    pump(lambda: states(store)[0] == "running")
    if end == "one":
        works.cancel(store.session.queue[0])
    elif end == "waiting":
        works.cancel(store.session.queue[1])
        gate.set()
    else:
        (works.cancel_all if end == "all" else bar.stop.click)()
    pump(lambda: not runner.running())
    wanted = {
        "one": ["cancelled", "done", "done"],
        "waiting": ["done", "cancelled", "done"],
    }
    assert states(store) == wanted.get(end, ["cancelled"] * 3)


def test_a_single_run_goes_first_and_the_queue_follows(store, runner, three):
    working(store, runner, {})
    gate = threading.Event()

    def single(*, progress):
        while not gate.wait(0.01):
            if progress.cancelled:
                raise Cancelled

    runner.start(MODEL_LANE, single)
    store.dispatch(QueueRuns(("one",), PACKAGE))
    assert states(store) == ["waiting"]
    gate.set()
    pump(lambda: not runner.running())
    assert states(store) == ["done"]


def test_the_list_says_whose_series_how_it_is_and_why(store, fake, keep, three):
    rows = keep(QueueList(store, fake))
    store.dispatch(QueueRuns(("one", "two", "three"), PACKAGE))
    store.dispatch(EndRun(1, RunState.REFUSED, Refused("The series {name} is none.", name="one")))
    texts = [rows.rows.item(row).text() for row in range(3)]
    assert texts[0] == "2 one · Doe Jane · ID-7 · 2026-01-02\nTitle demo · refused: The series one is none."
    assert texts[2].endswith("waits")
    assert rows.title.text() == "Queued runs: 1 of 3 ended"
    rows.rows.setCurrentRow(2)
    rows.one.click()
    assert states(store)[2] == "cancelled"
    assert not rows.one.isEnabled()
    rows.clear.click()
    assert len(store.session.queue) == 1
    set_language("zh_CN")
    rows.retranslate()
    assert "标题 demo · 等待中" in rows.rows.item(0).text()


def test_a_row_brings_its_series_on_screen(store, fake, keep, three):
    rows = keep(QueueList(store, fake))
    store.dispatch(QueueRuns(("one", "two"), PACKAGE))
    rows.rows.itemActivated.emit(rows.rows.item(1))
    assert fake.calls[-1][3][0].key == "two"


def test_a_model_runs_on_several_series_while_the_reader_looks_elsewhere(window, store, runner, tmp_path):
    pytest.importorskip("torch")
    write_segmenter(user_models_dir() / "tiny", modality="CT")
    for name in ("a", "b"):
        write_ct_series(tmp_path / "in" / name, slices=16, rows=32, columns=32)
    write_mr_series(tmp_path / "in" / "mr")
    window.models.reload()
    window.models.select("tiny")
    window.open([tmp_path / "in"])
    pump(lambda: store.session.volume is not None and not runner.running())
    shown = store.session.current
    keys = tuple(one.key for one in store.session.all_series())
    store.dispatch(ChooseSeries(keys))
    window.models.several.click()
    pump(lambda: not runner.running(), 120)
    by_modality = {one.series.modality: one for one in store.session.queue}
    assert by_modality["MR"].state is RunState.REFUSED
    assert by_modality["MR"].reason is not None
    ct = [one.series.key for one in store.session.queue if one.series.modality == "CT"]
    assert sorted(one.series_key for one in store.session.predictions) == sorted(ct)
    assert store.session.current == shown
    assert window.messages.sentences() == ()
