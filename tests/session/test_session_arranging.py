"""Panes: which series each shows, which one is active, and that acting on one never touches another unasked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassist.entities.arriving import Arriving
from medassist.entities.geometry import Geometry
from medassist.entities.study import Patient, Scan, Series, SeriesKind, Study
from medassist.entities.volume import Volume, Window
from medassist.imaging.slicing import Plane
from medassist.progress import Progress
from medassist.session import arranging
from medassist.session.actions import AddScan, Invert, MoveCursor, SetWindow, ShowVolume
from medassist.session.arrangement import Pane
from medassist.session.arranging import (
    Activate,
    Hang,
    HangByRules,
    KeepVolume,
    OnPane,
    PutInPane,
    SetLayout,
    SetLinked,
    SetPlane,
    at_pane,
    load_beside,
    patients_on_screen,
)
from medassist.session.arriving import ShowArriving, StopArriving
from medassist.session.linking import is_pointed_at, linked_with
from medassist.session.memory import shown_last
from medassist.session.sameness import Sameness, sameness
from medassist.session.state import Loading, Session

JANE, JOHN = Patient("Doe^Jane", "ID-7"), Patient("Roe^John", "ID-8")


def volume(key: str, frame: str = "1.2", origin: tuple[float, float, float] = (0.0, 0.0, 0.0), **fields) -> Volume:
    series = Series(key, fields.pop("kind", SeriesKind.VOLUME), (), modality="CT", shape_zyx=(8, 5, 6), **fields)
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    affine[:3, 3] = origin
    return Volume(series, np.zeros((1, 8, 5, 6), np.int16), Geometry(affine, (8, 5, 6), frame), windows=(Window(0, 9),))


def opened(*volumes: Volume, patients: tuple[Patient, ...] = ()) -> Session:
    """Return a session in which every volume is a study of its own; the first one is on screen."""
    session = Session()
    for number, one in enumerate(volumes):
        patient = patients[number] if patients else JANE
        study = Study(f"1.{number}", patient, series=(one.series,))
        session = ShowVolume(one)(AddScan(Scan(Path(f"/{number}"), (study,)))(session))
    return ShowVolume(volumes[0])(session)


def keys(session: Session) -> tuple[str, ...]:
    return session.arrangement.keys(session.current)


def test_as_ever_all_panes_follow_the_series_on_screen() -> None:
    session = opened(volume("a"), volume("b"))
    assert keys(session) == ("a",)
    assert keys(ShowVolume(volume("b"))(session)) == ("b",)
    assert at_pane(session, 2) is session
    assert Activate(1)(session) is session


def test_a_layout_fills_free_panes_with_what_is_loaded_of_the_same_patient_only() -> None:
    one = SetLayout("2x2")(opened(volume("a"), volume("b"), volume("c"), patients=(JANE, JANE, JOHN)))
    assert keys(one) == ("a", "b", "a", "a")
    assert [pane.plane for pane in one.arrangement.panes] == [None, None, Plane.CORONAL, Plane.SAGITTAL]


def test_a_film_has_no_other_planes_to_fill_panes_with() -> None:
    film = replace(volume("a"), series=replace(volume("a").series, irregularity="a gap"))
    assert keys(SetLayout("1x2")(opened(film))) == ("a", "")


def test_entering_a_pane_changes_the_series_on_screen_and_none_of_the_panes() -> None:
    session = SetLayout("1x2")(opened(volume("a"), volume("b")))
    there = Activate(1)(session)
    assert there.current == "b"
    assert keys(there) == keys(session) == ("a", "b")
    assert Activate(0)(there).current == "a"


def test_a_series_that_comes_on_screen_takes_the_active_pane_or_enters_the_one_that_shows_it() -> None:
    session = Activate(1)(SetLayout("1x2")(opened(volume("a"), volume("b"), volume("c"))))
    assert keys(session) == ("a", "c")
    assert keys(ShowVolume(volume("b"))(session)) == ("a", "b")
    back = ShowVolume(volume("a"))(session)
    assert keys(back) == ("a", "c")
    assert back.arrangement.active == 0


def test_what_is_done_on_a_pane_changes_its_series_and_leaves_the_one_on_screen() -> None:
    session = SetLayout("1x2")(opened(volume("a"), volume("b", frame="1.3")))
    after = OnPane(1, SetWindow(Window(5, 50)))(session)
    assert after.views["b"].window == Window(5, 50)
    assert after.views["a"] is session.views["a"]
    assert (after.current, after.arrangement) == (session.current, session.arrangement)
    assert OnPane(0, Invert())(session).view.inverted


def test_nothing_happens_on_an_empty_pane() -> None:
    film = volume("a", irregularity="a gap")
    session = SetLayout("1x2")(opened(film))
    assert OnPane(1, Invert())(session) is session
    assert at_pane(session, 1).volume is None
    chosen = Activate(1)(session)  # the next series chosen in the list comes here
    assert keys(chosen) == ("a", "a")
    assert chosen.arrangement.active == 1


def test_no_pane_is_entered_while_a_series_loads() -> None:
    session = SetLayout("1x2")(opened(volume("a"), volume("b")))
    loading = replace(session, loading=Loading(None))  # type: ignore[arg-type]
    assert Activate(1)(loading) is loading
    assert at_pane(loading, 1).loading is None
    assert OnPane(1, Invert())(loading).loading is loading.loading


def test_a_layout_with_less_room_keeps_the_series_on_screen() -> None:
    session = SetLayout("2x2")(opened(volume("a"), volume("b"), volume("c"), volume("d")))
    last = Activate(3)(session)
    small = SetLayout("1x2")(last)
    assert small.current == last.current
    assert small.current in keys(small)
    assert len(keys(small)) == 2
    assert keys(SetLayout("mpr")(small)) == (last.current,)
    assert keys(SetLayout("1x1")(last)) == (last.current,)


def test_a_series_is_put_into_a_pane_without_going_there() -> None:
    session = SetLayout("1x2")(opened(volume("a"), volume("b"), volume("c")))
    after = PutInPane(1, "b")(session)
    assert keys(after) == ("a", "b")
    assert after.current == "a"
    assert PutInPane(1, "nowhere")(session) is session
    assert PutInPane(0, "b")(session) is session


def test_a_pane_shows_the_plane_asked_for() -> None:
    session = SetPlane(Plane.SAGITTAL)(SetLayout("1x2")(opened(volume("a"), volume("b"))))
    assert [one.plane for one in session.arrangement.panes] == [Plane.SAGITTAL, None]
    plain = opened(volume("a"))
    assert SetPlane(Plane.SAGITTAL)(plain) is plain


def test_panes_of_one_frame_of_reference_go_to_the_same_point() -> None:
    session = SetLayout("1x2")(opened(volume("a"), volume("b", origin=(0.0, 0.0, -6.0))))
    moved = MoveCursor((4.0, 2.0, 9.0))(session)
    assert moved.views["b"].cursor_lps == moved.views["a"].cursor_lps == (4.0, 2.0, 9.0)
    back = OnPane(1, MoveCursor((2.0, 2.0, 6.0)))(moved)
    assert back.views["a"].cursor_lps == (2.0, 2.0, 6.0)
    assert is_pointed_at(back, "a")
    assert is_pointed_at(back, "b")


@pytest.mark.parametrize(
    "other",
    [
        volume("b", frame="1.3"),
        volume("b", frame=""),
        volume("b", irregularity="a gap"),
        volume("b", kind=SeriesKind.FILM),
    ],
    ids=["another frame", "no frame", "irregular", "film"],
)
def test_what_has_no_common_place_is_never_linked(other: Volume) -> None:
    session = SetLayout("1x2")(opened(volume("a"), other))
    moved = MoveCursor((4.0, 2.0, 9.0))(session)
    assert moved.views["b"] is session.views["b"]
    assert not is_pointed_at(moved, "a")
    assert linked_with(session, "a") == ()


def test_two_patients_are_never_linked_even_where_their_files_share_a_frame() -> None:
    session = opened(volume("a"), volume("b"), patients=(JANE, JOHN))
    beside = PutInPane(1, "b")(SetLayout("1x2")(session))
    assert keys(beside) == ("a", "b")
    assert MoveCursor((4.0, 2.0, 9.0))(beside).views["b"] is beside.views["b"]


def test_panes_that_are_not_linked_stay_and_come_along_when_they_are_again() -> None:
    session = SetLinked(False)(SetLayout("1x2")(opened(volume("a"), volume("b"))))
    moved = MoveCursor((4.0, 2.0, 9.0))(session)
    assert moved.views["b"] is session.views["b"]
    assert not is_pointed_at(moved, "a")
    assert SetLinked(True)(moved).views["b"].cursor_lps == (4.0, 2.0, 9.0)


def test_a_point_beyond_the_other_series_is_not_marked_there() -> None:
    session = SetLayout("1x2")(opened(volume("a"), volume("b", origin=(0.0, 0.0, 15.0))))
    moved = MoveCursor((4.0, 2.0, 0.0))(session)
    assert moved.views["b"].cursor_lps == (4.0, 2.0, 15.0)
    assert not is_pointed_at(moved, "b")


@settings(max_examples=20)
@given(st.tuples(*(st.floats(-50, 50) for _ in range(3))))
def test_linked_cursors_stay_inside_their_volumes(point: tuple[float, float, float]) -> None:
    other = volume("b", origin=(-3.0, 1.0, 4.0))
    moved = MoveCursor(point)(SetLayout("1x2")(opened(volume("a"), other)))
    index = other.geometry.to_index(moved.views["b"].cursor_lps)
    assert np.all(index >= -1e-9)
    assert np.all(index <= np.array([5, 4, 7]) + 1e-9)


def test_whose_pictures_are_on_screen() -> None:
    unnamed = Patient()
    for patients, expected in (
        ((JANE, JANE), Sameness.SAME),
        ((JANE, JOHN), Sameness.DIFFERENT),
        ((JANE, unnamed), Sameness.UNKNOWN),
        ((unnamed, unnamed), Sameness.UNKNOWN),
        ((JANE, Patient("DOE JANE", "ID-7 ")), Sameness.SAME),
        ((JANE, Patient("Doe^Jane", "ID-9")), Sameness.DIFFERENT),
        ((JANE, Patient("Poe^Anne", "ID-7")), Sameness.DIFFERENT),
        ((JANE, Patient("Doe^Jane", "ID-7", "19700101")), Sameness.SAME),
        ((replace(JANE, birth_date="19710101"), Patient("Doe^Jane", "ID-7", "19700101")), Sameness.DIFFERENT),
    ):
        session = PutInPane(1, "b")(SetLayout("1x2")(opened(volume("a"), volume("b"), patients=patients)))
        assert patients_on_screen(session) is expected, patients
        assert sameness(session.study_of("a"), session.study_of("b")) is expected
        assert patients_on_screen(SetLayout("1x1")(session)) is Sameness.SAME


def test_series_in_panes_do_not_give_way() -> None:
    session = SetLayout("1x2")(opened(volume("a"), volume("b")))
    size = volume("a").array_tzyx.nbytes
    assert list(shown_last(session.volumes, volume("c"), size, ("a",))) == ["a", "c"]
    listed = AddScan(Scan(Path("/c"), (Study("9", JANE, series=(volume("c").series,)),)))(session)
    assert set(ShowVolume(volume("c"), size)(listed).volumes) == {"b", "c"}
    assert set(KeepVolume(volume("c"), size)(listed).volumes) == {"a", "b", "c"}


def test_a_series_loaded_for_a_pane_leaves_the_one_on_screen_and_starts_where_that_is() -> None:
    listed = AddScan(Scan(Path("/b"), (Study("9", JANE, series=(volume("b").series,)),)))(opened(volume("a")))
    beside = PutInPane(1, "b")(SetLayout("1x2")(MoveCursor((2.0, 2.0, 6.0))(listed)))
    assert at_pane(beside, 1).volume is None
    loaded = KeepVolume(volume("b"))(beside)
    assert loaded.current == "a"
    assert at_pane(loaded, 1).volume is loaded.volumes["b"]
    assert loaded.views["b"].cursor_lps == (2.0, 2.0, 6.0)
    assert KeepVolume(volume("c"))(loaded) is loaded
    elsewhere = KeepVolume(volume("b", origin=(500.0, 0.0, 0.0)))(beside)
    assert elsewhere.views["b"].cursor_lps == (506.0, 4.0, 12.0)  # its own middle, not its edge


def test_the_job_loads_without_showing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arranging, "load_series", lambda series, progress: ShowVolume(volume(series.key)))
    assert load_beside(volume("b").series, progress=Progress()).volume.series.key == "b"


def test_a_series_that_is_not_open_any_more_leaves_its_pane_empty() -> None:
    session = SetLayout("1x2")(opened(volume("a"), volume("b")))
    again = replace(session, scans=session.scans[:1])
    assert at_pane(again, 1).volume is None
    assert patients_on_screen(again) is Sameness.SAME
    assert keys(Activate(1)(again))[1] == "a"


def test_a_rule_changes_nothing_that_a_reader_chose() -> None:
    session = opened(volume("a"), volume("b"))
    hung = Hang("1x2", (Pane("b"), Pane("a")))
    after = hung(session)
    assert keys(after) == ("b", "a")
    assert after.current == "a"
    chosen = SetLayout("1x1")(session)
    assert hung(chosen) is chosen
    assert keys(hung(HangByRules()(chosen))) == ("b", "a")
    assert keys(Hang("1x2", (Pane("b"), Pane("c")))(session)) == ("a",)  # never takes the series on screen away


def test_a_series_that_begins_to_load_enters_the_pane_that_asks_for_it() -> None:
    listed = AddScan(Scan(Path("/b"), (Study("9", JANE, series=(volume("b").series,)),)))(opened(volume("a")))
    beside = PutInPane(1, "b")(SetLayout("1x2")(listed))
    part = Arriving(volume("b").series, volume("b").geometry, {0: volume("b")}, 1)
    coming = ShowArriving(part)(beside)
    assert keys(coming) == ("a", "b")
    assert coming.arrangement.active == 1
    back = StopArriving()(coming)
    assert keys(back) == ("a", "b")
    assert back.current == "a"
