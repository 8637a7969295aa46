"""Settings are declared, checked, written in one step, and a damaged file never stops the product."""

from __future__ import annotations

import json

import pytest

from medassist.entities.errors import UnwritableOutput, UsageError
from medassist.storage import settings


def test_defaults_before_anything_was_written():
    found = settings.read()
    assert found["language"] == "auto"
    assert found["device"] == "auto"
    assert found["reader_name"] == ""
    assert found.problems == ()
    assert not settings.settings_file().exists()


def test_what_is_written_is_read_and_other_keys_stay():
    settings.settings_file().parent.mkdir(parents=True)
    settings.settings_file().write_text('{"from_a_newer_version": 1}')
    settings.write("reader_name", "读片医生")
    assert settings.write("fill_opacity", 1)["fill_opacity"] == 1
    assert settings.read().text("reader_name") == "读片医生"
    assert json.loads(settings.settings_file().read_text(encoding="utf-8"))["from_a_newer_version"] == 1


@pytest.mark.parametrize(
    ("key", "value"), [("language", "fr"), ("fill_opacity", 1.5), ("fill_opacity", True), ("reader_name", 3), ("x", 1)]
)
def test_values_it_cannot_have_are_refused(key, value):
    with pytest.raises(UsageError):
        settings.write(key, value)
    assert not settings.settings_file().exists()


@pytest.mark.parametrize("content", ["{", "[1]", "\udcff"])
def test_damaged_file_gives_defaults_and_says_so_and_is_kept_aside(content):
    path = settings.settings_file()
    path.parent.mkdir(parents=True)
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    found = settings.read()
    assert found["language"] == "auto"
    assert str(path) in found.problems[0].text()
    settings.write("language", "en")
    assert settings.read().problems == ()
    assert path.with_name("settings.json.damaged").exists()


def test_one_wrong_value_costs_only_itself():
    settings.settings_file().parent.mkdir(parents=True)
    settings.settings_file().write_text('{"language": "klingon", "reader_name": "R"}')
    found = settings.read()
    assert (found["language"], found["reader_name"]) == ("auto", "R")
    assert "klingon" in found.problems[0].text()


def test_folder_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MEDASSIST_CONFIG", str(tmp_path / "file"))
    with pytest.raises(UnwritableOutput, match="file"):
        settings.write("language", "en")
