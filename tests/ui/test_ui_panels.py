"""Panels with a bare store and a runner that only records."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QListWidget, QVBoxLayout, QWidget
from ui_cases import (
    add_heat,
    add_mask,
    add_scores,
    irregular_series,
    make_scan,
    make_series,
    make_volume,
)

from medassist.entities.errors import UnreadableInput, Unsuited
from medassist.entities.finding import Judgement
from medassist.entities.prediction import Check, Verdict
from medassist.entities.study import SeriesKind, warned
from medassist.inference.packages import Package
from medassist.language import set_language
from medassist.plugins import Availability
from medassist.progress import Step
from medassist.session import jobs
from medassist.session.actions import AddScan, Judge, ReportWritten, ShowVolume
from medassist.session.arriving import load_in_sight
from medassist.ui.message_bar import MessageBar
from medassist.ui.opening import LOAD_LANE, Opener, sources
from medassist.ui.panels.explain_panel import ExplainPanel
from medassist.ui.panels.findings_panel import FindingsPanel
from medassist.ui.panels.layers_panel import LayersPanel
from medassist.ui.panels.model_panel import ModelPanel
from medassist.ui.panels.report_panel import ReportPanel
from medassist.ui.panels.study_panel import StudyPanel
from medassist.ui.status_bar import StatusBar


class FakeRunner(QObject):
    """Remember what was asked, run nothing."""

    began, ended, cancelled = Signal(str), Signal(str), Signal(str)
    stepped, failed, idle = Signal(str, object), Signal(str, object), Signal()

    def __init__(self):
        super().__init__()
        self.calls, self.busy, self.stopped = [], (), []

    def start(self, lane, job, *args, **options):
        self.calls.append(("start", lane, job, args, options))

    def queue(self, lane, job, *args, **options):
        self.calls.append(("queue", lane, job, args, options))

    def cancel(self, lane):
        self.stopped.append(lane)

    def running(self, lane=""):
        return lane in self.busy or (not lane and bool(self.busy))

    def lanes(self):
        return self.busy


@pytest.fixture
def fake():
    one = FakeRunner()
    yield one
    one.deleteLater()


@pytest.fixture
def volume(store):
    one = make_volume()
    store.dispatch(AddScan(make_scan(one.series)))
    store.dispatch(ShowVolume(one))
    return one


def texts_of(tree):
    found = tree.findItems("", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive)
    return [item.text(0) for item in found]


def find(tree, text):
    return tree.findItems(text, Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive)[0]


# --- study panel


def test_tree_names_patient_series_kind_and_every_warning(store, fake, keep):
    panel = keep(StudyPanel(store, fake))
    assert panel.hint.isVisible()
    series = make_series(warnings=(warned("Pixel size {size} is a guess.", size=1),))
    store.dispatch(AddScan(make_scan(series, irregular_series(), make_series("sr", SeriesKind.OTHER), skipped=2)))
    said = "\n".join(texts_of(panel.tree))
    for text in ("Doe Jane", "2026-01-02", "2 Phantom", "30 × 40 × 10", "Pixel size 1 is a guess.", "no regular grid",
                 "7 mm apart", "No picture to show", "Files not understood: 2", "f0.txt: not an image"):  # fmt: skip
        assert text in said
    assert said.count("7 mm apart") == 1
    assert not panel.hint.isVisible()


def test_click_loads_a_series_once_and_shows_it_at_once_after(store, fake, keep, volume):
    panel = keep(StudyPanel(store, fake))
    other = make_series("two", description="Other")
    store.dispatch(AddScan(make_scan(other, source="/b")))
    item = find(panel.tree, "Other")
    panel.tree.itemClicked.emit(item, 0)
    assert [(call[1], call[2], call[3]) for call in fake.calls] == [("load", load_in_sight, (other, None))]
    store.dispatch(ShowVolume(make_volume(other)))
    first = find(panel.tree, "Phantom")
    panel.tree.itemClicked.emit(first, 0)
    assert store.session.current == "one"
    assert len(fake.calls) == 1
    assert panel.tree.currentItem().text(0) == first.text(0)


def test_a_series_whose_files_changed_is_loaded_again(store, fake, keep, volume):
    panel = keep(StudyPanel(store, fake))
    store.dispatch(AddScan(make_scan(make_series("two"), source="/b")))
    store.dispatch(ShowVolume(make_volume(make_series("two"))))
    changed = make_series("one", shape_zyx=(11, 40, 30))
    store.dispatch(AddScan(make_scan(changed)))
    panel.tree.itemClicked.emit(find(panel.tree, "× 11"), 0)
    assert [call[3][0] for call in fake.calls] == [changed]


def test_series_without_picture_is_not_loaded(store, fake, keep):
    panel = keep(StudyPanel(store, fake))
    store.dispatch(AddScan(make_scan(make_series("sr", SeriesKind.OTHER, shape_zyx=(0, 0, 0)))))
    panel.tree.itemClicked.emit(panel.tree.topLevelItem(0).child(0), 0)
    assert fake.calls == []


def test_several_files_of_one_folder_mean_the_folder(tmp_path):
    files = [tmp_path / name for name in ("a.dcm", "b.dcm")]
    for file in files:
        file.touch()
    other = tmp_path / "deep"
    other.mkdir()
    assert sources([*files, other]) == (tmp_path, other)
    assert sources(files[:1]) == tuple(files[:1])


def test_opening_shows_the_first_picture_and_never_steals_it_later(store, fake):
    opener = Opener(store, fake)
    opener.open([Path("/a"), Path("/b")])
    assert [call[1] for call in fake.calls] == ["open /a"], "which patient comes first is not left to chance"
    first, second = make_series("1"), make_series("2")
    store.dispatch(AddScan(make_scan(make_series("sr", SeriesKind.OTHER), first, source="/a")))
    fake.ended.emit("open /a")
    assert [call[1] for call in fake.calls] == ["open /a", LOAD_LANE, "open /b"]
    store.dispatch(AddScan(make_scan(second, source="/b")))
    fake.ended.emit("open /b")
    assert [call[3][0] for call in fake.calls if call[1] == LOAD_LANE] == [first]
    opener.deleteLater()


def test_what_cannot_be_read_does_not_take_the_next_along(store, fake):
    opener = Opener(store, fake)
    opener.open([Path("/a"), Path("/b")])
    opener.open([Path("/c")])
    assert [call[1] for call in fake.calls] == ["open /a", "open /c"], "a later wish does not wait for an earlier one"
    fake.ended.emit("open /a")  # failed: nothing was added
    assert [call[1] for call in fake.calls] == ["open /a", "open /c", "open /b"]
    opener.deleteLater()


# --- model panel


def package(name="demo", reason="", **fields):
    return Package(Path("/models") / name, name, "1.0", f"Title {name}", f"标题 {name}", "segmentation",
                   availability=Availability(reason), **fields)  # fmt: skip


@pytest.fixture
def checks(monkeypatch):
    rows = []
    monkeypatch.setattr(jobs, "check_input", lambda *_args: tuple(rows))
    return rows


def test_unavailable_models_are_listed_with_the_reason(store, fake, keep, checks):
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [package("broken", "its weights are missing"), package()]))
    assert "its weights are missing" in panel.list.item(0).text()
    assert panel.list.package().name == "demo"
    panel.select("broken")
    assert not panel.run.isEnabled()


def test_without_a_model_it_says_what_to_do(store, fake, keep):
    panel = keep(ModelPanel(store, fake, catalogue=list))
    assert "No model is installed" in panel.hint.text()
    assert not panel.run.isEnabled()


def test_run_passes_study_volume_package_and_device(store, fake, keep, volume, checks):
    checks.append(Check("modality", "CT", "CT", Verdict.PASS))
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [package()]))
    panel.device.setCurrentIndex(1)
    assert panel.run.isEnabled()
    panel.run.click()
    kind, lane, job, args, options = fake.calls[0]
    assert (kind, lane, job) == ("start", "model", jobs.run_model)
    assert args == (store.session.study_of("one"), volume, panel.list.package())
    assert options == {"device": "cpu", "override_reason": ""}


def test_failed_check_needs_a_typed_reason(store, fake, keep, volume, checks):
    checks.append(Check("modality", "MR", "CT", Verdict.FAIL))
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [package()]))
    assert not panel.run.isEnabled()
    assert panel.problem.isVisible()
    assert "modality: demanded MR, found CT" in panel.problem.text()
    panel.reason.setText("   ")
    assert not panel.run.isEnabled()
    panel.reason.setText("phantom study")
    panel.run.click()
    assert fake.calls[0][4]["override_reason"] == "phantom study"


def test_a_run_that_tells_the_image_apart_asks_for_a_reason(store, fake, keep, volume, checks):
    checks.append(Check("modality", "CT", "CT", Verdict.PASS))
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [package()]))
    panel.run.click()
    rows = (*checks, Check("Likeness to the training images", "distance ≤ 1", "3.20", Verdict.FAIL))
    fake.failed.emit("model", Unsuited("It does not suit.", rows))
    assert panel.table.rowCount() == 2
    assert not panel.run.isEnabled()
    panel.reason.setText("phantom study")
    panel.run.click()
    assert fake.calls[1][4]["override_reason"] == "phantom study"


def test_the_table_of_a_refused_run_does_not_outlive_its_series(store, fake, keep, volume, checks):
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [package()]))
    panel.run.click()
    fake.failed.emit("model", Unsuited("It does not suit.", (Check("a", "x", "y", Verdict.FAIL),)))
    assert panel.table.rowCount() == 1
    store.dispatch(AddScan(make_scan(make_series("two"), source="/b")))
    store.dispatch(ShowVolume(make_volume(make_series("two"))))
    assert panel.table.rowCount() == 0
    assert panel.run.isEnabled()


def test_reason_does_not_outlive_its_series(store, fake, keep, volume, checks):
    checks.append(Check("modality", "MR", "CT", Verdict.FAIL))
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [package()]))
    panel.reason.setText("phantom study")
    store.dispatch(AddScan(make_scan(make_series("two"), source="/b")))
    store.dispatch(ShowVolume(make_volume(make_series("two"))))
    assert panel.reason.text() == ""
    assert not panel.run.isEnabled()


def test_verdict_has_a_colour_and_a_word(store, fake, keep, volume, checks):
    checks += [Check("a", "x", "y", verdict) for verdict in Verdict]
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [package()]))
    cells = [panel.table.item(row, 3) for row in range(3)]
    assert [cell.text() for cell in cells] == ["suits", "cannot tell", "does not suit"]
    assert len({cell.foreground().color().name() for cell in cells}) == 3


def test_progress_shows_stage_and_time_left_and_can_be_cancelled(store, fake, keep, volume, checks):
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [package()]))
    fake.busy = ("model",)
    fake.began.emit("model")
    fake.stepped.emit("model", Step("Predicting", 0.25, 75.0))
    assert panel.progress.stage.text() == "Predicting, about 1 min 15 s left"
    assert panel.progress.bar.value() == 250
    assert not panel.run.isEnabled()
    panel.progress.cancel.click()
    assert fake.stopped == ["model"]
    fake.busy = ()
    fake.ended.emit("model")
    assert not panel.progress.bar.isVisible()
    assert panel.run.isEnabled()


def test_a_run_on_another_series_than_the_one_on_screen_says_so(store, fake, keep, volume, checks):
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [package()]))
    panel.run.click()
    fake.busy = ("model",)
    fake.began.emit("model")
    assert not panel.hint.isVisible()
    store.dispatch(AddScan(make_scan(make_series("two"), source="/b")))
    store.dispatch(ShowVolume(make_volume(make_series("two"))))
    assert panel.hint.text() == "A model is at work on another series: 2 Phantom"
    store.dispatch(ShowVolume(volume))
    assert not panel.hint.isVisible()


def test_card_follows_the_language(store, fake, keep, tmp_path):
    (tmp_path / "en.md").write_text("# English card", encoding="utf-8")
    (tmp_path / "zh.md").write_text("# 中文说明", encoding="utf-8")
    cards = {"en": tmp_path / "en.md", "zh_CN": tmp_path / "zh.md"}
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [package(cards=cards)]))
    assert "English card" in panel.card.toPlainText()
    set_language("zh_CN")
    panel.retranslate()
    assert "中文说明" in panel.card.toPlainText()
    assert "标题 demo" in panel.list.item(0).text()


# --- findings panel


def test_rows_tell_claim_place_size_origin_and_verdict(store, keep, volume):
    panel = keep(FindingsPanel(store))
    assert panel.hint.isVisible()
    store.dispatch(add_mask(volume))
    row = [panel.table.item(0, column).text() for column in range(5)]
    assert row == ["Target", "slice 7", "1.25 ml", "AI", "not reviewed"]
    store.dispatch(add_scores(volume))
    rows = [panel.table.item(number, 0).text() for number in range(panel.table.rowCount())]
    assert "Effusion (below threshold)" in rows
    measures = [panel.table.item(number, 2).text() for number in range(panel.table.rowCount())]
    assert "score 0.62 (threshold 0.35)" in measures


def test_click_jumps_to_the_place(store, keep, volume):
    panel = keep(FindingsPanel(store))
    store.dispatch(add_mask(volume))
    panel.table.selectRow(0)
    assert store.session.view.cursor_lps == pytest.approx(tuple(volume.geometry.to_world((8, 25, 6))))
    assert "for review by a qualified reader" in panel.note.text()


@pytest.mark.parametrize("verdict", [Judgement.ACCEPTED, Judgement.REJECTED, Judgement.DEFERRED])
def test_buttons_judge_the_selected_row_with_the_comment(store, keep, volume, verdict):
    panel = keep(FindingsPanel(store))
    store.dispatch(add_mask(volume))
    panel.table.selectRow(0)
    panel.comment.setText("seen")
    panel.buttons[verdict].click()
    finding = store.session.findings[0]
    assert (finding.judgement, finding.comment) == (verdict, "seen")
    assert finding.judged_by
    assert finding.judged_at.startswith("20")
    assert panel.selected().tracking_uid == finding.tracking_uid


def test_a_key_judges_the_selected_finding_from_anywhere_but_is_text_in_a_field(store, keep, volume):
    whole = QWidget()
    row, elsewhere, field = QVBoxLayout(whole), QListWidget(whole), QLineEdit(whole)
    panel = FindingsPanel(store, whole)
    for part in (elsewhere, field, panel):
        row.addWidget(part)
    keep(whole).activateWindow()
    store.dispatch(add_mask(volume))

    def type_in(widget, key):
        widget.setFocus()
        QApplication.processEvents()
        QTest.keyClick(widget, key)
        return store.session.findings[0].judgement

    assert type_in(elsewhere, Qt.Key.Key_R) is Judgement.UNREVIEWED  # none is selected
    panel.table.selectRow(0)
    assert type_in(field, Qt.Key.Key_R) is Judgement.UNREVIEWED
    assert type_in(panel.comment, Qt.Key.Key_D) is Judgement.UNREVIEWED
    assert (field.text(), panel.comment.text()) == ("r", "d")
    assert type_in(elsewhere, Qt.Key.Key_R) is Judgement.REJECTED
    assert type_in(panel.table, Qt.Key.Key_A) is Judgement.ACCEPTED


def test_a_comment_being_typed_survives_a_result(store, keep, volume):
    panel = keep(FindingsPanel(store))
    store.dispatch(add_scores(volume))
    panel.table.selectRow(0)
    panel.comment.setText("half a sen")
    store.dispatch(Judge("1.2.1", Judgement.ACCEPTED, "Dr. Roe", "2026-01-02T10:11:12"))
    assert panel.comment.text() == "half a sen"
    panel.table.selectRow(1)
    assert panel.comment.text() == ""


def test_the_readers_verdict_is_in_sight_in_a_narrow_panel(store, keep, volume):
    panel = keep(FindingsPanel(store), 330, 300)
    store.dispatch(add_scores(volume))
    QApplication.processEvents()
    widths = [panel.table.columnWidth(column) for column in range(5)]
    assert sum(widths) <= panel.table.viewport().width()
    metrics = panel.table.fontMetrics()
    assert all(metrics.horizontalAdvance(word) + 8 <= widths[2] for word in ("threshold", "score"))
    assert metrics.horizontalAdvance("reviewed") + 6 <= widths[4]


# --- explain, layers, report


def test_explain_offers_what_was_found_first_and_starts_the_job(store, fake, keep, volume):
    asked = object()
    panel = keep(ExplainPanel(store, fake, job=asked))
    assert not panel.button.isEnabled()
    assert panel.hint.isVisible()
    store.dispatch(add_scores(volume))
    assert panel.target.itemText(0) == "Nodule · 0.62 / 0.35"
    panel.button.click()
    assert fake.calls == [("start", "explain", asked, (volume, store.session.prediction, "Nodule", ""), {})]


def test_passport_names_method_layer_target_and_cell_size(store, fake, keep, volume):
    panel = keep(ExplainPanel(store, fake))
    store.dispatch(add_heat(volume))
    for text in ("Grad-CAM", "Target", "encoder.2", "30 × 40 × 10", "0.8 × 0.8 × 2.0 mm", "demo_model 0.1.0"):
        assert text in panel.passport.text()


def test_sliders_show_and_change_the_layers(store, fake, keep, volume):
    panel = keep(LayersPanel(store, fake))
    assert not panel.sliders["fill_opacity"].isEnabled()
    store.dispatch(add_mask(volume))
    panel.sliders["fill_opacity"].setValue(70)
    panel.switches["visible"].setChecked(False)
    assert store.session.layers.fill_opacity == 0.7
    assert not store.session.layers.visible
    assert panel.list.topLevelItem(0).child(0).text(0) == "Target"


def test_report_is_queued_with_the_choices(store, fake, keep, volume, tmp_path):
    panel = keep(ReportPanel(store, fake))
    assert not panel.export.isEnabled()
    store.dispatch(add_mask(volume))
    panel.formats["seg"].setChecked(False)
    panel.language.setCurrentIndex(1)
    panel.write(tmp_path)
    kind, lane, job, args, options = fake.calls[0]
    assert (kind, lane, job, args) == ("queue", "report", jobs.write_report, (store.session, tmp_path))
    assert options["language"] == "zh_CN"
    assert "seg" not in options["formats"]
    assert "sr" in options["formats"]
    for box in panel.formats.values():
        box.setChecked(False)
    assert not panel.export.isEnabled()  # no format would mean every format
    store.dispatch(ReportWritten((tmp_path / "sr.dcm", tmp_path / "report.pdf")))
    assert [panel.files.item(row).text() for row in range(2)] == ["sr.dcm", "report.pdf"]


def test_files_of_an_earlier_export_are_not_listed_with_the_new_ones(store, fake, keep, volume):
    panel = keep(ReportPanel(store, fake))
    for folder in ("/a", "/b", "/b"):
        store.dispatch(ReportWritten((Path(folder, "sr.dcm"), Path(folder, "report.pdf"))))
    assert [panel.files.item(row).text() for row in range(panel.files.count())] == ["sr.dcm", "report.pdf"]
    assert panel.written.text() == "2 files written:"


def test_the_table_of_checks_is_as_high_as_its_rows_at_any_width(store, fake, keep, volume, checks):
    checks += [Check("Film orientation", "a long demand of many words", "as long an answer", Verdict.FAIL)] * 6
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [package()]), 330, 700)
    for width in (330, 700, 300):
        panel.resize(width, 700)
        QApplication.processEvents()
        table = panel.table
        assert 0 <= table.viewport().height() - table.verticalHeader().length() <= 4


def test_report_summary_is_preliminary_until_all_is_reviewed(store, fake, keep, volume):
    panel, findings = keep(ReportPanel(store, fake)), keep(FindingsPanel(store))
    store.dispatch(add_mask(volume))
    assert "Preliminary: 1 findings are not reviewed yet." in panel.summary.text()
    assert "Research use only" in panel.summary.text()
    findings.table.selectRow(0)
    findings.judge(Judgement.ACCEPTED)
    assert "All findings are reviewed." in panel.summary.text()
    assert "Target: 1.25 ml [accepted]" in panel.summary.text()


def test_messages_are_inline_and_the_newest_three(keep):
    bar = keep(MessageBar())
    for number in range(5):
        bar.show_problem(UnreadableInput("{path} is cut short.", remedy="Copy it again.", path=f"{number}.dcm"))
    assert bar.sentences() == tuple(f"{number}.dcm is cut short. Copy it again." for number in (4, 3, 2))
    bar.clear()
    assert not bar.isVisible()


def test_status_shows_the_job_and_stops_it(store, fake, keep, volume):
    bar = keep(StatusBar(store, fake))
    assert bar.job.text() == "Ready"
    assert "MB" in bar.memory.text() or not Path("/proc/self/statm").exists()
    fake.busy = ("model", "load")
    fake.began.emit("model")
    fake.stepped.emit("model", Step("Predicting", 0.5, 3.0))
    assert bar.job.text() == "Predicting, about 3 s left (and 1 more)"
    bar.stop.click()
    assert fake.stopped == ["model", "load"]
    store.dispatch(add_mask(volume))
    assert "cpu" in bar.device.text()
