"""Looking at one finding: where the cursor goes, and what is drawn then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medassist.entities.finding import Finding
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.measurement import Measurement, Shape
from medassist.entities.prediction import ClassScore, Code, Mask, ModelRef, Prediction, Segment
from medassist.entities.study import Scan, Series, SeriesKind, Study
from medassist.entities.volume import Volume
from medassist.report.findings import findings_from
from medassist.session.actions import AddHeatmap, AddPrediction, AddScan, ShowVolume
from medassist.session.focusing import Focus, focus_of, focused, place_of
from medassist.session.state import Session

MODEL = ModelRef("m", "1", "ab" * 32)
OTHER = ModelRef("n", "1", "cd" * 32)
SHAPE = (6, 10, 12)
LESION = Segment(1, "Lesion", category=Code("49755003", "SCT", "Morphologically Abnormal Structure"))
ORGAN = Segment(2, "Organ")


def made_volume(irregularity: str = "", origins: np.ndarray | None = None) -> Volume:
    affine = np.array([[0.0, -0.9, 0, 5], [-0.7, 0, 0, 9], [0, 0, 2.5, -4], [0, 0, 0, 1.0]])
    series = Series("S", SeriesKind.VOLUME, (), modality="CT", shape_zyx=SHAPE, times=2, irregularity=irregularity)
    return Volume(series, np.zeros((2, *SHAPE), np.int16), Geometry(affine, SHAPE, "1.2"), slice_origins_lps=origins)


def labels() -> np.ndarray:
    found = np.zeros(SHAPE, np.uint8)
    found[1:4, 2:5, 3:6] = 1
    found[5, 8, 9:11] = 1
    found[2, 7:9, 1:4] = 2
    return found


def heat(target: str, model: ModelRef = MODEL) -> Heatmap:
    volume = made_volume()
    values = np.ones(SHAPE, np.float32)
    return Heatmap("Grad-CAM", target, model, "S", values, volume.geometry, values, volume.geometry)


@pytest.fixture
def session() -> Session:
    volume = made_volume()
    opened = ShowVolume(volume)(AddScan(Scan(Path("a"), (Study("1", series=(volume.series,)),)))(Session()))
    mask = Mask(labels(), volume.geometry, (LESION, ORGAN))
    scores = (ClassScore("Effusion", 0.7, 0.5), ClassScore("Nodule", 0.2, 0.5))
    ours = Prediction(MODEL, "S", "2026-01-01T00:00:00", "cpu", mask=mask, scores=scores)
    theirs = Prediction(OTHER, "S", "2026-01-01T00:00:01", "cpu", scores=scores)
    found = AddPrediction(theirs, findings_from(theirs, volume))(
        AddPrediction(ours, findings_from(ours, volume))(opened)
    )
    for one in (heat("Effusion"), heat("Effusion", OTHER), heat("Nodule")):
        found = AddHeatmap(one)(found)
    return found


def uid(session: Session, label: str, component: int | None = None, model: ModelRef = MODEL) -> str:
    told = (one for one in session.findings if (one.label, one.component, one.model) == (label, component, model))
    return next(told).tracking_uid


def test_a_piece_of_a_lesion_is_drawn_alone_and_comes_on_screen(session: Session) -> None:
    after = Focus(uid(session, "Lesion", 2))(session)
    shown = focused(after)
    expected = np.zeros(SHAPE, np.uint8)
    expected[5, 8, 9:11] = 1
    assert np.array_equal(shown.mask.labels_zyx, expected)
    assert shown.mask.segments == (LESION,)
    assert (shown.heatmaps, shown.overlays, shown.regions) == ((), (), ())
    assert np.rint(after.volume.geometry.to_index(after.view.cursor_lps)).tolist() in ([9, 8, 5], [10, 8, 5])
    assert focused(after).mask is shown.mask, "made anew for each drawing"


def test_a_class_is_drawn_by_its_own_map_of_its_own_model(session: Session) -> None:
    before = session.view.cursor_lps
    for model in (MODEL, OTHER):
        after = Focus(uid(session, "Effusion", model=model))(session)
        shown = focused(after)
        assert [(one.target, one.model) for one in shown.heatmaps] == [("Effusion", model)]
        assert shown.mask is None
        assert after.view.cursor_lps == before, "a claim about the whole image has no place to go to"
    assert focused(Focus(uid(session, "Nodule", model=OTHER))(session)).heatmap is None


def test_the_way_back_shows_everything(session: Session) -> None:
    after = Focus(uid(session, "Organ"))(session)
    assert focus_of(after).label == "Organ"
    back = Focus()(after)
    assert focus_of(back) is None
    assert focused(back) is back
    assert Focus()(session) is session
    assert focus_of(Focus("unknown")(after)) is None


def test_what_is_asked_for_last_is_seen(session: Session) -> None:
    after = Focus(uid(session, "Effusion"))(session)
    assert AddHeatmap(heat("Effusion"))(after).focus
    assert not AddHeatmap(heat("Nodule"))(after).focus
    run = Prediction(MODEL, "S", "2026-01-02T00:00:00", "cpu")
    assert not AddPrediction(run, ())(after).focus


def test_a_finding_of_another_series_is_no_focus(session: Session) -> None:
    foreign = replace(session, findings=(*session.findings, Finding("9", "x", "elsewhere")))
    assert not Focus("9")(foreign).focus


def test_a_finding_of_a_measurement_comes_on_screen_at_its_time(session: Session) -> None:
    place = tuple(session.volume.geometry.to_world([3, 4, 2]).tolist())
    drawn = Measurement("7", "S", Shape.ARROW, (place, place), slice_index=2, time=1)
    made = Finding("9", "x", "S", center_lps=place, key_slice=2, measurement_uid="7")
    after = Focus("9")(replace(session, measurements=(drawn,), findings=(made,)))
    assert after.view.time == 1
    assert after.view.cursor_lps == pytest.approx(place)


def test_on_uneven_slices_the_cursor_goes_to_the_slice_that_shows_the_place() -> None:
    affine = made_volume().geometry.affine_lps
    origins = np.array([affine[:3, 3] + [0, 0, 10.0 * index**2] for index in range(SHAPE[0])])
    volume = made_volume("uneven", origins)
    true_place = origins[3] + affine[:3, :2] @ [4, 6]
    found = Finding("1", "x", "S", center_lps=tuple(true_place), key_slice=3)
    assert volume.geometry.to_index(place_of(found, volume, (0, 0, 0))) == pytest.approx([4, 6, 3])


def test_one_with_a_slice_only_keeps_the_place_within_it() -> None:
    volume = made_volume()
    cursor = tuple(volume.geometry.to_world([2, 3, 1]).tolist())
    found = place_of(Finding("1", "x", "S", key_slice=4), volume, cursor)
    assert volume.geometry.to_index(found) == pytest.approx([2, 3, 4])
    assert place_of(Finding("1", "x", "S"), volume, cursor) is None
