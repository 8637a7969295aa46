"""Trips through the real window: open, look, run, judge, switch language, close."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from phantoms import write_ct_series
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QTableWidget, QWidget
from ui_cases import add_heat, add_mask, add_scores, make_scan, make_series, make_volume, opened, press, pump

from medassist import app
from medassist.entities.errors import MedAssistError, Refused, UnreadableInput
from medassist.entities.finding import Judgement
from medassist.entities.measurement import Measurement, Shape
from medassist.language import catalogue, current_language
from medassist.session.actions import AddScan, ReportWritten, ShowVolume
from medassist.storage import audit, settings
from medassist.ui import plan, recent, surroundings
from medassist.ui.main_window import MainWindow
from medassist.ui.reader import reader_name
from medassist.ui.runner import Runner
from medassist.ui.store import Store


@pytest.fixture
def ct(tmp_path):
    folder = tmp_path / "ct"
    write_ct_series(folder, slices=6, rows=32, columns=24)
    return folder


def fake_model(study, volume, package, *, device, override_reason, progress):
    progress.step("Predicting", 0.5)
    return add_mask(volume, (3, 16, 12))


def fake_explain(volume, prediction, target, method, *, progress):
    return add_heat(volume, (3, 16, 12))


def fake_report(session, folder, *, formats, language, reader, progress):
    file = folder / "report.html"
    file.write_text(language, encoding="utf-8")
    return ReportWritten((file,))


def test_open_look_run_judge_explain_report(window, store, ct, tmp_path):
    window.open([ct])
    pump(lambda: store.session.volume is not None)
    assert len(window.viewer.visible_planes()) == 3
    assert store.session.volume.geometry.shape_zyx == (6, 32, 24)
    press(window.viewer.planes[0], Qt.Key.Key_End)
    assert window.viewer.planes[0].shown.index == 5
    window.models._runner.start("model", fake_model, None, store.session.volume, None, device="cpu", override_reason="")
    pump(lambda: store.session.prediction is not None)
    window.findings.table.selectRow(0)
    assert window.viewer.planes[0].shown.index == 3
    window.findings.judge(Judgement.ACCEPTED)
    window.explain._job = fake_explain
    window.explain.button.click()
    pump(lambda: store.session.heatmap is not None)
    assert window.viewer.color_bar.isVisible()
    window.report._job = fake_report
    window.report.write(tmp_path)
    pump(lambda: bool(store.session.reports))
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == "en"
    assert recent.recent_paths() == (ct,)


def test_a_drop_anywhere_is_a_picture(window, store, ct):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in sorted(ct.iterdir())[:3]])
    event = QDropEvent(QPointF(700, 400), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton,
                       Qt.KeyboardModifier.NoModifier)  # fmt: skip
    window.dropEvent(event)
    pump(lambda: store.session.volume is not None)
    assert store.session.current


def test_nothing_in_the_window_swallows_a_drop(window):
    taking = [one for one in window.findChildren(QWidget) if one.acceptDrops()]
    assert taking == [window.viewer.panes]  # it takes series of the list alone
    assert window.acceptDrops()
    files = QMimeData()
    files.setUrls([QUrl.fromLocalFile("/data/study")])
    event = QDragEnterEvent(QPoint(10, 10), Qt.DropAction.CopyAction, files, Qt.MouseButton.LeftButton,
                            Qt.KeyboardModifier.NoModifier)  # fmt: skip
    window.viewer.panes.dragEnterEvent(event)
    assert not event.isAccepted()


def test_keys_work_wherever_the_focus_is(window, store, ct):
    window.open([ct])
    pump(lambda: store.session.volume is not None)
    window.tabs.setFocus()
    press(window.models.run, Qt.Key.Key_7)
    assert store.session.view.window.name == "Lung"


def test_a_series_that_cannot_be_read_does_not_stay_selected(window, store, ct, monkeypatch):
    window.open([ct])
    pump(lambda: store.session.volume is not None)
    store.dispatch(AddScan(make_scan(make_series("two", description="Broken"), source="/b")))
    tree = window.studies.tree
    item = tree.findItems("Broken", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive)[0]
    tree.setCurrentItem(item)
    tree.itemClicked.emit(item, 0)
    pump(lambda: bool(window.messages.sentences()))
    assert "CT phantom" in tree.currentItem().text(0)


def test_unreadable_input_is_one_inline_sentence(window, store, tmp_path):
    file = tmp_path / "text.dcm"
    file.write_text("not an image", encoding="utf-8")
    window.open([file])
    pump(lambda: bool(window.messages.sentences()))
    assert window.messages.isVisible()
    assert len(window.messages.sentences()) == 1
    assert QApplication.activeModalWidget() is None
    assert store.session.volume is None


def spoken(window):
    """Return every text on screen."""
    for kind in (QLabel, QAbstractButton):
        yield from (one.text() for one in window.findChildren(kind) if one.isVisible())
    for box in window.findChildren(QComboBox):
        yield from (box.itemText(row) for row in range(box.count()))
    for table in window.findChildren(QTableWidget):
        yield from (table.horizontalHeaderItem(column).text() for column in range(table.columnCount()))
    for menu in (window.menus.file, window.menus.view, window.menus.language, window.menus.help):
        yield menu.title()
        yield from (action.text() for action in menu.actions())


def test_language_switch_leaves_no_english_behind(window, store):
    volume = make_volume(make_series())
    for action in (AddScan(make_scan(volume.series)), ShowVolume(volume), add_mask(volume), add_heat(volume)):
        store.dispatch(action)
    window.menus._languages["zh_CN"].trigger()
    assert current_language() == "zh_CN"
    english = {text for text, chinese in catalogue("zh_CN").items() if text != chinese}
    assert not english & set(spoken(window))
    assert window.strip.text() == "仅供研究使用，不用于诊断"
    window.menus._languages["en"].trigger()
    assert window.strip.text() == "Research use only, not for diagnosis"


def test_research_strip_is_always_there(window):
    assert window.strip.isVisible()
    window.menus.left.toggle()
    window.menus.right.toggle()
    assert window.strip.isVisible()
    assert not window.studies.isVisible()


def test_window_fits_a_small_screen(window):
    hint = window.minimumSizeHint()
    assert hint.width() <= 1280
    assert hint.height() <= 720


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_all_that_a_reader_does_fits_a_small_screen(window, store, language):
    window.speak(language)
    window.resize(1280, 720)
    volume = make_volume()
    store.dispatch(lambda _session: opened(volume))
    store.dispatch(add_scores(volume))
    long = replace(store.session.findings[0], label="Opacity " * 8, comment="a vessel seen from its end " * 8)
    store.dispatch(lambda session: replace(session, findings=(long, *session.findings[1:])))
    seen = {}
    for number, shape in enumerate(Shape):
        line = Measurement(str(number), volume.series.key, shape, ((0.0, 0.0, 0.0), (9.0, 9.0, 0.0)), 5)
        store.dispatch(lambda session, line=line: replace(session, measurements=(*session.measurements, line)))
        window.tools.toggle(shape)
        seen[shape] = needs(window)
    window.findings.table.select(long.tracking_uid)
    window.findings.judge(Judgement.REJECTED)
    seen["rejected"] = needs(window)
    tabs = window.tabs.height()
    window.findings.edit()
    seen["form"] = needs(window)
    window.findings._close()
    window.editing.toggle()
    seen["editing"] = needs(window)
    assert all(width <= 1280 and height <= 720 for width, height in seen.values()), seen
    assert tabs >= 110, "models, explanation and report have room of their own"


def needs(window) -> tuple[int, int]:
    """Return what a window needs at least, or what it has taken."""
    QApplication.processEvents()
    hint = window.minimumSizeHint()
    return max(hint.width(), window.width()), max(hint.height(), window.height())


def test_closing_during_a_job_ends_cleanly(application):
    store = Store()
    runner = Runner(store)
    window, ran = MainWindow(store, runner), threading.Event()
    window.show()

    def endless(*, progress):
        ran.set()
        while True:
            progress.step("Predicting")
            time.sleep(0.002)

    runner.start("model", endless)
    ran.wait(100)
    before = store.session
    assert window.close()
    assert store.session is before
    assert not [one for one in threading.enumerate() if one.name.startswith("medassist")]
    for one in (window, runner, store):
        one.deleteLater()


def test_help_pages_open_without_blocking(window, application):
    window.menus.keys.trigger()
    window.menus.about.trigger()
    application.processEvents()
    pages = [one for one in application.topLevelWidgets() if one.parent() is window and one.isVisible()]
    assert len([one for one in pages if one.windowTitle() in ("Keys and mouse", "About MedAssist")]) == 2
    assert QApplication.activeModalWidget() is None
    for page in pages:
        page.close()


# --- app.show


def test_show_writes_the_picture_when_the_work_is_done(ct, tmp_path):
    seen = []

    def look(session, *, progress):
        seen.append(session.volume is not None)

    assert app.show([look], open_paths=[ct], screenshot=tmp_path / "a" / "window.png", size=(1280, 720)) == 0
    assert seen == [True]
    assert (tmp_path / "a" / "window.png").stat().st_size > 10_000


def test_show_stops_at_the_first_error_and_raises_it_after_the_picture(tmp_path):
    def refuse(_session, *, progress):
        raise Refused("This film is no chest film.")

    def never(_session, *, progress):
        pytest.fail("the plan went on after an error")

    with pytest.raises(Refused, match="no chest film"):
        app.show([refuse, never], screenshot=tmp_path / "w.png")
    assert (tmp_path / "w.png").exists()


def test_plan_steps_see_what_the_step_before_did(ct, tmp_path):
    shapes = []

    def last(session, *, progress):
        shapes.append(session.volume.geometry.shape_zyx)

    app.show([plan.open_path(ct), plan.load_first, last], screenshot=tmp_path / "w.png")
    assert shapes == [(6, 32, 24)]


def test_run_names_an_unknown_model(ct, tmp_path):
    with pytest.raises(Exception, match="nobody_knows_me"):
        app.run([ct], screenshot=tmp_path / "w.png", model="nobody_knows_me")


def test_a_picture_that_cannot_be_written_is_said(tmp_path):
    target = tmp_path / "folder.png"
    target.mkdir()
    with pytest.raises(Exception, match="cannot be written"):
        app.show(screenshot=target)


def test_without_a_display_a_window_is_refused(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(surroundings.sys, "platform", "linux")
    monkeypatch.setattr(surroundings.QApplication, "instance", staticmethod(lambda: None))
    with pytest.raises(Refused, match="no display"):
        surroundings.choose_platform(None)
    surroundings.choose_platform(Path("w.png"))
    import os

    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"


def test_an_error_in_a_slot_is_shown_and_logged(tmp_path):
    from medassist.locations import log_file

    told = []

    def prepare(window):
        def slot():
            raise ZeroDivisionError

        window.closed.connect(lambda: told.extend(window.messages.sentences()))
        window.viewer.planes[0].maximise.connect(slot)
        window.viewer.planes[0].maximise.emit()

    with pytest.raises(MedAssistError, match="ZeroDivisionError"):
        app.show(screenshot=tmp_path / "w.png", prepare=prepare)
    assert "ZeroDivisionError" in told[0]
    assert (tmp_path / "w.png").exists()
    assert "slot" in log_file().read_text(encoding="utf-8")


def test_missing_path_is_one_sentence(window, tmp_path):
    window.open([tmp_path / "nowhere"])
    pump(lambda: bool(window.messages.sentences()))
    assert "nowhere" in window.messages.sentences()[0]


def test_known_problem_is_not_logged(window, runner, caplog):
    def broken(*, progress):
        raise UnreadableInput("{path} is cut short.", path="x.dcm")

    runner.start("open", broken)
    pump(lambda: bool(window.messages.sentences()))
    assert not caplog.records


# --- what the next start remembers, and what the trail keeps


def test_the_language_chosen_is_kept_for_the_next_start(window):
    window.speak("zh_CN")
    assert settings.read().text("language") == "zh_CN"


def test_only_a_typed_name_signs_a_report(window, store, runner, ct, tmp_path):
    assert window.report.reader.text() == ""
    window.report.reader.setText(" Dr. Li ")
    window.report.reader.editingFinished.emit()
    assert settings.read().text("reader_name") == "Dr. Li"
    assert reader_name() == "Dr. Li"


def test_what_is_opened_in_the_window_enters_the_audit_trail(ct, tmp_path):
    app.show(open_paths=[ct], screenshot=tmp_path / "w.png")
    assert audit.verify().intact
    assert '"action": "open"' in audit.audit_file().read_text()


def test_grey_scales_of_the_file_are_a_menu(window, store, tmp_path):
    write_ct_series(
        tmp_path / "ct", slices=2, WindowCenter=[40, -600], WindowWidth=[400, 1500], VOILUTFunction="SIGMOID"
    )
    window.open([tmp_path / "ct"])
    pump(lambda: store.session.volume is not None)
    window.menus.windows.aboutToShow.emit()
    first, second, *others = window.menus.windows.actions()
    assert first.text() == "W 400  L 40  SIGMOID\t0"
    assert (first.isChecked(), second.isChecked(), len(others)) == (True, False, 9)
    second.trigger()
    assert store.session.view.window.center == -600
    assert store.session.view.window.function == "SIGMOID"


def test_texts_are_read_again_in_another_character_set(window, store, tmp_path):
    (path,) = write_ct_series(tmp_path / "ct", slices=1, PatientName="NNNN", SpecificCharacterSet="ISO_IR 100")
    path.write_bytes(path.read_bytes().replace(b"NNNN", "王东".encode("gb18030")))
    window.open([tmp_path / "ct"])
    pump(lambda: store.session.volume is not None)
    assert store.session.scans[0].studies[0].patient.name != "王东"
    declared, _utf_8, gb18030, _latin = window.menus.texts.actions()
    assert (declared.text(), gb18030.text()) == ("The file declares", "GB18030")
    gb18030.trigger()
    pump(lambda: store.session.scans[0].studies[0].patient.name == "王东")
    pump(lambda: store.session.volume.series.charset == "GB18030")
