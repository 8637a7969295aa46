"""The map of uncertainty in the window: asked for with the run, drawn on a scale of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_ui_panels import FakeRunner
from ui_cases import add_heat, add_mask, make_heatmap, make_scan, make_volume

from medassist.entities.heatmap import MapKind
from medassist.imaging.slicing import layout
from medassist.inference.packages import Package
from medassist.session.actions import AddHeatmap, AddScan, ShowVolume
from medassist.ui.panels.explain_panel import passport_text
from medassist.ui.panels.model_panel import ModelPanel
from medassist.ui.viewer import slices
from medassist.ui.viewer.color_bar import ColorBar


@pytest.fixture
def volume(store):
    one = make_volume()
    store.dispatch(AddScan(make_scan(one.series)))
    store.dispatch(ShowVolume(one))
    return one


def doubt(volume, value: float = 0.5):
    return replace(make_heatmap(volume, value=value), kind=MapKind.UNCERTAINTY, target="Uncertainty")


def test_it_comes_with_the_result_of_the_run(store, volume) -> None:
    added = add_mask(volume)
    store.dispatch(replace(added, prediction=replace(added.prediction, uncertainty=doubt(volume))))
    assert store.session.heatmap is not None
    assert store.session.heatmap.kind is MapKind.UNCERTAINTY
    assert store.session.mask is not None


def test_half_undecided_is_drawn_half_as_strong(store, volume) -> None:
    """An attribution would fill the scale with its own maximum."""
    store.dispatch(AddHeatmap(doubt(volume, 0.5)))
    plane = slices.planes_of(volume)[0]
    shown = slices.Shown(volume, plane, layout(volume.geometry, plane), 6)
    assert slices.heat(shown, store.session.heatmap, False).max() == pytest.approx(0.5)
    assert slices.heat(shown, make_heatmap(volume, value=0.5), False).max() == pytest.approx(1.0)


def test_bar_and_passport_say_what_it_is(store, volume, keep) -> None:
    bar = keep(ColorBar())
    store.dispatch(AddHeatmap(doubt(volume)))
    bar.draw(store.session, hidden=False)
    assert bar.captions() == ("Uncertainty of the segmentation", "Where it is sure, it can still be wrong")
    assert bar.scale() == "0 %: sure, 100 %: every label equally likely"
    assert bar.ticks()[-1] == "100%"
    assert not bar.grab().isNull()
    told = passport_text(store.session, store.session.heatmap)
    assert told.startswith("Uncertainty of the segmentation\n")
    assert "Target" not in told
    store.dispatch(add_heat(volume))
    bar.draw(store.session, hidden=False)
    assert "influenced" in bar.captions()[1]


@pytest.mark.parametrize(("task", "asked"), [("segmentation", {"uncertainty": True}), ("classification", {})])
def test_only_a_segmenter_is_asked_for_it(store, volume, keep, tmp_path, task, asked) -> None:
    fake = FakeRunner()
    package = Package(tmp_path, "demo", "1", "Demo", task=task, sha256="ab" * 32)
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [package]))
    assert panel.uncertainty.isVisible() is (task == "segmentation")
    panel.uncertainty.setChecked(True)
    panel.run.click()
    (call,) = fake.calls
    assert {name: value for name, value in call[4].items() if name == "uncertainty"} == asked
    fake.deleteLater()


@pytest.mark.parametrize(("flips", "asked"), [(((0,),), {"tta": True}), ((), {})])
def test_mirrored_views_are_offered_where_the_package_declares_flips(
    store, volume, keep, tmp_path, flips, asked
) -> None:
    fake = FakeRunner()
    package = Package(tmp_path, "demo", "1", "Demo", task="classification", sha256="ab" * 32, flips=flips)
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [package]))
    assert panel.tta.isVisible() is bool(flips)
    panel.tta.setChecked(True)
    panel.run.click()
    (call,) = fake.calls
    assert {name: value for name, value in call[4].items() if name == "tta"} == asked
    fake.deleteLater()


def test_a_spread_over_views_has_its_own_words_and_scale(store, volume, keep) -> None:
    spread = replace(make_heatmap(volume, value=0.25), kind=MapKind.SPREAD, target="Uncertainty", method="Deviation")
    added = add_mask(volume)
    store.dispatch(replace(added, prediction=replace(added.prediction, uncertainty=doubt(volume), spread=spread)))
    assert [one.kind for one in store.session.heatmaps] == [MapKind.SPREAD, MapKind.UNCERTAINTY]
    store.dispatch(AddHeatmap(spread))
    bar = keep(ColorBar())
    bar.draw(store.session, hidden=False)
    assert bar.captions() == ("Spread over mirrored views", "Where they agree, all can still be wrong")
    assert bar.scale() == "share of the largest possible standard deviation (0.5)"
    plane = slices.planes_of(volume)[0]
    shown = slices.Shown(volume, plane, layout(volume.geometry, plane), 6)
    assert slices.heat(shown, spread, False).max() == pytest.approx(0.5)
    assert passport_text(store.session, spread).startswith("Spread over mirrored views\n")
