"""A closed study leaves nothing behind, takes nothing of another one along, and its work is on disk first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from medassist.entities.document import Document
from medassist.entities.draft import Draft
from medassist.entities.element import ElementList
from medassist.entities.finding import Finding, Judgement
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.impression import Impression, Presence
from medassist.entities.overlay import Overlay
from medassist.entities.prediction import ModelRef, Prediction
from medassist.entities.saved_work import Offer
from medassist.entities.study import FrameRef, Patient, Scan, Series, SeriesKind, Skipped, Study
from medassist.entities.volume import Volume
from medassist.progress import Progress
from medassist.session import trail
from medassist.session.actions import AddHeatmap, AddPrediction, AddScan, Judge, ShowVolume
from medassist.session.arrangement import Arrangement, Pane
from medassist.session.case_writer import CaseWriter
from medassist.session.closing import CloseStudy, close_saved
from medassist.session.history import Undo, fold
from medassist.session.restoring import find_case
from medassist.session.state import Session
from medassist.storage import journal
from medassist.storage.offering import newest_to_offer

MODEL = ModelRef("reader", "1.0", "ab" * 32)
GRID = Geometry(np.eye(4), (4, 5, 6))
FIRST, SECOND = ("1.1", "A"), ("1.2", "B")


def study(uid: str, patient: str, key: str) -> Study:
    series = Series(key, SeriesKind.VOLUME, (FrameRef(Path(f"{key}.dcm")),), shape_zyx=GRID.shape_zyx, series_uid=key)
    return Study(uid, Patient(f"Doe^{patient}", patient), series=(series,))


def worked_on(session: Session, one: Study) -> Session:
    """Return the session after everything that can be kept of a study was made of it."""
    series, ones = one.series[0], np.ones(GRID.shape_zyx, np.float32)
    key = series.key
    told = Prediction(MODEL, key, "2026-01-01T00:00:00", "cpu")
    session = fold(session, ShowVolume(Volume(series, np.zeros((1, 4, 5, 6), np.int16), GRID)))
    session = fold(session, AddPrediction(told, (Finding(f"uid {key}", "Mass", key, model=MODEL),)))
    session = fold(session, AddHeatmap(Heatmap("gradcam", "Mass", MODEL, key, ones, GRID, ones, GRID)))
    return replace(
        fold(session, Judge(f"uid {key}", Judgement.ACCEPTED, "Dr. Roe", "now")),
        overlays=(*session.overlays, Overlay(f"seg {key}", key, "segmentation", "S")),
        documents=(*session.documents, Document(f"sr {key}", "structured report", "R", key)),
        impressions=(*session.impressions, Impression(key, "now", "Dr. Roe", "", {"Mass": Presence.PRESENT})),
        drafts=MappingProxyType({**session.drafts, key: Draft(key)}),
        element_lists=(*session.element_lists, ElementList(key, f"{key}.dcm", ())),
        awaited=(*session.awaited, key),
        chosen=(*session.chosen, key),
        focus=f"uid {key}",
        offers=(*session.offers, Offer(Path("/saved") / key, (key,), "now", 1, 1, (one.study_uid, key.upper()))),
    )


@pytest.fixture
def session() -> Session:
    both = tuple(study(*name, name[1].lower()) for name in (FIRST, SECOND))
    session = AddScan(Scan(Path("/data"), both, (Skipped(Path("x.txt"), "not an image"),)))(Session())
    for one in both:
        session = worked_on(session, one)
    return session


def told_of(session: Session, key: str) -> list[str]:
    """Return the fields of a session that still name a series."""
    found = []
    for name in (one.name for one in fields(Session)):
        value = getattr(session, name)
        things = [*value, *value.values()] if isinstance(value, Mapping) else value
        said = things if isinstance(things, (tuple, list)) else [things]
        marks = (
            one if isinstance(one, str) else getattr(one, "series_key", getattr(one, "series", "")) for one in said
        )
        if any(mark in (key, f"uid {key}", (key,)) for mark in marks):
            found.append(name)
    return found


def test_nothing_of_a_closed_study_is_left_and_everything_of_the_other(session: Session) -> None:
    assert len(told_of(session, "a")) >= 12
    after = fold(session, CloseStudy(FIRST))
    assert told_of(after, "a") == []
    assert told_of(after, "b") == told_of(session, "b")
    assert [one.study_uid for scan in after.scans for one in scan.studies] == ["1.2"]
    assert after.scans[0].skipped == session.scans[0].skipped
    assert (after.current, after.volume is session.volume) == ("b", True)


def test_the_study_on_screen_leaves_the_screen_and_the_last_one_its_scan(session: Session) -> None:
    after = fold(session, CloseStudy(SECOND))
    assert (after.current, after.volume, after.focus) == ("", None, "")
    assert fold(after, CloseStudy(FIRST)).scans == ()


def test_panes_that_showed_the_study_are_empty(session: Session) -> None:
    panes = (Pane("b"), Pane("a"))
    after = fold(replace(session, arrangement=Arrangement("1x2", panes)), CloseStudy(FIRST))
    assert [one.series_key for one in after.arrangement.panes] == ["b", ""]


def test_a_name_nobody_has_closes_nothing(session: Session) -> None:
    assert fold(session, CloseStudy(("1.1", "B"))) is session


def test_what_was_found_does_not_come_back_by_undoing(session: Session) -> None:
    after = fold(session, CloseStudy(FIRST))
    assert fold(after, Undo()) is after


def test_closing_is_one_line_of_the_trail(session: Session) -> None:
    after = fold(session, CloseStudy(FIRST))
    assert [(one.action, one.inputs) for one in trail.events(session, after)] == [("close", ("1.1",))]
    trail.keep(session, after)


def test_work_that_came_in_while_it_was_saved_keeps_the_study_open(session: Session) -> None:
    writer = CaseWriter()
    closing = close_saved(writer, session, FIRST, progress=Progress())
    judged = fold(session, Judge("uid a", Judgement.REJECTED, "Dr. Roe", "later"))
    assert fold(judged, closing) is judged
    again = close_saved(writer, judged, FIRST, progress=Progress())
    assert told_of(fold(judged, again), "a") == []
    assert [one["judgement"] for one in newest()["findings"]] == ["rejected"]
    writer.finish(Session(), progress=Progress())


def test_a_save_that_comes_late_does_not_overwrite_what_was_closed(session: Session) -> None:
    writer = CaseWriter()
    writer.save(session, progress=Progress())
    judged = fold(session, Judge("uid a", Judgement.REJECTED, "Dr. Roe", "later"))
    after = fold(judged, close_saved(writer, judged, FIRST, progress=Progress()))
    writer.save(session, progress=Progress())
    assert [one["judgement"] for one in newest()["findings"]] == ["rejected"]
    assert newest_to_offer(journal.study_folder(*FIRST)) is not None, "it is offered when opened again"
    writer.finish(after, progress=Progress())


def newest() -> Mapping[str, list[dict[str, str]]]:
    return find_case(journal.sittings(journal.study_folder(*FIRST))[-1]).parts
