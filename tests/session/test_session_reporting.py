"""What may leave: findings a reader judged, and others only when somebody says so."""

from __future__ import annotations

import json

import numpy as np
import pytest

from medassist.entities.errors import Refused
from medassist.entities.finding import Judgement
from medassist.entities.geometry import Geometry
from medassist.entities.prediction import ClassScore, ModelRef, Prediction
from medassist.entities.study import Patient, Scan, Series, SeriesKind, Study
from medassist.entities.volume import Volume
from medassist.progress import Progress
from medassist.report.findings import findings_from
from medassist.session import jobs
from medassist.session.actions import AddPrediction, AddScan, Judge, ShowVolume
from medassist.session.drafts import SetDraft
from medassist.session.reporting import case_of
from medassist.session.state import Session

GRID = Geometry(np.eye(4), (4, 5, 6))
SCORES = (ClassScore("Effusion", 0.7, 0.4), ClassScore("Mass", 0.1, 0.4))


@pytest.fixture
def session(tmp_path) -> Session:
    series = Series("one", SeriesKind.VOLUME, (), shape_zyx=GRID.shape_zyx, modality="CT", format="picture")
    volume = Volume(series, np.zeros((1, 4, 5, 6), np.int16), GRID)
    scan = Scan(tmp_path, (Study("1", Patient("Doe", "A"), series=(series,)),))
    ran = Prediction(ModelRef("m", "1", "0" * 64), "one", "2026-11-20T18:00:00", "cpu", scores=SCORES)
    return AddPrediction(ran, findings_from(ran, volume))(ShowVolume(volume)(AddScan(scan)(Session())))


def judged(session: Session, *verdicts: Judgement) -> Session:
    for finding, verdict in zip(session.findings, verdicts, strict=False):
        session = Judge(finding.tracking_uid, verdict, "Dr. Roe", "2026-11-20T18:00:00")(session)
    return session


def write(session: Session, folder, **options) -> dict:
    jobs.write_report(session, folder, formats=("json", "html", "text"), progress=Progress(), **options)
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def test_findings_nobody_judged_are_refused_until_somebody_lets_them_out(session, tmp_path):
    half = judged(session, Judgement.ACCEPTED)
    with pytest.raises(Refused, match=r"nobody judged 1 of its findings \(Mass\)"):
        write(half, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    told = write(half, tmp_path / "asked", allow_unreviewed=True)
    assert [one["judgement"] for one in told["classes"]] == ["accepted", "unreviewed"]
    drafted = SetDraft("one", {"include_unreviewed": True})(half)
    assert write(drafted, tmp_path / "drafted")["status"] == "preliminary"
    for folder in ("asked", "drafted"):
        for name in ("report.html", "report.txt"):
            assert "not reviewed" in (tmp_path / folder / name).read_text(encoding="utf-8"), name


def test_what_was_deferred_goes_out_as_deferred(session, tmp_path):
    told = write(judged(session, Judgement.DEFERRED, Judgement.REJECTED), tmp_path / "out")
    assert told["status"] == "preliminary"
    text = (tmp_path / "out" / "report.txt").read_text(encoding="utf-8")
    assert "Left open" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "deferred" in text.lower()


def test_what_was_rejected_is_no_finding_and_in_an_appendix_only_when_asked(session, tmp_path):
    settled = judged(session, Judgement.REJECTED, Judgement.ACCEPTED)
    write(settled, tmp_path / "out")
    assert "Effusion" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    asked = SetDraft("one", {"tell_rejected": True})(settled)
    write(asked, tmp_path / "asked")
    html = (tmp_path / "asked" / "report.html").read_text(encoding="utf-8")
    assert html.index("Rejected by the reader") < html.index("Effusion")
    assert html.count("Effusion") == 1


def test_preview_and_export_are_made_of_the_same_case(session):
    drafted = SetDraft("one", {"template": "chest_ct"})(session)
    case = case_of(drafted, language="zh_CN", reader="Dr. Roe")
    assert (case.draft, case.language, case.reader) == (drafted.drafts["one"], "zh_CN", "Dr. Roe")
    assert case.findings == drafted.findings
    with pytest.raises(Refused, match="no series on screen"):
        case_of(Session())
