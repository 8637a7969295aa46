"""The set-up of a site: layered under the user's settings, checked entry by entry, and never in the way of a start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bundles import write_segmenter

from medassist import RESEARCH_USE_NOTICE, language, site
from medassist.cli import main
from medassist.entities.errors import Refused, UnwritableOutput
from medassist.inference import catalogue, devices
from medassist.inference.catalogue import Origin
from medassist.inference.devices import Device
from medassist.language import set_language, tr
from medassist.locations import site_file, user_models_dir
from medassist.progress import Progress
from medassist.report.wording import Wording
from medassist.session.models import remove_model
from medassist.session.targets import folder_in
from medassist.storage import settings


@pytest.fixture
def set_up(tmp_path):
    """Write the site's file; forget what was read of another one."""

    def write(text: str) -> Path:
        site_file().write_text(text, encoding="utf-8")
        os.utime(site_file(), ns=(write.times, write.times))  # a second file within one tick of the clock
        write.times += 1
        language.catalogue.cache_clear()
        return site_file()

    write.times = 1
    yield write
    language.catalogue.cache_clear()


def problems() -> list[str]:
    return [one.text() for one in settings.site_problems()]


def test_without_a_file_nothing_is_set_and_nothing_limited() -> None:
    found = site.read()
    assert (found.found, found.settings, found.model_folders, found.export_targets) == (False, {}, (), ())
    assert found.allows("cuda:0")
    assert found.notice("en") == ""
    assert problems() == []


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", "/etc/medassist/site.toml"),
        ("darwin", "/Library/Application Support/MedAssist/site.toml"),
        ("win32", "D:/Data/MedAssist/site.toml"),
    ],
)
def test_the_file_lies_where_the_system_keeps_such_files(monkeypatch, platform: str, expected: str) -> None:
    monkeypatch.delenv("MEDASSIST_SITE")
    monkeypatch.setenv("PROGRAMDATA", "D:/Data")
    monkeypatch.setattr("medassist.locations.sys.platform", platform)
    assert site_file() == Path(expected)


def test_settings_go_default_then_site_then_user(set_up) -> None:
    set_up('[settings]\nlanguage = "zh_CN"\nremember_results = false\nfill_opacity = 1\n')
    assert [settings.read()[key] for key in ("language", "remember_results", "device")] == ["zh_CN", False, "auto"]
    settings.write("language", "en")
    assert [settings.read()[key] for key in ("language", "remember_results")] == ["en", False]
    assert set(json.loads(settings.settings_file().read_text())) == {"language"}, "the site's stay the site's"
    assert problems() == []


def test_damaged_settings_of_a_user_leave_those_of_the_site(set_up) -> None:
    set_up('[settings]\nlanguage = "zh_CN"\n')
    settings.settings_file().parent.mkdir(parents=True)
    for content in ("{", "[1]", '{"language": "klingon"}'):
        settings.settings_file().write_text(content)
        found = settings.read()
        assert found["language"] == "zh_CN"
        assert len(found.problems) == 1
    assert "it is 'zh_CN' now" in found.problems[0].text()


def test_a_site_signs_no_reports_and_sets_nothing_it_cannot(set_up) -> None:
    path = set_up('[settings]\nreader_name = "Dr Site"\nlanguage = "klingon"\ncolour = 1\n')
    assert settings.read()["reader_name"] == ""
    assert settings.read()["language"] == "auto"
    told = problems()
    assert len(told) == 3
    assert all(str(path) in one for one in told)
    assert [word for word in ("reader_name", "klingon", "colour") if word not in " ".join(told)] == []


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ("model_folders = 'here'", "list"),
        ("model_folders = ['relative/models']", "relative/models"),
        ("model_folders = [3]", "absolute"),
        ("devices = []", "empty"),
        ("devices = ['cpu', 'gpu']", "gpu"),
        ("devices = 'cpu'", "list"),
        ("research_use = ''", "one line"),
        ('research_use = "two\\nlines"', "one line"),
        (f"research_use = '{'x' * 201}'", "200"),
        ("research_use = {fr = 'x'}", "fr"),
        ("export_targets = [{name = 'A'}]", "a folder"),
        ("export_targets = [{name = 'A', folder = '/a', more = 1}]", "nothing else"),
        ("export_targets = [{name = 'A', folder = '/a'}, {name = 'A', folder = '/b'}]", "one name"),
        ("settings = 3", "table"),
        ("modell_folders = ['/srv']", "no such entry"),
    ],
)
def test_a_wrong_entry_costs_only_itself_and_is_told(set_up, entry: str, word: str) -> None:
    path = set_up(f"{entry}\n[settings]\nlanguage = 'zh_CN'\n" if "settings = 3" not in entry else entry)
    found = site.read()
    assert found.found
    (told,) = problems()
    assert str(path) in told
    assert word in told
    assert entry.partition(" =")[0] in told
    assert "settings = 3" in entry or settings.read()["language"] == "zh_CN"


