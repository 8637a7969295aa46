"""The dial: moving it redraws the finding at once, the package's threshold is one click away, the trail has it once."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from ui_cases import MODEL, make_scan, make_volume, pump

from medassist import app
from medassist.entities.finding import Finding, Judgement
from medassist.entities.operating import OperatingCurve
from medassist.entities.prediction import ClassScore, Prediction
from medassist.language import set_language
from medassist.session import trail
from medassist.session.actions import AddPrediction, AddScan, Judge, ShowVolume
from medassist.session.thresholds import prevalences_of
from medassist.storage import settings
from medassist.ui.panels.explain_panel import _targets
from medassist.ui.panels.findings_panel import FindingsPanel

CURVE = OperatingCurve(np.linspace(0.2, 0.9, 100), np.linspace(0.0, 0.5, 300))


@pytest.fixture
def panel(store, keep):
    volume = make_volume()
    scores = (ClassScore("Effusion", 0.31, 0.4, True, curve=CURVE), ClassScore("Nodule", 0.62, 0.35))
    findings = tuple(
        Finding(f"1.2.{i}", one.label, volume.series.key, present=one.positive, probability=one.probability,
                threshold=one.threshold, calibrated=one.calibrated, curve=one.curve, model=MODEL)
        for i, one in enumerate(scores)
    )  # fmt: skip
    store.dispatch(AddScan(make_scan(volume.series)))
    store.dispatch(ShowVolume(volume))
    store.dispatch(AddPrediction(Prediction(MODEL, volume.series.key, "now", "cpu", scores=scores), findings))
    panel = keep(FindingsPanel(store), 420, 600)
    panel.table.selectRow(0)
    return panel


def title(panel: FindingsPanel, row: int = 0) -> str:
    return panel.table.item(row, 0).text()


def test_the_dial_belongs_to_the_selected_finding(panel) -> None:
    assert panel.dial.isVisible()
    assert panel.dial.number.value() == 0.4
    assert panel.dial.slider.value() == 400
    assert panel.dial.back.text() == "Package: 0.400"
    assert not panel.dial.back.isEnabled()
    said = panel.dial.meaning.text()
    sensitivity, specificity = CURVE.sensitivity(0.4), CURVE.specificity(0.4)
    for rate in (sensitivity, specificity):
        assert f"{rate.value:.2f} ({rate.low:.2f}–{rate.high:.2f})" in said
    assert "on 400 images" in said
    assert "The score at 90 % confidence: cannot say" in said
    panel.table.setCurrentCell(-1, -1)
    assert not panel.dial.isVisible()


def test_moving_it_redraws_the_finding_and_the_text_at_once(panel, store) -> None:
    assert "below threshold" in title(panel)
    before = panel.dial.meaning.text()
    panel.dial.slider.setSliderDown(True)
    panel.dial.slider.setValue(310)
    assert store.session.findings[0].present
    assert "below threshold" not in title(panel)
    assert panel.dial.meaning.text() != before
    assert "from 0.400 to 0.310" in panel.dial.meaning.toolTip()
    assert "threshold changed" in panel.table.item(0, 2).text()
    assert store.session.threshold_changes == ()  # the hand still holds it
    panel.dial.slider.setSliderDown(False)
    (change,) = store.session.threshold_changes
    assert (change.before, change.after) == (0.4, 0.31)


def test_one_click_leads_back_to_the_package(panel, store) -> None:
    panel.dial.number.setValue(0.1234)
    assert store.session.findings[0].threshold == 0.1234
    assert panel.dial.slider.value() == 123
    assert panel.dial.number.value() == 0.1234  # the coarser slider does not pull it
    panel.dial.back.click()
    assert store.session.findings[0].threshold == 0.4
    assert store.session.findings[0].package_threshold is None
    assert panel.dial.number.value() == 0.4


def test_selecting_another_finding_changes_no_threshold(panel, store) -> None:
    before = store.session
    panel.table.selectRow(1)
    panel.table.selectRow(0)
    for name in ("findings", "thresholds", "threshold_changes", "prevalences", "history"):  # it moves the eye only
        assert getattr(store.session, name) is getattr(before, name)


def test_without_calibration_cases_it_cannot_be_moved_and_says_so(panel) -> None:
    panel.table.selectRow(1)
    assert not panel.dial.slider.isVisible()
    assert "no calibration cases" in panel.dial.meaning.text()


def test_a_judged_finding_stays(panel, store) -> None:
    store.dispatch(Judge("1.2.0", Judgement.ACCEPTED, "Dr Who", "now"))
    assert not panel.dial.slider.isEnabled()
    assert not panel.dial.number.isEnabled()
    assert "so it stays" in panel.dial.meaning.text()


def test_a_prevalence_gives_predictive_values_and_is_kept(panel, store) -> None:
    assert panel.dial.worth.text() == ""
    panel.dial.prevalence.setValue(5.0)
    assert store.session.findings[0].prevalence == 0.05
    positive, negative = CURVE.ppv(0.4, 0.05), CURVE.npv(0.4, 0.05)
    assert f"{positive.value:.2f} (" in panel.dial.worth.text()
    assert f"{negative.value:.2f} (" in panel.dial.worth.text()
    assert prevalences_of(settings.read().text("prevalences")) == {(MODEL.name, "Effusion"): 0.05}
    panel.dial.prevalence.setValue(0.0)
    assert store.session.findings[0].prevalence is None
    assert panel.dial.worth.text() == ""


def test_scrolling_over_it_changes_nothing(panel, store) -> None:
    before = store.session
    for widget in (panel.dial.slider, panel.dial.number, panel.dial.prevalence):
        middle = QPointF(widget.rect().center())
        QApplication.sendEvent(
            widget,
            QWheelEvent(middle, QPointF(widget.mapToGlobal(middle.toPoint())), QPoint(), QPoint(0, 120),
                        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False),
        )  # fmt: skip
    assert store.session is before


def test_what_the_score_cannot_say_stands_in_the_list(panel, store) -> None:
    assert "cannot say" in panel.table.item(0, 2).text()  # 0.31 is usual with and without
    assert "cannot say" not in panel.table.item(1, 2).text()


def test_what_can_be_explained_is_ranked_by_the_threshold_of_the_reader(panel, store) -> None:
    assert [label for label, _text in _targets(store.session)] == ["Nodule", "Effusion"]
    panel.dial.number.setValue(0.01)
    assert next(text for _label, text in _targets(store.session)) == "Effusion · 0.31 / 0.010"


def test_it_speaks_chinese(panel) -> None:
    set_language("zh_CN")
    panel.retranslate()
    assert "灵敏度" in panel.dial.meaning.text()
    assert panel.dial.back.text() == "模型包：0.400"


def test_the_trail_of_a_click_is_one_line(panel, store) -> None:
    old = store.session
    panel.dial.number.setValue(0.2)
    assert [one.action for one in trail.events(old, store.session)] == ["set threshold"]


def test_the_window_starts_with_the_prevalences_of_the_settings(application, tmp_path) -> None:
    settings.write("prevalences", '{"demo_model/Effusion": 0.05}')
    seen = []
    app.show(screenshot=tmp_path / "w.png", prepare=lambda window: seen.append(window._store.session.prevalences))
    assert seen == [{("demo_model", "Effusion"): 0.05}]


@pytest.mark.parametrize(("width", "height"), [(440, 700), (340, 700)])
def test_all_that_is_told_about_a_finding_is_in_sight_where_there_is_room(panel, width, height) -> None:
    panel.resize(width, height)
    for row in (1, 0):
        panel.table.selectRow(row)
        pump(lambda: not panel.details.verticalScrollBar().isVisible())
        meaning = panel.dial.meaning
        pump(lambda meaning=meaning: meaning.height() >= meaning.heightForWidth(meaning.width()))
    assert panel.dial.slider.width() > 0.8 * panel.width()


def test_the_list_keeps_its_rows_where_there_is_little_room(panel) -> None:
    panel.resize(340, 330)
    pump(lambda: panel.details.verticalScrollBar().isVisible())
    assert panel.table.height() >= 96


def test_classes_that_exclude_each_other_have_no_threshold_of_their_own(store, keep):
    volume = make_volume()
    shares = (("Hand", 0.97, 0.9), ("Chest", 0.03, 0.97))
    findings = tuple(
        Finding(f"1.2.{label}", label, volume.series.key, present=share >= threshold, probability=share,
                threshold=threshold, calibrated=True, exclusive=True, model=MODEL)
        for label, share, threshold in shares
    )  # fmt: skip
    store.dispatch(AddScan(make_scan(volume.series)))
    store.dispatch(ShowVolume(volume))
    store.dispatch(AddPrediction(Prediction(MODEL, volume.series.key, "now", "cpu"), findings))
    panel = keep(FindingsPanel(store), 420, 600)
    panel.table.selectRow(0)
    assert [title(panel, row) for row in (0, 1)] == ["Hand", "Chest (not called)"]
    assert panel.table.item(0, 2).text() == "probability 0.97, the most likely class"
    assert panel.table.item(1, 2).text() == "probability 0.030"
    assert "exclude each other" in panel.dial.meaning.text()
    assert not panel.dial.slider.isVisible()
