"""Probes in the session: remembered, kept with the finding they are about, forgotten, and in the trail."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from medassist.entities.errors import Refused
from medassist.entities.finding import Finding, Judgement
from medassist.entities.geometry import Geometry
from medassist.entities.prediction import ModelRef, Prediction
from medassist.entities.probe import Area, Means, Place, Probe, Reading, Spot
from medassist.progress import Progress
from medassist.session import actions, trail
from medassist.session.probes import MOST, AddProbe, DropProbe, KeepProbe, probe_region
from medassist.session.state import Session
from medassist.storage import audit

MODEL = ModelRef("reader", "1.0", "ab" * 32)
GRID = Geometry(np.diag([1.0, 1.0, 3.0, 1.0]), (5, 20, 20))
RUN = Prediction(MODEL, "series-1", "now", "cpu")


def finding(label="Effusion", uid="9.9", model=MODEL, **fields):
    return Finding(uid, label, "series-1", probability=0.71, threshold=0.4, model=model, **fields)


def make_probe(label="Effusion", at=(1, 4, 6), **fields):
    mask = np.zeros(GRID.shape_zyx, dtype=bool)
    mask[at[0] : at[0] + 2, at[1] : at[1] + 3, at[2] : at[2] + 4] = True
    told = {
        "readings": (Reading("Effusion", 0.71, 0.42), Reading("Nodule", 0.2, 0.2)),
        "controls": (0.01, -0.02, 0.03, 0.06, -0.03),
        "edge_mm": 3.5,
        **fields,
    }
    return Probe(MODEL, "series-1", label, Area.of(mask, GRID), Place.BOX, Means.MEAN, **told)


def with_findings(*findings):
    return actions.AddPrediction(RUN, findings)(Session())


def test_a_probe_of_the_same_question_replaces_the_older_one():
    first, again, elsewhere = make_probe(), make_probe(), make_probe(at=(0, 1, 1))
    session = Session()
    for one in (first, elsewhere, again):
        session = AddProbe(one)(session)
    assert session.probes == (elsewhere, again)
    for column in range(MOST + 5):
        session = AddProbe(make_probe(at=(0, column // 16, column % 16)))(session)
    assert len(session.probes) == MOST


def test_it_is_kept_with_the_finding_of_its_label_and_model_alone():
    other = finding(uid="9.7", model=replace(MODEL, sha256="cd" * 32))
    session = with_findings(finding(), finding("Nodule", "9.8"))
    session = replace(session, findings=(*session.findings, other))
    probe = make_probe()
    session = KeepProbe(probe, "Dr Who", "2026-11-20T09:00:00")(AddProbe(probe)(session))
    (kept,) = session.findings[0].counter_evidence
    assert (kept.kept_by, kept.kept_at) == ("Dr Who", "2026-11-20T09:00:00")
    assert session.probes == (kept,)
    assert session.findings[1].counter_evidence == session.findings[2].counter_evidence == ()
    again = KeepProbe(kept, "Dr Who", "later")(session)
    assert len(again.findings[0].counter_evidence) == 1, "kept twice it is still one"
    gone = DropProbe(again.probes[0])(again)
    assert gone.probes == ()
    assert gone.findings[0].counter_evidence == ()


def test_a_probe_without_a_finding_is_not_kept():
    session = AddProbe(make_probe())(with_findings(finding("Nodule")))
    assert KeepProbe(session.probes[0], "Dr Who", "now")(session) is session


def test_running_the_same_weights_again_does_not_lose_what_was_kept():
    probe = make_probe()
    session = KeepProbe(probe, "Dr Who", "now")(AddProbe(probe)(with_findings(finding())))
    again = actions.AddPrediction(RUN, (finding(uid="9.10"),))(session)
    assert [one.tracking_uid for one in again.findings] == ["9.10"]
    assert again.findings[0].counter_evidence == session.findings[0].counter_evidence
    others = replace(MODEL, sha256="cd" * 32)
    changed = actions.AddPrediction(replace(RUN, model=others), (finding(uid="9.11", model=others),))(session)
    assert changed.findings[0].counter_evidence == (), "other weights said something else"
    judged = actions.Judge("9.10", Judgement.REJECTED, "Dr Who", "now")(again)
    assert judged.findings[0].counter_evidence


def test_the_trail_tells_of_probes_and_every_line_can_be_written():
    probe = make_probe()
    sessions = [with_findings(finding())]
    sessions.append(AddProbe(probe)(sessions[-1]))
    sessions.append(KeepProbe(probe, "Dr Who", "now")(sessions[-1]))
    sessions.append(DropProbe(sessions[-1].probes[0])(sessions[-1]))
    found = [event.action for old, new in itertools.pairwise(sessions) for event in trail.events(old, new)]
    assert found == ["probe", "keep probe", "drop probe"]
    for old, new in itertools.pairwise(sessions):
        trail.keep(old, new)
    assert audit.verify().lines == 3
    assert "Who" not in audit.audit_file().read_text()


def test_a_stamp_can_be_written_into_the_trail():
    audit.record("stamp", inputs=("series-1",), details={"method": "Grad-CAM", "target": "a", "stamp": "fails"})
    assert audit.verify().lines == 1


def test_other_weights_by_now_are_not_asked():
    from medassist.inference.catalogue import packages

    package = next(one for one in packages() if one.sha256)
    run = replace(RUN, model=ModelRef(package.name, "0", "00" * 32))
    with pytest.raises(Refused, match="replaced after"):
        probe_region(None, run, "Effusion", Spot(Place.CURSOR), Means.MEAN, progress=Progress())
