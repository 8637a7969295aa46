"""File > Export report to: one entry for each folder of the site, as ready as Export itself."""

from __future__ import annotations

from pathlib import Path

from medassist.locations import site_file
from medassist.ui.main_window import MainWindow


def entries(window: MainWindow):
    window.menus.targets.fill()
    return window.menus.targets.actions()


def test_without_a_site_there_is_no_such_entry(window) -> None:
    assert not window.menus.targets.menuAction().isVisible()


def test_a_report_goes_into_a_new_folder_of_the_target(store, runner, keep, tmp_path, monkeypatch) -> None:
    share = tmp_path / "share"
    share.mkdir()
    site_file().write_text(
        f"[[export_targets]]\nname = 'Share'\nfolder = '{share}'\n"
        f"[[export_targets]]\nname = 'Gone'\nfolder = '{tmp_path / 'gone'}'\n"
    )
    window = keep(MainWindow(store, runner))
    assert window.menus.targets.menuAction().isVisible()
    assert [one.text() for one in entries(window)] == ["Share", "Gone"]
    assert not any(one.isEnabled() for one in entries(window)), "there is nothing to export yet"

    window.report.export.setEnabled(True)
    written: list[Path] = []
    monkeypatch.setattr(window.report, "write", written.append)
    there, gone = entries(window)
    there.trigger()
    assert [path.parent for path in written] == [share]
    gone.trigger()
    assert len(written) == 1
    assert "Gone" in window.messages.sentences()[0]
    assert not (tmp_path / "gone").exists()
