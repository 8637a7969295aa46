"""Several series on screen: each pane acts on its own, and nothing of one is drawn or done on another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from phantoms import write_ct_series, write_film
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QWheelEvent
from PySide6.QtWidgets import QApplication
from ui_cases import AXIAL, add_mask, drag, make_scan, make_series, make_volume, mouse, press, pump

from medassist.entities.errors import UnreadableInput
from medassist.entities.geometry import Geometry
from medassist.entities.measurement import Shape
from medassist.entities.study import Patient, Scan, Study
from medassist.imaging.slicing import Plane
from medassist.session.actions import AddScan, ShowVolume
from medassist.session.arranging import Activate, PutInPane, SetLayout, SetLinked, SetPlane
from medassist.ui import hanging
from medassist.ui.viewer.measure_tool import MeasureTool
from medassist.ui.viewer.panes import SERIES_MIME
from medassist.ui.viewer.viewer import Viewer

HALF = Geometry(AXIAL @ np.diag([2, 2, 2, 1]), (5, 20, 15), "1.2.3")


@pytest.fixture
def viewer(store, keep):
    """Two series of one patient in one frame of reference beside each other, the first one active."""
    one = keep(Viewer(store))
    first, second = make_volume(), make_volume(make_series("two"), shape=(5, 20, 15), geometry=HALF)
    store.dispatch(AddScan(make_scan(first.series, second.series)))
    store.dispatch(ShowVolume(second))
    store.dispatch(ShowVolume(first))
    store.dispatch(SetLayout("1x2"))
    QApplication.processEvents()
    return one


def wheel(view, notches):
    at = QPointF(view.viewport().rect().center())
    event = QWheelEvent(at, QPointF(view.mapToGlobal(at.toPoint())), at.toPoint(), QPointF(0, 120 * notches).toPoint(),
                        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase,
                        False)  # fmt: skip
    QApplication.sendEvent(view.viewport(), event)


def shown(viewer):
    return [view.shown.volume.series.key for view in viewer.views if not view.isHidden()]


def other_patient(store):
    """Open a series of another patient and put it into the second pane."""
    john = make_volume(make_series("john"))
    study = Study("9.9", Patient("Roe^John", "ID-8"), series=(john.series,))
    store.dispatch(AddScan(Scan(Path("/x"), (study,))))
    before = store.session.current
    store.dispatch(SetLayout("1x1"))
    store.dispatch(ShowVolume(john))
    store.dispatch(ShowVolume(store.session.volumes[before]))
    store.dispatch(SetLayout("1x2"))
    store.dispatch(PutInPane(1, "john"))


def test_each_pane_shows_its_series_and_says_whose_it_is(viewer):
    assert shown(viewer) == ["one", "two"]
    assert [view.leading for view in viewer.views[:2]] == [True, True]
    assert [view.accessibleName() for view in viewer.views[:2]] == ["Pane 1: Axial", "Pane 2: Axial"]
    assert not viewer.panes.warning.isVisible()


def test_the_wheel_scrolls_the_pane_below_and_panes_that_are_linked_follow(viewer, store):
    first, second = viewer.views[:2]
    wheel(second, 1)
    assert store.session.current == "one"
    assert first.shown.index == 2 * second.shown.index
    store.dispatch(SetLinked(False))
    index = first.shown.index
    wheel(second, 1)
    assert first.shown.index == index
    assert store.session.current == "one"


def test_a_click_makes_a_pane_the_active_one_and_acts_on_its_series(viewer, store):
    store.dispatch(SetLinked(False))
    second, before = viewer.views[1], store.session.views["one"]
    drag(second.viewport(), QPointF(60, 60), QPointF(40, 0), Qt.MouseButton.LeftButton)
    assert store.session.current == "two"
    assert store.session.arrangement.active == 1
    assert store.session.view.window.width > 400
    assert store.session.views["one"] is before
    assert shown(viewer) == ["one", "two"]
    press(viewer, Qt.Key.Key_End)
    assert second.shown.index == 4
    assert viewer.views[0].shown.index == 5


def test_the_frame_stands_around_the_active_pane(viewer, store):
    def framed(view):
        image, edge = viewer.panes.grab().toImage(), view.geometry()
        return image.pixelColor(edge.left() - 1, edge.center().y()).name()

    first, second = viewer.views[:2]
    assert framed(first) != framed(second)
    accent = framed(first)
    store.dispatch(Activate(1))
    QApplication.processEvents()
    assert framed(second) == accent != framed(first)
    store.dispatch(SetLayout("2x2"))
    QApplication.processEvents()
    image, edge = viewer.panes.grab().toImage(), second.geometry()
    around = [(edge.center().x(), edge.top() - 1), (edge.center().x(), edge.bottom() + 1),
              (edge.left() - 1, edge.center().y()), (edge.right() + 1, edge.center().y())]  # fmt: skip
    assert {image.pixelColor(x, y).name() for x, y in around} == {accent}


def test_only_what_changed_is_drawn_again(viewer, store, monkeypatch):
    store.dispatch(SetLinked(False))
    drawn = []
    for number, view in enumerate(viewer.views):
        real = view.draw
        monkeypatch.setattr(view, "draw", lambda *a, n=number, real=real, **k: drawn.append(n) or real(*a, **k))
    wheel(viewer.views[1], 1)
    assert drawn == [1]
    drawn.clear()
    press(viewer, Qt.Key.Key_I)
    assert drawn == [0]


def test_a_mask_of_one_series_is_not_drawn_over_another_in_the_same_grid(viewer, store):
    same = make_volume(make_series("three"))
    store.dispatch(AddScan(make_scan(same.series, source="/third")))
    store.dispatch(SetLayout("1x1"))
    store.dispatch(ShowVolume(same))
    store.dispatch(ShowVolume(store.session.volumes["one"]))
    store.dispatch(SetLayout("1x2"))
    assert shown(viewer) == ["one", "three"]
    store.dispatch(add_mask(store.session.volume, (5, 20, 15)))
    QApplication.processEvents()
    first, second = viewer.views[:2]
    assert first.layers.fill.isVisible()
    assert not second.layers.fill.isVisible()
    store.dispatch(Activate(1))
    assert first.layers.fill.isVisible()
    assert not second.layers.fill.isVisible()


def test_a_tool_draws_on_the_series_of_the_pane_that_is_pressed(viewer, store):
    tool = MeasureTool(store, viewer.views, viewer.pointer, viewer)
    viewer.hide()
    viewer.show()  # as the window does: tools are made after the viewer, and before it is seen
    tool.choose(Shape.LENGTH)
    target = viewer.views[1].viewport()
    drag(target, viewer.views[1].to_screen(4, 4), QPointF(60, 0), Qt.MouseButton.LeftButton)
    assert [one.series_key for one in store.session.measurements] == ["two"]
    assert store.session.current == "two"
    tool.choose(None)


def test_different_patients_on_screen_are_said_as_long_as_they_are(viewer, store):
    other_patient(store)
    QApplication.processEvents()
    warning = viewer.panes.warning
    assert warning.isVisible()
    assert "Different patients" in warning.text()
    red = viewer.panes.grab().toImage().pixelColor(warning.geometry().left() + 4, warning.geometry().center().y())
    assert red.red() > 2 * red.green()
    press(viewer, Qt.Key.Key_Space)
    store.dispatch(Activate(1))
    QApplication.processEvents()
    assert warning.isVisible()
    store.dispatch(SetLayout("1x1"))
    QApplication.processEvents()
    assert not warning.isVisible()


def test_different_patients_do_not_scroll_together(viewer, store):
    other_patient(store)
    index = viewer.views[0].shown.index
    wheel(viewer.views[1], 2)
    assert viewer.views[0].shown.index == index


def test_planes_of_one_series_and_zoom_together_where_they_show_the_same(viewer, store):
    store.dispatch(SetLayout("2x2"))
    QApplication.processEvents()
    assert shown(viewer) == ["one", "two", "one", "one"]
    assert [view.plane for view in viewer.views] == [Plane.AXIAL, Plane.AXIAL, Plane.CORONAL, Plane.SAGITTAL]
    assert [view.leading for view in viewer.views] == [True, True, False, False]
    store.dispatch(Activate(2))
    store.dispatch(SetPlane(Plane.AXIAL))
    first, second, third = viewer.views[:3]
    QApplication.processEvents()
    far = second.camera.zoom
    third.zoom_by(2.0)
    assert first.camera.zoom == pytest.approx(third.camera.zoom)
    assert second.camera.zoom == far
    assert first.to_screen(10, 10) == third.to_screen(10, 10)


def test_a_pane_shows_the_plane_its_series_was_taken_in_until_another_is_asked_for(viewer, store):
    sagittal = np.array([[0.0, 0, 2, -12], [0.8, 0, 0, -16], [0, -0.8, 0, 10], [0, 0, 0, 1]])
    taken = make_volume(make_series("sagittal"), affine=sagittal)
    store.dispatch(AddScan(make_scan(taken.series, source="/third")))
    store.dispatch(ShowVolume(taken))
    assert viewer.views[0].plane is Plane.SAGITTAL
    store.dispatch(SetPlane(Plane.CORONAL))
    assert viewer.views[0].plane is viewer.views[0].shown.plane is Plane.CORONAL
    store.dispatch(SetLayout("2x2"))
    assert shown(viewer) == ["sagittal", "two", "one", "sagittal"]
    assert [view.plane for view in viewer.views] == [Plane.CORONAL, Plane.AXIAL, Plane.AXIAL, Plane.AXIAL]


def test_an_empty_pane_says_what_to_do_and_takes_the_next_series(viewer, store):
    store.dispatch(SetLayout("1+3"))
    store.dispatch(Activate(0))
    film = make_volume(make_series("film", irregularity="alone"), shape=(1, 20, 15))
    store.dispatch(AddScan(make_scan(film.series, source="/film")))
    store.dispatch(SetLayout("1x1"))
    store.dispatch(ShowVolume(film))
    store.dispatch(AddScan(Scan(store.session.scans[0].source)))  # the first two are closed
    store.dispatch(SetLayout("1x2"))
    QApplication.processEvents()
    hint = viewer.panes.hints[1]
    assert hint.isVisible()
    assert "Drop a series" in hint.text()
    mouse(hint, QEvent.Type.MouseButtonPress, QPointF(20, 20))
    assert store.session.arrangement.active == 1
    QApplication.processEvents()
    assert shown(viewer) == ["film", "film"]


def test_keys_go_from_pane_to_pane(viewer, store):
    store.dispatch(SetLayout("2x2"))
    went = []
    for _step in range(4):
        viewer.go(1)
        went.append((store.session.arrangement.active, store.session.current))
    assert went == [(1, "two"), (2, "one"), (3, "one"), (0, "one")]
    viewer.go(-1)
    assert store.session.arrangement.active == 3
    store.dispatch(SetLayout("mpr"))
    viewer.planes[0].setFocus()
    viewer.go(1)
    assert viewer.planes[1].hasFocus()


def test_one_pane_is_enlarged_and_put_back(viewer, store):
    viewer.toggle_maximised(viewer.views[1])
    assert shown(viewer) == ["two"]
    viewer.toggle_maximised(viewer.views[1])
    assert shown(viewer) == ["one", "two"]
    store.dispatch(SetLayout("mpr"))
    assert [view.plane for view in viewer.visible_planes()] == list(Plane)
    assert viewer.views[3].isHidden()


def test_what_is_dropped_on_a_pane_comes_into_that_pane(viewer):
    dropped = []
    viewer.panes.dropped.connect(lambda number, key: dropped.append((number, key)))
    mime = QMimeData()
    mime.setData(SERIES_MIME, "键".encode())
    at = QPointF(viewer.views[1].geometry().center())
    viewer.panes.dropEvent(QDropEvent(at, Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton,
                                      Qt.KeyboardModifier.NoModifier))  # fmt: skip
    assert dropped == [(1, "键")]


def dragged(event_type, view, mime):
    at = QPointF(30, 30) if event_type is QDropEvent else QPoint(30, 30)
    event = event_type(at, Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view.viewport(), event)
    return event.isAccepted()


def test_a_series_dragged_over_the_window_lands_in_the_pane_below_the_mouse(window, store):
    volumes = [make_volume(make_series(key)) for key in ("three", "two", "one")]
    store.dispatch(AddScan(make_scan(*(one.series for one in volumes))))
    for one in volumes:
        store.dispatch(ShowVolume(one))
    store.dispatch(SetLayout("1x2"))
    QApplication.processEvents()
    mime, view = QMimeData(), window.viewer.views[1]
    mime.setData(SERIES_MIME, b"three")
    assert dragged(QDragEnterEvent, view, mime)
    assert dragged(QDropEvent, view, mime)
    assert shown(window.viewer) == ["one", "three"]
    assert store.session.current == "one"


def test_two_views_of_a_chest_hang_beside_each_other_and_the_reader_has_the_last_word(window, store, tmp_path):
    write_film(tmp_path / "p", view="PA")
    write_film(tmp_path / "l", view="LL", SeriesNumber=2)
    window.open([tmp_path])
    pump(lambda: len(store.session.volumes) == 2)
    QApplication.processEvents()
    told = store.session.arrangement
    views = [store.session.series(key).view_position for key in told.keys(store.session.current)]
    assert (told.layout, views) == ("1x2", ["PA", "LL"])
    assert store.session.series(store.session.current).view_position == "PA"
    menu = window.menus.layout
    menu.layouts["1x1"].trigger()
    assert len(window.viewer.visible_planes()) == 1
    lateral = next(one.key for one in store.session.all_series() if one.view_position == "LL")
    window.hanger.drop(0, lateral)
    assert store.session.current == lateral
    assert store.session.arrangement.layout == "1x1"
    menu.by_rules.trigger()
    assert store.session.arrangement.layout == "1x2"
    assert store.session.current == lateral
    window.hanger.drop(0, lateral)
    assert menu.layouts["1x2"].isChecked()


def test_an_earlier_study_opened_later_hangs_beside_the_newer_one(window, store, runner, tmp_path):
    write_ct_series(tmp_path / "new", slices=4, rows=16, columns=16)
    write_ct_series(tmp_path / "old", slices=4, rows=16, columns=16, StudyInstanceUID="1.2.9", StudyDate="20250102")
    window.open([tmp_path / "new"])
    pump(lambda: store.session.volume is not None and not runner.running())
    newer = store.session.current
    assert store.session.arrangement.layout == "mpr"
    window.open([tmp_path / "old"])
    pump(lambda: len(store.session.volumes) == 2 and not runner.running())
    earlier = next(key for key in store.session.volumes if key != newer)
    assert store.session.arrangement.keys(store.session.current) == (newer, earlier)
    assert shown(window.viewer) == [newer, earlier]
    store.dispatch(Activate(0 if store.session.current == earlier else 1))
    assert store.session.arrangement.layout == "1x2"
    assert not window.viewer.panes.warning.isVisible()


def test_a_series_that_cannot_be_loaded_leaves_its_pane_with_its_name_and_is_tried_once(
    window, store, runner, tmp_path, monkeypatch
):
    tried = []

    def broken(series, *, progress):
        tried.append(series.description)
        raise UnreadableInput("{file} is damaged.", file="x.dcm")

    monkeypatch.setattr(hanging, "load_beside", broken)
    write_film(tmp_path / "p", view="PA", SeriesDescription="Frontal")
    write_film(tmp_path / "q", view="LL", SeriesNumber=2, SeriesDescription="Lateral")
    window.opener.open([tmp_path])
    pump(lambda: bool(tried) and bool(window.messages.sentences()) and not runner.running())
    press(window.viewer, Qt.Key.Key_I)
    QApplication.processEvents()
    assert tried == ["Lateral"]
    assert len(store.session.volumes) == 1
    hint = next(one for one in window.viewer.panes.hints if one.isVisible())
    assert "Lateral" in hint.text()
