"""Objects one by one in the window: a line around each, its number under the pointer, the count among the findings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtWidgets import QApplication
from ui_cases import make_scan, make_series, make_volume

from medassist.entities.instances import Instances
from medassist.entities.prediction import Mask, ModelRef, Prediction, Segment
from medassist.entities.study import SeriesKind
from medassist.entities.volume import Volume
from medassist.report.findings import findings_from
from medassist.session.actions import AddPrediction, AddScan, ShowVolume
from medassist.ui.findings_table import SIZE
from medassist.ui.panels.findings_panel import FindingsPanel
from medassist.ui.viewer import texts
from medassist.ui.viewer.contour import border
from medassist.ui.viewer.viewer import Viewer

NUCLEUS = Segment(1, "Nucleus", title_zh="细胞核")


def picture() -> Volume:
    volume = make_volume(make_series(kind=SeriesKind.FILM), shape=(1, 40, 30))
    return replace(volume, geometry=replace(volume.geometry, calibrated=False))


def two_that_touch(volume: Volume) -> AddPrediction:
    labels = np.zeros((1, 40, 30), np.int32)
    labels[0, 10:14, 5:9], labels[0, 10:14, 9:15] = 1, 2
    objects = Instances(labels, volume.geometry)
    mask = Mask((labels > 0).astype(np.uint8), volume.geometry, (NUCLEUS,), instances=objects)
    model = ModelRef("nuclei", "1.0.0", "ab" * 32)
    said = Prediction(model, volume.series.key, "2026-11-20T12:00:00+00:00", "cpu", mask=mask)
    return AddPrediction(said, findings_from(said, volume))


def test_a_line_lies_between_objects_that_touch() -> None:
    numbers = np.zeros((4, 9), np.int32)
    numbers[1:3, 1:4], numbers[1:3, 4:8] = 7, 300
    x, y = border(numbers)
    between = {(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True) if a == 3.5}
    assert {(3.5, 0.5), (3.5, 2.5)} <= between
    fused, _ = border(numbers > 0)
    assert 3.5 not in fused.tolist()


def test_the_viewer_parts_them_and_names_the_one_below_the_pointer(store, keep) -> None:
    viewer, volume = keep(Viewer(store)), picture()
    store.dispatch(AddScan(make_scan(volume.series)))
    store.dispatch(ShowVolume(volume))
    store.dispatch(two_that_touch(volume))
    QApplication.processEvents()
    (plane,) = viewer.visible_planes()
    (item,) = plane.layers._outlines
    drawn = item.path()
    down, right = plane.shown.layout.spacing_mm
    points = {(drawn.elementAt(i).x / right, drawn.elementAt(i).y / down) for i in range(drawn.elementCount())}
    assert {(8.5, 9.5), (8.5, 13.5)} <= {(round(x, 3), round(y, 3)) for x, y in points}
    told = " ".join(texts.under_cursor(store.session, plane.shown, 12, 12))
    assert "Nucleus no. 2, 24 pixels" in told


def test_the_findings_say_how_many_and_how_large(store, keep) -> None:
    panel, volume = keep(FindingsPanel(store)), picture()
    store.dispatch(AddScan(make_scan(volume.series)))
    store.dispatch(ShowVolume(volume))
    store.dispatch(two_that_touch(volume))
    QApplication.processEvents()
    assert panel.table.item(0, SIZE).text() == "2 objects, median area 20 pixels"
