"""Where the product writes: the user's own folders, one portable folder, or what a variable names."""

from __future__ import annotations

import pytest

from medassist import locations

FOLDERS = {"MEDASSIST_DATA": locations.data_dir, "MEDASSIST_CACHE": locations.cache_dir,
           "MEDASSIST_CONFIG": locations.config_dir}  # fmt: skip


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in (*FOLDERS, "MEDASSIST_PORTABLE"):
        monkeypatch.delenv(name, raising=False)


def test_a_named_folder_holds_everything(monkeypatch, tmp_path):
    monkeypatch.setenv("MEDASSIST_PORTABLE", str(tmp_path))
    assert {one() for one in FOLDERS.values()} == {tmp_path / "data", tmp_path / "cache", tmp_path / "config"}
    assert locations.log_file().is_relative_to(tmp_path)
    monkeypatch.setenv("MEDASSIST_CACHE", str(tmp_path / "elsewhere"))
    assert locations.cache_dir() == tmp_path / "elsewhere"


def test_a_marker_beside_an_installed_program_makes_it_portable(monkeypatch, tmp_path):
    usual = locations.config_dir()
    monkeypatch.setattr("medassist.locations.sys.executable", str(tmp_path / "medassist"))
    (tmp_path / "portable").write_text("")
    assert locations.config_dir() == usual, "a Python of somebody else's is no program of ours"
    monkeypatch.setattr("medassist.locations.sys.frozen", True, raising=False)
    assert locations.config_dir() == tmp_path / "medassist-data" / "config"
    (tmp_path / "portable").unlink()
    assert locations.config_dir() == usual
