"""Ctrl+Z in the window: what was drawn first, then the last step of the work, named in the menu."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from ui_cases import add_heat, add_mask, make_scan, make_series, make_volume, opened

from medassist.entities.finding import Judgement
from medassist.entities.prediction import ModelRef
from medassist.entities.prompt import Box
from medassist.session.actions import AddScan, Judge, ShowVolume
from medassist.session.regions import SetRegion, brushed, draw_box
from medassist.session.state import Session
from medassist.session.thresholds import SetPrevalence, prevalences_of, prevalences_to_keep
from medassist.storage import settings
from medassist.ui.reader import keep
from medassist.ui.store import Store

VOLUME = make_volume()
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def store(application):
    one = Store(opened(VOLUME))
    yield one
    one.deleteLater()


@pytest.fixture
def judged(window, store):
    store.dispatch(add_mask(VOLUME))
    store.dispatch(Judge("1.2.1", Judgement.REJECTED, "Dr Who", "noon", "skin fold"))
    window.activateWindow()
    return window


def keys(window, key: Qt.Key, modifiers: Qt.KeyboardModifier = CONTROL) -> None:
    QTest.keyClick(window.viewer, key, modifiers)


def verdict(session: Session) -> Judgement:
    return session.findings[0].judgement


def test_keys_undo_and_redo_a_verdict(judged, store):
    keys(judged, Qt.Key.Key_Z)
    assert verdict(store.session) is Judgement.UNREVIEWED
    keys(judged, Qt.Key.Key_Z, CONTROL | SHIFT)
    assert verdict(store.session) is Judgement.REJECTED
    keys(judged, Qt.Key.Key_Z)
    keys(judged, Qt.Key.Key_Y)
    assert verdict(store.session) is Judgement.REJECTED
    assert store.session.findings[0].comment == "skin fold"


def test_the_menu_names_the_step_in_both_languages(judged, store):
    edit = judged.menus.edit
    assert edit.undo.text() == "Undo: reject Target"
    assert not edit.redo.isEnabled()
    edit.undo.trigger()
    assert edit.undo.text() == "Undo: run Demo"
    assert edit.redo.text() == "Redo: reject Target"
    judged.speak("zh_CN")
    assert edit.title() == "编辑"
    assert edit.undo.text() == "撤销：运行 Demo"
    edit.undo.trigger()
    assert edit.undo.text() == "撤销"
    assert not edit.undo.isEnabled()
    assert store.session.findings == ()


def test_what_is_undone_on_a_series_that_is_not_on_screen_is_said(judged, store):
    other = make_volume(make_series("two", description="Other head"))
    store.dispatch(AddScan(make_scan(other.series, source="/data/other")))
    store.dispatch(ShowVolume(other))
    edit, status = judged.menus.edit, judged.status
    assert edit.undo.text() == "Undo: reject Target (on another series: 2 Phantom)"
    assert status.currentMessage() == ""
    edit.undo.trigger()
    assert status.currentMessage() == "Undo: reject Target (on another series: 2 Phantom)"
    edit.redo.trigger()
    assert status.currentMessage() == "Redo: reject Target (on another series: 2 Phantom)"
    status.clearMessage()
    store.dispatch(ShowVolume(VOLUME))
    edit.undo.trigger()
    assert status.currentMessage() == ""


def test_a_map_is_no_step(judged, store):
    store.dispatch(add_heat(VOLUME))
    keys(judged, Qt.Key.Key_Z)
    assert verdict(store.session) is Judgement.UNREVIEWED
    assert len(store.session.heatmaps) == 1


def test_a_region_being_drawn_is_undone_first(judged, store):
    class Nobody:
        ref = ModelRef("litemedsam", "1", "0" * 64)

    judged.region.setVisible(True)
    region = draw_box(VOLUME, Nobody(), Box(2, 2, 9, 9, 3), window=None, inverted=False)
    touched = np.zeros(VOLUME.geometry.shape_zyx[1:], bool)
    touched[4, 4] = True
    store.dispatch(SetRegion(region))
    store.dispatch(SetRegion(brushed(region, 3, touched, erase=False)))
    assert judged.menus.edit.undo.text() == "Undo: drawing the region"
    keys(judged, Qt.Key.Key_Z)
    assert store.session.region is region
    assert verdict(store.session) is Judgement.REJECTED
    keys(judged, Qt.Key.Key_Z)
    assert verdict(store.session) is Judgement.UNREVIEWED


def test_an_undone_prevalence_is_undone_for_the_next_start_too(judged, store):
    keep("prevalences", prevalences_to_keep({("demo_model", "Target"): 0.2}))
    store.dispatch(SetPrevalence("demo_model", "Target", 0.2))
    keys(judged, Qt.Key.Key_Z)
    assert prevalences_of(settings.read().text("prevalences")) == {}
    keys(judged, Qt.Key.Key_Y)
    assert prevalences_of(settings.read().text("prevalences")) == {("demo_model", "Target"): 0.2}
