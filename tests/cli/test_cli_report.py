"""`report CASE`: the report of saved work without a window, and every exit code of the contract."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from phantoms import write_ct_series

from medassist.entities.errors import UnwritableOutput
from medassist.entities.finding import Finding, Judgement
from medassist.entities.prediction import Mask, ModelRef, Prediction, Segment
from medassist.progress import Progress
from medassist.session import jobs
from medassist.session.actions import AddPrediction, Judge
from medassist.session.case_writer import CaseWriter
from medassist.session.history import fold
from medassist.session.restoring import save_case
from medassist.session.state import Session
from medassist.storage import audit, journal

MODEL = ModelRef("reader", "1.0", "ab" * 32)


@pytest.fixture
def ct(tmp_path):
    write_ct_series(tmp_path / "ct", slices=6, rows=16, columns=20)
    return tmp_path / "ct"


@pytest.fixture
def work(ct):
    session = fold(Session(), jobs.open_path(ct, progress=Progress()))
    session = fold(session, jobs.load_series(session.all_series()[0], progress=Progress()))
    volume, key = session.volume, session.current
    labels = np.zeros(volume.geometry.shape_zyx, np.uint8)
    labels[2, 5:9, 6:12] = 1
    mask = Mask(labels, volume.geometry, (Segment(1, "Lesion"),))
    findings = (Finding("1.2.3.1", "Lesion", key, model=MODEL, segment_value=1, volume_ml=0.1, key_slice=2,
                        center_lps=tuple(map(float, volume.geometry.to_world([8, 6, 2])))),)  # fmt: skip
    session = fold(session, AddPrediction(Prediction(MODEL, key, "2026-01-02T10:11:12", "cpu", mask=mask), findings))
    return fold(session, Judge("1.2.3.1", Judgement.ACCEPTED, "Dr Who", "2026-01-02T10:12:00", "clear"))


@pytest.fixture
def case(work, tmp_path):
    save_case(work, tmp_path / "a.medassist", progress=Progress())
    return tmp_path / "a.medassist"


def test_a_case_file_becomes_a_report(medassist, case, tmp_path):
    answer = medassist(
        "report", case, "-o", tmp_path / "out", "--format", "sr,seg,text", "--reader", "Dr Who", "--json"
    )
    assert answer.code == 0, answer.err
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"sr.dcm", "seg.dcm", "report.txt", "result.json"} <= names
    assert "report.pdf" not in names
    assert pydicom.dcmread(tmp_path / "out" / "sr.dcm").VerificationFlag == "VERIFIED"
    assert answer.json["segments"][0]["judgement"] == "accepted"
    assert "reader 1.0 is not installed here" in answer.err
    actions = [json.loads(line)["action"] for line in audit.audit_file().read_text().splitlines()]
    assert actions == ["open", "restore", "export"]


def test_the_exported_folder_is_a_case_again_and_says_the_same(medassist, case, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert medassist("report", case, "-o", first, "--format", "case,text").code == 0
    assert medassist("report", first, "-o", second, "--format", "case,text").code == 0
    texts = [(folder / "report.txt").read_text().splitlines() for folder in (first, second)]
    assert [line for line in texts[0] if "Written" not in line] == [line for line in texts[1] if "Written" not in line]
    with zipfile.ZipFile(first / "case.medassist") as one, zipfile.ZipFile(second / "case.medassist") as other:
        told = [json.loads(archive.read("work.json"))["parts"] for archive in (one, other)]
        assert sorted(one.namelist()) == sorted(other.namelist())
    assert told[0] == told[1]


def test_a_folder_of_the_journal_is_a_case_too(medassist, work, tmp_path):
    writer = CaseWriter()
    writer.save(work, progress=Progress())
    study = work.study_of(work.current)
    folder = journal.study_folder(study.study_uid, study.patient.patient_id)
    for path in (folder, journal.sittings(folder)[0]):
        assert medassist("report", path, "-o", tmp_path / "out", "--format", "text").code == 0
    writer.finish(work, progress=Progress())


def test_a_chinese_report(medassist, case, tmp_path):
    assert medassist("report", case, "-o", tmp_path / "out", "--format", "text", "--language", "zh_CN").code == 0
    assert "仅供研究使用" in (tmp_path / "out" / "report.txt").read_text()


def test_findings_nobody_judged_are_refused_until_they_are_let_out(refused, medassist, work, tmp_path):
    unread = replace(work, findings=tuple(replace(one, judgement=Judgement.UNREVIEWED) for one in work.findings))
    save_case(unread, tmp_path / "b.medassist", progress=Progress())
    wish = ("report", tmp_path / "b.medassist", "-o", tmp_path / "out", "--format", "text")
    assert "nobody judged" in refused(4, *wish)
    assert not (tmp_path / "out" / "report.txt").exists()
    assert medassist(*wish, "--allow-unreviewed").code == 0


def test_every_way_to_ask_wrongly_has_its_code(refused, medassist, case, ct, tmp_path, monkeypatch):
    out = tmp_path / "out"
    assert "no work of MedAssist" in refused(3, "report", ct, "-o", out)
    assert "does not exist" in refused(3, "report", tmp_path / "none", "-o", out)
    assert "no report format xyz" in refused(2, "report", case, "-o", out, "--format", "xyz")
    assert "names no format" in refused(2, "report", case, "-o", out, "--format", ",")
    assert "no saved work on the series 9.9" in refused(2, "report", case, "-o", out, "--series", "9.9")
    (tmp_path / "damaged.medassist").write_bytes(case.read_bytes()[:200])
    assert "damaged" in refused(3, "report", tmp_path / "damaged.medassist", "-o", out)
    (tmp_path / "file").write_text("in the way")
    assert "cannot be written" in refused(5, "report", case, "-o", tmp_path / "file", "--format", "text")
    ct.rename(tmp_path / "moved")
    assert "--images" in refused(3, "report", case, "-o", out)
    assert medassist("report", case, "-o", out, "--format", "text", "--images", tmp_path / "moved").code == 0


def test_a_disk_that_is_full_is_code_5(refused, case, tmp_path, monkeypatch):
    from medassist.report import case_export

    def full(*_arguments):
        raise UnwritableOutput("{path} cannot be written: {reason}.", path="case.medassist", reason="No space left")

    monkeypatch.setattr(case_export, "write_case_file", full)
    assert "No space left" in refused(5, "report", case, "-o", tmp_path / "out", "--format", "case")


def test_a_patient_that_is_another_one_is_code_4(refused, case, ct, tmp_path):
    for path in ct.iterdir():
        ds = pydicom.dcmread(path)
        ds.PatientID = "another"
        ds.save_as(path)
    assert "another patient" in refused(4, "report", case, "-o", tmp_path / "out")


def test_no_patient_name_reaches_the_log(medassist, case, ct, tmp_path, caplog):
    from medassist.locations import log_file

    name = str(pydicom.dcmread(next(ct.iterdir())).PatientName)
    caplog.set_level("DEBUG", logger="medassist")
    assert medassist("report", case, "-o", tmp_path / "out", "--format", "sr,seg,text,csv,json,case").code == 0
    assert name
    logged = caplog.text + (log_file().read_text() if log_file().exists() else "") + audit.audit_file().read_text()
    for part in name.replace("^", " ").split():
        assert part not in logged
