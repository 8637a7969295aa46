"""The list of series: pictures of what is on screen only, one job at a time, badges, drags, patients apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from phantoms import write_ct_series
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from ui_cases import add_scores, make_scan, make_series, make_volume, pump

from medassist.entities.study import FrameRef, Patient, SeriesKind, warned
from medassist.imaging.scan import scan
from medassist.session.actions import AddScan, ShowVolume
from medassist.session.thumbnails import Thumbnail
from medassist.ui import theme
from medassist.ui.opening import LOAD_LANE
from medassist.ui.panels.study_panel import StudyPanel
from medassist.ui.series_strip import KEY
from medassist.ui.series_strip_icons import SIZE, badges_of, icon_of
from medassist.ui.series_strip_pictures import AT_ONCE, THUMBNAIL_LANE
from medassist.ui.viewer.panes import SERIES_MIME


def filed(series, path):
    return replace(series, frames=(FrameRef(Path(path)),))


def many(count):
    return [filed(make_series(f"k{n}", description=f"Series {n}"), f"{n}.dcm") for n in range(count)]


@pytest.fixture
def panel(store, runner, keep):
    return keep(StudyPanel(store, runner), 300, 500)


@pytest.fixture
def asked(runner, monkeypatch):
    """Remember the jobs for thumbnails instead of running them."""
    calls = []
    start = runner.start

    def remember(lane, job, *args, **options):
        if lane == THUMBNAIL_LANE:
            calls.append([series.key for series, _volume in args[0]])
        else:
            start(lane, job, *args, **options)

    monkeypatch.setattr(runner, "start", remember)
    return calls


def pixel(icon, x, y):
    return QColor(icon.pixmap(SIZE).toImage().pixel(x, y))


def test_only_rows_on_screen_are_pictured_from_the_top(store, panel, asked):
    store.dispatch(AddScan(make_scan(*many(300))))
    pump(lambda: bool(asked))
    assert asked[0] == ["k0", "k1", "k2", "k3"]
    assert len(asked[0]) == AT_ONCE
    assert len(panel.tree.keys_on_screen()) < 12
    panel.tree.scrollToItem(panel._rows["k250"])
    asked.clear()
    pump(lambda: bool(asked))
    assert asked[0][0] in panel.tree.keys_on_screen()
    assert int(asked[0][0][1:]) > 200


def test_thumbnails_wait_while_something_is_opened(store, runner, panel, asked, monkeypatch):
    monkeypatch.setattr(runner, "lanes", lambda: (LOAD_LANE,))
    store.dispatch(AddScan(make_scan(*many(2))))
    panel.thumbnails._next()
    assert asked == []
    monkeypatch.setattr(runner, "lanes", lambda: ("open /a",))
    panel.thumbnails._next()
    assert asked == []
    monkeypatch.setattr(runner, "lanes", lambda: ("model",))
    panel.thumbnails._next()
    assert asked == [["k0", "k1"]]


def test_a_load_stops_them_and_they_come_afterwards(store, runner, panel, monkeypatch):
    stopped = []
    monkeypatch.setattr(runner, "cancel", stopped.append)
    runner.began.emit(LOAD_LANE)
    assert stopped == [THUMBNAIL_LANE]


def test_a_folder_gets_its_pictures_and_each_is_made_once(store, runner, panel, tmp_path):
    write_ct_series(tmp_path / "ct", slices=4, rows=32, columns=24)
    found = scan(tmp_path / "ct")
    (series,) = found.all_series()
    store.dispatch(AddScan(found))
    pump(lambda: panel.thumbnails.shelf.get(series) is not None)
    pump(lambda: not runner.running())
    shown = panel._rows[series.key].icon(0).pixmap(SIZE).toImage()
    grays = {QColor(shown.pixel(x, SIZE.height() // 2)).value() for x in range(SIZE.width())}
    assert len(grays) > 2, "the slice is drawn"
    began = []
    runner.began.connect(began.append)
    panel.thumbnails._next()
    assert began == []


def test_a_picture_that_cannot_be_made_is_told_nowhere_and_not_tried_again(store, runner, panel):
    said = []
    runner.failed.connect(lambda lane, problem: said.append(problem))
    series = filed(make_series(), "/nowhere/1.dcm")
    store.dispatch(AddScan(make_scan(series)))
    pump(lambda: panel.thumbnails.shelf.has(series))
    pump(lambda: not runner.running())
    assert panel.thumbnails.shelf.get(series) is None
    assert said == []


def test_pictures_survive_new_results_and_the_badge_of_the_model_appears(store, panel):
    volume = make_volume()
    store.dispatch(AddScan(make_scan(volume.series)))
    store.dispatch(ShowVolume(volume))
    pump(lambda: panel.thumbnails.shelf.get(volume.series) is not None)
    before = pixel(panel._rows["one"].icon(0), 1, 1)
    assert before != QColor(theme.AI)
    store.dispatch(add_scores(volume))
    assert pixel(panel._rows["one"].icon(0), 1, 1) == QColor(theme.AI)


def test_badges_say_modality_slices_times_and_warnings(application):
    series = make_series(shape_zyx=(40, 8, 8), times=3, warnings=(warned("Odd."),))
    badges = badges_of(series, analysed=False)
    assert (badges.modality, badges.slices, badges.warned) == ("CT", "40×3", True)
    film = badges_of(make_series(kind=SeriesKind.FILM, modality="", shape_zyx=(1, 8, 8)), analysed=True)
    assert (film.modality, film.slices, film.analysed, film.warned) == ("DICOM", "", True, False)


def test_a_narrow_slice_is_not_stretched(application):
    tall = Thumbnail(np.full((90, 30), 200, np.uint8), 3.0)
    icon = icon_of(make_series(), tall, badges_of(make_series(), analysed=False), 1.0)
    assert pixel(icon, 2, SIZE.height() // 2) == QColor("black")
    assert pixel(icon, SIZE.width() // 2, SIZE.height() // 2).value() > 150


def test_a_drag_carries_the_key_of_the_series(store, panel):
    store.dispatch(AddScan(make_scan(make_series("键 1"), make_series("two"))))
    rows = [panel._rows["two"], panel._rows["键 1"]]
    panel.tree.setCurrentItem(rows[1])
    data = panel.tree.mimeData(rows)
    assert bytes(data.data(SERIES_MIME).data()).decode() == "键 1"
    assert not data.hasUrls()
    assert not panel.tree.mimeData([panel.tree.topLevelItem(0)]).formats()


def test_patients_stand_apart_and_their_studies_together(store, panel):
    jane, john = Patient("Doe^Jane", "1"), Patient("Doe^John", "2")
    for source, patient, date in (("/a", jane, "20200101"), ("/b", john, ""), ("/c", jane, "20240101")):
        found = make_scan(make_series(source), source=source)
        study = replace(found.studies[0], patient=patient, date=date)
        store.dispatch(AddScan(replace(found, studies=(study,))))
    rows = [panel.tree.topLevelItem(n).text(0) for n in range(panel.tree.topLevelItemCount())]
    assert [row.split("\n")[0].split(" · ")[0] for row in rows] == [
        "Patient 1 of 2", "Doe Jane", "Doe Jane", "Patient 2 of 2", "Doe John",
    ]  # fmt: skip
    assert "2024-01-01" in rows[1]
    assert "2020-01-01" in rows[2]


def test_one_patient_needs_no_line(store, panel):
    store.dispatch(AddScan(make_scan(make_series())))
    assert panel.tree.topLevelItem(0).child(0).data(0, KEY) == "one"
    assert panel.tree.topLevelItem(0).flags() & Qt.ItemFlag.ItemIsEnabled


def test_long_names_of_files_break_and_numbers_do_not(panel):
    shown = panel.tree.itemDelegate().displayText("head_053.nii.gz, 7.25 mm", panel.tree.locale())
    assert [part for part in shown.split("\u200b") if part] == ["head_", "053.", "nii.", "gz, 7.25 mm"]
