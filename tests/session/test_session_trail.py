"""The audit trail says what happened, once, and carries no identifier of a patient."""

from __future__ import annotations

import itertools
from pathlib import Path

from medassist.entities.finding import Finding, Judgement
from medassist.entities.prediction import ModelRef, Prediction
from medassist.entities.study import Patient, Scan, Study
from medassist.session import actions, trail
from medassist.session.state import Session
from medassist.storage import audit

MODEL = ModelRef("reader", "1.0", "ab" * 32)


def steps() -> list[Session]:
    scan = Scan(Path("a"), (Study("1.2.3", Patient("Doe^Jane", "4711")),))
    run = Prediction(MODEL, "series-1", "now", "cpu", override_reason="phantom")
    finding = Finding("9.9", "Effusion", "series-1", model=MODEL)
    done = [Session()]
    for action in (
        actions.AddScan(scan),
        actions.AddPrediction(run, (finding,)),
        actions.Judge("9.9", Judgement.REJECTED, "Dr Who", "now", "skin fold of Jane Doe"),
        actions.Judge("9.9", Judgement.REJECTED, "Dr Who", "later"),
        actions.ReportWritten((Path("/home/doe/report.pdf"),)),
    ):
        done.append(action(done[-1]))
    return done


def test_each_change_is_one_event() -> None:
    sessions = steps()
    found = [event.action for old, new in itertools.pairwise(sessions) for event in trail.events(old, new)]
    assert found == ["open", "run", "judge", "export"]


def test_the_trail_on_disk_is_intact_and_anonymous() -> None:
    sessions = steps()
    for old, new in itertools.pairwise(sessions):
        trail.keep(old, new)
    text = audit.audit_file().read_text()
    assert audit.verify().intact
    assert audit.verify().lines == 4
    assert "report.pdf" in text
    for secret in ("Doe", "Jane", "4711", "1.2.3", "series-1", "/home"):
        assert secret not in text, secret


def test_looking_around_leaves_no_trace() -> None:
    old = steps()[1]
    assert trail.events(old, actions.SetTime(1)(actions.MoveCursor((1, 2, 3))(old))) == ()
