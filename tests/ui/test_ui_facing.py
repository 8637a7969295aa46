"""Turned and mirrored pictures: letters, marker, mask and crosshair turn together, and the next picture is straight."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication
from test_ui_placement import NOTHING, ONLY_MASK, SHAPE, SPACING, WHERE, center, cross_center, grab, hud_colors
from ui_cases import MODEL, make_mask, make_scan, make_series, make_volume

from medassist.entities.prediction import Prediction
from medassist.entities.volume import Window
from medassist.imaging.slicing import Plane
from medassist.session.actions import AddPrediction, AddScan, MoveCursor, SetLayers, ShowVolume
from medassist.ui.picture_menu import PictureMenu
from medassist.ui.viewer import annotations, hud
from medassist.ui.viewer.facing import STRAIGHT, Facing, facing_lines
from medassist.ui.viewer.viewer import Viewer

ALL = [Facing(quarters, mirrored) for quarters, mirrored in product(range(4), (False, True))]
EDGES = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}


@pytest.fixture
def volume():
    affine = np.diag([*SPACING, 1.0])
    array = np.zeros(SHAPE, np.int16)
    array[WHERE] = 1000
    return make_volume(make_series(shape_zyx=SHAPE), affine, SHAPE, array=array, windows=(Window(500, 1000),))


@pytest.fixture
def viewer(store, keep, volume):
    shown = keep(Viewer(store), 820, 640)
    for action in (AddScan(make_scan(volume.series)), ShowVolume(volume)):
        store.dispatch(action)
    QApplication.processEvents()
    return shown


@given(st.sampled_from(ALL), st.sampled_from(("right", "left", "mirror", "upside")))
@settings(max_examples=32, deadline=None)
def test_a_change_is_one_of_the_screen(facing, change):
    after, on_screen = {
        "right": (facing.turned(1), lambda x, y: (-y, x)),
        "left": (facing.turned(3), lambda x, y: (y, -x)),
        "mirror": (facing.flipped(upside_down=False), lambda x, y: (-x, y)),
        "upside": (facing.flipped(upside_down=True), lambda x, y: (x, -y)),
    }[change]
    before, now = (one.transform().map(QPointF(3.0, 5.0)) for one in (facing, after))
    assert (now.x(), now.y()) == pytest.approx(on_screen(before.x(), before.y()))


@pytest.mark.parametrize("facing", ALL, ids=str)
def test_letters_stand_where_their_side_is(facing):
    names = dict(zip(EDGES, facing.letters(("left", "right", "top", "bottom")), strict=True))
    for edge, stored in names.items():
        at = facing.transform().map(QPointF(*EDGES[stored]))
        assert (at.x(), at.y()) == pytest.approx(EDGES[edge]), (edge, stored)


@pytest.mark.parametrize("facing", ALL, ids=str)
def test_marker_mask_crosshair_and_letters_turn_together(facing, viewer, store, volume, monkeypatch):
    written = []
    monkeypatch.setattr(hud, "draw_letters", lambda _painter, _area, letters: written.append(letters))
    for name in ("draw_corners", "draw_scale", "draw_text"):
        monkeypatch.setattr(hud, name, lambda *args, **kwargs: None)
    store.dispatch(MoveCursor(tuple(map(float, volume.geometry.to_world(WHERE[::-1])))))
    store.dispatch(AddPrediction(Prediction(MODEL, "one", "", "cpu", mask=make_mask(volume, WHERE)), ()))
    monkeypatch.setattr(annotations, "draw_handles", lambda *args: None, raising=False)
    for view in viewer.planes:
        view.camera.face(facing)
        row, column, _index = view.shown.layout.to_display(store.session.view.cursor_lps)
        expected = view.to_screen(float(row), float(column))
        viewer._crosshair = False
        store.dispatch(SetLayers(NOTHING))
        found = {"marker": center(grab(view).sum(-1))}
        store.dispatch(SetLayers(ONLY_MASK))
        found["mask"] = center(np.where(np.ptp(grab(view), axis=-1) > 20, 1.0, 0.0))
        viewer._crosshair = True
        store.dispatch(SetLayers(NOTHING))
        colors = hud_colors(view.plane)
        found["crosshair"] = cross_center(view, colors[::-1] if facing.lies else colors)
        for name, (x, y) in found.items():
            assert abs(x - expected.x()) <= 0.5, (view.plane, name, found, expected)
            assert abs(y - expected.y()) <= 0.5, (view.plane, name, found, expected)
        assert written[-1] == facing.letters(view.shown.layout.letters())
        seen = view.to_pixel(QPointF(*found["marker"]))
        assert seen == pytest.approx((row, column), abs=0.6 / view.camera.zoom / min(view.shown.layout.spacing_mm))


def test_what_was_done_is_said_and_the_next_picture_is_straight(viewer, store, monkeypatch):
    said = []
    monkeypatch.setattr(hud, "draw_corners", lambda _p, _a, corners, _u: said.append(corners.bottom_left))
    (view, *_others) = viewer.planes
    assert not facing_lines(STRAIGHT)
    view.camera.face(Facing(1, True))
    grab(view)
    assert {"Mirrored on screen", "Turned by 90° on screen"} <= set(said[-1])
    other = make_volume(make_series("two", shape_zyx=SHAPE), np.diag([*SPACING, 1.0]), SHAPE)
    for action in (AddScan(make_scan(other.series, source="/data/other")), ShowVolume(other)):
        store.dispatch(action)
    assert view.camera.facing == STRAIGHT
    grab(view)
    assert not {"Mirrored on screen", "Turned by 90° on screen"} & set(said[-1])


def test_the_whole_picture_stays_in_sight_and_moves_with_the_mouse(viewer):
    (view, *_others) = viewer.planes
    view.camera.face(Facing(1))
    rows, columns = view.shown.layout.shape
    corners = [view.to_screen(*at) for at in ((0, 0), (rows - 1, 0), (0, columns - 1), (rows - 1, columns - 1))]
    area = view.viewport().rect()
    assert all(area.contains(one.toPoint()) for one in corners)
    before = view.to_screen(3, 4)
    view.camera.shift(QPointF(17.0, -9.0))
    moved = view.to_screen(3, 4) - before
    assert (moved.x(), moved.y()) == pytest.approx((17.0, -9.0), abs=1.01)  # Qt scrolls by whole pixels


def test_one_to_one_shows_a_pixel_on_a_pixel(viewer, store, keep):
    menu = PictureMenu(store, viewer, viewer)
    menu.entries["one_to_one"].trigger()
    (view, *_others) = viewer.planes
    assert view.plane is Plane.AXIAL
    step = view.to_screen(0, 11) - view.to_screen(0, 1)
    assert step.x() * view.devicePixelRatioF() == pytest.approx(10.0)


def test_keys_of_the_menu_turn_and_smooth(viewer, store):
    menu = PictureMenu(store, viewer, viewer)
    menu.retranslate()
    (view, *_others) = viewer.planes
    menu.entries["turn_right"].trigger()
    menu.entries["mirror"].trigger()
    assert view.camera.facing == Facing(3, True)
    menu.entries["as_stored"].trigger()
    assert view.camera.facing == STRAIGHT


def test_without_smoothing_every_pixel_has_its_own_value(viewer, store, volume, monkeypatch):
    monkeypatch.setattr("medassist.ui.viewer.slice_view.draw_annotations", lambda *args, **kwargs: None)
    store.dispatch(MoveCursor(tuple(map(float, volume.geometry.to_world(WHERE[::-1])))))
    menu = PictureMenu(store, viewer, viewer)
    (view, *_others) = viewer.planes
    assert len(np.unique(grab(view))) > 10
    menu.entries["smooth"].trigger()
    assert len(np.unique(grab(view))) == 2
    menu.entries["smooth"].trigger()
    assert len(np.unique(grab(view))) > 10
