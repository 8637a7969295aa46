"""The user sees every file of a bug report before it is saved, and what is saved is what was shown."""

from __future__ import annotations

import zipfile

import pytest

from medassist.ui.bug_report_page import BugReportPage


@pytest.fixture
def page(window, application):
    window.menus.bug_report.trigger()
    shown = window.findChild(BugReportPage)
    application.processEvents()
    yield shown
    shown.close()


def test_every_file_can_be_read_and_is_saved_as_shown(page, tmp_path):
    shown = {}
    for row in range(page.list.count()):
        page.list.setCurrentRow(row)
        shown[page.list.item(row).text()] = page.text.toPlainText()
    assert {"versions.json", "system.json", "settings.json", "session.json", "log.txt"} == set(shown)
    assert '"medassist"' in shown["versions.json"]
    page.write(tmp_path / "report.zip")
    assert "report.zip" in page.outcome.text()
    with zipfile.ZipFile(tmp_path / "report.zip") as packed:
        assert {name: packed.read(name).decode() for name in packed.namelist()} == shown


def test_a_place_that_cannot_be_written_is_told_in_the_page(page, tmp_path):
    (tmp_path / "file").write_text("")
    page.write(tmp_path / "file" / "report.zip")
    assert "Saved" not in page.outcome.text()
    assert page.outcome.text()
