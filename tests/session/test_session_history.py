"""Everything a reader makes can be undone and done again, in words, and nothing outdated comes back."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from medassist.entities.draft import Passage
from medassist.entities.edit import Edit
from medassist.entities.finding import Finding, Judgement
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.measurement import Measurement, Shape
from medassist.entities.operating import OperatingCurve
from medassist.entities.prediction import Mask, ModelRef, Prediction, Segment
from medassist.entities.study import FrameRef, Patient, Scan, Series, SeriesKind, Study
from medassist.language import localized, set_language
from medassist.session import history, trail
from medassist.session.actions import AddHeatmap, AddPrediction, AddScan, Invert, Judge
from medassist.session.drafts import WritePassage
from medassist.session.history import MOST, WORK, Redo, Undo, fold
from medassist.session.state import Session
from medassist.session.thresholds import SetPrevalence, SetThreshold
from medassist.storage import audit

MODEL = ModelRef("reader", "1.0", "ab" * 32)
GRID = Geometry(np.eye(4), (2, 3, 4), "1.9")
NOT_WORK = {
    "scans", "volumes", "current", "views", "layers", "reports", "overlays", "documents", "awaited", "region",
    "model_changes", "loading", "threshold_changes", "devices", "outlook", "queue", "chosen", "layer_names",
    "comparison", "heatmaps", "history", "selected_measurement", "arrangement", "element_lists",
    "label_figures", "inspected",
    "offers", "restored", "editing", "focus", "system", "impressions", "reader_first", "withheld",
}  # fmt: skip
"""What is looked at, comes from files, follows by itself or is a record: nothing of it is a step."""


def claim(uid: str = "9.1", label: str = "Effusion", **more: object) -> Finding:
    return Finding(uid, label, "one", model=MODEL, **more)  # type: ignore[arg-type]


def run(uid: str = "9.1") -> AddPrediction:
    return AddPrediction(Prediction(MODEL, "one", "now", "cpu"), (claim(uid),))


def judge(verdict: Judgement = Judgement.REJECTED, uid: str = "9.1", at: str = "noon") -> Judge:
    return Judge(uid, verdict, "Dr Who", at, "skin fold")


def folded(*actions: object, start: Session | None = None) -> list[Session]:
    return list(itertools.accumulate(actions, fold, initial=start or Session()))


def test_every_field_of_the_session_is_work_or_known_to_be_none() -> None:
    names = {one.name for one in fields(Session)}
    assert set(WORK) <= names
    assert not names - set(WORK) - NOT_WORK, "a new field: add it to WORK in session/history.py, or above"


def test_a_verdict_is_undone_and_done_again() -> None:
    before, judged = folded(run(), judge())[1:]
    undone = fold(judged, Undo())
    assert undone.findings == before.findings
    assert undone.predictions is before.predictions
    again = fold(undone, Redo())
    assert again.findings == judged.findings
    assert again.findings[0].comment == "skin fold"
    assert again.history.to_redo is None


def test_a_run_is_a_step_and_its_own_map_goes_and_comes_with_it() -> None:
    doubt = Heatmap("entropy", "all", MODEL, "one", np.ones(GRID.shape_zyx, np.float32), GRID,
                    np.ones(GRID.shape_zyx, np.float32), GRID, kind=MapKind.UNCERTAINTY)  # fmt: skip
    other = replace(doubt, method="Grad-CAM", kind=MapKind.ATTRIBUTION)
    ran = AddPrediction(Prediction(MODEL, "one", "now", "cpu", uncertainty=doubt), (claim(),))
    done = folded(ran, AddHeatmap(other), Undo())[-1]
    assert not done.predictions
    assert not done.findings
    assert done.heatmaps == (other,)
    again = fold(done, Redo())
    assert set(again.heatmaps) == {doubt, other}


def test_looking_is_no_step() -> None:
    ran, turned = folded(run(), Invert())[1:]
    assert turned.history is ran.history
    assert len(ran.history.past) == 1


def test_a_new_step_forgets_what_was_undone() -> None:
    end = folded(run(), judge(), Undo(), judge(Judgement.ACCEPTED))[-1]
    assert end.history.to_redo is None
    assert fold(end, Redo()) is end
    assert fold(fold(end, Undo()), Undo()).predictions == ()


def test_nothing_to_undo_changes_nothing() -> None:
    session = Session()
    assert fold(session, Undo()) is session
    assert fold(session, Redo()) is session


def test_at_most_a_hundred_steps_are_kept() -> None:
    end = folded(run(), *(judge(at=str(number)) for number in range(MOST + 20)))[-1]
    assert len(end.history.past) == MOST
    assert end.history.to_undo is not None


def edited(session: Session, labels: np.ndarray) -> object:
    one = session.predictions[-1]
    assert one.mask is not None
    changed = replace(one, mask=replace(one.mask, labels_zyx=labels), edit=Edit("Dr Who", "noon", one.mask))
    return lambda now: replace(now, predictions=(*now.predictions[:-1], changed))


def test_masks_that_only_the_history_holds_are_bounded(monkeypatch) -> None:
    monkeypatch.setattr(history, "budget_bytes", lambda: 4 * 3 * 24)  # a quarter of it: three masks of 24 bytes
    mask = Mask(np.zeros(GRID.shape_zyx, np.uint8), GRID, (Segment(1, "Liver"),))
    session = fold(Session(), AddPrediction(Prediction(MODEL, "one", "now", "cpu", mask=mask), ()))
    original = session.predictions[-1].mask
    for value in range(1, 9):
        session = fold(session, edited(session, np.full(GRID.shape_zyx, value, np.uint8)))
    assert 1 <= len(session.history.past) <= 4
    undone = fold(session, Undo())
    assert undone.predictions[-1].mask is not None
    assert undone.predictions[-1].mask.labels_zyx.max() == 7
    assert original is not None


def test_a_dial_that_is_held_is_one_step() -> None:
    curve = OperatingCurve(np.array([0.6, 0.9]), np.array([0.1, 0.3]))
    start = fold(Session(), AddPrediction(Prediction(MODEL, "one", "now", "cpu"),
                                          (claim(probability=0.5, threshold=0.4, curve=curve),)))  # fmt: skip
    held = [SetThreshold(MODEL.sha256, "Effusion", value, settled=False) for value in (0.5, 0.6, 0.7)]
    end = folded(*held, SetThreshold(MODEL.sha256, "Effusion", 0.8), start=start)[-1]
    assert len(end.history.past) == 2
    undone = fold(end, Undo())
    assert undone.findings == start.findings
    assert [(one.before, one.after) for one in undone.threshold_changes] == [(0.4, 0.8), (0.8, 0.4)]
    assert [one.action for one in trail.events(end, undone)] == ["undo", "set threshold"]


def test_words_typed_in_one_go_are_one_step_and_a_pause_ends_it() -> None:
    session, clock = Session(), 0.0
    for text, pause in (("N", 0.5), ("No", 0.5), ("No effusion", 60.0), ("No effusion.", 0.0)):
        session = fold(session, WritePassage("one", Passage("impression", text)), now=clock)
        clock += pause
    assert len(session.history.past) == 2
    undone = fold(session, Undo())
    written = undone.drafts["one"].passage("impression")
    assert written is not None
    assert written.text == "No effusion"
    assert not fold(undone, Undo()).drafts


def opened(*frames: str, patient: str = "P1") -> Scan:
    series = Series("one", SeriesKind.VOLUME, tuple(FrameRef(Path(name)) for name in frames), shape_zyx=(2, 3, 4))
    return Scan(Path("a"), (Study("1.2", Patient(patient_id=patient), series=(series,)),))


def test_pictures_that_are_others_now_end_the_history() -> None:
    session = folded(AddScan(opened("a.dcm")), run(), judge())[-1]
    same = fold(session, AddScan(opened("a.dcm")))
    assert len(same.history.past) == 2
    other = fold(session, AddScan(opened("b.dcm")))
    assert other.history.to_undo is None
    assert [one.judgement for one in other.findings] == [Judgement.REJECTED], "the verdict is the reader's"


def test_what_was_undone_does_not_come_back_on_other_pictures() -> None:
    session = folded(AddScan(opened("a.dcm")), run(), Undo())[-1]
    other = fold(session, AddScan(opened("b.dcm", patient="P2")))
    assert fold(other, Redo()) is other


LENGTH = Measurement("2.1", "one", Shape.LENGTH, ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0)))
WORDS = (
    (run(), "run reader", "运行 reader", "run"),
    (judge(), "reject Effusion", "拒绝 胸腔积液", "judge"),
    (judge(Judgement.ACCEPTED), "accept Effusion", "接受 胸腔积液", "judge"),
    (SetPrevalence("reader", "Effusion", 0.1), "set the prevalence", "设置患病率", "set prevalence"),
    (lambda now: replace(now, measurements=(LENGTH,)), "draw: length", "绘制：长度", "measure"),
    (lambda now: replace(now, measurements=(replace(LENGTH, label="x"),)), "change: length", "更改：长度", "measure"),
    (lambda now: replace(now, measurements=()), "delete: length", "删除：长度", "measure"),
    (WritePassage("one", Passage("impression", "No")), "change of the report", "更改报告", "draft"),
)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_step_has_a_title_in_words(language: str) -> None:
    set_language(language)
    session = Session()
    for action, english, chinese, verb in WORDS:
        before, session = session, fold(session, action)
        if not before.findings:
            session = replace(session, findings=tuple(replace(one, title_zh="胸腔积液") for one in session.findings))
        step = session.history.to_undo
        assert step is not None
        assert localized(step.title) == (english if language == "en" else chinese)
        assert step.told.verb == verb


def test_undo_and_redo_are_lines_of_their_own_in_the_trail() -> None:
    named = replace(claim(), label="Mass of Jane Doe")
    add = AddPrediction(Prediction(MODEL, "one", "now", "cpu"), (named,))
    done = folded(add, judge(), Undo(), Redo(), Undo(), Undo())
    found = [one for old, new in itertools.pairwise(done) for one in trail.events(old, new)]
    assert [one.action for one in found] == ["run", "judge", "undo", "redo", "undo", "undo"]
    assert [one.details["step"] for one in found[2:]] == ["judge", "judge", "judge", "run"]
    for old, new in itertools.pairwise(done[2:]):
        trail.keep(old, new)
    assert audit.verify().intact
    assert "Doe" not in audit.audit_file().read_text()
    assert "one" not in {one for event in found for one in map(str, event.details.values())}
