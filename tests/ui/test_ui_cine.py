"""Playing: the next picture each time, turning or starting again at the ends, and it ends with its series."""

from __future__ import annotations

import numpy as np
import pytest
from ui_cases import AXIAL, make_scan, make_series, make_volume

from medassist.entities.geometry import Geometry
from medassist.entities.volume import Volume, Window
from medassist.session.actions import AddScan, SetTime, ShowVolume
from medassist.ui.viewer.cine import FASTEST_FPS, Cine
from medassist.ui.viewer.viewer import Viewer


@pytest.fixture
def cine(store, keep):
    viewer = keep(Viewer(store), 820, 640)
    volume = make_volume()
    for action in (AddScan(make_scan(volume.series)), ShowVolume(volume)):
        store.dispatch(action)
    one = Cine(store, viewer)
    yield one
    one.stop()


def shown(cine):
    return cine._viewer.active.shown.index


def test_slices_come_one_after_the_other_and_start_again(cine):
    cine._viewer.active.go_to(8)
    cine.toggle()
    assert cine.playing
    seen = []
    for _each in range(4):
        cine.step()
        seen.append(shown(cine))
    assert seen == [9, 0, 1, 2]
    cine.toggle()
    assert not cine.playing


def test_to_and_fro_it_turns_at_both_ends(cine):
    cine.bounce = True
    cine._viewer.active.go_to(8)
    seen = []
    for _each in range(20):
        cine.step()
        seen.append(shown(cine))
    assert seen == [9, *range(8, -1, -1), *range(1, 10), 8]


def test_time_points_are_played_where_there_are_several(cine, store):
    values = np.zeros((3, 4, 6, 5), np.int16)
    series = make_series("film", shape_zyx=(4, 6, 5))
    volume = Volume(series, values, Geometry(AXIAL, (4, 6, 5), "1.2.4"), windows=(Window(40.0, 400.0),))
    for action in (AddScan(make_scan(series, source="/data/film")), ShowVolume(volume), SetTime(1)):
        store.dispatch(action)
    slice_before = shown(cine)
    cine.toggle()
    seen = []
    for _each in range(3):
        cine.step()
        seen.append(store.session.view.time)
    assert (seen, shown(cine)) == ([2, 0, 1], slice_before)


def test_it_ends_with_its_series(cine, store):
    cine.toggle()
    other = make_volume(make_series("two"))
    for action in (AddScan(make_scan(other.series, source="/data/two")), ShowVolume(other)):
        store.dispatch(action)
    assert not cine.playing


def test_one_picture_is_no_film(cine, store):
    single = make_volume(make_series("single", shape_zyx=(1, 6, 5)), AXIAL, (1, 6, 5))
    for action in (AddScan(make_scan(single.series, source="/data/single")), ShowVolume(single)):
        store.dispatch(action)
    cine.toggle()
    assert not cine.playing


def test_the_speed_has_ends(cine):
    for _each in range(20):
        cine.faster()
    assert cine.fps == FASTEST_FPS
    for _each in range(30):
        cine.slower()
    assert cine.fps == 1
