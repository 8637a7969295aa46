"""Objects of files in the session, without a window."""

from __future__ import annotations

import numpy as np
import pytest
from derived_objects import write_rtstruct, write_seg
from phantoms import write_ct_series

from medassist.entities.errors import UnreadableInput
from medassist.progress import Progress
from medassist.session.jobs import load_series, open_path
from medassist.session.objects import (
    AwaitObject,
    ForgetObject,
    RemoveOverlay,
    awaited,
    load_overlays,
    patient_problem,
    target_of,
)
from medassist.session.state import Session


@pytest.fixture
def opened(tmp_path) -> Session:
    images = write_ct_series(tmp_path / "ct")
    write_seg(tmp_path / "seg.dcm", images)
    write_seg(tmp_path / "lost.dcm", images, series_uid="1.2.999")
    write_rtstruct(tmp_path / "rt.dcm", images)
    return open_path(tmp_path, progress=Progress())(Session())


def test_everything_that_belongs_to_the_series_is_laid_over_it(opened) -> None:
    session = load_series(opened.all_series()[0], progress=Progress())(opened)
    session = load_overlays(session, progress=Progress())(session)
    assert sorted(one.kind for one in session.overlays_here) == ["contours", "segmentation"]
    marked = next(one for one in session.overlays if one.masks and one.focus_lps)
    index = np.rint(session.volume.geometry.to_index(session.view.cursor_lps)).astype(int)
    assert marked.masks[0].labels_zyx[tuple(index[::-1])], "the cursor stands on what is marked"
    assert not session.predictions
    assert session.findings
    assert all(one.read_from == "Tests Phantom" for one in session.findings), "they are the claims of the file"
    less = RemoveOverlay(marked.key, marked.series_key)(session)
    assert marked not in less.overlays
    assert len(less.overlays) == 1
    assert not less.findings, "nobody judged them, so they go with their file"


def test_overlays_need_pictures(opened) -> None:
    with pytest.raises(UnreadableInput, match="no series with pictures"):
        load_overlays(opened, progress=Progress())


def test_an_object_waits_until_it_is_forgotten(opened) -> None:
    lost = next(one for one in opened.all_series() if one.referenced_series_uids == ("1.2.999",))
    waiting = AwaitObject("gone")(AwaitObject(lost.key)(opened))
    assert awaited(waiting) == (lost,), "what is no longer listed does not count"
    assert target_of(waiting, lost) is None
    assert ForgetObject(lost.key)(waiting).awaited == ("gone",)


def test_an_object_that_names_another_patient_than_its_images_says_so(tmp_path) -> None:
    place = {"SeriesInstanceUID": "1.2.3", "FrameOfReferenceUID": "1.2.4"}
    images = write_ct_series(tmp_path / "a", PatientID="a", **place)
    others = write_ct_series(tmp_path / "b", PatientID="b", **place)
    write_seg(tmp_path / "a" / "own.dcm", images, series_uid="1.2.3")
    write_seg(tmp_path / "strange.dcm", others, series_uid="1.2.3")
    session = Session()
    for path in (tmp_path / "a", tmp_path / "strange.dcm"):
        session = open_path(path, progress=Progress())(session)
    own, strange = (one for one in session.all_series() if one.object_kind)
    assert patient_problem(session, own) is None
    assert "another patient ID" in str(patient_problem(session, strange))
    shown = load_series(session.all_series()[0], progress=Progress())(session)
    laid = load_overlays(shown, progress=Progress())(shown)
    noted = {one.key: [str(note) for note in one.notes if "another patient" in str(note)] for one in laid.overlays}
    assert (len(noted[own.key]), len(noted[strange.key])) == (0, 1)


def test_an_object_of_one_patient_is_not_laid_over_another_of_the_same_uid(tmp_path) -> None:
    session = Session()
    for name in ("a", "b"):
        images = write_ct_series(tmp_path / name, SeriesInstanceUID="1.2.3", PatientID=name)
        write_seg(tmp_path / name / "seg.dcm", images, series_uid="1.2.3")
        session = open_path(tmp_path / name, progress=Progress())(session)
    pictures = [one for one in session.all_series() if not one.object_kind]
    objects = [one for one in session.all_series() if one.object_kind]
    assert [session.study_of(one.key).patient.patient_id for one in (*pictures, *objects)] == ["a", "b", "a", "b"]
    for shown in pictures:
        here = load_series(shown, progress=Progress())(session)
        assert [target_of(here, one) for one in objects] == pictures
        laid = load_overlays(here, progress=Progress())(here)
        assert [one.series_key for one in laid.overlays] == [shown.key]
