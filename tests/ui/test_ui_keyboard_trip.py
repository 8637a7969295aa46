"""From opening to the report with nothing but keys, sent to the window as the system sends them."""

from __future__ import annotations

import json
from importlib.util import find_spec

import numpy as np
import pytest
from bundles import change_json, write_threshold_segmenter
from phantoms import write_ct_series
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from test_ui_reading_trip import NODULE
from ui_cases import pump

from medassist.entities.finding import Judgement
from medassist.locations import user_models_dir

pytestmark = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")

Key, CTRL = Qt.Key, Qt.KeyboardModifier.ControlModifier
MOST_TABS = 60


class Keyboard:
    """Keys for a window; where they arrive, its focus decides."""

    def __init__(self, window, runner) -> None:
        self.window, self.runner = window, runner
        window.activateWindow()
        assert QTest.qWaitForWindowActive(window)

    def press(self, key: Qt.Key, *, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.window.windowHandle(), key, held)
        QApplication.processEvents()

    def write(self, text: str) -> None:
        for letter in text:
            QTest.keyClick(self.window.windowHandle(), letter)

    def tab_to(self, wanted: QWidget) -> None:
        """Press Tab until a widget has the keys."""
        for _each in range(MOST_TABS):
            if QApplication.focusWidget() is wanted:
                return
            self.press(Key.Key_Tab)
        raise AssertionError(f"Tab does not reach {wanted.accessibleName() or wanted}")

    def settle(self, until) -> None:
        pump(lambda: until() and not self.runner.running(), 90)
        assert self.window.messages.sentences() == ()


@pytest.fixture
def study(tmp_path):
    values = np.full((10, 40, 32), -900, np.int16)
    write_ct_series(tmp_path / "study" / "a", values_hu=values, SeriesNumber=1)
    values[4:7, 10:16, 8:14] = 2000
    values[6:8, 26:29, 20:24] = 2000
    write_ct_series(tmp_path / "study" / "b", values_hu=values, SeriesNumber=2)
    root = write_threshold_segmenter(user_models_dir() / "bright", 1500.0)
    own = json.loads((root / "configs" / "metadata.json").read_text(encoding="utf-8"))["medassist"]
    change_json(root, "metadata", medassist={**own, "labels": [NODULE]})
    return tmp_path / "study"


def answer(monkeypatch, folder) -> None:
    """Choose a folder in the dialog of the system, which is no part of this window."""
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args, **kwargs: str(folder))


def run_the_model(keys, store) -> None:
    models = keys.window.models
    keys.press(Key.Key_F4)
    keys.tab_to(models.list)
    for _row in range(models.list.count()):
        keys.press(Key.Key_Up)
    while models.list.package().name != "bright":
        before = models.list.currentRow()
        keys.press(Key.Key_Down)
        assert models.list.currentRow() > before, "there is no such model"
    if models.reason.isVisible():
        keys.tab_to(models.reason)
        keys.write("a phantom for a test")
    keys.tab_to(models.run)
    keys.press(Key.Key_Space)
    keys.settle(lambda: bool(store.session.predictions))


def test_from_opening_to_the_report_by_keys(window, store, runner, study, tmp_path, monkeypatch):
    keys = Keyboard(window, runner)
    window.models.reload()
    answer(monkeypatch, study)
    keys.press(Key.Key_O, held=CTRL)
    keys.settle(lambda: store.session.volume is not None)
    first = store.session.current
    keys.press(Key.Key_PageDown, held=CTRL)
    keys.settle(lambda: store.session.volume is not None and store.session.current != first)
    assert store.session.series(store.session.current).number == 2

    run_the_model(keys, store)
    assert len(store.session.findings) == 2

    keys.press(Key.Key_F7)
    table = window.findings.table
    keys.tab_to(table)
    for _row in range(table.rowCount()):
        keys.press(Key.Key_Up)
    while window.findings.selected() is None:
        keys.press(Key.Key_Down)
    keys.press(Key.Key_A)
    keys.press(Key.Key_N)
    keys.press(Key.Key_R)
    verdicts = {one.judgement for one in store.session.findings}
    assert verdicts == {Judgement.ACCEPTED, Judgement.REJECTED}

    keys.press(Key.Key_F3)
    before = store.session.view.cursor_lps
    keys.press(Key.Key_Down)
    assert store.session.view.cursor_lps != before
    keys.press(Key.Key_S)
    assert store.session.drafts[store.session.current].pictures

    answer(monkeypatch, tmp_path / "report")
    keys.press(Key.Key_F8)
    assert window.report.isVisible()
    keys.tab_to(window.report.export)
    keys.press(Key.Key_Space)
    keys.settle(lambda: bool(store.session.reports))
    assert {"report.pdf", "sr.dcm"} <= {path.name for path in store.session.reports}


@pytest.mark.parametrize(
    ("key", "part"),
    [(Key.Key_F2, "studies"), (Key.Key_F3, "viewer"), (Key.Key_F4, "models"), (Key.Key_F5, "explain"),
     (Key.Key_F7, "findings"), (Key.Key_F8, "report")],
)  # fmt: skip
def test_every_part_of_the_window_has_a_key(key, part, window, store, runner, study):
    keys = Keyboard(window, runner)
    window.open([study])
    keys.settle(lambda: store.session.volume is not None)
    keys.press(key)
    wanted = getattr(window, part)
    assert wanted.isVisible()
    assert wanted.isAncestorOf(QApplication.focusWidget())
