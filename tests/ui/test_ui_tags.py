"""View > DICOM tags: follows the slice, finds, compares, copies."""

from __future__ import annotations

from pathlib import Path

import pytest
from phantoms import write_ct_series
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from ui_cases import pump

from medassist.imaging.load import load
from medassist.imaging.scan import scan
from medassist.language import set_language
from medassist.progress import Progress
from medassist.session.actions import AddScan, MoveCursor, ShowVolume
from medassist.session.element_lists import place_on_screen
from medassist.ui.tag_page import LANE, TagPage, show_tags


@pytest.fixture
def on_screen(store, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_ct_series(
            tmp_path / name, slices=4, SeriesDescription=f"series {name}", KVP="120" if name == "one" else "80"
        )
    found = scan(tmp_path, progress=Progress())
    store.dispatch(AddScan(found))
    store.dispatch(ShowVolume(load(found.all_series()[0], progress=Progress())))
    return found.all_series()


@pytest.fixture
def page(store, runner, keep, on_screen):
    one = keep(TagPage(store, runner))
    one.read()
    pump(lambda: bool(store.session.element_lists))
    return one


def visible(page: TagPage) -> list[str]:
    model = page.model
    return [model.data(model.index(row, 2)) for row in range(model.rowCount())]


def test_it_lists_the_file_of_the_slice_and_follows_it(page, store) -> None:
    assert "Patient's Name" in visible(page)
    first = store.session.element_lists[0].file_name
    assert first in page.about.text()
    x, y, z = store.session.view.cursor_lps
    store.dispatch(MoveCursor((x, y, z + 2.5)))
    pump(lambda: store.session.element_lists[0].file_name != first)
    here = place_on_screen(store.session)
    assert store.session.element_lists[0].file_name == Path(here.series.frames[here.position].path).name


def test_typing_finds_and_copies(page) -> None:
    page.search.setText("phantom^one")
    pump(lambda: visible(page) == ["Patient's Name"])
    page.copy_all.click()
    assert QGuiApplication.clipboard().text() == "(0010,0010)\tPN\tPatient's Name\tPhantom^One"
    page.search.setText("modality")
    pump(lambda: "Modality" in visible(page))
    page.tree.selectAll()
    page.copy.click()
    assert "(0008,0060)\tCS\tModality\tCT" in QGuiApplication.clipboard().text().splitlines()


def test_another_series_beside_it_marks_what_differs(page, store, on_screen) -> None:
    page.beside.setCurrentIndex(page.beside.findData(on_screen[1].key))
    page.beside.activated.emit(page.beside.currentIndex())
    pump(lambda: len(store.session.element_lists) == 2)
    page.differences.setChecked(True)
    assert "≠ KVP" in visible(page)
    assert "Patient's Name" not in visible(page)
    row = visible(page).index("≠ KVP")
    values = [page.model.data(page.model.index(row, column)) for column in (3, 4)]
    assert sorted(values) == ["120", "80"]
    assert "series one" in page.about.text()
    assert "series two" in page.about.text()


def test_a_file_that_is_gone_is_said_on_the_page(store, runner, keep, on_screen) -> None:
    page = keep(TagPage(store, runner))
    for path in {frame.path for frame in on_screen[0].frames}:
        path.unlink()
    page.read()
    pump(lambda: not runner.running(LANE))
    assert "CT000" in page.note.text()
    assert visible(page) == []


def test_closing_lets_go_of_what_was_read(store, page) -> None:
    page.close()
    assert store.session.element_lists == ()


def test_without_a_picture_it_says_so(store, runner, keep) -> None:
    page = keep(TagPage(store, runner))
    page.read()
    assert page.note.text() == "There is no DICOM file behind this picture."
    assert not page.copy_all.isEnabled()


def test_the_menu_opens_it_in_chinese(window, runner) -> None:
    set_language("zh_CN")
    window.menus.retranslate()
    assert window.menus.tags.text() == "DICOM 标签…"
    assert window.menus.tags.shortcut().toString() == "Ctrl+I"
    window.menus.tags.trigger()
    (page,) = window.findChildren(TagPage)
    assert page.windowTitle() == "DICOM 标签"
    assert page.note.text() == "此图像没有对应的 DICOM 文件。"
    assert page.model.headerData(3, Qt.Orientation.Horizontal) == "数值"
    page.close()


def test_an_open_page_changes_its_language_with_the_window(window, store, runner) -> None:
    page = show_tags(window, store, runner)
    window.speak("zh_CN")
    assert page.windowTitle() == "DICOM 标签"
    assert page.words[0].text() == page.search.accessibleName() == "搜索"
    assert page.beside.itemText(0) == "无"
    page.close()


def test_show_tags_is_not_modal(window, store, runner) -> None:
    page = show_tags(window, store, runner)
    assert not page.isModal()
    page.close()
