"""The report panel and its editor: what may go out, where it goes, and that the reader's words reach the draft."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from ui_cases import add_mask, make_scan, make_series, make_volume, opened, pump

from medassist.entities.draft import Shown
from medassist.entities.finding import Judgement
from medassist.entities.measurement import Measurement, Shape
from medassist.entities.study import Scan
from medassist.session.actions import AddScan, Judge, ShowVolume
from medassist.session.drafts import DropPassage, draft_of
from medassist.session.measurements import AddMeasurement
from medassist.session.state import Session
from medassist.ui.panels.report_panel import ReportPanel
from medassist.ui.report_place import beside

NOW = datetime(2026, 11, 20, 18, 5, 9, tzinfo=UTC)


@pytest.fixture
def volume(store):
    made = make_volume(make_series(shape_zyx=(10, 40, 30), format="picture"))
    store.dispatch(AddScan(make_scan(made.series)))
    store.dispatch(ShowVolume(made))
    return made


def test_what_nobody_judged_is_told_and_stays_inside(store, runner, keep, volume):
    ran = []
    panel = keep(ReportPanel(store, runner, job=lambda *_args, **options: ran.append(options)))
    assert panel.refusal.isHidden()
    store.dispatch(add_mask(volume))
    assert "Findings nobody judged yet: 1." in panel.refusal.text()
    assert panel.unreviewed.isVisible()
    panel.write_beside()
    panel.choose_folder()  # asks for no folder: a dialog would block this test
    assert not runner.running()
    panel.unreviewed.setChecked(True)
    assert draft_of(store.session, "one").include_unreviewed
    assert panel.refusal.isHidden()
    store.dispatch(Judge("1.2.1", Judgement.REJECTED, "Dr. Roe", "now", "artefact"))
    assert panel.unreviewed.isHidden()
    panel.rejected.setChecked(True)
    assert draft_of(store.session, "one").tell_rejected
    assert ran == []


def test_what_was_only_measured_can_be_reported_at_once(store, runner, keep, volume):
    panel = keep(ReportPanel(store, runner))
    assert not panel.export.isEnabled()
    store.dispatch(AddMeasurement(Measurement("1", "one", Shape.LENGTH, ((0.0, 0.0, 0.0), (9.0, 0.0, 0.0)), 5)))
    assert panel.export.isEnabled()


def test_a_choice_belongs_to_its_series(store, runner, keep, volume):
    panel = keep(ReportPanel(store, runner))
    store.dispatch(add_mask(volume))
    panel.unreviewed.setChecked(True)
    other = make_volume(make_series("two", shape_zyx=(10, 40, 30), format="picture"))
    store.dispatch(AddScan(make_scan(other.series, source="/data/other")))
    store.dispatch(ShowVolume(other))
    assert not panel.unreviewed.isChecked()
    store.dispatch(ShowVolume(volume))
    assert panel.unreviewed.isChecked()


def test_beside_the_study_is_a_folder_of_its_own(tmp_path):
    study, archive = tmp_path / "study", tmp_path / "study.zip"
    study.mkdir()
    archive.touch()
    volume = make_volume()
    session = opened(volume)

    def seen(source: Path) -> Session:
        (scan,) = session.scans
        return AddScan(Scan(source, scan.studies))(Session(current="one"))

    assert beside(seen(study), NOW) == study / "medassist-report-20261120-180509"
    assert beside(seen(archive), NOW) == tmp_path / "medassist-report-20261120-180509"
    (study / "medassist-report-20261120-180509").mkdir()
    assert beside(seen(study), NOW) == study / "medassist-report-20261120-180509-2"
    assert beside(Session(), NOW) is None


# --- the editor


@pytest.fixture
def editor(store, runner, keep, volume):
    panel = keep(ReportPanel(store, runner))
    shown = panel.open_editor()
    drawn(shown)
    yield shown
    shown.hide()


def drawn(editor):
    """Wait until the pages on screen are those of the session as it is."""
    pump(lambda: not editor._pause.isActive() and not editor.worker.busy, 30)


def test_sections_pages_and_pictures_of_the_series_on_screen(editor, store, volume):
    assert [one.title.text() for one in editor.boxes][:2] == ["Clinical question", "Technique"]
    assert len(editor.pages.pages) >= 1
    assert editor.template.currentText() == "Automatic: Any study"
    store.dispatch(add_mask(volume))
    store.dispatch(Judge("1.2.1", Judgement.ACCEPTED, "Dr. Roe", "now"))
    drawn(editor)
    (findings,) = (one for one in editor.boxes if one.section.key == "findings")
    assert findings.text.toPlainText().startswith("Target: 1.25 ml")
    assert editor.pictures.list.count() == 1
    assert "slice 7" in editor.pictures.list.item(0).text()
    assert not editor.pictures.list.item(0).icon().isNull()


def test_what_is_typed_reaches_the_draft_and_stays_when_findings_change(editor, store, volume):
    (box,) = (one for one in editor.boxes if one.section.key == "findings")
    box.text.setPlainText("Nothing to see.")
    pump(lambda: bool(draft_of(store.session, "one").passages))
    drawn(editor)
    (words,) = draft_of(store.session, "one").passages
    assert (words.section, words.text) == ("findings", "Nothing to see.")
    assert words.generated == "No finding has been accepted by a reader."
    assert box.remark.text() == "Your words, kept as they are."
    store.dispatch(add_mask(volume))
    store.dispatch(Judge("1.2.1", Judgement.ACCEPTED, "Dr. Roe", "now"))
    drawn(editor)
    assert box.text.toPlainText() == "Nothing to see.", "the reader's words were overwritten"
    assert "The findings changed since this was written." in box.remark.text()
    assert "Target: 1.25 ml" in box.remark.text()
    box.confirm.click()
    drawn(editor)
    assert box.remark.text() == "Your words, kept as they are."
    box.drop.click()
    drawn(editor)
    assert box.text.toPlainText().startswith("Target: 1.25 ml")
    assert draft_of(store.session, "one").passages == ()


def test_the_sentences_of_the_program_are_no_words_of_the_reader(editor, store):
    (box,) = (one for one in editor.boxes if one.section.key == "findings")
    before = box.text.toPlainText()
    box.text.setPlainText("x")
    editor.keep_words()
    drawn(editor)
    box.text.setPlainText(before)
    editor.keep_words()
    assert draft_of(store.session, "one").passages == ()


def test_words_go_to_the_series_they_were_typed_for(editor, store):
    editor.boxes[0].text.setPlainText("About the first.")
    other = make_volume(make_series("two", shape_zyx=(10, 40, 30), format="picture"))
    store.dispatch(AddScan(make_scan(other.series, source="/data/other")))
    store.dispatch(ShowVolume(other))
    drawn(editor)
    assert [one.text for one in draft_of(store.session, "one").passages] == ["About the first."]
    assert draft_of(store.session, "two").passages == ()
    assert editor.boxes[0].text.toPlainText() == ""


def test_undo_brings_the_words_back_that_were_there(editor, store):
    box = editor.boxes[0]
    box.text.setPlainText("First.")
    editor.keep_words()
    drawn(editor)
    store.dispatch(DropPassage("one", box.section.key))
    drawn(editor)
    assert box.text.toPlainText() == ""


def test_closing_keeps_what_was_typed_last_and_leaves_no_thread(editor, store):
    editor.boxes[0].text.setPlainText("Last words.")
    editor.hide()
    assert [one.text for one in draft_of(store.session, "one").passages] == ["Last words."]
    assert not editor.worker.busy


def test_key_pictures_are_added_captioned_ordered_and_left_out(editor, store, volume):
    store.dispatch(add_mask(volume))
    store.dispatch(Judge("1.2.1", Judgement.ACCEPTED, "Dr. Roe", "now"))
    editor.pictures.add.click()
    drawn(editor)
    pictures = editor.pictures
    assert pictures.list.count() == 2
    pictures.list.setCurrentRow(0)
    assert pictures.chosen().startswith("key:")
    pictures.caption.setText("Here")
    pictures.caption.editingFinished.emit()
    pictures.shown.setCurrentIndex(2)
    pictures.shown.activated.emit(2)
    drawn(editor)
    (mine,) = draft_of(store.session, "one").pictures
    assert (mine.caption, mine.shown) == ("Here", Shown.BOTH)
    assert pictures.list.currentRow() == 0, "the chosen picture stays chosen"
    pictures.down.click()
    drawn(editor)
    assert [one.name.split(":")[0] for one in draft_of(store.session, "one").pictures] == ["mask", "key"]
    pictures.list.setCurrentRow(0)
    pictures.remove.click()
    drawn(editor)
    assert pictures.list.count() == 1
    assert draft_of(store.session, "one").left_out


def test_another_template_and_broken_ones_with_their_reason(editor, store, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDASSIST_CONFIG", str(tmp_path))
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "mine.toml").write_text("nothing")
    number = editor.template.findData("brain_mr")
    editor.template.setCurrentIndex(number)
    editor.template.activated.emit(number)
    drawn(editor)
    assert draft_of(store.session, "one").template == "brain_mr"
    assert editor.template.currentData() == "brain_mr"
    assert "mine.toml" in editor.problems.text()
    assert editor.problems.isVisible()


def test_s_puts_the_slice_on_screen_into_the_report(window, store, volume):
    window.menus.keep_slice.trigger()
    (picture,) = draft_of(store.session, "one").pictures
    assert picture.index == 5
    assert "Key pictures picked: 1" in window.report.summary.text()


def test_the_editor_goes_with_its_window(window, store, volume):
    shown = window.report.open_editor()
    shown.boxes or drawn(shown)
    shown.boxes[0].text.setPlainText("Almost lost.")
    window.close()
    assert not shown.isVisible()
    assert [one.text for one in draft_of(store.session, "one").passages] == ["Almost lost."]


def test_the_report_as_text_is_copied_and_refused_like_any_other(store, runner, keep, volume, application):
    panel = keep(ReportPanel(store, runner))
    application.clipboard().setText("before")
    store.dispatch(add_mask(volume))
    panel.copy_text()
    assert not runner.running()
    store.dispatch(Judge("1.2.1", Judgement.ACCEPTED, "Dr. Roe", "now"))
    panel.copy_text()
    pump(lambda: not runner.running())
    assert "Target" in application.clipboard().text()
    assert "Research use only, not for diagnosis" in application.clipboard().text()
