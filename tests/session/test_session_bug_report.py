"""A bug report names no patient, no UID and no path, whatever the log says; the user reads all of it first."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import pytest
from phantoms import write_ct_series

from medassist import __version__
from medassist.entities.errors import UnwritableOutput
from medassist.entities.prediction import ModelRef
from medassist.imaging.scan import scan
from medassist.locations import log_file
from medassist.progress import Progress
from medassist.session.actions import AddScan
from medassist.session.bug_report import pages, write
from medassist.session.state import Session
from medassist.storage import settings

SECRETS = (
    "Wagner", "Annegret", "White", "王小明", "PID-77341", "19520314", "ACC-99812", "1.2.826.0.1.3680043.8.498.1",
    "wagner_folder", "Doctor Who", "Liver of Mrs W", "Elsewhere", "/home/someone",
)  # fmt: skip

WHEN = "2026-01-02 10:11:12,123"


@pytest.fixture
def named(tmp_path):
    folder = tmp_path / "wagner_folder"
    write_ct_series(
        folder, slices=3, rows=16, columns=16, PatientName="Wagner^Annegret White=王小明", PatientID="PID-77341",
        PatientBirthDate="19520314", AccessionNumber="ACC-99812", StudyDescription="Liver of Mrs W",
    )  # fmt: skip
    settings.write("reader_name", "Doctor Who")
    return AddScan(scan(folder, progress=Progress()))(Session())


def log(*lines):
    log_file().parent.mkdir(parents=True, exist_ok=True)
    log_file().write_text("\n".join(lines), encoding="utf-8")


def whole(session):
    return "\n".join(page.text for page in pages(session))


def test_nothing_of_a_named_patient_is_inside(named, tmp_path):
    log(
        f"{WHEN} WARNING medassist.ui Wagner^Annegret White 王小明 PID-77341 in {tmp_path}/wagner_folder/1",
        "2026-01-02 10:11:13,123 ERROR medassist.session unexpected ValueError",
        f'  File "{tmp_path}/lib/medassist/session/state.py", line 12, in fold',
        '    print("Wagner")',
        '  File "/home/someone/plugin/evil.py", line 3, in run',
        f"{WHEN} INFO medassist.x born 19520314 study 1.2.826.0.1.3680043.8.498.1 of Elsewhere C:\\Wagner\\a.dcm",
    )
    told = whole(named)
    assert [one for one in (*SECRETS, str(tmp_path)) if one.casefold() in told.casefold()] == []


def test_patients_of_an_earlier_session_are_not_inside_either():
    log(
        "2026-01-02 10:11:12,123 WARNING medassist.imaging the file of Kowalski^Jan and ID 5512 cannot be read",
        "kowalski jan 13.05.1944 1.2.840.113619.2.5",
        "2026-01-02 10:11:12,123 WARNING Kowalski nothing",
    )
    told = whole(Session())
    assert [one for one in ("kowalski", "5512", "jan", "1944", "113619") if one in told.casefold()] == []
    assert "cannot be read" in told


def test_what_helps_is_inside(named):
    log(
        "2026-01-02 10:11:13,123 ERROR medassist.session unexpected ValueError",
        '  File "/opt/x/lib/python3.12/site-packages/torch/nn/modules/module.py", line 12, in forward',
    )
    found = {page.name: page.text for page in pages(named)}
    assert json.loads(found["versions.json"])["medassist"] == __version__
    assert json.loads(found["session.json"])["series"] == 1
    assert json.loads(found["session.json"])["formats"] == ["DICOM"]
    assert json.loads(found["settings.json"])["device"] == "auto"
    assert "reader_name" not in json.loads(found["settings.json"])
    assert "2026-01-02 10:11:13,123 ERROR medassist.session" in found["log.txt"]
    assert "ValueError" in found["log.txt"]
    assert 'File "site-packages/torch/nn/modules/module.py", line 12, in forward' in found["log.txt"]


def test_what_is_written_is_what_was_shown(named, tmp_path):
    shown = pages(named)
    write(shown, tmp_path / "report.zip")
    with zipfile.ZipFile(io.BytesIO((tmp_path / "report.zip").read_bytes())) as packed:
        assert {name: packed.read(name).decode() for name in packed.namelist()} == {one.name: one.text for one in shown}


def test_a_place_that_cannot_be_written_is_told(named, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritableOutput):
        write(pages(named), tmp_path / "file" / "report.zip")


def test_models_that_ran_are_named(named):
    ran = SimpleNamespace(model=ModelRef("hippocampus_mr", "1.0.0", "0" * 64))
    told = pages(replace(named, predictions=(ran,)))
    found = json.loads(next(one.text for one in told if one.name == "session.json"))
    assert found["models"] == ["hippocampus_mr 1.0.0"]
