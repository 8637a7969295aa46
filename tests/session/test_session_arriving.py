"""A series on screen while it loads: what is offered, what stays, what nothing may be computed from."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest
from phantoms import write_ct_series, write_film

from medassist.entities.errors import Cancelled, Refused, UnreadableInput
from medassist.entities.study import Scan
from medassist.entities.volume import Window
from medassist.imaging import load as loading
from medassist.imaging.scan import scan
from medassist.progress import Progress
from medassist.session import arriving, jobs
from medassist.session.actions import AddScan, MoveCursor, SetTime, SetWindow, ShowVolume
from medassist.session.arriving import ShowArriving, StopArriving, load_in_sight
from medassist.session.state import Session
from medassist.ui.plan import run_model


@pytest.fixture
def folder(tmp_path):
    write_ct_series(tmp_path, slices=20, rows=16, columns=12)
    return tmp_path


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """Let every slice be worth showing."""
    monkeypatch.setattr(arriving, "QUICK_S", 0.0)
    monkeypatch.setattr(arriving, "MOST_SHARE", 1e9)


def offers_of(series, cursor=None):
    """Return what was offered while a series loaded, and its result."""
    offered = []
    result = load_in_sight(series, cursor, progress=Progress(taker=offered.append))
    return offered, result


def begun(folder):
    """Return a session with the scan, the offers and the result."""
    found = AddScan(scan(folder))(Session())
    return found, *offers_of(found.all_series()[0])


def test_the_first_offer_is_the_slice_in_the_middle_and_the_last_holds_all(folder):
    session, offered, _result = begun(folder)
    assert list(offered[0].arriving.slices) == [10]
    assert [len(one.arriving.slices) for one in offered] == sorted(len(one.arriving.slices) for one in offered)
    last = offered[-1].arriving
    assert (last.read, last.total, sorted(last.slices)) == (20, 20, list(range(20)))
    assert all(one.arriving.series == session.all_series()[0] for one in offered)


def test_it_begins_where_the_reader_was(folder):
    session, _offered, result = begun(folder)
    cursor = tuple(result.volume.geometry.to_world([3, 4, 17]))
    assert list(offers_of(session.all_series()[0], cursor)[0][0].arriving.slices) == [17]


def test_nothing_can_be_computed_from_a_part(folder, tmp_path):
    session, offered, result = begun(folder)
    part = offered[0](session)
    assert part.current == result.volume.series.key
    assert part.volume is None
    again = offered[0](ShowVolume(result.volume)(session))
    assert again.volume is None
    assert all(not one.is_regular for one in again.arriving.slices.values())
    with pytest.raises(Refused):
        jobs.write_report(again, tmp_path, progress=Progress())
    with pytest.raises(Refused):
        run_model("any")(again, progress=Progress())


def test_place_and_window_survive_the_whole_volume(folder):
    session, offered, result = begun(folder)
    part = offered[0](session)
    there = tuple(map(float, result.volume.geometry.to_world([2, 3, 15])))
    part = offered[-1](SetWindow(Window(-500.0, 1500.0, "Lung"))(MoveCursor(there)(part)))
    whole = result(part)
    assert whole.loading is None
    assert whole.volume is result.volume
    np.testing.assert_allclose(whole.view.cursor_lps, there)
    assert whole.view.window.name == "Lung"


def test_what_was_only_guessed_gives_way_to_what_is_known(tmp_path):
    write_ct_series(tmp_path, slices=5, Modality="MR", WindowCenter=None, WindowWidth=None)
    session, offered, result = begun(tmp_path)
    alone = result(session)
    seen = result(offered[0](session))
    assert (seen.view.window, seen.view.cursor_lps) == (alone.view.window, alone.view.cursor_lps)


def test_a_view_from_before_is_kept(folder):
    session, offered, result = begun(folder)
    before = SetWindow(Window(1.0, 2.0))(result(session))
    assert result(offered[0](before)).view == before.view
    assert StopArriving()(offered[0](before)).view == before.view


def test_stopping_brings_back_what_was_on_screen(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    write_film(other)
    session, offered, _result = begun(folder)
    session = AddScan(scan(other))(session)
    film = session.all_series()[-1]
    before = jobs.load_series(film, progress=Progress())(session)
    after = StopArriving()(offered[-1](offered[0](before)))
    assert (after.current, after.volume) == (film.key, before.volume)
    assert after.views == before.views
    empty = StopArriving()(offered[0](session))
    assert (empty.current, empty.volume, empty.loading, dict(empty.views)) == ("", None, None, {})


def test_stopping_after_the_end_changes_nothing(folder):
    session, offered, result = begun(folder)
    whole = result(offered[0](session))
    assert StopArriving()(whole) is whole


def test_a_series_that_is_gone_is_not_shown(folder):
    session, offered, _result = begun(folder)
    empty = Session()
    assert offered[0](empty) is empty
    source = session.scans[0].source
    gone = AddScan(Scan(source))(offered[0](session))
    assert (gone.current, gone.loading, gone.volume) == ("", None, None)


def test_time_stays_where_it_is_while_the_series_loads(folder):
    session, offered, _result = begun(folder)
    part = offered[0](session)
    assert SetTime(1)(part) is part


def test_a_damaged_first_slice_does_not_stop_the_others(folder, monkeypatch):
    def broken(_series, _index):
        raise UnreadableInput("broken")

    monkeypatch.setattr(loading, "preview", broken)
    session, offered, result = begun(folder)
    assert result.volume.geometry.shape_zyx[0] == 20
    assert len(offered[-1].arriving.slices) == 20
    assert result(offered[0](session)).volume is result.volume


def test_memory_for_parts_is_limited_and_the_rest_is_counted(folder, monkeypatch):
    monkeypatch.setattr(arriving, "MOST_BYTES", 1)
    _session, offered, _result = begun(folder)
    last = offered[-1].arriving
    assert len(last.slices) <= 2
    assert last.read == 20


def test_quick_loading_makes_no_slices_but_the_first(folder, monkeypatch):
    monkeypatch.setattr(arriving, "QUICK_S", 1e9)
    _session, offered, _result = begun(folder)
    assert [list(one.arriving.slices) for one in offered] == [[10]]


def test_making_slices_takes_little_of_the_time(folder, monkeypatch):
    monkeypatch.setattr(arriving, "MOST_SHARE", -1.0)
    _session, offered, _result = begun(folder)
    assert {tuple(one.arriving.slices) for one in offered} == {(10,)}
    assert offered[-1].arriving.read == 20


def test_one_picture_is_offered_when_it_is_whole(tmp_path):
    write_film(tmp_path)
    offered, result = offers_of(scan(tmp_path).all_series()[0])
    assert offered == []
    assert result.volume.array_zyx.shape[0] == 1


def test_cancel_stops_at_an_offer(folder):
    (series,) = scan(folder).all_series()
    progress = Progress(taker=lambda _action: progress.cancel())
    with pytest.raises(Cancelled):
        load_in_sight(series, progress=progress)


def test_offers_are_snapshots(folder):
    _session, offered, _result = begun(folder)
    assert isinstance(offered[0], ShowArriving)
    assert isinstance(offered[0].arriving.slices, MappingProxyType)
    assert len(offered[0].arriving.slices) == 1
