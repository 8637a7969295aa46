"""The reader first: nothing a model said is seen before an impression, and both are held against each other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medassist.entities.errors import Refused
from medassist.entities.finding import Finding, Judgement
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.impression import Impression, Presence
from medassist.entities.prediction import ClassScore, Mask, ModelRef, Prediction, Segment
from medassist.entities.prompt import Box, Prompt
from medassist.entities.study import Scan, Series, SeriesKind, Study
from medassist.entities.volume import Volume
from medassist.report.findings import findings_from
from medassist.session.actions import AddHeatmap, AddPrediction, AddScan, Judge, ShowVolume
from medassist.session.impressions import (
    Agreed,
    RecordImpression,
    SetReaderFirst,
    agreement,
    impression_of,
    keep_agreement,
    news,
)
from medassist.session.judging import AddFinding, finding_of_reader
from medassist.session.regions import AddRegion
from medassist.session.reporting import case_of
from medassist.session.seeing import seen
from medassist.session.state import Session
from medassist.storage.agreement import Count, agreement_file, counted

MODEL = ModelRef("reader", "1.0", "ab" * 32)
OUTLINER = ModelRef("outliner", "1.0", "cd" * 32)
SHAPE = (4, 6, 8)
SAID = Impression("S", "Dr. Ng", "now", "clear lungs", {"Effusion": Presence.ABSENT, "Nodule": Presence.PRESENT})


def made_volume(key: str = "S") -> Volume:
    series = Series(key, SeriesKind.VOLUME, (), modality="CT", shape_zyx=SHAPE)
    return Volume(series, np.zeros((1, *SHAPE), np.int16), Geometry(np.diag([0.7, 0.8, 2.5, 1.0]), SHAPE, "1.2"))


def ran(key: str = "S") -> AddPrediction:
    scores = (ClassScore("Nodule", 0.2, 0.5, title_zh="结节"), ClassScore("Effusion", 0.3, 0.5))
    labels = np.zeros(SHAPE, np.uint8)
    labels[1, 2, 3] = 1
    mask = Mask(labels, made_volume(key).geometry, (Segment(1, "Lesion", title_zh="病灶"), Segment(2, "Left lung")))
    said = Prediction(MODEL, key, "2026-01-01T00:00:00", "cpu", scores=scores, mask=mask)
    return AddPrediction(said, findings_from(said, made_volume(key)))


def outlined() -> AddRegion:
    labels = np.zeros(SHAPE, np.uint8)
    labels[2, 3, 4] = 1
    mask = Mask(labels, made_volume().geometry, (Segment(1, "mine"),))
    drawn = Prediction(OUTLINER, "S", "2026-01-01T00:00:00", "cpu", mask=mask, prompt=Prompt(Box(1, 1, 5, 5, 2)))
    (found,) = findings_from(drawn, made_volume())
    return AddRegion(drawn, replace(found, judgement=Judgement.ACCEPTED, judged_by="Dr. Ng"))


@pytest.fixture
def session() -> Session:
    volume = made_volume()
    opened = ShowVolume(volume)(AddScan(Scan(Path("a"), (Study("1", series=(volume.series,)),)))(Session()))
    return SetReaderFirst(True)(opened)


def heat() -> AddHeatmap:
    values, grid = np.ones(SHAPE, np.float32), made_volume().geometry
    return AddHeatmap(Heatmap("Grad-CAM", "Effusion", MODEL, "S", values, grid, values, grid))


def test_nothing_a_model_said_is_seen_before_the_reader_looked(session: Session) -> None:
    whole = heat()(ran()(session))
    shown = seen(whole)
    assert (shown.predictions, shown.findings, shown.heatmaps, shown.mask) == ((), (), (), None)
    assert len(whole.findings) == 4, "it is there all the same"
    assert [one.series_key for one in shown.withheld] == ["S"]
    with pytest.raises(Refused, match="hidden until"):
        case_of(shown)


def test_what_models_know_is_told_by_name_and_not_by_what_they_found(session: Session) -> None:
    (told,) = seen(ran()(session)).withheld
    assert told.labels == (("Effusion", ""), ("Lesion", "病灶"), ("Nodule", "结节"))


def test_an_impression_reveals(session: Session) -> None:
    whole = RecordImpression(SAID)(ran()(session))
    assert seen(whole) is whole
    assert seen(ran()(RecordImpression(SAID)(session))).predictions, "recorded before the model ran"


def test_an_impression_of_one_series_reveals_no_other(session: Session) -> None:
    other = ShowVolume(made_volume("T"))(session)
    shown = seen(ran("T")(RecordImpression(SAID)(ran("S")(other))))
    assert [one.series_key for one in shown.predictions] == ["S"]


def test_what_the_reader_made_stays_in_sight_and_reveals_nothing(session: Session) -> None:
    own = finding_of_reader(made_volume(), "nodule", by="Dr. Ng", at="now")
    shown = seen(outlined()(AddFinding(own)(ran()(session))))
    assert [one.model for one in shown.predictions] == [OUTLINER]
    assert [one.model for one in shown.findings] == [None, OUTLINER]


def test_a_claim_read_from_a_file_is_hidden_too(session: Session) -> None:
    foreign = replace(session, findings=(Finding("1", "x", "S", model=ModelRef("theirs", "1", "")),))
    assert seen(foreign).findings == ()


def test_who_judged_a_result_has_seen_it(session: Session) -> None:
    whole = ran()(session)
    judged = Judge(whole.findings[0].tracking_uid, Judgement.REJECTED, "Dr. Ng", "now")(whole)
    assert seen(judged) is judged


def test_with_the_mode_off_everything_is_seen(session: Session) -> None:
    whole = SetReaderFirst(False)(ran()(session))
    assert seen(whole) is whole


def test_what_did_not_change_stays_the_very_same(session: Session) -> None:
    whole = outlined()(ran()(session))
    first = seen(whole)
    moved = replace(whole, focus="x")
    second = seen(moved, (whole, first))
    assert second.focus == "x"
    for name in ("predictions", "findings", "heatmaps", "withheld"):
        assert getattr(second, name) is getattr(first, name)
    assert seen(heat()(whole), (whole, first)).heatmaps == ()


def test_the_first_impression_is_the_one_that_counts(session: Session) -> None:
    after = RecordImpression(replace(SAID, text="other"))(RecordImpression(SAID)(session))
    assert impression_of(after, "S").text == "clear lungs"
    assert RecordImpression(Impression("S", "Dr. Ng", "now", " "))(session) is session


def test_agreement_counts_clear_answers_at_the_threshold_of_each_finding(session: Session) -> None:
    whole = ran()(session)
    answers = {
        "Effusion": Presence.ABSENT,
        "Nodule": Presence.PRESENT,
        "Lesion": Presence.UNSURE,
        "Other": Presence.ABSENT,
    }
    told = agreement(replace(SAID, answers=answers), whole.predictions[0], whole.findings)
    assert told == (Agreed("Effusion", Presence.ABSENT, False), Agreed("Nodule", Presence.PRESENT, False))
    assert [one.same for one in told] == [True, False]


def test_each_result_is_held_against_the_impression_once(session: Session) -> None:
    one = RecordImpression(SAID)(session)
    two = ran()(one)
    assert list(news(session, one)) == []
    assert [len(told.answers) for told in news(one, two)] == [2]
    assert list(news(two, heat()(two))) == []
    edited = replace(two, predictions=(replace(two.predictions[0], mask=None),))
    assert list(news(two, edited)) == [], "a mask changed by hand is no other run"
    results = ran()(session)
    assert [len(told.answers) for told in news(results, RecordImpression(SAID)(results))] == [2]


def test_answers_are_kept_without_a_name(session: Session) -> None:
    whole = ran()(session)
    keep_agreement(whole, RecordImpression(replace(SAID, text="Doe, Jane"))(whole))
    assert counted() == Count(same=1, answers=2)
    text = agreement_file().read_text(encoding="utf-8")
    line = json.loads(text)
    assert line["answers"] == {
        "Effusion": {"reader": "absent", "model": False},
        "Nodule": {"reader": "present", "model": False},
    }
    assert len(line["series"]) == len(line["by"]) == 64
    assert "Doe" not in text
    assert "Ng" not in text
    with agreement_file().open("a", encoding="utf-8") as file:
        file.write('{"answers": [1]}\nrubbish\n')
    assert counted() == Count(1, 2)
