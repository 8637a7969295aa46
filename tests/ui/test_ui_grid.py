"""The way between slices as stored and the regular grid made of them, in the window."""

from __future__ import annotations

import pytest
from phantoms import write_ct_series
from ui_cases import pump

from medassist.entities.study import SeriesKind
from medassist.language import set_language


def write_tilted(folder):
    write_ct_series(folder, rows=32, columns=24, ImagePositionPatient=lambda k: [0, 0.5 * k, 2.5 * k])


def shown(store):
    return store.session.volume.series


def test_a_tilted_series_opens_corrected_and_its_raw_slices_are_one_click_away(window, store, tmp_path):
    write_tilted(tmp_path / "ct")
    window.open([tmp_path / "ct"])
    pump(lambda: store.session.volume is not None)
    assert shown(store).part == "tilt corrected"
    assert len(window.viewer.visible_planes()) == 3
    assert "tilted by 11.3 degrees" in window.viewer.banner.text()
    assert window.grid.button.text() == "Show the slices as stored"
    window.grid.button.click()
    pump(lambda: shown(store).part == "raw slices")
    assert len(window.viewer.visible_planes()) == 1
    assert window.grid.button.text() == "Show the regular grid"
    window.grid.button.click()
    assert shown(store).part == "tilt corrected"
    assert not window.grid.isHidden()


@pytest.mark.parametrize(("language", "offer"), [("en", "Resample to a regular grid"), ("zh_CN", "重采样到规则网格")])
def test_a_missing_slice_gets_an_offer(window, store, tmp_path, language, offer):
    write_ct_series(tmp_path / "ct", rows=32, columns=24)[4].unlink()
    set_language(language)
    window.retranslate()
    window.open([tmp_path / "ct"])
    pump(lambda: store.session.volume is not None)
    assert shown(store).kind is SeriesKind.STACK
    assert window.grid.button.text() == offer
    window.grid.button.click()
    pump(lambda: shown(store).kind is SeriesKind.VOLUME)
    listed = store.session.all_series()
    assert [one.part for one in listed] == ["", "resampled"]
    assert store.session.current == listed[1].key
    assert store.session.study_of(listed[1].key).series == listed
    assert window.viewer.banner.text()
    window.grid.button.click()
    assert shown(store).kind is SeriesKind.STACK
    window.grid.button.click()
    assert shown(store) == listed[1]
    assert len(store.session.all_series()) == 2


def test_a_regular_series_gets_no_button(window, store, tmp_path):
    write_ct_series(tmp_path / "ct", rows=32, columns=24)
    window.open([tmp_path / "ct"])
    pump(lambda: store.session.volume is not None)
    assert window.grid.isHidden()
