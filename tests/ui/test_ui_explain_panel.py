"""The explanation panel: what it offers, what it asks for, what it says before a run and about the map on screen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from ui_cases import MODEL, add_heat, add_mask, add_scores, make_heatmap, make_scan, make_volume, press

from medassist.entities.manifest import RunManifest
from medassist.entities.prediction import Mask, Segment
from medassist.entities.prompt import Box, Prompt
from medassist.entities.region import Region
from medassist.explain.methods import METHODS
from medassist.inference.catalogue import find
from medassist.language import set_language
from medassist.session.actions import AddHeatmap, AddPrediction, AddScan, MoveCursor, SetLayers, ShowVolume
from medassist.session.explaining import KnowLayers, find_layers, rivals
from medassist.session.regions import DropRegion, SetRegion
from medassist.session.state import Layers
from medassist.ui.map_facts import passport_text, share_above
from medassist.ui.panels import explain_panel
from medassist.ui.panels.explain_panel import ExplainPanel

CHEST = "chest_xray_findings"


class Fake:
    """A runner that only writes down what it is asked to start."""

    def __init__(self, real):
        self.calls, self._real = [], real

    def start(self, lane, job, *args, **options):
        self.calls.append((lane, job, args, options))

    def running(self, lane=""):
        return False

    def __getattr__(self, name):
        return getattr(self._real, name)


@pytest.fixture
def fake(runner):
    return Fake(runner)


@pytest.fixture
def volume(store):
    one = make_volume()
    store.dispatch(AddScan(make_scan(one.series)))
    store.dispatch(ShowVolume(one))
    return one


def choose(box, value):
    box.setCurrentIndex(box.findData(value))


def test_comparison_and_numbers_of_the_method_reach_the_job(store, fake, keep, volume):
    job = object()
    panel = keep(ExplainPanel(store, fake, job=job))
    store.dispatch(add_scores(volume))
    choose(panel.method, "integratedgradients")
    assert list(panel.form.numbers) == ["steps"]
    box = panel.form.numbers["steps"]
    assert (box.minimum(), box.value(), box.maximum()) == (8, 50, 300)
    box.setValue(20)
    choose(panel.against, "Effusion")
    panel.button.click()
    (call,) = fake.calls
    assert call[1] is job
    assert call[2][2:] == ("Nodule", "integratedgradients")
    assert call[3] == {"against": "Effusion", "settings": {"steps": 20.0}}


def test_a_label_is_not_compared_with_itself(store, fake, keep, volume):
    panel = keep(ExplainPanel(store, fake))
    store.dispatch(add_scores(volume))
    offered = lambda: [panel.against.itemData(row) for row in range(panel.against.count())]  # noqa: E731
    assert offered() == ["", "Effusion"]
    choose(panel.against, "Effusion")
    choose(panel.target, "Effusion")
    assert offered() == ["", "Nodule"]
    assert panel.against.currentData() == ""


def test_labels_of_a_whole_image_are_compared_within_their_region():
    package = find("hippocampus_mr")
    sides = [f"{side} {part} hippocampus" for side in ("Left", "Right") for part in ("anterior", "posterior")]
    assert rivals(package, sides, "Left anterior hippocampus") == ["Left posterior hippocampus"]
    assert rivals(None, ["a", "b"], "a") == ["b"]


def test_cost_is_told_before_and_from_what_was_measured(store, fake, keep, volume):
    panel = keep(ExplainPanel(store, fake))
    added = add_scores(volume)
    store.dispatch(added)
    choose(panel.method, "rise")
    assert panel.cost.text() == "Costs 301 passes of the network; their time is not measured yet."
    timed = replace(added.prediction, manifest=RunManifest(windows=2, computed_s={"infer": 0.2}))
    store.dispatch(AddPrediction(timed, added.findings))
    assert panel.cost.text() == "Takes about 30 s: 301 passes of the network."
    panel.form.numbers["masks"].setValue(50)
    assert panel.cost.text() == "Takes about 5 s: 51 passes of the network."
    store.dispatch(AddHeatmap(replace(make_heatmap(volume), seconds=4.0, passes=2.0)))
    assert "about 1 min 42 s" in panel.cost.text(), "a map of this model tells more than the run"
    other = replace(MODEL, sha256="1" * 64)
    store.dispatch(AddHeatmap(replace(make_heatmap(volume), model=other, method="RISE", seconds=9.0, passes=1.0)))
    assert "about 1 min 42 s" in panel.cost.text(), "another model tells nothing"


def two_parts(volume):
    """A mask of two labels with a voxel each."""
    added = add_mask(volume)
    labels = np.zeros(volume.geometry.shape_zyx, np.uint8)
    labels[6, 25, 8], labels[6, 30, 20] = 1, 2
    mask = Mask(labels, volume.geometry, (Segment(1, "Target"), Segment(2, "Other", title_zh="另一")))
    return AddPrediction(replace(added.prediction, mask=mask), added.findings)


def look_at(store, volume, voxel):
    store.dispatch(MoveCursor(tuple(map(float, volume.geometry.to_world(voxel[::-1])))))


def test_the_part_under_the_crosshair_is_explained_with_the_label_that_lies_there(store, fake, keep, volume):
    panel = keep(ExplainPanel(store, fake, job=object()))
    store.dispatch(two_parts(volume))
    look_at(store, volume, (6, 30, 20))
    assert [panel.where.itemText(row) for row in range(2)] == ["all of it", "only the part under the crosshair: Other"]
    choose(panel.target, "Target")
    choose(panel.where, "crosshair")
    assert panel.target.currentData() == "Other", "the label that lies there"
    panel.button.click()
    assert fake.calls[-1][2][2] == "Other"
    assert fake.calls[-1][3] == {"voxel": (6, 30, 20)}
    look_at(store, volume, (0, 0, 0))
    assert not panel.button.isEnabled()
    assert panel.hint.text() == "There is no Other under the crosshair."
    choose(panel.where, "")
    assert panel.button.isEnabled()
    panel.button.click()
    assert fake.calls[-1][3] == {}


def test_what_the_reader_drew_is_explained(store, fake, keep, volume):
    panel = keep(ExplainPanel(store, fake, job=object()))
    store.dispatch(add_scores(volume))
    assert not panel.where.isVisible(), "a classifier has no region"
    store.dispatch(two_parts(volume))
    region = Region(volume.series.key, volume.geometry, MODEL, Prompt(Box(2, 2, 9, 9, 6)))
    plane = np.zeros(volume.geometry.shape_zyx[1:], bool)
    plane[3:5, 3:7] = True
    store.dispatch(SetRegion(region.changed({6: plane})))
    assert panel.where.itemText(2) == "where I drew: Region"
    choose(panel.where, 0)
    panel.button.click()
    marked = fake.calls[-1][3]["marked"]
    assert np.argwhere(marked.region)[:, 0].tolist() == [6] * 8
    store.dispatch(DropRegion())
    panel.button.click()
    assert fake.calls[-1][3] == {}, "what is gone is not explained"


@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_every_method_is_offered_with_its_ranges(store, fake, keep, volume, task):
    panel = keep(ExplainPanel(store, fake))
    store.dispatch(add_scores(volume) if task == "classification" else add_mask(volume))
    for one in METHODS:
        if not one.applies_to(task):
            assert panel.method.findData(one.name) < 0
            continue
        choose(panel.method, one.name)
        assert list(panel.form.numbers) == [setting.name for setting in one.settings]
        assert panel.form.settings() == {}
        assert panel.form.layer.isVisible() is one.reads_layer
        assert panel.cost.isVisible()


def test_a_method_that_cannot_run_is_greyed_with_its_reason(store, fake, keep, volume, monkeypatch):
    from medassist.explain import on_input
    from medassist.plugins import Availability

    monkeypatch.setattr(on_input, "needs", lambda _modules: Availability("captum is missing"))
    panel = keep(ExplainPanel(store, fake))
    store.dispatch(add_scores(volume))
    row = panel.method.findData("saliency")
    assert panel.method.itemText(row) == "Saliency: captum is missing"
    assert not panel.method.model().index(row, 0).flags() & Qt.ItemFlag.ItemIsEnabled


def chest_scores(volume):
    package = find(CHEST)
    added = add_scores(volume)
    return package, AddPrediction(replace(added.prediction, model=package.ref), added.findings)


def test_layers_are_looked_for_once_and_offered(store, fake, keep, volume, monkeypatch):
    package, added = chest_scores(volume)
    package = replace(package, explanation=replace(package.explanation, layer="own.layer", method="gradcam"))
    monkeypatch.setattr(explain_panel, "package_of", lambda _prediction: package)
    panel = keep(ExplainPanel(store, fake, job=object()))
    store.dispatch(added)
    lanes = [call[:2] for call in fake.calls]
    assert ("layers", find_layers) in lanes
    fake.calls.clear()
    store.dispatch(KnowLayers(package.sha256, ("features.conv0", "features.denseblock1")))
    assert fake.calls == []
    layer = panel.form.layer
    assert [layer.itemText(row) for row in range(layer.count())] == [
        "own.layer (of the model)", "features.conv0", "features.denseblock1",
    ]  # fmt: skip
    panel.button.click()
    assert fake.calls.pop()[3] == {}
    layer.setCurrentText("features.denseblock1")
    panel.button.click()
    assert fake.calls.pop()[3] == {"layer": "features.denseblock1"}
    choose(panel.method, "saliency")
    panel.button.click()
    assert fake.calls.pop()[3] == {}, "saliency reads no layer"


def test_passport_tells_comparison_numbers_and_both_ends(store, volume):
    values = np.zeros(volume.geometry.shape_zyx, np.float32)
    values[6, 25, 8], values[6, 30, 20] = -4.0, 2.0
    heatmap = replace(
        make_heatmap(volume), method="Occlusion", values_zyx=values, native_zyx=values.copy(), signed=True,
        against="Effusion", layer="", parameters={"window": 0.2, "window_voxels": [3, 3]},
    )  # fmt: skip
    told = passport_text(store.session, heatmap).splitlines()
    assert "Compared with: Effusion" in told
    assert "Values from -4 to 2" in told
    assert "Numbers: Window, as a share of the image 0.2" in told


def test_the_drawn_area_counts_what_is_drawn(volume):
    values = np.zeros(volume.geometry.shape_zyx, np.float32)
    values[0, 0, :3] = (10.0, 5.0, -8.0)
    voxels = values.size
    plain = replace(make_heatmap(volume), values_zyx=values, native_zyx=values.copy())
    signed = replace(plain, signed=True)
    assert share_above(plain, 0.2) * voxels == pytest.approx(2)
    assert share_above(plain, 0.6) * voxels == pytest.approx(1)
    assert share_above(signed, 0.6) * voxels == pytest.approx(2)
    assert share_above(signed, 0.0) * voxels == pytest.approx(3), "zero is never drawn"


def test_controls_follow_the_session_and_change_it(store, fake, keep, volume):
    panel = keep(ExplainPanel(store, fake))
    assert panel.controls.isHidden()
    store.dispatch(add_heat(volume))
    assert not panel.controls.isHidden()
    assert panel.controls.area.text().startswith("Drawn: 0.0 % of the volume")
    store.dispatch(SetLayers(Layers(heatmap_threshold=0.4)))
    assert panel.controls.sliders["heatmap_threshold"].value() == 40
    panel.controls.cells.setChecked(True)
    panel.controls.sliders["heatmap_opacity"].setValue(80)
    layers = store.session.layers
    assert (layers.heatmap_native_cells, layers.heatmap_opacity, layers.heatmap_threshold) == (True, 0.8, 0.4)
    assert "not where disease is" in panel.meaning.text()
    assert panel.meaning.isVisible()


def test_the_panel_speaks_chinese(store, fake, keep, volume):
    panel = keep(ExplainPanel(store, fake))
    store.dispatch(add_scores(volume))
    choose(panel.method, "occlusion")
    panel.form.numbers["window"].setValue(0.3)
    set_language("zh_CN")
    panel.retranslate()
    assert "遮挡" in panel.method.currentText()
    assert panel.form.numbers["window"].value() == 0.3, "what was chosen stays"
    assert "并非病灶" in panel.meaning.text()


def test_regions_are_only_outlined_under_a_signed_map(window, store, volume):
    store.dispatch(add_mask(volume))
    plane = window.viewer.planes[0]
    plane.go_to(6)
    assert plane.layers.fill.isVisible()
    store.dispatch(AddHeatmap(replace(make_heatmap(volume), signed=True)))
    assert not plane.layers.fill.isVisible(), "blue and orange would be read as against and for"
    assert plane.layers._outlines
    assert not window.layers.sliders["fill_opacity"].isEnabled()
    store.dispatch(SetLayers(Layers(heatmap_visible=False)))
    assert plane.layers.fill.isVisible()
    assert window.layers.sliders["fill_opacity"].isEnabled()
    store.dispatch(SetLayers(Layers(visible=False)))
    assert not plane.layers.fill.isVisible()


def test_long_captions_of_a_scale_have_room(window, store, volume):
    bar = window.viewer.color_bar
    store.dispatch(add_heat(volume))
    low = bar.height()
    long = replace(make_heatmap(volume), target="A name of many words " * 4, against="Another of many words " * 3)
    store.dispatch(AddHeatmap(long))
    assert bar.height() > low


def test_space_held_hides_the_map(window, store, volume):
    store.dispatch(add_heat(volume))
    plane = window.viewer.planes[0]
    plane.go_to(6)
    assert plane.layers.heat.isVisible()
    press(window.viewer, Qt.Key.Key_Space)
    assert not plane.layers.heat.isVisible()
    assert window.viewer.color_bar.isHidden()
    press(window.viewer, Qt.Key.Key_Space, QEvent.Type.KeyRelease)
    assert plane.layers.heat.isVisible()
