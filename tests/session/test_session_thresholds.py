"""Thresholds the reader sets: bound to the weights, at once in findings nobody judged, in the trail once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medassist.entities.finding import Finding, Judgement
from medassist.entities.operating import OperatingCurve
from medassist.entities.prediction import ClassScore, ModelRef, Prediction
from medassist.session import trail
from medassist.session.actions import AddPrediction, Judge
from medassist.session.state import Session
from medassist.session.thresholds import SetPrevalence, SetThreshold, prevalences_of, prevalences_to_keep

MODEL = ModelRef("reader", "1.0", "ab" * 32)
NEWER = ModelRef("reader", "1.1", "cd" * 32)
CURVE = OperatingCurve(np.array([0.5, 0.9]), np.array([0.1, 0.4]))


def said(model: ModelRef = MODEL, key: str = "one", uid: str = "1") -> AddPrediction:
    scores = (ClassScore("Effusion", 0.3, 0.4, curve=CURVE), ClassScore("Nodule", 0.3, 0.4))
    findings = tuple(
        Finding(f"{uid}.{one.label}", one.label, key, present=one.positive, probability=one.probability,
                threshold=one.threshold, curve=one.curve, model=model)
        for one in scores
    )  # fmt: skip
    return AddPrediction(Prediction(model, key, "2026-01-01T00:00:00", "cpu", scores=scores), findings)


def finding(session: Session, uid: str = "1.Effusion") -> Finding:
    return next(one for one in session.findings if one.tracking_uid == uid)


def test_a_lower_threshold_turns_an_absent_finding_present() -> None:
    session = SetThreshold(MODEL.sha256, "Effusion", 0.3)(said()(Session()))
    assert finding(session).present
    assert (finding(session).threshold, finding(session).package_threshold) == (0.3, 0.4)
    assert not finding(session, "1.Nodule").present
    assert finding(session, "1.Nodule").package_threshold is None


def test_back_at_the_package_nothing_is_changed() -> None:
    before = said()(Session())
    for back in (None, 0.4):
        session = SetThreshold(MODEL.sha256, "Effusion", back)(SetThreshold(MODEL.sha256, "Effusion", 0.2)(before))
        assert session.findings == before.findings
        assert not session.thresholds


def test_what_a_file_claims_keeps_the_threshold_it_was_claimed_with() -> None:
    session = said()(Session())
    other = replace(finding(session), tracking_uid="9.Effusion", series_key="two", read_from="MedAssist reader")
    session = SetThreshold(MODEL.sha256, "Effusion", 0.1)(replace(session, findings=(other, *session.findings)))
    assert finding(session).present
    assert finding(session, "9.Effusion") == other


def test_a_judged_finding_stays_as_it_was_judged() -> None:
    judged = Judge("1.Effusion", Judgement.REJECTED, "Dr Who", "now")(said()(Session()))
    session = SetThreshold(MODEL.sha256, "Effusion", 0.1)(judged)
    assert finding(session) == finding(judged)


def test_a_later_run_of_the_same_weights_uses_it_and_another_version_does_not() -> None:
    session = SetThreshold(MODEL.sha256, "Effusion", 0.2)(said()(Session()))
    session = said(MODEL, "two", "2")(session)
    session = said(NEWER, "three", "3")(session)
    assert finding(session, "2.Effusion").threshold == 0.2
    assert finding(session, "2.Effusion").present
    assert finding(session, "3.Effusion").threshold == 0.4
    assert not finding(session, "3.Effusion").present


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_is_a_share(threshold: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        SetThreshold(MODEL.sha256, "Effusion", threshold)(said()(Session()))


def test_what_no_model_said_changes_nothing() -> None:
    session = said()(Session())
    assert SetThreshold("", "Effusion", 0.2)(session) is session
    assert SetThreshold(MODEL.sha256, "Fracture", 0.2)(session) is session
    assert SetThreshold(NEWER.sha256, "Effusion", 0.2)(session) is session


def test_the_trail_has_what_the_dial_settled_on_and_where_it_was_before() -> None:
    session = before = said()(Session())
    for step in (0.39, 0.35, 0.31):
        after = SetThreshold(MODEL.sha256, "Effusion", step, settled=False)(session)
        assert trail.events(session, after) == ()
        session = after
    session = SetThreshold(MODEL.sha256, "Effusion", 0.3)(session)
    (event,) = trail.events(before, session)
    assert event.action == "set threshold"
    assert event.details == {
        "model": "reader", "model_version": "1.0", "model_sha256": "ab" * 32, "finding": "Effusion",
        "threshold_before": "0.4000", "threshold_after": "0.3000",
    }  # fmt: skip
    again = SetThreshold(MODEL.sha256, "Effusion", None)(session)
    (event,) = trail.events(session, again)
    assert (event.details["threshold_before"], event.details["threshold_after"]) == ("0.3000", "0.4000")


def test_the_trail_on_disk_takes_the_event() -> None:
    from medassist.storage import audit

    before = said()(Session())
    trail.keep(before, SetThreshold(MODEL.sha256, "Effusion", 0.3)(before))
    assert '"threshold_after": "0.3000"' in audit.audit_file().read_text()
    assert audit.verify().intact


def test_a_prevalence_is_of_the_place_and_outlives_a_version() -> None:
    session = SetPrevalence("reader", "Effusion", 0.05)(said()(Session()))
    assert finding(session).prevalence == 0.05
    assert finding(session, "1.Nodule").prevalence is None
    session = said(NEWER, "two", "2")(session)
    assert finding(session, "2.Effusion").prevalence == 0.05
    session = SetPrevalence("reader", "Effusion", None)(session)
    assert {one.prevalence for one in session.findings} == {None}


def test_prevalences_come_back_from_the_settings() -> None:
    kept = {("reader", "Pleural effusion"): 0.05, ("reader", "a/b"): 0.5}
    assert prevalences_of(prevalences_to_keep(kept)) == kept


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"reader/Effusion": "x"}', '{"reader/Effusion": 2}', '{"x": 0.1}'])
def test_damaged_settings_hold_no_prevalence(text: str) -> None:
    assert prevalences_of(text) == {}
