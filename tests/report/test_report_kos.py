"""Key object selections: the pictures a reader stands for or picked, and no others."""

from __future__ import annotations

from dataclasses import replace

import highdicom as hd
import numpy as np
import phantoms
import pydicom
import pytest
from drawn_cases import drawn_case, remarks_of_dciodvfy
from report_cases import make_case

from medassist.entities.draft import Draft, KeyPicture
from medassist.entities.finding import Judgement
from medassist.progress import Progress
from medassist.report.export import export
from medassist.report.key_choice import key_views


def selection(case, folder):
    files = export(case, folder, ("kos",), progress=Progress())
    if not files:
        return None
    (path,) = files
    assert not remarks_of_dciodvfy(path)
    return pydicom.dcmread(path)


def chosen(document) -> set[str]:
    """Return the UIDs the content selects; the evidence must name the very same."""
    content = hd.ko.KeyObjectSelectionDocument.from_dataset(document).content
    found = {item.referenced_sop_instance_uid for item in content.get_references()}
    (study,) = document.CurrentRequestedProcedureEvidenceSequence
    held = {
        one.ReferencedSOPInstanceUID for part in study.ReferencedSeriesSequence for one in part.ReferencedSOPSequence
    }
    assert found == held
    return found


@pytest.fixture
def case(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    return drawn_case(tmp_path / "in")


def test_key_slices_of_accepted_findings_are_selected(case, tmp_path):
    document = selection(case, tmp_path / "out")
    slices = {one.key_slice for one in case.findings if one.present}
    assert chosen(document) == {case.series.frames[index].sop_instance_uid for index in slices}
    assert document.ConceptNameCodeSequence[0].CodeValue == "113000"
    assert document.StudyInstanceUID == case.series.study_uid
    assert (document.ContentDate, document.ContentTime) == ("20261120", "083000"), "the start of the analysis"
    told = [item.TextValue for item in document.ContentSequence if item.ValueType == "TEXT"]
    assert "Research use only" in told[0]


def test_pictures_the_reader_picked_are_selected_too(case, tmp_path):
    draft = Draft(case.series.key, pictures=(KeyPicture("key:1", 6), KeyPicture("key:2", 99)))
    document = selection(replace(case, draft=draft, findings=()), tmp_path / "out")
    assert chosen(document) == {case.series.frames[6].sop_instance_uid}


def test_a_picture_of_what_was_rejected_afterwards_is_not_selected(case, tmp_path):
    first = next(one for one in case.findings if one.key_slice is not None)
    (name,) = [view.name for view in key_views(case) if view.index == first.key_slice and view.name.startswith("mask:")]
    draft = Draft(case.series.key, pictures=(KeyPicture(name, first.key_slice),))
    opened = tuple(replace(one, judgement=Judgement.UNREVIEWED) for one in case.findings)
    shown = selection(replace(case, draft=draft, findings=opened), tmp_path / "shown")
    assert chosen(shown) == {case.series.frames[first.key_slice].sop_instance_uid}
    rejected = tuple(replace(one, judgement=Judgement.REJECTED) for one in case.findings)
    assert selection(replace(case, draft=draft, findings=rejected), tmp_path / "rejected") is None


@pytest.mark.parametrize("judgement", [Judgement.UNREVIEWED, Judgement.REJECTED, Judgement.DEFERRED])
def test_what_nobody_stands_for_is_not_selected(case, tmp_path, judgement):
    findings = tuple(replace(one, judgement=judgement) for one in case.findings)
    assert selection(replace(case, findings=findings), tmp_path / "out") is None


def test_a_film_is_selected_once(tmp_path):
    phantoms.write_film(tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    assert chosen(selection(case, tmp_path / "out")) == {case.series.frames[0].sop_instance_uid}


def test_frames_of_a_cine_are_selected_by_number(tmp_path):
    pixels = np.tile(np.arange(64, dtype=np.uint8), (5 * 48, 1))
    ds = phantoms.base("1.2.840.10008.5.1.4.1.1.3.1", "US", pixels, 0)
    ds.Rows, ds.NumberOfFrames, ds.SeriesInstanceUID = 48, 5, "1.2.826.0.1.3680043.8.498.77"
    ds.FrameTime, ds.FrameIncrementPointer, ds.ImageType = 40, 0x00181063, ["ORIGINAL", "PRIMARY"]
    phantoms.save(ds, tmp_path / "in" / "cine.dcm", {})
    case = make_case(tmp_path / "in")
    times = case.series.times > 1
    picked = [KeyPicture(f"key:{n}", 0 if times else n, n if times else 0) for n in (1, 4)]
    case = replace(case, findings=(), draft=Draft(case.series.key, pictures=tuple(picked)))
    document = selection(case, tmp_path / "out")
    (item,) = [one for one in document.ContentSequence if one.ValueType == "IMAGE"]
    assert list(item.ReferencedSOPSequence[0].ReferencedFrameNumber) == [2, 5]
