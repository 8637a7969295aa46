"""Slabs and turned planes in the viewer: what is drawn, what is said, what is refused, and how the mouse turns them."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtWidgets import QApplication, QMenu
from ui_cases import add_mask, drag, make_scan, make_volume, opened

from medassist.entities.look import CornerText
from medassist.entities.measurement import Shape
from medassist.entities.slab import Projection, Slab
from medassist.entities.turn import STRAIGHT, angle_between, matrix
from medassist.imaging.slicing import Plane, layout
from medassist.language import set_language
from medassist.session.actions import AddScan, SetLayers, ShowVolume
from medassist.session.reslicing import SetSlab, StraightenPlanes, TurnPlanes
from medassist.session.state import Layers
from medassist.ui.planes_menu import PlanesMenu
from medassist.ui.viewer import slices, texts
from medassist.ui.viewer.placing import Placing
from medassist.ui.viewer.region_tool import RegionTool
from medassist.ui.viewer.slices import shown_of
from medassist.ui.viewer.viewer import Viewer


@pytest.fixture
def volume():
    return make_volume(array=np.random.default_rng(3).integers(-500, 500, (10, 40, 30)).astype(np.int16))


@pytest.fixture
def viewer(store, keep, volume):
    one = keep(Viewer(store), 820, 640)
    for action in (AddScan(make_scan(volume.series)), ShowVolume(volume)):
        store.dispatch(action)
    QApplication.processEvents()
    return one


def seen(session, plane=Plane.AXIAL):
    return shown_of(session, plane, Placing().follow(session, plane))


@pytest.mark.parametrize("plane", list(Plane))
@pytest.mark.parametrize("projection", list(Projection))
def test_a_slab_shows_the_projection_of_its_slices(volume, plane, projection):
    session = SetSlab(Slab(projection, 9.0))(opened(volume))
    shown, plain = seen(session, plane), layout(volume.geometry, plane)
    stack = np.stack([plain.extract(volume.array_zyx, index) for index in shown.slices]).astype(float)
    assert len(stack) > 1
    expected = {Projection.MAXIMUM: stack.max(0), Projection.MINIMUM: stack.min(0), Projection.MEAN: stack.mean(0)}
    np.testing.assert_allclose(shown.extract(), expected[projection], rtol=1e-5, atol=1e-3)
    assert slices.picture(shown, session.view).shape == plain.shape


def test_a_slab_of_one_slice_is_the_slice(volume):
    session = opened(volume)
    alone = seen(SetSlab(Slab(Projection.MINIMUM, 0.5))(session))
    np.testing.assert_array_equal(alone.extract(), seen(session).extract())
    assert alone.is_plain
    assert not texts.resliced_lines(alone)


def test_the_corner_of_every_plane_tells_in_every_amount_of_text(volume):
    set_language("en")
    session = TurnPlanes((1, 0, 0), 20.0)(SetSlab(Slab(Projection.MAXIMUM, 9.0))(opened(volume)))
    for much in CornerText:
        told = SetLayers(Layers(corner_text=much))(session)
        for plane, leading in ((Plane.AXIAL, True), (Plane.CORONAL, False), (Plane.SAGITTAL, False)):
            said = " ".join(texts.corners(told, seen(told, plane), 2.0, leading=leading).bottom_left)
            assert "MIP" in said
            assert "slice in the middle" in said
            assert ("Turned by 20°" in said) is (plane is not Plane.SAGITTAL)


def test_the_value_under_the_mouse_is_that_of_the_slab(volume):
    set_language("en")
    session = opened(volume)
    shown = seen(SetSlab(Slab(Projection.MAXIMUM, 50.0))(session))
    highest = int(shown.layout.extract(volume.array_zyx.max(axis=0, keepdims=True), 0)[7, 9])
    said = texts.under_cursor(SetSlab(Slab(Projection.MAXIMUM, 50.0))(session), shown, 7.2, 8.9)
    assert said[1].startswith(f"{highest} ")
    assert said[1].endswith("(MIP)")
    turned = TurnPlanes((1, 0, 0), 20.0)(session)
    middle = seen(turned).layout.to_display(turned.view.cursor_lps)
    assert texts.under_cursor(turned, seen(turned), *middle[:2])[1].endswith("(between voxels)")


def test_what_was_not_scanned_is_black_also_when_inverted(volume):
    from medassist.session.actions import Invert

    session = Invert()(TurnPlanes((1, 0.4, 0), 30.0)(opened(volume)))
    shown = seen(session)
    outside = ~shown.oblique.inside(shown.index)
    assert outside.any()
    assert not slices.picture(shown, session.view)[outside].any()


def test_values_are_taken_once_while_only_the_grey_scale_changes(store, viewer):
    from medassist.session.actions import Invert

    store.dispatch(SetSlab(Slab(Projection.MEAN, 9.0)))
    before = viewer.planes[0].shown.extract()
    store.dispatch(Invert())
    assert viewer.planes[0].shown.extract() is before
    viewer.planes[0].scroll(1)
    assert viewer.planes[0].shown.extract() is not before


def handle(view) -> QPointF:
    return view._turner.lines[0].handles(QRectF(view.viewport().rect()))[0]


def test_pulling_a_handle_turns_the_other_planes_about_the_crosshair(store, viewer):
    axial, coronal, sagittal = viewer.planes
    cursor = store.session.view.cursor_lps
    row, column, _ = axial.shown.layout.to_display(cursor)
    middle, start = axial.to_screen(row, column), handle(axial)
    before = {view: view.to_screen(*view.shown.layout.to_display(cursor)[:2]) for view in viewer.planes}
    arm = start - middle
    round_by_90 = QPointF(-arm.y(), arm.x())
    drag(axial.viewport(), start, round_by_90 - arm, Qt.MouseButton.LeftButton, times=5)
    assert store.session.view.turn != STRAIGHT
    assert not store.session.view.turning
    assert store.session.view.cursor_lps == cursor
    assert angle_between(matrix(store.session.view.turn) @ (1, 0, 0), (1, 0, 0)) == pytest.approx(90, abs=1.0)
    np.testing.assert_allclose(matrix(store.session.view.turn) @ (0, 0, 1), (0, 0, 1), atol=1e-9)
    assert axial.shown.oblique is None, "the plane whose handle was pulled stays as stored"
    for view in (coronal, sagittal):
        assert view.shown.oblique is not None
        now = view.to_screen(*view.shown.layout.to_display(cursor)[:2])
        assert (now - before[view]).manhattanLength() < 1.5, "the crosshair stays where it is"


def test_nothing_is_turned_without_a_crosshair(store, viewer):
    view = viewer.planes[0]
    start = handle(view)
    viewer._toggle_crosshair()
    drag(view.viewport(), start, QPointF(5, 5), Qt.MouseButton.LeftButton)
    assert store.session.view.turn == STRAIGHT


def test_scrolling_a_turned_plane_goes_along_its_normal_and_stops_at_the_edge(store, viewer):
    store.dispatch(TurnPlanes((1, 0, 0), 30.0))
    view = viewer.planes[0]
    normal, begin = np.array(view.shown.oblique.frame.through_lps), np.array(store.session.view.cursor_lps)
    view.scroll(2)
    moved = np.array(store.session.view.cursor_lps) - begin
    np.testing.assert_allclose(moved, normal * float(moved @ normal), atol=1e-6)
    assert moved @ normal == pytest.approx(2 * view.shown.layout.through_mm)
    for _ in range(200):
        view.scroll(1)
    end = np.array(store.session.view.cursor_lps)
    moved = end - begin
    np.testing.assert_allclose(moved, normal * float(moved @ normal), atol=1e-6)
    view.scroll(-1)
    assert (end - np.array(store.session.view.cursor_lps)) @ normal == pytest.approx(view.shown.layout.through_mm)


@pytest.mark.parametrize("action", [SetSlab(Slab(Projection.MAXIMUM, 9.0)), TurnPlanes((1, 1, 0), 20.0)])
def test_nothing_is_measured_on_a_slab_or_a_turned_plane(store, viewer, action):
    from medassist.ui.viewer.measure_tool import MeasureTool

    tool = MeasureTool(store, viewer.views, viewer.pointer, viewer)
    tool.choose(Shape.LENGTH)
    view = viewer.planes[0]
    store.dispatch(action)
    drag(view.viewport(), QPointF(100, 100), QPointF(20, 10), Qt.MouseButton.LeftButton)
    assert not store.session.measurements
    store.dispatch(SetSlab(None))
    store.dispatch(StraightenPlanes())
    drag(view.viewport(), QPointF(100, 100), QPointF(20, 10), Qt.MouseButton.LeftButton)
    assert len(store.session.measurements) == 1


def test_the_menu_does_and_shows_what_is_chosen(store, viewer):
    menu = PlanesMenu(store, viewer)
    assert isinstance(menu, QMenu)
    menu.retranslate()
    menu.projections[Projection.MEAN].trigger()
    assert store.session.view.slab == Slab(Projection.MEAN, 10.0)
    menu.thicknesses[20.0].trigger()
    assert store.session.view.slab == Slab(Projection.MEAN, 20.0)
    menu.turns[Plane.AXIAL, 1].trigger()
    assert angle_between(matrix(store.session.view.turn) @ (1, 0, 0), (1, 0, 0)) == pytest.approx(5.0)
    menu.aboutToShow.emit()
    assert menu.projections[Projection.MEAN].isChecked()
    assert menu.thicknesses[20.0].isChecked()
    assert menu.straighten.isEnabled()
    menu.straighten.trigger()
    menu.single.trigger()
    menu.aboutToShow.emit()
    assert store.session.view.turn == STRAIGHT
    assert store.session.view.slab is None
    assert not menu.straighten.isEnabled()


@pytest.mark.parametrize("action", [SetSlab(Slab(Projection.MAXIMUM, 9.0)), TurnPlanes((1, 1, 0), 20.0)])
def test_no_mask_is_painted_and_nothing_outlined_there(window, store, volume, action):
    store.dispatch(AddScan(make_scan(volume.series)))
    store.dispatch(ShowVolume(volume))
    store.dispatch(add_mask(volume))
    view, boxes = window.viewer.planes[0], []
    outlining = RegionTool(store, window.viewer.views, boxes.append, window)
    window.editing.toggle()
    assert window.editing.open
    store.dispatch(action)
    before = store.session.predictions[-1].mask.labels_zyx
    drag(view.viewport(), QPointF(100, 100), QPointF(20, 10), Qt.MouseButton.LeftButton)
    assert store.session.predictions[-1].mask.labels_zyx is before
    assert "single slices as stored" in window.editing._said
    window.editing.toggle()
    outlining.activate(True)
    drag(view.viewport(), QPointF(100, 100), QPointF(40, 30), Qt.MouseButton.LeftButton)
    assert not boxes
    store.dispatch(SetSlab(None))
    store.dispatch(StraightenPlanes())
    drag(view.viewport(), QPointF(100, 100), QPointF(40, 30), Qt.MouseButton.LeftButton)
    assert boxes
