"""Drafts: what the reader prepares is kept as it was said, and goes with its pictures."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from medassist.entities.draft import Draft, KeyPicture, Passage, Shown
from medassist.entities.geometry import Geometry
from medassist.entities.study import FrameRef, Patient, Scan, Series, SeriesKind, Study
from medassist.entities.volume import Volume, Window
from medassist.session.actions import AddScan, Invert, MoveCursor, SetWindow, ShowVolume
from medassist.session.drafts import (
    DropPassage,
    DropPicture,
    OrderPictures,
    PutPicture,
    SetDraft,
    WritePassage,
    draft_of,
    picture_of_view,
)
from medassist.session.state import Session

GRID = Geometry(np.diag([1.0, 1.0, 2.5, 1.0]), (4, 5, 6))
WORDS = Passage("findings", "Clear lungs.", "Not seen: Mass.", "en", "Dr. Roe", "2026-11-20T18:00:00")


def scan_of(*names: str, patient: str = "A") -> Scan:
    frames = tuple(FrameRef(Path(name)) for name in names)
    one = Series("one", SeriesKind.VOLUME, frames, shape_zyx=GRID.shape_zyx, series_uid="1.2.3")
    return Scan(Path("/a"), (Study("1", Patient("Doe", patient), series=(one,)),))


@pytest.fixture
def session() -> Session:
    scan = scan_of("x")
    volume = Volume(scan.all_series()[0], np.zeros((1, 4, 5, 6), np.int16), GRID)
    return ShowVolume(volume)(AddScan(scan)(Session()))


def test_words_are_kept_and_replaced_by_section(session):
    once = WritePassage("one", WORDS)(session)
    assert draft_of(once, "one").passage("findings") == WORDS
    assert session.drafts == {}
    same = WritePassage("one", replace(WORDS, at="later"))(once)
    assert same is once, "the same words once more are no change to undo"
    other = WritePassage("one", replace(WORDS, text="Effusion."))(once)
    assert [one.text for one in draft_of(other, "one").passages] == ["Effusion."]
    assert draft_of(DropPassage("one", "findings")(other), "one").passages == ()


def test_a_draft_knows_only_its_series(session):
    after = SetDraft("two", {"include_unreviewed": True})(session)
    assert draft_of(after, "two").include_unreviewed
    assert not draft_of(after, "one").include_unreviewed


def test_the_slice_on_screen_becomes_a_key_picture(session):
    looked = Invert()(SetWindow(Window(-600.0, 1500.0))(MoveCursor((2.0, 2.0, 5.2))(session)))
    picture = picture_of_view(looked, shown=Shown.BOTH)
    assert (picture.index, picture.shown, picture.inverted) == (2, Shown.BOTH, True)
    assert picture.window == Window(-600.0, 1500.0)
    assert picture_of_view(Session()) is None
    twice = PutPicture("one", picture_of_view(looked))(PutPicture("one", picture)(looked))
    assert len(draft_of(twice, "one").pictures) == 2, "two pictures of one slice are two pictures"


def test_pictures_change_in_place_move_and_go(session):
    first, second = KeyPicture("key:1", 0), KeyPicture("mask:2", 3)
    both = PutPicture("one", second)(PutPicture("one", first)(session))
    named = PutPicture("one", replace(first, caption="Here"))(both)
    assert [one.caption for one in draft_of(named, "one").pictures] == ["Here", ""]
    turned = OrderPictures("one", (second, first))(named)
    assert [one.name for one in draft_of(turned, "one").pictures] == ["mask:2", "key:1"]
    gone = DropPicture("one", "mask:2")(DropPicture("one", "key:1")(turned))
    assert draft_of(gone, "one").pictures == ()
    assert draft_of(gone, "one").left_out == ("mask:2",), "a proposed picture must not come back by itself"
    assert draft_of(PutPicture("one", second)(gone), "one").left_out == ()


def test_a_draft_is_plain_values(session):
    """The case file and the journal write it by its fields."""
    draft = Draft("one", passages=(WORDS,), pictures=(KeyPicture("key:1", 2, window=Window(40.0, 400.0)),))
    json.dumps(asdict(draft), default=lambda one: one.value)
    assert hash(draft)


def test_words_stay_with_the_patient_and_pictures_with_their_pixels(session):
    drafted = PutPicture("one", KeyPicture("key:1", 2))(WritePassage("one", WORDS)(session))
    again = AddScan(scan_of("x"))(drafted)
    assert again.drafts == drafted.drafts
    others = AddScan(scan_of("x", "y"))(drafted)
    assert (others.drafts["one"].passages, others.drafts["one"].pictures) == ((WORDS,), ())
    somebody = AddScan(scan_of("x", patient="B"))(drafted)
    assert somebody.drafts == {}, "the report of one patient must not become another's"
