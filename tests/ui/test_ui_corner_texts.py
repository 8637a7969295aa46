"""Corner texts in three amounts: what may mislead, whose it is and which side stay in each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ui_cases import add_mask, make_scan, make_series, make_volume, opened

from medassist.entities.look import CornerText
from medassist.entities.study import SeriesKind
from medassist.imaging.slicing import Plane, layout
from medassist.language import set_language
from medassist.session.actions import AddScan, Invert, ShowVolume
from medassist.session.state import Session
from medassist.ui.viewer import annotations, texts
from medassist.ui.viewer.slices import Shown


def shown(volume, index=6):
    return Shown(volume, Plane.AXIAL, layout(volume.geometry, Plane.AXIAL), index)


def written(much: CornerText, session: Session) -> Session:
    return replace(session, layers=replace(session.layers, corner_text=much))


@pytest.fixture
def volume():
    return make_volume(make_series(laterality="L", lossy=9.0), lost_slices=(6,))


@pytest.mark.parametrize("much", list(CornerText))
def test_patient_side_results_and_warnings_stay_in_every_amount(much, volume) -> None:
    session = written(much, Invert()(add_mask(volume)(opened(volume))))
    found = texts.corners(session, shown(volume), 2.0, leading=True)
    assert found.top_left[:2] == ("Doe Jane", "ID-7 · F · 56 years")
    assert "left side" in " ".join(found.top_right)
    assert found.stamp == ("AI result of demo_model 0.1.0", "2026-01-02 10:11")
    for text in ("This slice could not be read", "inverted", "lossy compression 9:1"):
        assert text in found.bottom_left


def test_less_is_written_in_each_step(volume) -> None:
    session = opened(make_volume(make_series()))
    plain = make_volume(make_series())
    told = {much: texts.corners(written(much, session), shown(plain), 2.0, leading=True) for much in CornerText}
    assert told[CornerText.SHORT].bottom_left == ("Axial", "Slice 7 of 10")
    assert told[CornerText.OFF].bottom_left == ()
    assert told[CornerText.OFF].top_right == ("",)
    assert len(told[CornerText.FULL].bottom_left) > 2
    aside = [texts.corners(written(much, session), shown(plain), 2.0, leading=False) for much in CornerText]
    assert [len(one.bottom_left) for one in aside] == [2, 1, 0]


def test_the_next_amount_comes_back_to_the_first() -> None:
    assert [much.next for much in CornerText] == [CornerText.SHORT, CornerText.OFF, CornerText.FULL]


def test_a_film_that_is_shown_smaller_than_it_is_says_so() -> None:
    film = make_volume(make_series(kind=SeriesKind.FILM), shape=(1, 40, 30))
    session = opened(film)
    lines = texts.corners(session, shown(film, index=0), 0.5, leading=True).bottom_left
    assert "reduced: 1 screen pixel for 4 of the picture" in lines
    lines = texts.corners(session, shown(film, index=0), 1.0, leading=True).bottom_left
    assert not any("reduced" in line for line in lines)


def test_every_picture_of_an_album_tells_its_own_side() -> None:
    album = make_volume(make_series(kind=SeriesKind.FILM, sides=("L", "R"), shape_zyx=(2, 40, 30)), shape=(2, 40, 30))
    session = opened(album)
    told = [texts.corners(session, shown(album, index=at), 1.0, leading=True).top_right[-1] for at in (0, 1)]
    assert "left side" in told[0]
    assert "right side" in told[1]


def test_unpaired_is_no_side() -> None:
    volume = make_volume(make_series(laterality="U"))
    assert texts.corners(opened(volume), shown(volume), 1.0, leading=True).top_right == ("2 Phantom", "CT")


def test_the_key_switches_what_is_drawn(window, store, monkeypatch, application) -> None:
    volume = make_volume(make_series())
    scales, letters = [], []
    monkeypatch.setattr(annotations.hud, "draw_scale", lambda *given: scales.append(given))
    monkeypatch.setattr(annotations.hud, "draw_letters", lambda *given: letters.append(given))
    store.dispatch(AddScan(make_scan(volume.series)))
    store.dispatch(ShowVolume(volume))
    menu = window.menus.texts_shown
    assert menu.switch.shortcut().toString() == "V"
    menu.switch.trigger()
    assert store.session.layers.corner_text is CornerText.SHORT
    assert menu.entries[CornerText.SHORT].isChecked()
    menu.switch.trigger()
    application.processEvents()
    scales.clear()
    letters.clear()
    window.viewer.planes[0].viewport().repaint()
    assert letters
    assert not scales
    set_language("zh_CN")
    window.menus.retranslate()
    assert menu.title() == "图像上的文字"
