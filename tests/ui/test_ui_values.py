"""View > Image statistics: follows slice and drawing, shows what was measured, copies it."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QGuiApplication
from ui_cases import make_scan, make_volume, pump

from medassist.entities.measurement import Shape
from medassist.language import set_language
from medassist.session.actions import AddScan, MoveCursor, ShowVolume
from medassist.session.measurements import AddMeasurement, SelectMeasurement, new_measurement
from medassist.ui.value_page import ValuePage


@pytest.fixture
def volume(store):
    one = make_volume()
    store.dispatch(AddScan(make_scan(one.series)))
    store.dispatch(ShowVolume(one))
    return one


@pytest.fixture
def page(store, runner, keep, volume):
    one = keep(ValuePage(store, runner))
    one.measure()
    pump(lambda: store.session.inspected is not None)
    return one


def select(store, volume, shape, *ends):
    """Draw on stored slice 3 and select it."""
    points = tuple(tuple(volume.geometry.to_world((*end, 3)).tolist()) for end in ends)
    drawn = new_measurement(volume.series.key, shape, points, slice_index=3)
    store.dispatch(AddMeasurement(drawn))
    store.dispatch(SelectMeasurement(drawn.uid))


def test_it_shows_the_slice_and_follows_it(page, store, volume) -> None:
    k = store.session.inspected.slice_index
    plane = volume.array_zyx[k]
    assert f"Values of slice {k + 1} as stored" in page.about.text()
    assert f"{plane.size} pixels" in page.figures.text()
    assert f"{plane.min()} to {plane.max()} HU".replace("-", "−") in page.figures.text()
    x, y, _z = store.session.view.cursor_lps
    store.dispatch(MoveCursor((x, y, float(volume.geometry.to_world([0, 0, 1])[2]))))
    pump(lambda: store.session.inspected.slice_index == 1)
    assert "slice 2" in page.about.text()
    assert page.chart._steps


def test_without_a_picture_it_says_so(store, runner, keep) -> None:
    page = keep(ValuePage(store, runner))
    page.measure()
    assert page.about.text() == "There is no picture on screen."
    assert not page.copy.isEnabled()


def test_a_selected_length_shows_the_values_along_it(page, store, volume) -> None:
    select(store, volume, Shape.LENGTH, (4, 6), (14, 6))
    pump(lambda: store.session.inspected.profile is not None)
    assert page.about.text().startswith("Values along the length")
    assert page.figures.text().startswith("8 mm")
    assert not page.chart._steps
    page.copy.click()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0] == "mm\tHU"
    copied = [float(line.split("\t")[1]) for line in lines[1::2]]
    assert copied == pytest.approx(volume.array_zyx[3, 6, 4:15])


def test_a_selected_outline_shows_what_is_inside(page, store, volume) -> None:
    select(store, volume, Shape.RECTANGLE, (3.5, 4.5), (12.5, 4.5), (12.5, 20.5), (3.5, 20.5))
    pump(lambda: bool(store.session.inspected.measurement_uid))
    inside = volume.array_zyx[3, 5:21, 4:13]
    assert page.about.text().startswith("Values inside the outline")
    assert f"{inside.size} pixels" in page.figures.text()
    assert store.session.inspected.statistics.mean == pytest.approx(inside.mean())
    page.copy.click()
    rows = [line.split("\t") for line in QGuiApplication.clipboard().text().splitlines()[1:]]
    assert sum(int(row[2]) for row in rows) == inside.size


def test_the_curve_lies_where_its_values_are(page, store, volume, application) -> None:
    select(store, volume, Shape.LENGTH, (4, 6), (14, 6))
    pump(lambda: store.session.inspected.profile is not None)
    picture = page.chart.grab().toImage()
    blue = [(x, y) for x in range(picture.width()) for y in range(picture.height())
            if picture.pixelColor(x, y).blue() > 180 and picture.pixelColor(x, y).red() < 120]  # fmt: skip
    left, right = min(blue), max(blue)
    assert left[1] > right[1], "the values grow along the line, so the curve rises"


def test_closing_lets_go_of_what_was_measured(page, store) -> None:
    page.close()
    assert store.session.inspected is None


def test_the_menu_opens_it_in_chinese(window) -> None:
    set_language("zh_CN")
    window.menus.retranslate()
    assert window.menus.values.text() == "图像统计…"
    window.menus.values.trigger()
    (page,) = window.findChildren(ValuePage)
    assert page.about.text() == "屏幕上没有图像。"
    page.close()
