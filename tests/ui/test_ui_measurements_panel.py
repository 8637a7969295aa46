"""The list of measurements: figures, going there, names, findings, the clipboard; and figures in words."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLineEdit
from ui_cases import make_scan, make_series, make_volume, opened, press

from medassist.entities.finding import Judgement
from medassist.entities.geometry import Geometry
from medassist.entities.measurement import Quantity, Shape
from medassist.entities.study import SeriesKind
from medassist.imaging.scales import DETECTOR_PLANE
from medassist.language import set_language
from medassist.report.measurement_words import figure
from medassist.session.actions import AddScan, MoveCursor, ShowVolume
from medassist.session.measurements import AddMeasurement, ChangeMeasurement, new_measurement
from medassist.session.state import Session
from medassist.ui.measure_words import figure_lines, figures_text
from medassist.ui.measurements_table import FIGURES, NAME, SLICE


@pytest.fixture
def volume():
    return make_volume()


def drawn(volume, shape=Shape.LENGTH, index=3, label="", points=((5, 10), (15, 10))):
    places = volume.geometry.to_world([[*one, index] for one in points]).tolist()
    return new_measurement("one", shape, [tuple(one) for one in places], slice_index=index, label=label)


BOX = ((4.5, 4.5), (8.5, 4.5), (8.5, 8.5), (4.5, 8.5))


@pytest.fixture
def listed(window, store, volume):
    """A window with two measurements, on slice 3 and on slice 7, and its panel."""
    for action in (AddScan(make_scan(volume.series)), ShowVolume(volume), AddMeasurement(drawn(volume))):
        store.dispatch(action)
    store.dispatch(AddMeasurement(drawn(volume, Shape.RECTANGLE, 7, "=nodule", BOX)))
    QApplication.processEvents()
    return window.measurements


def row_of(panel, row):
    return [panel.table.item(row, column).text() for column in range(4)]


def test_the_list_says_what_was_measured_and_where(listed, window):
    assert listed.table.rowCount() == 2
    assert row_of(listed, 0) == ["", "", "8.0 mm", "4"]
    assert row_of(listed, 1)[NAME] == "=nodule"
    assert "Area 10.2 mm²" in row_of(listed, 1)[FIGURES]
    assert "16 pixels" in row_of(listed, 1)[FIGURES]
    assert listed.height() > 0
    assert "(2)" in listed.title.text()


def test_what_was_drawn_across_slices_names_its_plane(listed, store, volume):
    points = [tuple(one) for one in volume.geometry.to_world([[4, 7, 2], [12, 7, 6]]).tolist()]
    store.dispatch(AddMeasurement(new_measurement("one", Shape.LENGTH, points, slice_index=None)))
    assert row_of(listed, 2)[SLICE] == "Coronal 8"


def test_without_measurements_the_list_takes_no_room(window, store, volume):
    store.dispatch(AddScan(make_scan(volume.series)))
    store.dispatch(ShowVolume(volume))
    QApplication.processEvents()
    assert window.measurements.height() == 0


def test_a_click_goes_there_and_selects(listed, window, store, volume):
    store.dispatch(MoveCursor(tuple(volume.geometry.to_world([1, 1, 1]).tolist())))
    listed.table.cellClicked.emit(0, FIGURES)
    assert store.session.selected_measurement == store.session.measurements[0].uid
    assert window.viewer.planes[0].shown.index == 3
    np.testing.assert_allclose(volume.geometry.to_index(store.session.view.cursor_lps), [10, 10, 3], atol=1e-6)


def test_the_picture_selects_the_row(listed, window, store):
    view = window.viewer.planes[0]
    view.go_to(3)
    at = view.to_screen(10, 12)
    from test_ui_measuring import PRESS, RELEASE
    from ui_cases import mouse

    for kind in (PRESS, RELEASE):
        mouse(view.viewport(), kind, at)
    assert listed.table.currentRow() == 0


def type_name(panel, words):
    (edit,) = panel.table.findChildren(QLineEdit)
    edit.setText(words)
    press(edit, Qt.Key.Key_Return)
    QApplication.processEvents()


def test_a_name_is_typed_in_the_list(listed, store):
    listed.table.setCurrentCell(0, NAME)
    listed.table.ask_name()
    type_name(listed, "  long axis ")
    assert store.session.measurements[0].label == "long axis"
    assert row_of(listed, 0)[NAME] == "long axis"


def test_a_finding_carries_the_figures_and_keeps_them_once_judged(listed, store, volume):
    listed.table.setCurrentCell(0, FIGURES)
    listed.claim.click()
    type_name(listed, "nodule")
    (finding,) = store.session.findings
    assert (finding.label, finding.measurements, finding.key_slice) == ("nodule", {"length_mm": pytest.approx(8.0)}, 3)
    assert finding.measurement_uid == store.session.measurements[0].uid
    assert finding.judgement is Judgement.ACCEPTED
    assert not listed.claim.isEnabled()
    longer = drawn(volume, points=((5, 10), (20, 10))).points_lps
    store.dispatch(ChangeMeasurement(finding.measurement_uid, points_lps=longer))
    assert store.session.findings[0].measurements == {"length_mm": pytest.approx(12.0)}


def test_a_name_with_two_sides_is_refused_in_words(listed, store, monkeypatch):
    from medassist.entities.errors import Refused

    def refuse(*_args, **_more):
        raise Refused("It cannot be.", remedy="Say one.")

    monkeypatch.setattr("medassist.ui.panels.measurements_panel.finding_of_reader", refuse)
    listed.table.setCurrentCell(1, FIGURES)
    listed.claim.click()
    assert store.session.findings == ()
    assert listed.note.text() == "It cannot be. Say one."


def test_the_key_and_the_button_delete_the_selected_one(listed, store):
    listed.table.setCurrentCell(0, FIGURES)
    press(listed.table, Qt.Key.Key_Delete)
    assert [one.shape for one in store.session.measurements] == [Shape.RECTANGLE]
    listed.table.setCurrentCell(0, FIGURES)
    listed.delete.click()
    assert store.session.measurements == ()


def test_the_clipboard_gets_a_table_in_which_nothing_is_calculated(listed):
    listed.copy.click()
    lines = [line.split("\t") for line in QGuiApplication.clipboard().text().splitlines()]
    assert len({len(line) for line in lines}) == 1
    heading, length, box = lines
    assert heading[:4] == ["Name", "Shape", "Slice", "Time"]
    assert length[:4] == ["", "Length", "4", "1"]
    assert length[heading.index("length (mm)")] == "8"
    assert box[0] == "'=nodule"
    assert (box[heading.index("area (mm²)")], box[heading.index("number of pixels")]) == ("10.24", "16")
    assert length[heading.index("area (mm²)")] == ""


def test_a_film_says_that_it_is_measured_at_the_detector():
    series = make_series(kind=SeriesKind.FILM, shape_zyx=(1, 40, 30), warnings=(DETECTOR_PLANE,))
    film = make_volume(series, shape=(1, 40, 30), geometry=Geometry(np.diag([0.2, 0.2, 1, 1.0]), (1, 40, 30)))
    session = AddMeasurement(drawn(film, index=0))(opened(film))
    assert figure_lines(session.measurements[0], film) == ("2.0 mm", "at the detector")


def test_pixels_are_never_called_millimetres():
    series = make_series(kind=SeriesKind.FILM, shape_zyx=(1, 40, 30))
    film = make_volume(series, shape=(1, 40, 30), unit="", geometry=Geometry(np.eye(4), (1, 40, 30), "", False))
    for shape, points in ((Shape.LENGTH, BOX[:2]), (Shape.RECTANGLE, BOX), (Shape.BIDIRECTIONAL, BOX)):
        session = AddMeasurement(drawn(film, shape, 0, points=points))(opened(film))
        text = " ".join(figure_lines(session.measurements[0], film)) + figures_text(session.measurements[0])
        assert "px" in text
        assert "mm" not in text


def test_figures_are_written_with_their_unit():
    told = {
        Quantity("angle", 34.52, "deg"): "34.5°",
        Quantity("area", 12.34, "mm2"): "12.3 mm²",
        Quantity("area", 12.0, "{pixels}"): "12.0 px²",
        Quantity("mean", -20.0, "[hnsf'U]"): "-20 HU",
        Quantity("mean", 0.000812, "mm2/s"): "0.000812 mm2/s",
        Quantity("sd", 0.0, "mm2/s"): "0 mm2/s",
        Quantity("mean", float("nan"), "[hnsf'U]"): "nan HU",
        Quantity("length", 0.04, "mm"): "0.04 mm",
        Quantity("suv_max", 5.25, "{SUVbw}g/ml"): "5.2",
    }
    assert [figure(one) for one in told] == list(told.values())


def test_everything_is_said_in_chinese(listed, window):
    set_language("zh_CN")
    window.retranslate()
    assert listed.claim.text() == "作为发现"
    assert "面积 10.2 mm²" in row_of(listed, 1)[FIGURES]
    assert window.tools.buttons[Shape.LENGTH].accessibleName() == "长度"


def test_a_session_without_a_picture_shows_no_list(window, store):
    assert Session().measurements_here == ()
    listed = window.measurements
    listed.copy.click()
    listed.claim.click()
    assert store.session.findings == ()
