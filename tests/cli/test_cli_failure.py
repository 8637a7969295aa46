"""Exit codes and logs: a bug costs one line, a stopped job 130, and no header value reaches the log."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import medassist.__main__
from medassist import cli
from medassist.cli.terminal import one_line
from medassist.entities.errors import Cancelled, MedAssistError
from medassist.locations import log_file


def stop_with(monkeypatch, problem: BaseException):
    def run(_arguments) -> int:
        raise problem

    monkeypatch.setattr("medassist.cli.studies.run_info", run)


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (Cancelled(), 130),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError(), 1),
        (OSError(28, "No space left on device"), 5),
    ],
)
def test_codes_of_the_contract(refused, monkeypatch, problem, code) -> None:
    stop_with(monkeypatch, problem)
    refused(code, "info", ".")


def test_a_relative_path_in_a_folder_that_is_gone_is_unreadable(refused, monkeypatch, tmp_path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for verb in (("info", "scan"), ("info", "./scan", "--json")):
        assert "The current folder was removed" in refused(3, *verb)


def test_stopped_while_it_is_imported_ends_in_one_line(tmp_path) -> None:
    """A first import that is stopped: the module stands in for the half second that the real ones take."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Stop:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'medassist.cli':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\n"
    )
    found = subprocess.run(
        [sys.executable, "-m", "medassist", "--version"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout) == (130, "")
    assert found.stderr == "medassist: The job was cancelled.\n"


def test_the_command_begins_where_it_can_be_stopped() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert EntryPoint("", project["project"]["scripts"]["medassist"], "").load() is medassist.__main__.main


def test_a_bug_names_the_log_and_the_log_holds_no_values(refused, monkeypatch) -> None:
    stop_with(monkeypatch, ValueError("Doe^Jane is no number"))
    assert str(log_file()) in refused(1, "info", ".")
    log = log_file().read_text()
    assert "ValueError" in log
    assert "Doe" not in log


def test_version_and_help(medassist) -> None:
    assert medassist("--version").out.startswith("MedAssist ")
    assert medassist("--help").code == 0


def test_unknown_verb_is_code_2(medassist) -> None:
    assert medassist("diagnose").code == 2


def test_every_error_has_a_code_of_its_own_kind() -> None:
    codes = [child.exit_code for child in MedAssistError.__subclasses__()]
    assert sorted(codes) == [2, 3, 4, 5, 130]


def test_every_verb_of_the_contract_is_there(medassist) -> None:
    verbs = medassist("--help").out
    for verb in ("open", "demo", "info", "convert", "models", "analyze", "train", "evaluate", "samples", "doctor"):
        assert verb in verbs
    assert cli.parser().prog == "medassist"


def test_names_do_not_steer_the_terminal() -> None:
    assert one_line("UN\x1b[2Jet\n\x00 \u202e脾") == "UN\\x1b[2Jet \\x00 \\u202e脾"


@pytest.mark.parametrize("verb", [("info",), ("convert", "-o", "x.nii"), ("analyze", "-m", "x", "-o", "x")])
def test_an_empty_path_is_not_the_current_folder(medassist, verb: tuple[str, ...]) -> None:
    answer = medassist(*verb, "")
    assert answer.code == 2
    assert "the path is empty" in answer.err


def test_what_the_product_logs_goes_to_its_file(medassist, monkeypatch) -> None:
    def run(_arguments) -> int:
        for name in ("medassist.imaging.decode_processes", "pydicom"):
            record = logging.makeLogRecord(
                {"name": name, "levelno": logging.WARNING, "levelname": "WARNING", "msg": name}
            )
            assert logging.lastResort is not None
            logging.lastResort.handle(record)
        return 0

    before = logging.lastResort
    monkeypatch.setattr("medassist.cli.studies.run_info", run)
    answer = medassist("info", "somewhere")
    assert answer.code == 0
    assert "decode_processes" not in answer.err
    assert "WARNING medassist.imaging.decode_processes" in log_file().read_text()
    assert "pydicom" not in log_file().read_text()
    assert logging.lastResort is before
