"""Sessions, fake jobs and events for the window tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from medassist.entities.finding import Finding
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import ClassScore, Mask, ModelRef, Prediction, Segment
from medassist.entities.study import Patient, Scan, Series, SeriesKind, Skipped, Study, warned
from medassist.entities.volume import Volume, Window
from medassist.session.actions import AddHeatmap, AddPrediction, AddScan, ShowVolume
from medassist.session.state import Session

MODEL = ModelRef("demo_model", "0.1.0", "0" * 64, "Demo")
AXIAL = np.array([[0.8, 0, 0, -12.0], [0, 0.8, 0, -16.0], [0, 0, 2.0, -10.0], [0, 0, 0, 1]])


def pump(until: Callable[[], bool], seconds: float = 100.0) -> None:
    """Let the event loop run until something holds."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it never happened"
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
        time.sleep(0.002)


def make_series(key: str = "one", kind: SeriesKind = SeriesKind.VOLUME, **fields: object) -> Series:
    values = {"modality": "CT", "description": "Phantom", "number": 2, "shape_zyx": (10, 40, 30), **fields}
    return Series(key, kind, (), **values)  # type: ignore[arg-type]


def make_volume(
    series: Series | None = None, affine: np.ndarray = AXIAL, shape: tuple[int, int, int] = (10, 40, 30), **fields
) -> Volume:
    series = series or make_series(shape_zyx=shape)
    array = fields.pop("array", None)
    if array is None:
        array = (np.arange(np.prod(shape)).reshape(shape) % 2000 - 1000).astype(np.int16)
    geometry = fields.pop("geometry", None) or Geometry(affine, shape, "1.2.3")
    values = {"unit": "HU", "windows": (Window(40.0, 400.0, "Soft tissue"),), **fields}
    return Volume(series, array[None], geometry, **values)


def make_scan(*series: Series, source: str = "/data/study", skipped: int = 0) -> Scan:
    study = Study(f"1.{source}", Patient("Doe^Jane", "ID-7", "", "F", "056Y"), "20260102", "", "Head", series=series)
    return Scan(Path(source), (study,), tuple(Skipped(Path(f"f{i}.txt"), "not an image") for i in range(skipped)))


def opened(volume: Volume) -> Session:
    return ShowVolume(volume)(AddScan(make_scan(volume.series))(Session()))


def make_mask(volume: Volume, where: tuple[int, int, int] = (6, 25, 8)) -> Mask:
    labels = np.zeros(volume.geometry.shape_zyx, np.uint8)
    labels[where] = 1
    return Mask(labels, volume.geometry, (Segment(1, "Target", None, (0, 255, 0), "目标"),))


def make_heatmap(volume: Volume, where: tuple[int, int, int] = (6, 25, 8), value: float = 3.0) -> Heatmap:
    values = np.zeros(volume.geometry.shape_zyx, np.float32)
    values[where] = value
    return Heatmap("Grad-CAM", "Target", MODEL, volume.series.key, values, volume.geometry, values.copy(),
                   volume.geometry, layer="encoder.2")  # fmt: skip


def add_mask(volume: Volume, where: tuple[int, int, int] = (6, 25, 8)) -> AddPrediction:
    mask = make_mask(volume, where)
    center = volume.geometry.to_world(where[::-1])
    finding = Finding("1.2.1", "Target", volume.series.key, title_zh="目标", volume_ml=1.25, segment_value=1,
                      center_lps=tuple(map(float, center)), key_slice=where[0], model=MODEL)  # fmt: skip
    return AddPrediction(Prediction(MODEL, volume.series.key, "2026-01-02T10:11:12", "cpu", mask=mask), (finding,))


def add_scores(volume: Volume) -> AddPrediction:
    scores = (ClassScore("Effusion", 0.31, 0.4), ClassScore("Nodule", 0.62, 0.35))
    findings = tuple(
        Finding(f"1.2.{i}", one.label, volume.series.key, present=one.positive, probability=one.probability,
                threshold=one.threshold, model=MODEL)
        for i, one in enumerate(scores)
    )  # fmt: skip
    return AddPrediction(Prediction(MODEL, volume.series.key, "2026-01-02T10:11:12", "cpu", scores=scores), findings)


def add_heat(volume: Volume, where: tuple[int, int, int] = (6, 25, 8), value: float = 3.0) -> AddHeatmap:
    return AddHeatmap(make_heatmap(volume, where, value))


def irregular_series() -> Series:
    warning = warned("The slices {first} and {second} are {gap} mm apart.", first="a.dcm", second="b.dcm", gap=7)
    return make_series("bad", SeriesKind.STACK, irregularity=warning.text(), warnings=(warning,))


def press(widget: QWidget, key: Qt.Key, kind: QEvent.Type = QEvent.Type.KeyPress) -> None:
    QApplication.sendEvent(widget, QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier))


def mouse(
    widget: QWidget,
    kind: QEvent.Type,
    at: QPointF,
    button: Qt.MouseButton = Qt.MouseButton.LeftButton,
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    held = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseButtonRelease else button
    pressed = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseMove else button
    event = QMouseEvent(kind, at, QPointF(widget.mapToGlobal(at.toPoint())), pressed, held, modifiers)
    QApplication.sendEvent(widget, event)


def drag(widget: QWidget, begin: QPointF, step: QPointF, button: Qt.MouseButton, times: int = 5) -> None:
    mouse(widget, QEvent.Type.MouseButtonPress, begin, button)
    for number in range(1, times + 1):
        mouse(widget, QEvent.Type.MouseMove, begin + step * number / times, button)
    mouse(widget, QEvent.Type.MouseButtonRelease, begin + step, button)
