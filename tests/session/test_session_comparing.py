"""Two maps side by side in the session: when they are on screen, when they give way, and what they never change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.prediction import Mask, ModelRef, Prediction, Segment
from medassist.entities.stamp import Stamp, Standing
from medassist.entities.study import Scan, Series, SeriesKind, Study
from medassist.entities.volume import Volume, Window
from medassist.progress import Progress
from medassist.session.actions import AddHeatmap, AddPrediction, AddScan, ShowVolume
from medassist.session.comparing import ShowComparison, StopComparing, comparable, compare_maps, seen_alone
from medassist.session.stamps import AddStamp
from medassist.session.state import Session
from medassist.session.trail import events

FIRST, SECOND = ModelRef("one_model", "1.0", "1" * 64), ModelRef("other_model", "2.0", "2" * 64)
SHAPE = (4, 8, 9)


def volume(key: str = "one", spacing: float = 2.0) -> Volume:
    series = Series(key, SeriesKind.VOLUME, (), modality="CT", shape_zyx=SHAPE)
    grid = Geometry(np.diag([spacing, 2.0, 3.0, 1.0]), SHAPE)
    return Volume(series, np.zeros((1, *SHAPE), np.int16), grid, windows=(Window(40, 400),))


def heatmap(method: str, seed: int, model: ModelRef = FIRST, key: str = "one") -> Heatmap:
    values = np.random.default_rng(seed).random(SHAPE).astype(np.float32)
    grid = volume(key).geometry
    return Heatmap(method, "Effusion", model, key, values, grid, values.copy(), grid)


def prediction(model: ModelRef, key: str = "one") -> Prediction:
    mask = Mask(np.ones(SHAPE, np.uint8), volume(key).geometry, (Segment(1, "Effusion", None, (0, 255, 0)),))
    return Prediction(model, key, "2026-01-01T00:00:00", "cpu", mask=mask)


CAM, OCCLUSION = heatmap("Grad-CAM", 1), heatmap("Occlusion", 2, SECOND)


@pytest.fixture
def session() -> Session:
    one = Session()
    scan = Scan(Path("a"), (Study("1", series=(volume().series, volume("two").series)),))
    for action in (AddScan(scan), ShowVolume(volume()), AddPrediction(prediction(FIRST), ()),
                   AddPrediction(prediction(SECOND), ()), AddHeatmap(CAM), AddHeatmap(OCCLUSION)):  # fmt: skip
        one = action(one)
    return one


@pytest.fixture
def compared(session: Session) -> Session:
    return compare_maps(OCCLUSION, CAM, progress=Progress())(session)


def test_a_comparison_is_shown_and_left(compared: Session) -> None:
    assert compared.compared is not None
    assert compared.compared.first is OCCLUSION
    assert compared.compared.second is CAM
    assert StopComparing()(compared).compared is None


def test_a_map_that_is_stamped_meanwhile_stays_and_carries_its_stamp(compared: Session) -> None:
    stamp = Stamp(Standing.FAILS)
    after = AddStamp(CAM, stamp)(compared)
    assert after.compared is not None
    assert after.compared.second.stamp is stamp
    assert after.compared.first is OCCLUSION


@pytest.mark.parametrize("key", ["one", "two"])
def test_what_is_new_of_the_series_is_on_screen_instead(compared: Session, key: str) -> None:
    for action in (AddHeatmap(heatmap("LIME", 3, key=key)), AddPrediction(prediction(FIRST, key), ())):
        assert (action(compared).compared is None) is (key == "one")


def test_a_map_that_was_replaced_is_not_compared_any_more(session: Session) -> None:
    late = compare_maps(OCCLUSION, CAM, progress=Progress())
    again = AddHeatmap(heatmap("Grad-CAM", 5))(session)
    assert late(again) is again, "the answer came after one of its maps was gone"
    held = replace(again, comparison=late.comparison)
    assert held.compared is None


def test_another_series_hides_it_and_coming_back_shows_it(compared: Session) -> None:
    away = ShowVolume(volume("two"))(compared)
    assert away.compared is None
    assert ShowVolume(volume())(away).compared is not None
    assert ShowVolume(volume(spacing=1.0))(away).compared is None, "the same key on another grid"


def test_nothing_is_reported_or_recorded_of_it(session: Session, compared: Session) -> None:
    assert compared.heatmaps is session.heatmaps
    assert compared.findings is session.findings
    assert compared.heatmap is session.heatmap
    assert events(session, compared) == ()


def test_maps_of_the_series_and_of_the_same_kind_can_stand_beside_the_newest(session: Session) -> None:
    doubt = replace(heatmap("Entropy", 4), kind=MapKind.UNCERTAINTY)
    away = AddHeatmap(heatmap("LIME", 6, key="two"))(session)
    assert comparable(away) == (OCCLUSION, CAM)
    assert comparable(AddHeatmap(doubt)(session)) == (doubt,)
    assert comparable(Session()) == ()


def test_a_half_shows_one_map_with_the_mask_of_its_own_model(compared: Session) -> None:
    seen = seen_alone(compared, CAM, CAM.model)
    assert seen.heatmap is CAM
    assert seen.mask is compared.predictions[0].mask
    assert seen.prediction is not None
    assert seen.prediction.model is FIRST
    assert seen.compared is None
    assert seen_alone(compared, CAM, None).mask is None


def test_maps_of_two_series_are_refused() -> None:
    with pytest.raises(Refused, match="different series"):
        compare_maps(CAM, heatmap("LIME", 1, key="two"), progress=Progress())


def test_nothing_is_done_when_nothing_is_compared(session: Session) -> None:
    assert StopComparing()(session) is session
    assert isinstance(compare_maps(CAM, OCCLUSION, progress=Progress()), ShowComparison)
