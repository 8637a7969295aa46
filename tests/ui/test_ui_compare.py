"""Two maps side by side: linked planes, each half its own map and mask, the difference, and the ways out."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from bundles import write_segmenter
from phantoms import write_ct_series
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtWidgets import QApplication
from ui_cases import MODEL, add_mask, drag, make_heatmap, make_scan, make_series, make_volume, mouse, press, pump

from medassist.entities.prediction import ModelRef
from medassist.entities.stamp import Stamp, Standing
from medassist.entities.study import SeriesKind, warned
from medassist.explain import comparing
from medassist.imaging.slicing import Plane
from medassist.language import set_language
from medassist.locations import user_models_dir
from medassist.progress import Progress
from medassist.session.actions import AddHeatmap, AddScan, MoveCursor, SetLayers, ShowVolume
from medassist.session.comparing import StopComparing, compare_maps
from medassist.session.stamps import AddStamp
from medassist.ui import map_measurer
from medassist.ui.compare_box import CompareBox
from medassist.ui.viewer import texts
from medassist.ui.viewer.viewer import Viewer

OTHER = ModelRef("other_model", "3.1", "9" * 64, "Other")


def spread(volume, seed, **fields):
    """Return a map with a value everywhere."""
    values = np.random.default_rng(seed).random(volume.geometry.shape_zyx).astype(np.float32)
    return replace(make_heatmap(volume, (0, 5, 5)), values_zyx=values, native_zyx=values.copy(), **fields)


def put(store, volume, *actions):
    for action in (AddScan(make_scan(volume.series)), ShowVolume(volume), *actions):
        store.dispatch(action)


def compare(store, first, second):
    store.dispatch(compare_maps(first, second, progress=Progress()))
    QApplication.processEvents()


@pytest.fixture
def volume():
    return make_volume()


@pytest.fixture
def maps(volume):
    return spread(volume, 1), spread(volume, 2, method="Occlusion", model=OTHER)


@pytest.fixture
def viewer(store, keep, volume, maps):
    one = keep(Viewer(store))
    put(store, volume, *(AddHeatmap(each) for each in maps))
    compare(store, *maps)
    return one


def test_both_maps_are_there_each_with_its_name_scale_and_figures(viewer, store, maps):
    sides = viewer.sides
    assert sides.isVisible()
    assert viewer.visible_planes() == sides.views[:2]
    assert sides.names[0].text() == "A: Grad-CAM for Target · demo_model 0.1.0 · ? Not measured"
    assert sides.names[1].text() == "B: Occlusion for Target · other_model 3.1 · ? Not measured"
    rank = store.session.compared.rank_correlation
    assert sides.figures.text().startswith(f"<b>Rank correlation: {rank:.2f}".replace("-", "−"))
    assert [bar.isVisible() for bar in sides.bars] == [True, True, False]
    assert viewer.color_bar.isHidden()
    drawn = [view.layers.heat.image for view in sides.views[:2]]
    for image, heatmap in zip(drawn, maps, strict=True):
        index = sides.views[0].shown.index
        share = heatmap.values_zyx[index] / heatmap.maximum
        np.testing.assert_array_equal(image, np.rint(share * 255).astype(np.uint8))


def test_the_planes_move_together(viewer, store):
    left, right = viewer.visible_planes()
    press(left, Qt.Key.Key_End)
    assert left.shown.index == right.shown.index == 9
    press(right, Qt.Key.Key_Home)
    assert left.shown.index == right.shown.index == 0
    assert left.to_screen(20, 10) == right.to_screen(20, 10)
    press(right, Qt.Key.Key_Plus)
    drag(left.viewport(), QPointF(100, 200), QPointF(30, -17), Qt.MouseButton.MiddleButton)
    assert left.to_screen(20, 10) == right.to_screen(20, 10)
    assert left.camera.zoom == right.camera.zoom
    drag(right.viewport(), QPointF(100, 200), QPointF(60, -40), Qt.MouseButton.LeftButton)
    assert store.session.view.window.width > 400
    np.testing.assert_array_equal(left.layers.gray.image, right.layers.gray.image)
    press(left, Qt.Key.Key_F)
    assert left.to_screen(20, 10) == right.to_screen(20, 10)


def test_the_difference_is_drawn_on_a_signed_scale_at_the_same_place(viewer, store, maps):
    sides = viewer.sides
    press(sides.views[0], Qt.Key.Key_Plus)
    zoom = sides.views[0].camera.zoom
    sides.difference.click()
    (apart,) = viewer.visible_planes()
    assert apart is sides.views[2]
    assert apart.camera.zoom == zoom
    assert sides.names[2].text().startswith("A − B: Grad-CAM for Target")
    assert sides.names[2].isVisible()
    assert not sides.names[0].isVisible()
    assert sides.bars[2].ends() == ("more in B", "more in A")
    assert sides.bars[2].ticks()[0] == "−100%"
    index = apart.shown.index
    one, other = (each.values_zyx[index] / each.maximum for each in maps)
    above = one - other > 0.01
    assert (apart.layers.heat.image[above] > 128).all()
    sides.difference.click()
    assert viewer.visible_planes() == sides.views[:2]


def test_a_double_click_shows_one_map_alone_and_both_again(viewer):
    left, right = viewer.visible_planes()
    right.maximise.emit()
    assert viewer.visible_planes() == (right,)
    assert not left.isVisible()
    right.maximise.emit()
    assert viewer.visible_planes() == (left, right)


def test_every_plane_can_be_compared(viewer):
    sides = viewer.sides
    assert sides.plane.isVisible()
    sides.plane.setCurrentIndex(sides.plane.findData(Plane.SAGITTAL))
    sides.plane.activated.emit(2)
    assert [view.shown.plane for view in viewer.visible_planes()] == [Plane.SAGITTAL] * 2


def test_a_film_has_one_plane_only(store, keep):
    film = make_volume(make_series("film", SeriesKind.FILM, shape_zyx=(1, 40, 30)), shape=(1, 40, 30))
    viewer = keep(Viewer(store))
    maps = spread(film, 1), spread(film, 2, method="Occlusion")
    put(store, film, *(AddHeatmap(each) for each in maps))
    compare(store, *maps)
    assert not viewer.sides.plane.isVisible()
    assert [view.shown.index for view in viewer.visible_planes()] == [0, 0]


def test_escape_and_the_cross_end_it(viewer, store, maps):
    press(viewer.visible_planes()[0], Qt.Key.Key_Escape)
    assert store.session.compared is None
    assert not viewer.sides.isVisible()
    assert viewer.visible_planes() == viewer.planes
    assert viewer.color_bar.isVisible()
    compare(store, *maps)
    viewer.sides.leave.click()
    assert store.session.compared is None
    assert store.session.heatmap is maps[1]


def test_a_new_map_and_another_series_end_it_without_a_trace(viewer, store, volume, maps):
    store.dispatch(AddHeatmap(spread(volume, 3, method="LIME")))
    assert viewer.visible_planes() == viewer.planes
    compare(store, *maps)
    other = make_volume(make_series("two", shape_zyx=(6, 20, 20)), shape=(6, 20, 20))
    put(store, other)
    assert viewer.visible_planes() == viewer.planes
    assert viewer.planes[0].shown.volume is other
    store.dispatch(ShowVolume(volume))
    assert viewer.visible_planes() == viewer.sides.views[:2]
    assert viewer.sides.views[1].shown.volume is volume


def test_space_hides_both_maps_while_it_is_held(viewer):
    left, right = viewer.visible_planes()
    press(left, Qt.Key.Key_Space)
    assert not left.layers.heat.isVisible()
    assert not right.layers.heat.isVisible()
    press(left, Qt.Key.Key_Space, QEvent.Type.KeyRelease)
    assert left.layers.heat.isVisible()
    assert right.layers.heat.isVisible()


def test_a_failing_map_is_marked_in_its_own_half(viewer, store, maps):
    stamp = Stamp(Standing.FAILS, reasons=(warned("The map is noise."),))
    store.dispatch(AddStamp(maps[1], stamp))
    left, right = viewer.visible_planes()
    assert (left.layers.heat.hatched, right.layers.heat.hatched) == (False, True)
    assert viewer.sides.names[1].text().endswith("✕ Fails")
    assert "The map is noise." in viewer.sides.bars[1].captions()[1]
    assert store.session.compared is not None


def test_the_difference_is_worth_no_more_than_the_lesser_map(viewer, store, maps):
    sides = viewer.sides
    store.dispatch(AddStamp(maps[0], Stamp(Standing.HOLDS)))
    assert not sides.notes.isVisible()
    store.dispatch(AddStamp(maps[1], Stamp(Standing.FAILS, reasons=(warned("The map is noise."),))))
    sides.difference.click()
    heat = sides.views[2].layers.heat
    assert heat.isVisible()
    assert heat.hatched
    assert "✓ Holds minus Occlusion" in sides.names[2].text()
    assert sides.names[2].text().endswith("✕ Fails")
    assert "Map B fails its checks" in sides.notes.text()
    assert "Map B fails its checks" in sides.bars[2].captions()[1]
    store.dispatch(AddStamp(store.session.compared.first, Stamp(Standing.MEANINGLESS, reasons=(warned("None."),))))
    assert not heat.isVisible()
    assert sides.bars[2].isHidden()
    assert "Map A means nothing" in sides.notes.text()
    assert "○ Means nothing minus" in sides.names[2].text()


def test_a_map_that_is_not_drawn_is_not_told_under_the_mouse(store, keep, volume, maps):
    viewer = keep(Viewer(store))
    put(store, volume, AddHeatmap(maps[0]))
    shown = viewer.planes[0].shown
    assert texts.under_cursor(store.session, shown, 20, 10)[-1].startswith("map ")
    store.dispatch(AddStamp(maps[0], Stamp(Standing.MEANINGLESS, reasons=(warned("None."),))))
    assert not any(line.startswith("map ") for line in texts.under_cursor(store.session, shown, 20, 10))


def test_an_empty_map_says_so_in_its_half_and_a_missing_figure_is_none(store, keep, volume, maps):
    viewer = keep(Viewer(store))
    empty = make_heatmap(volume, value=0.0)
    put(store, volume, AddHeatmap(empty), AddHeatmap(maps[1]))
    compare(store, empty, maps[1])
    assert "⚠ The explanation map of Target is zero everywhere" in viewer.sides.names[0].text()
    assert "⚠" not in viewer.sides.names[1].text()
    assert "Rank correlation: none · structural similarity: none" in viewer.sides.figures.text()
    assert "⚠ Map A has the same value everywhere" in viewer.sides.notes.text()
    assert "nan" not in viewer.sides.figures.text() + viewer.sides.notes.text()


def test_each_half_shows_the_mask_of_the_model_its_map_explains(viewer, store, volume, maps):
    store.dispatch(add_mask(volume))
    compare(store, *maps)
    left, right = viewer.visible_planes()
    place = add_mask(volume).findings[0].center_lps
    store.dispatch(MoveCursor(place))
    assert left.layers._outlines
    assert not right.layers._outlines
    assert maps[0].model == MODEL


def test_what_lies_under_the_mouse_is_told_of_the_map_there(viewer, monkeypatch):
    told = {}
    real = texts.under_cursor

    def listen(session, *given):
        lines = real(session, *given)
        told[session.heatmap.method] = lines
        return lines

    monkeypatch.setattr(texts, "under_cursor", listen)
    for view in viewer.visible_planes():
        mouse(view.viewport(), QEvent.Type.MouseMove, view.to_screen(20, 10), Qt.MouseButton.NoButton)
        view.viewport().repaint()
    assert told["Grad-CAM"][-1].startswith("map ")
    assert told["Occlusion"][-1].startswith("map ")
    assert told["Grad-CAM"][-1] != told["Occlusion"][-1]
    viewer.sides.difference.click()
    (apart,) = viewer.visible_planes()
    mouse(apart.viewport(), QEvent.Type.MouseMove, apart.to_screen(20, 10), Qt.MouseButton.NoButton)
    apart.viewport().repaint()
    assert told["Difference"][-1].startswith("A minus B ")


def test_scrolling_computes_no_difference_again(viewer, store, monkeypatch):
    monkeypatch.setattr(comparing, "compare", lambda *_: pytest.fail("compared again"))
    before = store.session.comparison
    press(viewer.visible_planes()[0], Qt.Key.Key_Down)
    store.dispatch(SetLayers(replace(store.session.layers, heatmap_threshold=0.5)))
    assert store.session.comparison is before


class TestBox:
    def test_it_is_there_with_two_maps_and_offers_the_newest_two(self, store, runner, keep, volume, maps):
        box = keep(CompareBox(store, runner))
        put(store, volume, AddHeatmap(maps[0]))
        assert not box.isVisible()
        store.dispatch(AddHeatmap(maps[1]))
        assert box.isVisible()
        assert box.lists[0].currentText() == "Occlusion for Target · other_model 3.1"
        assert box.lists[1].currentText() == "Grad-CAM for Target · demo_model 0.1.0"

    def test_the_button_compares_and_ends(self, store, runner, keep, volume, maps):
        box = keep(CompareBox(store, runner))
        put(store, volume, *(AddHeatmap(each) for each in maps))
        box.button.click()
        pump(lambda: store.session.compared is not None)
        assert store.session.compared.first is maps[1]
        pump(lambda: not runner.running())
        assert box.button.text() == "End comparison"
        box.button.click()
        assert store.session.compared is None
        assert box.button.text() == "Compare side by side"

    def test_a_map_is_not_compared_with_itself_and_a_choice_outlives_a_stamp(self, store, runner, keep, volume, maps):
        box = keep(CompareBox(store, runner))
        third = spread(volume, 5, method="LIME")
        put(store, volume, *(AddHeatmap(each) for each in (*maps, third)))
        box.lists[0].setCurrentIndex(2)
        box.lists[1].setCurrentIndex(2)
        assert not box.button.isEnabled()
        assert box.button.toolTip() == "Choose two different maps."
        box.lists[1].setCurrentIndex(1)
        store.dispatch(AddStamp(third, Stamp(Standing.HOLDS)))
        assert [one.currentIndex() for one in box.lists] == [2, 1]
        assert box.button.isEnabled()
        box.button.click()
        pump(lambda: store.session.compared is not None)
        assert (store.session.compared.first, store.session.compared.second) == maps
        pump(lambda: not runner.running())

    def test_it_speaks_chinese(self, store, runner, keep, volume, maps):
        viewer, box = keep(Viewer(store)), keep(CompareBox(store, runner))
        put(store, volume, *(AddHeatmap(each) for each in maps))
        compare(store, *maps)
        set_language("zh_CN")
        try:
            box.retranslate()
            viewer.retranslate()
            assert box.labels[0].text() == "图 A"
            assert viewer.sides.leave.text() == "✕ 结束对比"
            assert viewer.sides.figures.text().startswith("<b>秩相关系数：")
            assert viewer.sides.names[0].text().startswith("A: Grad-CAM")
        finally:
            set_language("en")


def test_a_region_is_drawn_on_the_planes_so_the_comparison_ends(window, store, volume, maps):
    put(store, volume, *(AddHeatmap(each) for each in maps))
    compare(store, *maps)
    window.region.toggle()
    assert store.session.compared is None
    window.region.toggle()
    compare(store, *maps)
    assert not window.region.shortcuts[1].isEnabled(), "Esc belongs to the comparison again"
    store.dispatch(StopComparing())


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
def test_two_methods_of_a_real_network_from_opening_to_the_end_of_the_comparison(
    window, store, runner, tmp_path, monkeypatch
):
    monkeypatch.setattr(map_measurer, "next_to_measure", lambda *_: None)  # stamps have tests of their own
    write_ct_series(tmp_path / "ct", slices=16, rows=32, columns=32)
    write_segmenter(user_models_dir() / "tiny", modality="CT")
    window.models.reload()
    window.models.select("tiny")
    window.open([tmp_path / "ct"])
    pump(lambda: store.session.volume is not None and not runner.running())
    window.models.device.setCurrentIndex(1)
    window.models.run.click()
    pump(lambda: not runner.running(), 60)
    explain, compare_box = window.explain, window.explain.compare
    explain.target.setCurrentIndex(explain.target.findData("Anterior part"))
    for method in ("gradcam", "saliency"):
        assert compare_box.isHidden()
        explain.method.setCurrentIndex(explain.method.findData(method))
        explain.button.click()
        pump(lambda: not runner.running(), 120)
        assert window.messages.sentences() == ()
    assert not compare_box.isHidden()
    compare_box.button.click()
    pump(lambda: store.session.compared is not None and not runner.running(), 60)
    sides = window.viewer.sides
    assert sides.names[0].text().startswith("A: Saliency")
    assert sides.names[1].text().startswith("B: Seg-Grad-CAM for Anterior part")
    assert [view.shown.index for view in sides.views[:2]] == [8, 8]
    press(window, Qt.Key.Key_Down)
    assert [view.shown.index for view in sides.views[:2]] == [9, 9]
    sides.difference.click()
    assert sides.views[2].layers.heat.isVisible()
    reported = store.session.heatmaps, store.session.findings
    press(window, Qt.Key.Key_Escape)
    assert store.session.compared is None
    assert (store.session.heatmaps, store.session.findings) == reported
    assert window.viewer.planes[0].isVisible()
