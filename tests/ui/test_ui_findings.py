"""The findings panel in a reader's hands: order, filter, groups, evidence alone, corrections, own findings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from ui_cases import MODEL, add_heat, add_mask, add_scores, make_volume, opened

from medassist.entities.finding import Finding, Judgement
from medassist.entities.measurement import Measurement, Quantity, Shape
from medassist.entities.prediction import Code, Mask, Prediction, Segment
from medassist.entities.term import LEFT, RIGHT
from medassist.language import set_language
from medassist.report.findings import findings_from
from medassist.session.actions import AddPrediction, Judge, MoveCursor
from medassist.session.focusing import focus_of
from medassist.session.history import Undo
from medassist.session.judging import AddFinding
from medassist.ui.focus_bar import FocusBar
from medassist.ui.panels.findings_panel import FindingsPanel
from medassist.ui.reason_box import reasons

ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")


@pytest.fixture
def volume(store):
    made = make_volume()
    store.dispatch(lambda _session: opened(made))
    return made


@pytest.fixture
def panel(store, keep, volume):
    return keep(FindingsPanel(store), 400, 800)


def lesions(volume) -> AddPrediction:
    labels = np.zeros(volume.geometry.shape_zyx, np.uint8)
    labels[2:5, 5:9, 5:9], labels[7, 20:22, 20:22] = 1, 1
    mask = Mask(labels, volume.geometry, (Segment(1, "Hot spot", title_zh="热点", category=ABNORMAL),))
    said = Prediction(MODEL, volume.series.key, "2026-01-02T10:11:12", "cpu", mask=mask)
    return AddPrediction(said, findings_from(said, volume))


def listed(panel, column: int = 0) -> list[str]:
    return [panel.table.item(row, column).text() for row in range(panel.table.rowCount())]


def chosen(panel, label: str) -> Finding:
    panel.table.select(next(one.tracking_uid for one in panel._store.session.findings if one.label == label))
    return panel.selected()


# --- order, filter, groups


def test_headings_sort_one_way_the_other_way_and_not_at_all(panel, store, volume):
    store.dispatch(add_scores(volume))
    store.dispatch(AddFinding(Finding("9", "Aneurysm", volume.series.key, key_slice=1, judgement=Judgement.ACCEPTED)))
    as_made = listed(panel)
    panel.table.sort_by(0)
    assert listed(panel) == ["Aneurysm", "Effusion (below threshold)", "Nodule"]
    panel.table.sort_by(0)
    assert listed(panel) == ["Nodule", "Effusion (below threshold)", "Aneurysm"]
    panel.table.sort_by(0)
    assert listed(panel) == as_made
    panel.table.sort_by(2)
    assert listed(panel)[0] == "Nodule", "the surest first; what has no figure last"
    assert listed(panel)[-1] == "Aneurysm"
    panel.table.sort_by(4)
    assert listed(panel)[-1] == "Aneurysm", "what is to judge comes first"


def test_the_selected_finding_stays_selected_when_the_order_changes(panel, store, volume):
    store.dispatch(add_scores(volume))
    before = chosen(panel, "Nodule")
    panel.table.sort_by(0)
    assert panel.selected() == before


def test_the_filter_leaves_out_and_says_how_much(panel, store, volume):
    store.dispatch(add_scores(volume))
    store.dispatch(AddFinding(Finding("9", "Aneurysm", volume.series.key, laterality=LEFT)))
    panel.filter.text.setText("left aneu")
    assert listed(panel) == ["Aneurysm"]
    assert "1 of 3 listed" in panel.title.text()
    assert panel.filter.isVisibleTo(panel), "a filter that is on is never out of sight"
    panel.filter.clear()
    panel.filter.present.setChecked(True)
    assert listed(panel) == ["Nodule", "Aneurysm"]
    panel.filter.clear()
    panel.filter.origin.setCurrentIndex(panel.filter.origin.findData(""))
    assert listed(panel) == ["Aneurysm"]
    panel.filter.clear()
    store.dispatch(Judge("1.2.1", Judgement.REJECTED, "Dr. Roe", "now"))
    panel.filter.verdict.setCurrentIndex(panel.filter.verdict.findData("rejected"))
    assert listed(panel) == ["Nodule"]


def test_pieces_stand_under_their_segment_and_can_be_closed(panel, store, volume):
    store.dispatch(lesions(volume))
    assert listed(panel) == ["▾ Hot spot: 2 findings, 2 to judge", "Hot spot no. 1", "Hot spot no. 2"]
    panel.table.cellClicked.emit(0, 0)
    assert listed(panel) == ["▸ Hot spot: 2 findings, 2 to judge"]
    assert panel.selected() is None
    panel.go_to_next()
    assert panel.selected().component == 1, "the next one to judge is found in a closed group"
    assert len(listed(panel)) == 3


# --- one finding


def test_a_click_shows_its_evidence_alone_and_the_bar_leads_back(panel, store, volume):
    bar = FocusBar(store, panel)
    store.dispatch(lesions(volume))
    assert bar.isHidden()
    panel.table.setCurrentCell(2, 0)
    assert focus_of(store.session).component == 2
    index = volume.geometry.to_index(store.session.view.cursor_lps)
    assert int(np.rint(index[2])) == 7
    assert "Hot spot no. 2" in bar.text.text()
    bar.button.click()
    assert focus_of(store.session) is None
    assert bar.isHidden()
    panel.table.cellClicked.emit(2, 0)
    assert focus_of(store.session).component == 2, "the same row again"


def test_the_bar_says_when_there_is_nothing_to_draw(panel, store, volume):
    bar = FocusBar(store, panel)
    store.dispatch(add_scores(volume))
    panel.table.selectRow(0)
    assert "nothing to draw" in bar.text.text()


def test_all_that_is_known_is_told(panel, store, volume):
    store.dispatch(add_mask(volume))
    store.dispatch(add_heat(volume))
    finding = store.session.findings[0]
    sized = replace(finding, laterality=RIGHT, slices=(5, 7), measurements={
        "mean_value": -41.26, "sd_value": 12.0, "min_value": -80.0, "max_value": 3.0})  # fmt: skip
    store.dispatch(AddFinding(sized))
    store.dispatch(Judge(sized.tracking_uid, Judgement.ACCEPTED, "Dr. Roe", "2026-01-02T10:11:12", "<b>seen</b>"))
    panel.table.selectRow(0)
    text = panel.note.text()
    told = ("Side: right", "slices 6–8", "mean −41.26, SD 12, from −80 to 3 HU", "map by Grad-CAM: not measured")
    for part in (*told, "demo_model 0.1.0 (00000000)", "accepted · Dr. Roe · 2026-01-02 10:11 · <b>seen</b>"):
        assert part in text
    assert panel.note.textFormat() is Qt.TextFormat.PlainText
    assert "map: not measured" in listed(panel, 2)[0]
    assert listed(panel, 1)[0] == "right · slice 7"


def test_a_finding_of_a_measurement_tells_its_figures(panel, store, volume):
    place = tuple(volume.geometry.to_world([3, 3, 3]).tolist())
    drawn = Measurement(
        "7", volume.series.key, Shape.LENGTH, (place, place), 3, quantities=(Quantity("length", 12.5, "mm"),)
    )
    made = Finding("9", "nodule", volume.series.key, center_lps=place, key_slice=3, measurement_uid="7", by="Dr. Roe")
    store.dispatch(lambda session: replace(session, measurements=(drawn,), findings=(made,)))
    panel.table.selectRow(0)
    assert "12.5 mm" in panel.note.text()
    assert "Reader · Dr. Roe" in panel.note.text()


# --- verdicts


def test_next_goes_through_what_nobody_judged_and_round_the_end(panel, store, volume):
    store.dispatch(add_scores(volume))
    seen = []
    for verdict in (Judgement.ACCEPTED, Judgement.DEFERRED):
        panel.verdicts.next.click()
        seen.append(panel.selected().label)
        panel.judge(verdict)
    assert seen == ["Effusion", "Nodule"]
    assert not panel.verdicts.next.isEnabled()
    store.dispatch(Judge("1.2.0", Judgement.UNREVIEWED, "", ""))
    panel.verdicts.next.click()
    assert panel.selected().label == "Effusion"


def test_next_finds_what_the_filter_leaves_out(panel, store, volume):
    store.dispatch(add_scores(volume))
    store.dispatch(Judge("1.2.1", Judgement.ACCEPTED, "Dr. Roe", "now"))
    panel.filter.present.setChecked(True)
    assert listed(panel) == ["Nodule"]
    panel.go_to_next()
    assert panel.selected().label == "Effusion"
    assert not panel.filter.is_on


def test_a_rejection_can_be_reasoned_by_one_click_beside_what_was_typed(panel, store, volume):
    store.dispatch(add_scores(volume))
    finding = chosen(panel, "Nodule")
    assert panel.verdicts.reasons.isHidden()
    panel.comment.setText("seen in 2019")
    panel.judge(Judgement.REJECTED)
    assert not panel.verdicts.reasons.isHidden()
    panel.verdicts.reasons.choose(1)
    panel.verdicts.reasons.choose(0)
    (found,) = (one for one in store.session.findings if one.tracking_uid == finding.tracking_uid)
    assert (found.judgement, found.comment) == (Judgement.REJECTED, "Normal anatomy; seen in 2019")
    assert panel.verdicts.reasons.currentText() == "Normal anatomy"
    panel.judge(Judgement.ACCEPTED)
    assert panel.verdicts.reasons.isHidden()


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_the_reason_of_a_rejection_does_not_stay_with_another_verdict(panel, store, volume, language):
    set_language(language)
    store.dispatch(add_scores(volume))
    chosen(panel, "Nodule")
    panel.comment.setText("seen in 2019")
    panel.judge(Judgement.REJECTED)
    panel.verdicts.reasons.choose(1)
    set_language("en")
    for verdict in (Judgement.ACCEPTED, Judgement.DEFERRED):
        panel.judge(verdict)
        assert (panel.selected().judgement, panel.selected().comment) == (verdict, "seen in 2019")
        assert panel.comment.text() == "seen in 2019"
        store.dispatch(Undo())
        assert panel.selected().comment.endswith("; seen in 2019")
    panel.edit()
    assert panel.form.comment.text() == "seen in 2019"


def test_a_comment_that_was_undone_is_not_kept_with_the_next_verdict(panel, store, volume):
    store.dispatch(add_scores(volume))
    chosen(panel, "Nodule")
    panel.comment.setText("a vessel")
    panel.judge(Judgement.REJECTED)
    store.dispatch(Undo())
    assert panel.comment.text() == ""
    panel.judge(Judgement.ACCEPTED)
    assert panel.selected().comment == ""


def test_words_that_only_begin_like_a_reason_are_the_readers(panel, store, volume):
    store.dispatch(add_scores(volume))
    chosen(panel, "Nodule")
    panel.comment.setText("Artefacts at the rim")
    panel.judge(Judgement.REJECTED)
    panel.verdicts.reasons.choose(0)
    assert panel.selected().comment == "Normal anatomy; Artefacts at the rim"


def test_a_rejected_finding_with_all_its_words_fits_a_small_screen(panel, store, volume):
    for action in (lesions(volume), add_scores(volume)):
        store.dispatch(action)
    chosen(panel, "Nodule")
    panel.judge(Judgement.REJECTED)
    panel.resize(330, 420)
    QApplication.processEvents()
    room, metrics = panel.table.columnWidth(4), panel.table.fontMetrics()
    assert all(metrics.horizontalAdvance(word) + 6 <= room for word in ("accepted", "rejected", "deferred"))
    origin = panel.table.columnWidth(3)
    assert all(metrics.horizontalAdvance(word) + 6 <= origin for word in ("Reader", "Edited", "已修改", "阅片者"))
    assert panel.minimumSizeHint().height() <= 420


def test_reasons_are_told_in_the_readers_language(panel, store, volume):
    english = reasons()
    set_language("zh_CN")
    panel.retranslate()
    assert not set(english) & set(reasons())
    box = panel.verdicts.reasons
    assert [box.itemText(number) for number in range(box.count())] == list(reasons())


# --- corrections and own findings


def test_a_claim_is_corrected_in_the_form(panel, store, volume):
    store.dispatch(add_scores(volume))
    chosen(panel, "Nodule")
    panel.edit()
    assert panel.form.name.text() == "Nodule"
    panel.form.name.setText("odd mass")
    panel.form.side.setCurrentIndex(panel.form.side.findData("left"))
    panel.form.comment.setText("3 cm")
    panel.form.save.click()
    found = panel.selected()
    assert (found.label, found.original_label, found.judgement) == ("odd mass", "Nodule", Judgement.EDITED)
    assert (found.laterality, found.comment, found.probability) == (LEFT, "3 cm", 0.62)
    assert panel.form.isHidden()
    assert "The model called it: Nodule" in panel.note.text()


def test_a_name_against_the_chosen_side_is_refused_in_the_form(panel, store, volume):
    store.dispatch(add_scores(volume))
    chosen(panel, "Nodule")
    panel.edit()
    panel.form.name.setText("right pleural effusion")
    panel.form.side.setCurrentIndex(panel.form.side.findData("left"))
    panel.form.save.click()
    assert "another side" in panel.form.problem.text()
    assert not panel.form.isHidden()
    assert panel.selected().label == "Nodule"


def test_a_side_that_is_neither_left_nor_right_survives_an_edit(panel, store, volume):
    both = Code("51440002", "SCT", "Bilateral")
    store.dispatch(AddFinding(Finding("9", "odd shadow", volume.series.key, laterality=both, model=MODEL)))
    panel.table.selectRow(0)
    panel.edit()
    panel.form.comment.setText("faint")
    panel.form.save.click()
    assert (panel.selected().laterality, panel.selected().comment) == (both, "faint")


def test_a_reader_adds_a_finding_at_the_crosshair(panel, store, volume):
    store.dispatch(add_scores(volume))
    panel.verdicts.add.click()
    panel.form.name.setText("胸腔积液")
    assert "60046008" in panel.form.told.text()
    QTest.keyClick(panel.form.name, Qt.Key.Key_Return)
    found = store.session.findings[-1]
    assert (found.label, found.model, found.judgement) == ("胸腔积液", None, Judgement.ACCEPTED)
    assert found.center_lps == pytest.approx(store.session.view.cursor_lps)
    assert found.key_slice == 5
    assert panel.selected() == found
    assert "Reader" in listed(panel, 3)


def test_a_finding_of_the_whole_image_and_an_absent_one(panel, store, volume):
    panel.add()
    panel.form.name.setText("odd shadow")
    panel.form.where.setCurrentIndex(1)
    panel.form.presence.setCurrentIndex(1)
    panel.form.save.click()
    (found,) = store.session.findings
    assert (found.center_lps, found.present, found.code) == (None, False, None)
    assert listed(panel) == ["odd shadow (absent)"]


def test_leaving_the_form_keeps_nothing(panel, store, volume):
    panel.add()
    panel.form.name.setText("nodule")
    QTest.keyClick(panel.form.name, Qt.Key.Key_Escape)
    assert panel.form.isHidden()
    assert store.session.findings == ()


def test_letters_are_text_in_the_form_and_keys_elsewhere(panel, store, volume):
    store.dispatch(add_scores(volume))
    panel.activateWindow()
    chosen(panel, "Nodule")
    panel.table.setFocus()
    QApplication.processEvents()
    QTest.keyClick(panel.table, Qt.Key.Key_E)
    assert not panel.form.isHidden()
    panel.form.name.clear()
    QTest.keyClicks(panel.form.name, "rand")
    assert panel.form.name.text() == "rand"
    assert all(one.judgement is Judgement.UNREVIEWED for one in store.session.findings)
    QTest.keyClick(panel.form.name, Qt.Key.Key_Escape)
    QTest.keyClick(panel.table, Qt.Key.Key_N)
    assert panel.selected().label == "Effusion"


def test_the_window_draws_the_evidence_of_one_finding_and_then_all_of_it(window, store, volume):
    store.dispatch(lesions(volume))
    pieces = [one.tracking_uid for one in store.session.findings]
    fill = window.viewer.planes[0].layers.fill

    def marked() -> int:
        QApplication.processEvents()
        return int(np.count_nonzero(fill.image)) if fill.isVisible() else 0

    window.findings.table.select(pieces[1])
    assert marked() == 4, "the two by two voxels of the second piece, on its slice"
    window.findings.table.select(pieces[0])
    assert marked() == 16
    at = store.session.view.cursor_lps
    store.dispatch(MoveCursor((at[0], at[1], float(volume.geometry.to_world([0, 0, 7])[2]))))
    assert marked() == 0, "the other piece is not drawn meanwhile"
    QTest.keyClick(window.viewer.planes[0], Qt.Key.Key_Escape)
    assert marked() == 4, "Esc shows everything again"
    assert window.focus.isHidden()


def test_a_reader_takes_an_own_finding_back_and_undo_brings_it_again(panel, store, volume):
    store.dispatch(add_scores(volume))
    chosen(panel, "Nodule")
    panel.edit()
    assert panel.form.remove.isHidden(), "what a model claims is rejected, not deleted"
    panel.form.left.emit()
    panel.add()
    panel.form.name.setText("nodule")
    panel.form.save.click()
    panel.edit()
    panel.form.remove.click()
    assert len(store.session.findings) == 2
    assert panel.form.isHidden()
    store.dispatch(Undo())
    assert store.session.findings[-1].label == "nodule"
