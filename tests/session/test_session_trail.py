"""The audit trail says what happened, once, and carries no identifier of a patient."""

from __future__ import annotations

import itertools
from pathlib import Path

from phantoms import write_ct_series

from medassist.entities.document import Document, Item
from medassist.entities.finding import Finding, Judgement
from medassist.entities.overlay import Overlay
from medassist.entities.prediction import ModelRef, Prediction
from medassist.entities.study import Patient, Scan, Study
from medassist.progress import Progress
from medassist.session import actions, jobs, objects, trail
from medassist.session.arriving import ShowArriving, load_in_sight
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


def test_objects_of_files_are_opened_in_the_trail_too() -> None:
    before = steps()[1]
    overlay = Overlay("seg-1", "series-1", "segmentation", "Tumour of Jane Doe", "Dr Who")
    document = Document("sr-1", "structured report", "Report on Jane Doe", items=(Item("Finding", "4711"),))
    shown = objects.AddOverlay(overlay)(before)
    read = objects.AddDocument(document)(shown)
    gone = objects.RemoveOverlay("seg-1", "series-1")(read)
    found = [trail.events(old, new) for old, new in itertools.pairwise((before, shown, read, gone))]
    assert found == [
        (trail.Event("open", ("seg-1", "series-1"), {"object": "segmentation"}),),
        (trail.Event("open", ("sr-1",), {"object": "structured report"}),),
        (),
    ]
    assert [one.action for one in trail.events(gone, objects.AddOverlay(overlay)(gone))] == ["open"], "opened again"
    trail.keep(before, read)
    text = audit.audit_file().read_text()
    assert audit.verify().lines == 2
    for secret in ("Doe", "4711", "seg-1", "sr-1", "series-1", "Who"):
        assert secret not in text, secret


def test_a_part_of_a_series_leaves_no_trace(tmp_path) -> None:
    write_ct_series(tmp_path, slices=4)
    old = jobs.open_path(tmp_path, progress=Progress())(Session())
    offered: list[ShowArriving] = []
    result = load_in_sight(old.all_series()[0], progress=Progress(taker=offered.append))
    assert trail.events(old, offered[0](old)) == ()
    assert trail.events(offered[0](old), result(offered[0](old))) == ()


def test_looking_around_leaves_no_trace() -> None:
    old = steps()[1]
    assert trail.events(old, actions.SetTime(1)(actions.MoveCursor((1, 2, 3))(old))) == ()
