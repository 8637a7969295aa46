"""Actions fold a session: what is kept, what is replaced, what stays in bounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medassist.entities.finding import Finding, Judgement
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import ClassScore, Mask, ModelRef, Prediction, Segment
from medassist.entities.study import Scan, Series, SeriesKind, Study
from medassist.entities.volume import Volume, Window
from medassist.session import actions
from medassist.session.analysing import default_targets
from medassist.session.memory import budget_bytes
from medassist.session.state import Session

MODEL = ModelRef("reader", "1.0", "ab" * 32)


def volume(key: str = "one") -> Volume:
    series = Series(key, SeriesKind.VOLUME, (), modality="CT", shape_zyx=(4, 5, 6))
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    return Volume(series, np.zeros((2, 4, 5, 6), np.int16), Geometry(affine, (4, 5, 6)), windows=(Window(40, 400),))


def prediction(key: str = "one") -> Prediction:
    return Prediction(MODEL, key, "2026-01-01T00:00:00", "cpu", scores=(ClassScore("Effusion", 0.7, 0.5),))


def finding(uid: str, label: str = "Effusion", model: ModelRef = MODEL) -> Finding:
    return Finding(uid, label, "one", model=model)


@pytest.fixture
def session() -> Session:
    scan = Scan(Path("a"), (Study("1", series=(volume().series,)),))
    return actions.ShowVolume(volume())(actions.AddScan(scan)(Session()))


def test_a_shown_volume_starts_at_its_middle(session: Session) -> None:
    assert session.volume is not None
    assert session.view.cursor_lps == (6.0, 4.0, 6.0)
    assert session.view.window == Window(40, 400)


def test_coming_back_finds_the_same_view(session: Session) -> None:
    moved = actions.SetWindow(Window(1, 2))(session)
    back = actions.ShowVolume(volume())(actions.ShowVolume(volume("two"))(moved))
    assert back.view.window == Window(1, 2)


@pytest.mark.parametrize(
    ("asked", "kept"), [((100, 4, 6), (10, 4, 6)), ((-5, -5, -5), (0, 0, 0)), ((4, 4, 6), (4, 4, 6))]
)
def test_cursor_stays_inside(session: Session, asked: tuple, kept: tuple) -> None:
    assert actions.MoveCursor(asked)(session).view.cursor_lps == pytest.approx(kept)


def test_time_stays_inside(session: Session) -> None:
    assert actions.SetTime(9)(session).view.time == 1
    assert actions.SetTime(-1)(session).view.time == 0


def test_window_width_never_reaches_zero(session: Session) -> None:
    width = actions.SetWindow(Window(0, 0))(session).view.window.width
    assert width > 0


def test_opening_a_path_again_replaces_it(session: Session) -> None:
    again = actions.AddScan(Scan(Path("a")))(session)
    assert len(again.scans) == 1
    assert again.all_series() == ()


def test_a_second_run_replaces_what_nobody_judged(session: Session) -> None:
    first = actions.AddPrediction(prediction(), (finding("1"), finding("2", "Mass")))(session)
    judged = actions.Judge("1", Judgement.ACCEPTED, "reader", "now")(first)
    second = actions.AddPrediction(prediction(), (finding("3"), finding("4", "Mass")))(judged)
    assert [one.tracking_uid for one in second.findings] == ["1", "4"]
    assert len(second.predictions) == 1


def test_other_weights_have_to_be_judged_anew(session: Session) -> None:
    judged = actions.Judge("1", Judgement.ACCEPTED, "reader", "now")(
        actions.AddPrediction(prediction(), (finding("1"),))(session)
    )
    retrained = ModelRef("reader", "1.1", "cd" * 32)
    second = actions.AddPrediction(prediction(), (finding("2", model=retrained),))(judged)
    assert [one.tracking_uid for one in second.findings] == ["1", "2"]


def test_a_verdict_names_who_and_when(session: Session) -> None:
    judged = actions.Judge("1", Judgement.REJECTED, "Li", "2026", "skin fold")(
        actions.AddPrediction(prediction(), (finding("1"),))(session)
    )
    only = judged.findings[0]
    assert (only.judgement, only.judged_by, only.judged_at, only.comment) == (
        Judgement.REJECTED,
        "Li",
        "2026",
        "skin fold",
    )


def test_results_of_another_series_are_not_on_screen(session: Session) -> None:
    other = actions.AddPrediction(prediction("two"), ())(session)
    assert other.prediction is None


def test_same_map_is_replaced_other_target_kept(session: Session) -> None:
    def heatmap(target: str) -> Heatmap:
        grid = Geometry(np.eye(4), (1, 1, 1))
        values = np.zeros((1, 1, 1), np.float32)
        return Heatmap("Grad-CAM", target, MODEL, "one", values, grid, values.copy(), grid)

    for target in ("A", "B", "A"):
        session = actions.AddHeatmap(heatmap(target))(session)
    assert [one.target for one in session.heatmaps] == ["B", "A"]


def test_positive_classes_are_explained_first_and_else_the_nearest_miss() -> None:
    def run(*scores: ClassScore) -> Prediction:
        return Prediction(MODEL, "one", "", "cpu", scores=scores)

    near, far = ClassScore("near", 0.4, 0.5), ClassScore("far", 0.5, 0.9)
    assert default_targets(run(far, near)) == ("near",)
    assert default_targets(run(near, ClassScore("yes", 0.2, 0.1), ClassScore("more", 0.9, 0.1))) == ("more", "yes")


def test_a_label_is_not_explained_against_itself_unasked() -> None:
    scores = (ClassScore("yes", 0.9, 0.1), ClassScore("near", 0.4, 0.5))
    run = Prediction(MODEL, "one", "", "cpu", scores=scores)
    assert default_targets(run) == ("yes",)
    assert default_targets(run, against="yes") == ("near",)


def test_largest_segments_are_explained_and_empty_ones_left_out() -> None:
    labels = np.zeros((1, 1, 6), np.uint8)
    labels[0, 0] = [1, 2, 2, 0, 0, 0]
    segments = tuple(Segment(value, f"s{value}") for value in (1, 2, 3))
    mask = Mask(labels, Geometry(np.eye(4), (1, 1, 6)), segments)
    assert default_targets(Prediction(MODEL, "one", "", "cpu", mask=mask)) == ("s2", "s1")


def resampled(stack: Series) -> Volume:
    series = replace(stack, key=f"{stack.key}#resampled", kind=SeriesKind.VOLUME, part="resampled", raw=stack)
    return replace(volume(), series=series)


def test_a_resampled_series_is_listed_behind_its_slices(session: Session) -> None:
    other = volume("two").series
    scan = Scan(Path("a"), (Study("1", series=(volume().series, other)),))
    session = actions.AddScan(scan)(session)
    for _ in range(2):
        session = actions.ShowResampled(resampled(volume().series))(session)
    assert [one.key for one in session.all_series()] == ["one", "one#resampled", "two"]
    assert session.current == "one#resampled"


def test_opening_again_keeps_a_grid_whose_slices_are_the_same(session: Session) -> None:
    session = actions.ShowResampled(resampled(volume().series))(session)
    again = actions.AddScan(Scan(Path("a"), (Study("1", series=(volume().series,)),)))(session)
    assert [one.key for one in again.all_series()] == ["one", "one#resampled"]
    assert again.study_of(again.current).study_uid == "1"


def test_a_series_that_is_gone_leaves_the_screen(session: Session) -> None:
    session = actions.ShowResampled(resampled(volume().series))(session)
    changed = replace(volume().series, description="changed")
    again = actions.AddScan(Scan(Path("a"), (Study("1", series=(changed,)),)))(session)
    assert [one.key for one in again.all_series()] == ["one"]
    assert (again.current, again.volume) == ("", None)


def test_series_unseen_for_longest_give_way_and_their_findings_stay(session: Session) -> None:
    size = volume().array_tzyx.nbytes
    session = actions.AddPrediction(prediction(), (finding("1"),))(session)
    for key in ("two", "one", "three"):
        session = actions.ShowVolume(volume(key), budget_bytes=2 * size)(session)
    assert list(session.volumes) == ["one", "three"]
    session = actions.ShowVolume(volume("four"), budget_bytes=2 * size)(session)
    assert list(session.volumes) == ["three", "four"]
    assert len(session.findings_of("one")) == len(session.predictions) == 1
    back = actions.ShowVolume(volume("one"), budget_bytes=2 * size)(session)
    assert back.prediction is not None
    assert list(back.volumes) == ["four", "one"]


def test_a_volume_larger_than_the_budget_is_shown_all_the_same(session: Session) -> None:
    alone = actions.ShowVolume(volume("large"), budget_bytes=1)(session)
    assert list(alone.volumes) == ["large"]


def test_the_budget_is_half_of_this_machine() -> None:
    assert 1 << 28 < budget_bytes() < 1 << 44


def test_a_piece_of_a_lesion_that_was_judged_hides_no_other_piece(session: Session) -> None:
    def piece(uid: str, number: int, x: float) -> Finding:
        return replace(finding(uid), component=number, center_lps=(x, 0.0, 0.0))

    first = actions.AddPrediction(prediction(), (piece("1", 1, 0.0), piece("2", 2, 30.0)))(session)
    judged = actions.Judge("1", Judgement.REJECTED, "Dr. Ng", "now")(first)
    again = actions.AddPrediction(prediction(), (piece("3", 1, 0.0), piece("4", 2, 30.0)))(judged)
    assert [one.tracking_uid for one in again.findings] == ["1", "4"]
    moved = actions.AddPrediction(prediction(), (piece("5", 1, 55.0),))(judged)
    assert [one.tracking_uid for one in moved.findings] == ["1", "5"]
