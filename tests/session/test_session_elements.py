"""Rows of DICOM elements: found, compared, and taken from the slice on screen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from medassist.entities.element import Element
from medassist.entities.geometry import Geometry
from medassist.entities.study import FrameRef, Scan, Series, SeriesKind, Study
from medassist.entities.volume import Volume
from medassist.session.actions import AddScan, MoveCursor, ShowVolume
from medassist.session.element_lists import place_beside, place_on_screen
from medassist.session.element_rows import matching, rows, walk
from medassist.session.state import Session


def element(tag: str, name: str, value: str, *children: Element) -> Element:
    return Element(tag, "SQ" if children else "LO", name, name.replace(" ", ""), value, children=children)


def item(number: int, *children: Element) -> Element:
    return Element("", "", "", number=number, children=children)


NAME = element("(0010,0010)", "Patient Name", "Doe^Jane")
LUNG = element("(0008,0104)", "Code Meaning", "Lung")
LIVER = element("(0008,0104)", "Code Meaning", "Liver")
REGION = element("(0008,2218)", "Anatomic Region Sequence", "", item(1, LUNG), item(2, LIVER))
META = element("(0002,0010)", "Transfer Syntax UID", "1.2")


def names(found):
    return [row.told.name or row.told.number for row, _depth in walk(found)]


def test_a_search_keeps_what_a_match_lies_in_and_drops_its_neighbours() -> None:
    found = matching(rows((META, NAME, REGION)), "LIV")
    assert names(found) == ["Anatomic Region Sequence", 2, "Code Meaning"]
    assert found[0].children[0].children[0].one is LIVER


def test_a_tag_may_be_typed_in_every_usual_way() -> None:
    for typed in ("0010,0010", "(0010,0010)", "00100010", " 0010 0010 "):
        assert names(matching(rows((META, NAME, REGION)), typed)) == ["Patient Name"], typed
    assert names(matching(rows((META, NAME)), "patientname")) == ["Patient Name"]  # the keyword
    assert matching(rows((META, NAME)), "nothing like it") == ()


def test_two_files_side_by_side_tell_what_differs_down_to_the_item() -> None:
    other = (META, replace(NAME, value="Doe^John"), replace(REGION, children=(item(1, LUNG),)),
             element("(0008,0060)", "Modality", "CT"))  # fmt: skip
    found = rows((META, NAME, REGION), other)
    assert [row.told.tag for row in found] == ["(0002,0010)", "(0008,0060)", "(0008,2218)", "(0010,0010)"]
    assert [row.differs for row in found] == [False, True, True, True]
    assert found[1].one is None
    region = found[2]
    assert [(row.told.number, row.differs) for row in region.children] == [(1, False), (2, True)]
    assert region.children[1].other is None
    assert region.children[1].children[0].differs
    only = matching(found, "", only_differences=True)
    assert names(only) == ["Modality", "Anatomic Region Sequence", 2, "Code Meaning", "Patient Name"]
    assert names(matching(found, "doe^john", only_differences=True)) == ["Patient Name"]


def test_values_shown_alike_differ_by_their_content() -> None:
    one, other = replace(NAME, content="a"), replace(NAME, content="b")
    assert rows((one,), (other,))[0].differs
    assert not rows((one,), (one,))[0].differs


ELEMENTS = st.lists(
    st.builds(element, st.sampled_from(["(0008,0005)", "(0008,0060)", "(0010,0010)"]), st.just("Name"),
              st.sampled_from("ab")),
    max_size=3, unique_by=lambda one: one.tag,
)  # fmt: skip


@settings(max_examples=25)
@given(ELEMENTS, ELEMENTS)
def test_comparing_is_the_same_from_both_sides(one, other) -> None:
    there, back = rows(one, other), rows(other, one)
    assert [(row.told.tag, row.differs) for row in there] == [(row.told.tag, row.differs) for row in back]
    assert not any(row.differs for row in rows(one, one))
    assert {row.told.tag for row in there} == {each.tag for each in (*one, *other)}


def session_of(
    times: int = 1, key: str = "a", slices: int = 4, frame: str = "1.2", raw: Series | None = None
) -> Session:
    frames = tuple(FrameRef(f"{key}{n}.dcm") for n in range(slices * times))  # type: ignore[arg-type]
    series = Series(key, SeriesKind.VOLUME, frames, shape_zyx=(slices, 3, 3), times=times, raw=raw)
    volume = Volume(
        series,
        np.zeros((times, slices, 3, 3), np.int16),
        Geometry(np.diag([1.0, 1.0, 2.0, 1.0]), (slices, 3, 3), frame),
    )
    scan = Scan(f"/{key}", (Study(key, series=(series,)),))  # type: ignore[arg-type]
    return ShowVolume(volume)(AddScan(scan)(Session()))


def test_the_slice_on_screen_leads_to_its_file_also_among_time_points() -> None:
    session = MoveCursor((1.0, 1.0, 4.0))(session_of(times=3))
    view = replace(session.view, time=2)
    session = replace(session, views={"a": view})
    place = place_on_screen(session)
    assert place is not None
    assert place.position == 2 * 3 + 2


def test_another_series_is_met_at_the_same_place_where_both_share_a_space() -> None:
    first = MoveCursor((1.0, 1.0, 6.0))(session_of())
    other = session_of(key="b", slices=7).volume
    assert other is not None
    together = replace(first, volumes={**first.volumes, "b": other})
    met = place_beside(together, other.series)
    assert met is not None
    assert met.position == 3
    elsewhere = replace(other, geometry=replace(other.geometry, frame_of_reference_uid=""))
    middle = place_beside(replace(first, volumes={**first.volumes, "b": elsewhere}), other.series)
    assert middle is not None
    assert middle.position == 3  # the middle of seven


def test_of_an_interpolated_series_a_stored_slice_is_listed() -> None:
    raw = Series("raw", SeriesKind.STACK, tuple(FrameRef(f"{n}") for n in range(9)))  # type: ignore[arg-type]
    session = MoveCursor((1.0, 1.0, 6.0))(session_of(raw=raw))
    place = place_on_screen(session)
    assert place is not None
    assert (place.series.key, place.position) == ("raw", 8)
    assert place_on_screen(Session()) is None