@pytest.mark.parametrize("content", ["language =", "\0", "a = 1\na = 2", "x = " + "[" * 5000])
def test_a_broken_file_is_one_sentence_and_the_program_starts(capsys, caplog, set_up, content: str) -> None:
    path = set_up(content)
    assert site.read() == site.Site(path, problems=site.read().problems)
    (told,) = problems()
    assert str(path) in told
    with pytest.raises(SystemExit) as end:
        main(["samples", "list"])
    assert not end.value.code
    assert capsys.readouterr().err.count(str(path)) == 1
    assert str(path) in caplog.text


def test_a_folder_a_huge_and_an_unreadable_file_are_told(set_up, monkeypatch) -> None:
    site_file().mkdir()
    assert str(site_file()) in problems()[0]
    site_file().rmdir()
    set_up("#" * (site.MAX_BYTES + 1))
    assert "1000000" in problems()[0]
    monkeypatch.setenv("MEDASSIST_SITE", str(site_file() / "below"))
    assert "Not a directory" in problems()[0]


def test_models_of_the_site_are_for_everybody_and_stay(set_up, tmp_path) -> None:
    write_segmenter(tmp_path / "site" / "tiny")
    write_segmenter(user_models_dir() / "tiny")
    set_up(f"model_folders = ['{tmp_path / 'site'}', '{tmp_path / 'absent'}']")
    package = catalogue.find("tiny")
    assert package.root == tmp_path / "site" / "tiny"
    assert [one.root for one in catalogue.packages() if one.name == "tiny"] == [package.root]
    assert catalogue.names()["tiny"] is Origin.SITE
    assert catalogue.origin(package) is Origin.SITE
    with pytest.raises(Refused, match="the set-up of this site"):
        remove_model("tiny", progress=Progress())
    assert package.root.is_dir()


def test_only_allowed_devices_run_models(set_up, monkeypatch) -> None:
    path = set_up("devices = ['cuda:1', 'mps']")
    there = [Device("cuda:0", "GPU"), Device("cuda:1", "GPU"), Device("cpu", "CPU")]
    monkeypatch.setattr(devices, "_cuda", lambda: tuple(there[:2]))
    assert devices.choose("auto") == "cuda:1"
    for refused in ("cuda:0", "cpu"):
        with pytest.raises(Refused, match="the set-up of this site does not allow it"):
            devices.choose(refused)
    monkeypatch.setattr(devices, "_cuda", lambda: (there[0],))
    with pytest.raises(Refused, match=f"allows only cuda:1, mps.*{path}"):
        devices.choose("auto")
    set_up("devices = ['cuda']")
    assert devices.choose("auto") == "cuda:0"


def test_the_notice_is_added_to_and_never_replaced(set_up) -> None:
    set_up('research_use = {en = "Site protocol 7 applies", zh_CN = "适用本院规程7"}')
    assert tr(RESEARCH_USE_NOTICE) == f"{RESEARCH_USE_NOTICE}. Site protocol 7 applies"
    assert Wording("en").tr(RESEARCH_USE_NOTICE) == f"{RESEARCH_USE_NOTICE}. Site protocol 7 applies"
    set_language("zh_CN")
    told = tr(RESEARCH_USE_NOTICE)
    assert told.endswith("。适用本院规程7")
    assert told.startswith("仅供研究使用")
    set_up('research_use = "Only said in English"')
    assert tr(RESEARCH_USE_NOTICE).endswith("。Only said in English")


def test_a_long_notice_does_not_widen_the_window(set_up, monkeypatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    code = (
        "from PySide6.QtWidgets import QApplication; app = QApplication([])\n"
        "from medassist.ui.main_window import MainWindow; from medassist.ui.runner import Runner\n"
        "from medassist.ui.store import Store; store = Store(); window = MainWindow(store, Runner(store))\n"
        "print(window.strip.minimumSizeHint().width(), len(window.strip.text()))"
    )
    set_up(f"research_use = '{'protocol ' * 22}'")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    width, letters = map(int, done.stdout.split())
    assert letters > 200
    assert width < 640


def test_every_report_gets_a_folder_of_its_own_and_a_missing_share_is_not_made(tmp_path) -> None:
    target = site.ExportTarget("Share", tmp_path)
    first, second = folder_in(target), folder_in(target)
    assert first != second
    assert first.parent == tmp_path
    with pytest.raises(UnwritableOutput, match="Share"):
        folder_in(site.ExportTarget("Share", tmp_path / "absent"))
    assert not (tmp_path / "absent").exists()
