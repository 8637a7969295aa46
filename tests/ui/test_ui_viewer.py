"""The viewer on real events: mouse map, keys, linked planes."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from ui_cases import add_heat, add_mask, drag, irregular_series, make_scan, make_series, make_volume, mouse, press

from medassist.entities.volume import Window
from medassist.imaging.slicing import Plane
from medassist.session.actions import AddScan, ShowVolume
from medassist.ui.viewer import texts
from medassist.ui.viewer.viewer import Viewer


@pytest.fixture
def volume():
    return make_volume()


@pytest.fixture
def viewer(store, keep, volume):
    one = keep(Viewer(store))
    store.dispatch(AddScan(make_scan(volume.series)))
    store.dispatch(ShowVolume(volume))
    QApplication.processEvents()
    return one


def wheel(view, notches, modifiers=Qt.KeyboardModifier.NoModifier):
    at = QPointF(view.viewport().rect().center())
    event = QWheelEvent(at, QPointF(view.mapToGlobal(at.toPoint())), at.toPoint(), QPointF(0, 120 * notches).toPoint(),
                        Qt.MouseButton.NoButton, modifiers, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(view.viewport(), event)


def test_without_a_series_it_says_what_to_do(store, keep):
    viewer = keep(Viewer(store))
    assert viewer.stack.currentIndex() == 0
    assert "Drop a folder" in viewer.empty.text()


def test_three_planes_and_the_wheel_scrolls_the_one_below(viewer, store):
    assert [view.plane for view in viewer.visible_planes()] == list(Plane)
    axial, coronal, _sagittal = viewer.planes
    before = [view.shown.index for view in viewer.planes]
    wheel(axial, -1)
    assert [view.shown.index for view in viewer.planes] == [before[0] + 1, *before[1:]]
    wheel(coronal, 2)
    assert coronal.shown.index == before[1] - 2
    assert axial.shown.index == before[0] + 1


def test_scrolling_stops_at_the_ends(viewer):
    axial = viewer.planes[0]
    press(axial, Qt.Key.Key_End)
    assert axial.shown.index == 9
    press(axial, Qt.Key.Key_Down)
    assert axial.shown.index == 9
    press(axial, Qt.Key.Key_Home)
    press(axial, Qt.Key.Key_PageUp)
    assert axial.shown.index == 0


def test_left_drag_is_window_and_a_click_is_the_crosshair(viewer, store):
    axial = viewer.planes[0]
    target = axial.viewport()
    cursor = store.session.view.cursor_lps
    drag(target, QPointF(100, 200), QPointF(60, -40), Qt.MouseButton.LeftButton)
    window = store.session.view.window
    assert window.width > 400
    assert window.center < 40
    assert store.session.view.cursor_lps == cursor
    place = axial.to_screen(5, 3)
    mouse(target, QEvent.Type.MouseButtonPress, place)
    mouse(target, QEvent.Type.MouseButtonRelease, place)
    assert store.session.view.cursor_lps == pytest.approx((-12 + 3 * 0.8, -16 + 5 * 0.8, cursor[2]), abs=0.05)
    assert viewer.planes[2].shown.index == 3
    assert viewer.planes[1].shown.index == 5


def test_middle_drag_moves_the_picture_with_the_hand(viewer, store):
    axial, session = viewer.planes[0], store.session
    before = axial.to_screen(20, 10)
    drag(axial.viewport(), QPointF(100, 200), QPointF(30, -17), Qt.MouseButton.MiddleButton)
    moved = axial.to_screen(20, 10) - before
    assert (moved.x(), moved.y()) == pytest.approx((30, -17), abs=1.01)
    assert store.session is session


def test_right_drag_zooms_around_the_place_it_began(viewer):
    axial = viewer.planes[0]
    anchor = axial.to_screen(20, 10)
    size = axial.to_screen(20, 20).x() - anchor.x()
    drag(axial.viewport(), anchor, QPointF(0, -90), Qt.MouseButton.RightButton)
    assert axial.to_screen(20, 20).x() - axial.to_screen(20, 10).x() > 1.3 * size
    assert (axial.to_screen(20, 10) - anchor).manhattanLength() < 3
    wheel(axial, 1, Qt.KeyboardModifier.ControlModifier)
    press(axial, Qt.Key.Key_F)
    assert axial.to_screen(20, 20).x() - axial.to_screen(20, 10).x() == pytest.approx(size, rel=0.01)


def test_the_value_told_is_the_one_under_the_mouse_after_zoom_and_pan_too(viewer, monkeypatch):
    axial, told = viewer.planes[0], []
    real = texts.under_cursor
    monkeypatch.setattr(texts, "under_cursor", lambda *given: told.append(given[2:4]) or real(*given))
    at = QPointF(150, 200)
    mouse(axial.viewport(), QEvent.Type.MouseMove, at, Qt.MouseButton.NoButton)
    for change in (
        lambda: press(axial, Qt.Key.Key_Plus),
        lambda: drag(axial.viewport(), at - QPointF(40, 0), QPointF(40, 0), Qt.MouseButton.MiddleButton),
    ):
        change()
        axial.viewport().repaint()
        assert told[-1] == pytest.approx(axial.to_pixel(at))  # fmt: skip


def test_digits_and_invert(viewer, store):
    axial = viewer.planes[0]
    press(axial, Qt.Key.Key_7)
    assert store.session.view.window.name == "Lung"
    press(axial, Qt.Key.Key_0)
    assert store.session.view.window == store.session.volume.windows[0]
    press(axial, Qt.Key.Key_1)
    assert store.session.view.window.name == "Automatic"
    press(axial, Qt.Key.Key_I)
    assert store.session.view.inverted


def test_a_hiding_window_gives_way_once_and_the_readers_own_stays(viewer, store):
    array = np.linspace(0, 100, 12000, dtype=np.float32).reshape(10, 40, 30)
    dark = make_volume(make_series("mr", modality="MR"), array=array, unit="", windows=(Window(470.0, 950.0),))
    store.dispatch(AddScan(make_scan(dark.series, source="/data/mr")))
    first = store.session.volume
    store.dispatch(ShowVolume(dark))
    assert store.session.view.window.name == "Automatic"
    press(viewer.planes[0], Qt.Key.Key_0)
    assert store.session.view.window == Window(470.0, 950.0)
    store.dispatch(ShowVolume(first))
    assert store.session.view.window == first.windows[0]
    store.dispatch(ShowVolume(dark))
    assert store.session.view.window == Window(470.0, 950.0)


def test_space_hides_ai_results_while_it_is_held(viewer, store, volume):
    store.dispatch(add_mask(volume))
    store.dispatch(add_heat(volume))
    axial = viewer.planes[0]
    axial.go_to(6)
    assert axial.layers.heat.isVisible()
    assert axial.layers._outlines
    assert viewer.color_bar.isVisible()
    press(axial, Qt.Key.Key_Space)
    assert not axial.layers.fill.isVisible()
    assert not axial.layers.heat.isVisible()
    assert not axial.layers._outlines
    assert not viewer.color_bar.isVisible()
    press(axial, Qt.Key.Key_Space, QEvent.Type.KeyRelease)
    assert axial.layers.heat.isVisible()
    assert axial.layers._outlines


def test_losing_focus_shows_ai_results_again(viewer, store, volume):
    store.dispatch(add_mask(volume))
    axial = viewer.planes[0]
    press(axial, Qt.Key.Key_Space)
    axial.unfocused.emit()
    assert axial.layers.fill.isVisible()


def test_double_click_enlarges_a_plane_and_puts_it_back(viewer):
    coronal = viewer.planes[1]
    for expected in ((coronal,), viewer.planes):
        mouse(coronal.viewport(), QEvent.Type.MouseButtonDblClick, QPointF(50, 50))
        assert viewer.visible_planes() == expected
    assert viewer.planes[0].leading


def test_irregular_slices_get_one_plane_and_the_reason(store, keep):
    viewer = keep(Viewer(store))
    volume = make_volume(irregular_series())
    store.dispatch(AddScan(make_scan(volume.series)))
    store.dispatch(ShowVolume(volume))
    assert len(viewer.visible_planes()) == 1
    assert "no regular grid" in viewer.banner.text()
    assert not viewer.banner.isHidden()


def test_overlay_of_another_grid_is_not_drawn(viewer, store):
    affine = make_volume().geometry.affine_lps.copy()
    affine[2, 3] += 2.0
    other = make_volume(affine=affine)
    store.dispatch(add_mask(other))
    store.dispatch(add_heat(other))
    axial = viewer.planes[0]
    axial.go_to(6)
    assert not axial.layers.fill.isVisible()
    assert not axial.layers.heat.isVisible()
    assert "another grid" in viewer.banner.text()


def test_sliders_do_not_touch_the_slices(viewer, store, volume, monkeypatch):
    from dataclasses import replace

    from medassist.session.actions import SetLayers
    from medassist.ui.viewer import slices

    store.dispatch(add_mask(volume))
    store.dispatch(add_heat(volume))
    for name in ("heat", "labels", "picture"):
        monkeypatch.setattr(slices, name, lambda *args, **kwargs: pytest.fail("a slice was computed again"))
    store.dispatch(SetLayers(replace(store.session.layers, heatmap_opacity=0.9, heatmap_threshold=0.6)))
    store.dispatch(SetLayers(replace(store.session.layers, fill_opacity=0.1, outline_opacity=0.2)))
