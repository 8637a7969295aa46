"""The trail: append only, chained, free of identifiers, whole under concurrent writers."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from medassist.entities.errors import UnwritableOutput
from medassist.storage import audit

WRITER = """
from medassist.storage import audit
for number in range(15):
    audit.record("run", inputs=("1.2.3",), details={"model": "hippocampus_mr", "files": number})
"""


def lines():
    return audit.audit_file().read_bytes().splitlines(keepends=True)


def test_chain_holds_and_hides_identifiers():
    audit.record("open", inputs=("1.2.840.99",))
    audit.record("judge", inputs=("1.2.840.99",), details={"judgement": "accepted", "finding": "Effusion"})
    found = audit.verify()
    assert found.intact
    assert found.lines == 2
    text = audit.audit_file().read_text()
    assert "1.2.840.99" not in text
    assert json.loads(text.splitlines()[1])["inputs"] == [audit.hashed("1.2.840.99")]


def test_empty_trail_is_intact():
    assert audit.verify() == audit.Verified(0, "0" * 64)


def test_undeclared_details_and_actions_are_refused():
    with pytest.raises(ValueError, match="patient_name"):
        audit.record("open", details={"patient_name": "x"})
    with pytest.raises(ValueError, match="delete"):
        audit.record("delete")
    assert not audit.audit_file().exists()


@pytest.mark.parametrize("damage", ["change", "remove", "insert", "swap"])
def test_every_kind_of_tampering_is_found(damage):
    for number in range(4):
        audit.record("export", details={"files": number})
    before = lines()
    after = {
        "change": [before[0], before[1].replace(b'"files": 1', b'"files": 9'), *before[2:]],
        "remove": [before[0], *before[2:]],
        "insert": [before[0], before[0], *before[1:]],
        "swap": [before[0], before[2], before[1], before[3]],
    }[damage]
    audit.audit_file().write_bytes(b"".join(after))
    assert not audit.verify().intact


def test_torn_line_is_named_and_does_not_swallow_the_next():
    audit.record("open")
    with audit.audit_file().open("ab") as file:
        file.write(b'{"at": "20')
    audit.record("run")
    found = audit.verify()
    assert [problem.text() for problem in found.problems] == ["Line 2 of the audit trail cannot be read."]
    assert json.loads(lines()[2])["action"] == "run"


def test_two_processes_at_once_keep_one_chain():
    writers = [subprocess.Popen([sys.executable, "-c", WRITER]) for _ in range(2)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    found = audit.verify()
    assert found.intact
    assert found.lines == 30


def test_unwritable_trail_is_an_error_not_silence(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MEDASSIST_DATA", str(tmp_path / "file"))
    with pytest.raises(UnwritableOutput):
        audit.record("open")


def test_key_with_a_file_name_that_is_no_utf_8_is_hashed():
    assert len(audit.hashed("/data/\udcd0\udcd8.nii.gz")) == 64
