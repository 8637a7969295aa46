"""Opening more: what the reader works on stays, else the new picture comes; the start page."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from phantoms import write_ct_series
from PySide6.QtCore import Qt
from ui_cases import add_scores, make_scan, make_series, make_volume, press, pump

from medassist.language import set_language
from medassist.locations import config_dir
from medassist.progress import Progress
from medassist.session.actions import AddScan, ShowVolume
from medassist.storage import settings
from medassist.ui import recent
from medassist.ui.opening import LOAD_LANE, Opener
from medassist.ui.recent import Recent
from medassist.ui.start_page import StartPage


@pytest.fixture
def loads(runner, monkeypatch):
    """Remember which series were asked for, and run nothing."""
    calls = []

    def start(lane, _job, *args, **_options):
        if lane == LOAD_LANE:
            calls.append(args[0].key)
            runner.began.emit(lane)

    monkeypatch.setattr(runner, "start", start)
    return calls


@pytest.fixture
def opener(store, runner):
    one = Opener(store, runner)
    yield one
    one.deleteLater()


@pytest.fixture
def reading(store):
    """A series on screen that nobody worked on."""
    volume = make_volume()
    store.dispatch(AddScan(make_scan(volume.series)))
    store.dispatch(ShowVolume(volume))
    return volume


def new_scan(key="new"):
    return AddScan(make_scan(make_series(key), source=f"/{key}"))


def test_a_drop_beside_a_series_nobody_worked_on_is_a_picture(store, opener, loads, reading):
    opener.open([Path("/new")])
    store.dispatch(new_scan())
    assert loads == ["new"]


def test_a_drop_does_not_take_the_place_of_work(store, opener, loads, reading):
    added = []
    opener.added.connect(added.append)
    store.dispatch(add_scores(reading))
    opener.open([Path("/new")])
    store.dispatch(new_scan())
    assert loads == []
    assert added == [1]
    assert store.session.current == "one"
    assert store.session.holds("new")


def test_what_the_reader_chose_meanwhile_stays(store, runner, opener, loads, reading):
    opener.open([Path("/new")])
    runner.began.emit(LOAD_LANE)  # a click on a series that is not loaded
    store.dispatch(new_scan())
    assert loads == []
    opener.open([Path("/other")])
    store.dispatch(AddScan(make_scan(make_series("two"), source="/two")))
    loads.clear()
    opener.open([Path("/third")])
    store.dispatch(ShowVolume(make_volume(make_series("two"))))  # a click on one that is
    store.dispatch(new_scan("third"))
    assert loads == []


def test_work_on_a_series_that_is_gone_keeps_nothing_away(store, opener, loads, reading):
    store.dispatch(add_scores(reading))
    store.dispatch(AddScan(replace(make_scan(make_series("again")), source=Path("/data/study"))))
    assert not store.session.holds("one")
    opener.open([Path("/new")])
    store.dispatch(new_scan())
    assert loads == ["new"]


def test_the_window_says_what_came(window, store, tmp_path):
    for name in ("a", "b"):
        write_ct_series(tmp_path / name, slices=3, rows=16, columns=16)
    window.open([tmp_path / "a"])
    pump(lambda: store.session.volume is not None)
    store.dispatch(add_scores(store.session.volume))
    here = store.session.current
    window.open([tmp_path / "b"])
    pump(lambda: len(store.session.scans) == 2)
    assert store.session.current == here
    assert "added to the list: 1" in window.status.currentMessage()


# --- the start page


def test_the_start_page_makes_room_for_the_picture(window, store, tmp_path):
    assert window.start.isVisible()
    assert not window.viewer.isVisible()
    write_ct_series(tmp_path / "ct", slices=3, rows=16, columns=16)
    window.open([tmp_path / "ct"])
    pump(lambda: store.session.volume is not None)
    assert not window.start.isVisible()
    assert window.viewer.isVisible()


def test_rows_open_by_click_and_key_and_those_gone_do_nothing(store, runner, keep, tmp_path):
    here = tmp_path / "here"
    here.mkdir()
    recent.remember([tmp_path / "gone", here])
    page = keep(StartPage(store, runner))
    pump(lambda: not runner.running())
    rows = [page.list.item(n) for n in range(page.list.count())]
    assert [bool(row.flags() & Qt.ItemFlag.ItemIsEnabled) for row in rows] == [False, True]
    assert "not there any more" in rows[0].text()
    opened = []
    page.chosen.connect(opened.append)
    page.list.itemClicked.emit(rows[0])
    assert opened == []
    page.list.setCurrentRow(1)
    press(page.list, Qt.Key.Key_Return)
    assert opened == [here]
    set_language("zh_CN")
    page.retranslate()
    assert "已不存在" in page.list.item(0).text()


def test_without_anything_opened_before_there_is_no_list(store, runner, keep):
    page = keep(StartPage(store, runner))
    assert not page.list.isVisible()
    assert page.folder.isVisible()
    assert not runner.running()


# --- what is kept of it


def test_the_list_names_path_day_and_modality_and_nobody(store, runner, keep, tmp_path):
    keep(StartPage(store, runner))
    recent.remember([tmp_path / "study"])
    store.dispatch(AddScan(make_scan(make_series(), make_series("sr", modality="SR"), source=str(tmp_path / "study"))))
    (entry,) = recent.entries()
    assert entry == Recent(str(tmp_path / "study"), date.today().isoformat(), "CT, SR")
    kept = (config_dir() / "recent.json").read_text(encoding="utf-8")
    for secret in ("Doe", "Jane", "ID-7", "2026-01-02", "20260102", "Head"):
        assert secret not in kept.replace(str(tmp_path), "").replace(entry.opened, "")


def test_lists_of_older_versions_and_damaged_ones_are_read(tmp_path):
    config_dir().mkdir(parents=True, exist_ok=True)
    file = config_dir() / "recent.json"
    file.write_text(json.dumps(["/old", {"path": "/new", "modality": 3}, 7, {"opened": "x"}]), encoding="utf-8")
    assert recent.entries() == (Recent("/old"), Recent("/new"))
    file.write_text("{", encoding="utf-8")
    assert recent.entries() == ()
    recent.remember([Path("/a"), Path("/b")])
    recent.remember([Path("/b"), *(Path(f"/{n}") for n in range(20))])
    assert [one.path for one in recent.entries()] == ["/b", *(f"/{n}" for n in range(9))]


def test_a_forbidden_list_is_neither_kept_nor_shown(tmp_path):
    recent.remember([tmp_path])
    settings.write("remember_recent", False)
    assert recent.entries() == ()
    recent.remember([tmp_path])
    assert not (config_dir() / "recent.json").exists()
    settings.write("remember_recent", True)
    assert recent.entries() == ()


def test_looking_tells_of_every_path(tmp_path):
    told = {}
    rows = (Recent(str(tmp_path)), Recent(str(tmp_path / "gone")))
    recent.look_for(rows, lambda row, there: told.__setitem__(row.path, there), progress=Progress())
    assert told == {str(tmp_path): True, str(tmp_path / "gone"): False}
