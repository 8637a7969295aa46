"""The tour of a first start: once, step by step with what the reader does, and away at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ui_cases import add_scores, make_scan, make_volume

from medassist.entities.finding import Judgement
from medassist.language import set_language
from medassist.session.actions import AddScan, ReportWritten, ShowVolume
from medassist.storage import settings
from medassist.ui.tour_bar import TourBar


@pytest.fixture
def tour(store, keep):
    bar = TourBar(store)
    keep(bar, 700, 60)
    bar.hide()
    return bar


def judge(session):
    return replace(session, findings=tuple(replace(one, judgement=Judgement.ACCEPTED) for one in session.findings))


def test_it_comes_once_and_again_when_asked_for(tour):
    tour.begin_once()
    assert tour.isVisible()
    assert settings.read()["tour_seen"] is True
    tour.leave.click()
    tour.begin_once()
    assert not tour.isVisible()
    tour.begin()
    assert tour.isVisible()


def test_it_follows_what_the_reader_does(store, tour):
    tour.begin()
    assert tour.step == 1
    volume = make_volume()
    store.dispatch(AddScan(make_scan(volume.series)))
    assert tour.step == 1
    store.dispatch(ShowVolume(volume))
    assert tour.step == 2
    store.dispatch(add_scores(volume))
    assert tour.step == 3
    store.dispatch(ReportWritten((Path("/r/report.html"),)))
    assert tour.isVisible(), "nobody judged yet"
    store.dispatch(judge)
    assert not tour.isVisible()


def test_it_begins_where_the_work_is(store, tour):
    volume = make_volume()
    store.dispatch(AddScan(make_scan(volume.series)))
    store.dispatch(ShowVolume(volume))
    tour.begin()
    assert tour.step == 2
    tour.next.click()
    assert (tour.step, tour.next.isVisible(), tour.leave.text()) == (3, False, "Done")
    tour.back.click()
    tour.back.click()
    tour.back.click()
    assert (tour.step, tour.back.isEnabled()) == (1, False)


def test_it_speaks_the_language(tour):
    tour.begin()
    set_language("zh_CN")
    tour.retranslate()
    assert tour.text.text().startswith("第 1 步")
    assert tour.accessibleName() == tour.text.text()


def test_the_window_has_it_in_the_help_menu_and_not_by_itself(window):
    assert not window.tour.isVisible()
    window.menus.tour.trigger()
    assert window.tour.isVisible()
