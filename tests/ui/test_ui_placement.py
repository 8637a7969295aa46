"""Pixels on screen: marker, mask, map, length and crosshair agree, on the right side, in every orientation."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from ui_cases import MODEL, make_heatmap, make_mask, make_scan, make_series, make_volume

from medassist.entities.measurement import Measurement, Shape
from medassist.entities.prediction import Prediction
from medassist.entities.volume import Window
from medassist.imaging.slicing import Plane
from medassist.session.actions import AddHeatmap, AddPrediction, AddScan, MoveCursor, SetLayers, SetWindow, ShowVolume
from medassist.session.measurements import AddMeasurement
from medassist.session.state import Layers
from medassist.ui import theme
from medassist.ui.viewer import hud, measure_layer
from medassist.ui.viewer.measure_place import stored_index
from medassist.ui.viewer.viewer import Viewer

SHAPE = (14, 17, 19)
WHERE = (4, 11, 6)
SPACING = (1.1, 0.7, 2.3)
NOTHING = Layers(visible=False)
ONLY_MASK = Layers(heatmap_visible=False, fill_opacity=1.0, outline_opacity=0.0)
ONLY_HEAT = Layers(mask_visible=False, heatmap_opacity=1.0, heatmap_threshold=0.5)
CELLS = replace(ONLY_HEAT, heatmap_native_cells=True)


def orientations():
    """Every way voxel axes can run along the patient (48), and two oblique ones."""
    for number, (axes, signs) in enumerate(product(permutations(range(3)), product((1, -1), repeat=3))):
        directions = np.zeros((3, 3))
        for column, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
            directions[axis, column] = sign
        yield pytest.param(directions, id=f"{number}:{axes}{signs}")
    for degrees in (12.0, -25.0):
        angle = np.deg2rad(degrees)
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        tilt = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
        yield pytest.param(turn @ tilt, id=f"oblique{degrees}")


def grab(view) -> np.ndarray:
    image = view.viewport().grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return pixels[:, : image.width(), 2::-1].astype(float)


def center(weights: np.ndarray) -> tuple[float, float]:
    assert weights.sum() > 0, "nothing is drawn"
    y, x = np.mgrid[0 : weights.shape[0], 0 : weights.shape[1]] + 0.5
    return float((x * weights).sum() / weights.sum()), float((y * weights).sum() / weights.sum())


def cross_center(view, colors) -> tuple[float, float]:
    picture = grab(view)
    hits = [np.abs(picture - tuple(bytes.fromhex(color[1:]))).sum(-1) < 40 for color in colors]
    return float(np.nonzero(hits[0])[1].mean() + 0.5), float(np.nonzero(hits[1])[0].mean() + 0.5)


@pytest.mark.parametrize("directions", list(orientations()))
def test_everything_agrees_within_half_a_pixel(directions, store, keep, monkeypatch):
    for name in ("draw_corners", "draw_letters", "draw_scale"):
        monkeypatch.setattr(hud, name, lambda *args, **kwargs: None)
    monkeypatch.setattr(measure_layer, "draw_text", lambda *args, **kwargs: None)
    affine = np.eye(4)
    affine[:3, :3] = directions * SPACING
    affine[:3, 3] = (3, -5, 7)
    array = np.zeros(SHAPE, np.int16)
    array[WHERE] = 1000
    volume = make_volume(make_series(shape_zyx=SHAPE), affine, SHAPE, array=array, windows=(Window(500, 1000),))
    viewer = keep(Viewer(store), 820, 640)
    world = tuple(map(float, volume.geometry.to_world(WHERE[::-1])))
    for action in (AddScan(make_scan(volume.series)), ShowVolume(volume), MoveCursor(world)):
        store.dispatch(action)
    prediction = Prediction(MODEL, "one", "", "cpu", mask=make_mask(volume, WHERE))
    store.dispatch(AddPrediction(prediction, ()))
    store.dispatch(AddHeatmap(make_heatmap(volume, WHERE)))
    QApplication.processEvents()
    for view in viewer.planes:
        expected = view.to_screen(*view.shown.layout.to_display(world)[:2])
        viewer._crosshair = False
        store.dispatch(SetLayers(NOTHING))
        found = {"marker": center(grab(view).sum(-1))}
        for name, layers in (("mask", ONLY_MASK), ("map", ONLY_HEAT), ("cells", CELLS)):
            store.dispatch(SetLayers(layers))
            colored = np.ptp(grab(view), axis=-1)
            found[name] = center(np.where(colored > 20, 1.0, 0.0))
        viewer._crosshair = True
        store.dispatch(SetLayers(NOTHING))
        lines = hud_colors(view.plane)
        found["crosshair"] = cross_center(view, lines)
        viewer._crosshair = False
        store.dispatch(SetLayers(NOTHING))
        found["measurement"] = drawn_measurement(store, view, world)
        for name, (x, y) in found.items():
            assert abs(x - expected.x()) <= 0.5, (view.plane, name, found, expected)
            assert abs(y - expected.y()) <= 0.5, (view.plane, name, found, expected)


def drawn_measurement(store, view, world) -> tuple[float, float]:
    """Draw a length in the plane with its middle at the marker, and return where its pixels are."""
    store.dispatch(SetWindow(Window(9000, 10)))  # on even black
    before, layout = grab(view), view.shown.layout
    row, column, index = layout.to_display(world)
    ends = tuple(tuple(layout.to_lps(row, column + step, index).tolist()) for step in (-2.5, 2.5))
    length = Measurement(f"m-{view.plane.value}", "one", Shape.LENGTH, ends, stored_index(view.shown))
    store.dispatch(AddMeasurement(length))
    drawn = grab(view)
    store.dispatch(SetWindow(Window(500, 1000)))
    return center(np.abs(drawn - before).sum(-1))


def hud_colors(plane: Plane) -> tuple[str, str]:
    other = {
        Plane.AXIAL: ("sagittal", "coronal"),
        Plane.CORONAL: ("sagittal", "axial"),
        Plane.SAGITTAL: ("coronal", "axial"),
    }[plane]
    return theme.AXIS_COLORS[other[0]], theme.AXIS_COLORS[other[1]]


@pytest.mark.parametrize("directions", list(orientations())[::5])
def test_patient_right_is_on_the_left_and_front_is_up(directions, store, keep):
    affine = np.eye(4)
    affine[:3, :3] = directions * SPACING
    volume = make_volume(make_series(shape_zyx=SHAPE), affine, SHAPE)
    viewer = keep(Viewer(store), 820, 640)
    for action in (AddScan(make_scan(volume.series)), ShowVolume(volume)):
        store.dispatch(action)
    axial, coronal, sagittal = viewer.planes
    letters = [view.shown.layout.letters() for view in (axial, coronal, sagittal)]
    assert ["".join(each[0][0] for each in letters), "".join(each[2][0] for each in letters)] == ["RRA", "AHH"]
    center_lps = np.array(store.session.view.cursor_lps)
    for view, right, down in ((axial, (1, 0, 0), (0, 1, 0)), (coronal, (1, 0, 0), (0, 0, -1)),
                              (sagittal, (0, 1, 0), (0, 0, -1))):  # fmt: skip
        to_display = view.shown.layout.to_display
        here = view.to_screen(*to_display(center_lps)[:2])
        east = view.to_screen(*to_display(center_lps + 3.0 * np.array(right))[:2])
        south = view.to_screen(*to_display(center_lps + 3.0 * np.array(down))[:2])
        assert east.x() > here.x()
        assert south.y() > here.y()


def test_pixels_that_are_not_square_keep_their_true_shape(store, keep):
    array = np.zeros((1, 20, 40), np.int16)
    array[0, 5:15, 10:30] = 1000
    affine = np.diag([0.5, 1.0, 1.0, 1.0])
    volume = make_volume(make_series(shape_zyx=(1, 20, 40)), affine, (1, 20, 40), array=array,
                         windows=(Window(500, 1000),))  # fmt: skip
    viewer = keep(Viewer(store), 600, 600)
    for action in (AddScan(make_scan(volume.series)), ShowVolume(volume)):
        store.dispatch(action)
    view = viewer.planes[0]
    inside = grab(view).min(-1) > 127
    rows, columns = np.nonzero(inside)
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=4)
