"""Pixels on turned planes: marker, mask, map, measurement and crosshair agree, however the series was stored."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from test_ui_placement import CELLS, NOTHING, ONLY_HEAT, ONLY_MASK, center, grab
from ui_cases import MODEL, make_heatmap, make_mask, make_scan, make_series, make_volume

from medassist.entities.measurement import Measurement, Shape
from medassist.entities.prediction import Prediction
from medassist.entities.volume import Window
from medassist.session.actions import AddHeatmap, AddPrediction, AddScan, MoveCursor, SetLayers, SetWindow, ShowVolume
from medassist.session.measurements import AddMeasurement
from medassist.session.reslicing import StraightenPlanes, TurnPlanes
from medassist.ui import theme
from medassist.ui.viewer import hud, measure_layer
from medassist.ui.viewer.viewer import Viewer

SHAPE = (41, 47, 53)
WHERE = (20, 24, 25)
SPACING = (0.8, 0.6, 1.1)
RADIUS_MM = 7.0


def orientations():
    """The six ways voxel axes can run along the patient, half of them backwards, and one oblique."""
    for number, order in enumerate(permutations(range(3))):
        directions = np.zeros((3, 3))
        for column, axis in enumerate(order):
            directions[axis, column] = -1 if (number + column) % 2 else 1
        yield pytest.param(directions, id=str(order))
    angle = np.deg2rad(17.0)
    tilt = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    yield pytest.param(tilt, id="oblique")


def ball(geometry) -> np.ndarray:
    """Return the voxels around the marker, as many on one side as on the other."""
    k, j, i = np.indices(geometry.shape_zyx)
    away = geometry.to_world(np.stack([i, j, k], -1)) - geometry.to_world(WHERE[::-1])
    return np.linalg.norm(away, axis=-1) <= RADIUS_MM


def line_through(picture, color) -> tuple[np.ndarray, np.ndarray]:
    """Return the middle of the line of a colour on black, and the direction it runs in."""
    own = np.array(tuple(bytes.fromhex(color[1:])), float)
    strength = np.linalg.norm(picture, axis=-1)
    alike = picture @ own / np.maximum(strength, 1e-9) / np.linalg.norm(own)
    y, x = np.nonzero((alike > 0.99) & (strength > 25))
    assert len(x) > 100
    places, weights = np.stack([x, y], 1) + 0.5, strength[y, x]
    middle = np.average(places, axis=0, weights=weights)
    return middle, np.linalg.svd((places - middle) * np.sqrt(weights)[:, None], full_matrices=False)[2][0]


@pytest.mark.parametrize("directions", list(orientations()))
def test_everything_agrees_within_half_a_pixel_on_turned_planes(directions, store, keep, monkeypatch):
    for name in ("draw_corners", "draw_letters", "draw_scale"):
        monkeypatch.setattr(hud, name, lambda *args, **kwargs: None)
    monkeypatch.setattr(measure_layer, "draw_text", lambda *args, **kwargs: None)
    affine = np.eye(4)
    affine[:3, :3] = directions * SPACING
    affine[:3, 3] = (3, -5, 7)
    probe = make_volume(make_series(shape_zyx=SHAPE), affine, SHAPE)
    inside = ball(probe.geometry)
    volume = make_volume(make_series(shape_zyx=SHAPE), affine, SHAPE, array=np.where(inside, 1000, 0).astype(np.int16),
                         windows=(Window(500, 1000),))  # fmt: skip
    viewer = keep(Viewer(store), 820, 640)
    world = tuple(map(float, volume.geometry.to_world(WHERE[::-1])))
    for action in (AddScan(make_scan(volume.series)), ShowVolume(volume), MoveCursor(world)):
        store.dispatch(action)
    mask = replace(make_mask(volume, WHERE), labels_zyx=inside.astype(np.uint8))
    store.dispatch(AddPrediction(Prediction(MODEL, "one", "", "cpu", mask=mask), ()))
    heat = inside.astype(np.float32) * 3
    store.dispatch(AddHeatmap(replace(make_heatmap(volume, WHERE), values_zyx=heat, native_zyx=heat,
                                      native_geometry=volume.geometry)))  # fmt: skip
    store.dispatch(TurnPlanes((1.0, 0.3, 0.1), 24.0))
    store.dispatch(TurnPlanes((0.1, 0.2, 1.0), -31.0))
    QApplication.processEvents()
    for view in viewer.planes:
        assert view.shown.oblique is not None
        row, column, through = view.shown.layout.to_display(world)
        assert through == pytest.approx(view.shown.index, abs=1e-6)
        expected = view.to_screen(row, column)
        viewer._crosshair = True
        store.dispatch(SetLayers(NOTHING))
        store.dispatch(SetWindow(Window(9000, 10)))
        lines = grab(view)
        for other in viewer.planes:
            if other is not view:
                middle, along = line_through(lines, theme.AXIS_COLORS[other.plane.value])
                away = np.array([expected.x(), expected.y()]) - middle
                assert abs(away[0] * along[1] - away[1] * along[0]) <= 0.5, (view.plane, other.plane)
        viewer._crosshair = False
        store.dispatch(SetWindow(Window(500, 1000)))
        found = {"marker": center(grab(view).sum(-1))}
        for name, layers in (("mask", ONLY_MASK), ("map", ONLY_HEAT), ("cells", CELLS)):
            store.dispatch(SetLayers(layers))
            found[name] = center(np.where(np.ptp(grab(view), axis=-1) > 20, 1.0, 0.0))
        store.dispatch(SetLayers(NOTHING))
        found["measurement"] = drawn_measurement(store, view, world)
        for name, (x, y) in found.items():
            assert abs(x - expected.x()) <= 0.5, (view.plane, name, found, expected)
            assert abs(y - expected.y()) <= 0.5, (view.plane, name, found, expected)


def drawn_measurement(store, view, world) -> tuple[float, float]:
    """Draw a length that is in the plane with its middle at the marker, and return where its pixels are."""
    before = grab(view)
    right = np.array(view.shown.oblique.frame.right_lps) * 6.0
    ends = tuple(tuple((np.array(world) + sign * right).tolist()) for sign in (-1, 1))
    store.dispatch(AddMeasurement(Measurement(f"m-{view.plane.value}", "one", Shape.LENGTH, ends, None)))
    return center((np.abs(grab(view) - before).sum(-1) > 60).astype(float))


def test_straight_planes_are_back_to_the_pixel(store, keep):
    volume = make_volume()
    viewer = keep(Viewer(store), 820, 640)
    for action in (AddScan(make_scan(volume.series)), ShowVolume(volume)):
        store.dispatch(action)
    QApplication.processEvents()
    before = [grab(view) for view in viewer.planes]
    store.dispatch(TurnPlanes((1.0, 0.5, 0.2), 30.0))
    assert any((grab(view) != picture).any() for view, picture in zip(viewer.planes, before, strict=True))
    store.dispatch(StraightenPlanes())
    for view, picture in zip(viewer.planes, before, strict=True):
        np.testing.assert_array_equal(grab(view), picture)
