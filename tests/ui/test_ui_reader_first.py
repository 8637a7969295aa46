"""Reader-first mode in the real window: nothing a model said gets anywhere before the reader has looked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QTableWidget,
    QTextEdit,
    QTreeWidget,
    QTreeWidgetItemIterator,
    QWidget,
)
from ui_cases import MODEL, add_heat, add_scores, make_mask, make_volume, opened

from medassist.entities.errors import Refused
from medassist.entities.finding import Judgement
from medassist.entities.impression import Presence
from medassist.entities.prediction import Prediction
from medassist.entities.saved_work import Offer
from medassist.report.findings import findings_from
from medassist.session.actions import AddPrediction
from medassist.session.case_marks import study_name
from medassist.session.history import Redo, Undo
from medassist.session.impressions import SetReaderFirst, impression_of
from medassist.session.judging import AddFinding, finding_of_reader
from medassist.session.reporting import case_of
from medassist.storage import settings
from medassist.ui.impression_form import ImpressionForm
from medassist.ui.main_window import MainWindow
from medassist.ui.store import Store

SAID = ("0.62", "0.31", "AI result", "Map of", "Grad-CAM: ")
"""Words that only results bring on screen: scores, the mark of a result, the title of a map."""


@pytest.fixture
def volume():
    return make_volume()


@pytest.fixture
def store(application, volume):
    one = Store(replace(opened(volume), reader_first=True))
    yield one
    one.deleteLater()


def with_mask(volume) -> AddPrediction:
    said = Prediction(
        replace(MODEL, name="outliner"), volume.series.key, "2026-01-02T11:11:12", "cpu", mask=make_mask(volume)
    )
    return AddPrediction(said, findings_from(said, volume))


def texts(root: QWidget) -> list[str]:
    """Return every text a window holds, shown or not: tooltips and lists too."""
    told: list[str] = []
    for one in (root, *root.findChildren(QWidget)):
        told += [one.toolTip(), one.accessibleName(), one.accessibleDescription(), one.statusTip()]
        if isinstance(one, QLabel | QAbstractButton | QLineEdit):
            told.append(one.text())
        elif isinstance(one, QComboBox):
            told += [one.itemText(n) for n in range(one.count())]
        elif isinstance(one, QTextEdit | QPlainTextEdit):
            told.append(one.toPlainText())
        elif isinstance(one, QTableWidget):
            cells = (one.item(row, column) for row in range(one.rowCount()) for column in range(one.columnCount()))
            told += [text for cell in cells if cell is not None for text in (cell.text(), cell.toolTip())]
        elif isinstance(one, QListWidget):
            told += [one.item(n).text() for n in range(one.count())]
        elif isinstance(one, QTreeWidget):
            walk = QTreeWidgetItemIterator(one)
            while walk.value() is not None:
                told += [walk.value().text(column) for column in range(one.columnCount())]
                walk += 1
    return [text for text in told if text]


def leaks(window: MainWindow, known: set[str]) -> list[str]:
    """Return what came into the window since, as far as it tells results."""
    return [text for text in texts(window) if text not in known and any(word in text for word in SAID)]


def drawn(window: MainWindow) -> bool:
    layers = [view.layers for view in window.viewer.planes if not view.isHidden()]
    return any(one.fill.isVisible() or one.heat.isVisible() or one._outlines for one in layers)


def picture(window: MainWindow) -> np.ndarray:
    QApplication.processEvents()
    image = window.viewer.grab().toImage().convertToFormat(image_format())
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].copy()  # what fills a row up to four bytes is nobody's


def image_format():
    from PySide6.QtGui import QImage

    return QImage.Format.Format_RGB888


def test_nothing_leaks_before_the_impression_and_everything_is_there_after_it(window, store, volume):
    bare, known = picture(window), set(texts(window))
    for action in (with_mask(volume), add_scores(volume), add_heat(volume)):
        store.dispatch(action)
    assert len(store.session.findings) == 3, "the results are there"
    assert leaks(window, known) == []
    assert not drawn(window)
    assert np.array_equal(picture(window), bare), "the pictures are those of a series nobody analysed"
    assert window.findings.table.rowCount() == 0
    assert not window.findings.verdicts.next.isEnabled()
    for action in (Undo(), Redo()):
        store.dispatch(action)
        assert leaks(window, known) == []
    assert "hidden until" in window.findings.impression.hint.text()
    assert "hidden until" in window.report.summary.text()
    assert window.status.device.text() == "", "not that none has run"
    window.findings.impression.answers["Nodule"].setCurrentIndex(2)
    window.findings.impression.button.click()
    assert impression_of(store.session, volume.series.key).answers == {"Nodule": Presence.ABSENT}
    assert window.findings.impression.isHidden() or window.findings.asking.isHidden()
    assert window.findings.table.rowCount() == 3
    assert drawn(window)
    assert leaks(window, known)
    assert "0 of 1" in window.findings.agreed.text()


def test_the_labels_are_asked_by_name_and_need_an_answer_or_words(store, keep, volume):
    form = keep(ImpressionForm(Store(behind=store)))
    assert "No model has run" in form.hint.text()
    assert not form.button.isEnabled()
    store.dispatch(add_scores(volume))
    assert list(form.answers) == ["Effusion", "Nodule"]
    form.answers["Effusion"].setCurrentIndex(3)
    assert form.button.isEnabled()
    form.answers["Effusion"].setCurrentIndex(0)
    assert not form.button.isEnabled()
    form.words.setPlainText("clear")
    store.dispatch(with_mask(volume))
    assert form.words.toPlainText() == "clear", "what is typed survives a result"
    form.button.click()
    assert impression_of(store.session, volume.series.key).text == "clear"
    assert form.isHidden()


def test_a_report_is_refused_meanwhile(window, store, volume):
    store.dispatch(add_scores(volume))
    with pytest.raises(Refused, match="first impression"):
        case_of(window.report._store.session)


def test_the_switch_is_kept_and_shows_at_once(window, store, volume):
    store.dispatch(add_scores(volume))
    assert window.findings.table.rowCount() == 0
    window.menus.reader_first.trigger()
    on = store.session.reader_first
    assert settings.read()["reader_first"] is on
    store.dispatch(SetReaderFirst(False))
    assert window.findings.table.rowCount() == 2
    store.dispatch(SetReaderFirst(True))
    assert window.findings.table.rowCount() == 0


def test_what_the_reader_judged_before_is_not_hidden_again(window, store, volume):
    store.dispatch(SetReaderFirst(False))
    store.dispatch(add_scores(volume))
    window.findings.table.selectRow(0)
    window.findings.judge(Judgement.ACCEPTED)
    store.dispatch(SetReaderFirst(True))
    assert window.findings.table.rowCount() == 2


def test_an_offer_of_saved_work_does_not_tell_how_much_was_found(window, store):
    name = study_name(store.session, store.session.current)
    offer = Offer(Path("x"), (store.session.current,), "2026-01-02T10:11:12", 4321, 3, name)
    store.dispatch(lambda session: replace(session, offers=(offer,)))
    assert "2026-01-02" in window.cases.text.text()
    assert "4321" not in window.cases.text.text()
    store.dispatch(lambda session: replace(SetReaderFirst(False)(session), offers=(offer,)))
    assert "4321" in window.cases.text.text()


def test_letters_typed_into_the_impression_judge_nothing(window, store, volume):
    store.dispatch(add_scores(volume))
    own = replace(finding_of_reader(volume, "nodule", by="Dr. Roe", at="now"), judgement=Judgement.DEFERRED)
    store.dispatch(AddFinding(own))
    window.findings.table.select(own.tracking_uid)
    window.activateWindow()
    window.findings.impression.words.setFocus()
    QApplication.processEvents()
    QTest.keyClicks(window.findings.impression.words, "no hard dense lesion")
    assert window.findings.impression.words.toPlainText() == "no hard dense lesion"
    box = window.findings.impression.answers["Nodule"]
    box.setFocus()
    QApplication.processEvents()
    QTest.keyClick(box, Qt.Key.Key_A)
    assert box.currentData() is Presence.ABSENT
    assert store.session.findings[-1] == own
