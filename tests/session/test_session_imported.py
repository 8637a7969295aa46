"""Reports and segmentations alone bring back findings, verdicts, places and drawings; others' come as theirs."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import phantoms
import pytest

sys.path.append(str(Path(__file__).parents[1] / "report"))

from drawing_cases import drawing, drawings
from report_cases import make_case

from medassist.entities.finding import Finding, Judgement
from medassist.entities.measurement import Shape
from medassist.imaging.scan import scan
from medassist.progress import Progress
from medassist.report import seg, sr
from medassist.report.case import Case
from medassist.report.identity import category_for, code_for
from medassist.session.actions import AddScan, ShowVolume
from medassist.session.objects import load_object
from medassist.session.state import Session

WRITERS = {
    "ct": phantoms.write_ct_series,
    "mr sagittal": lambda folder: phantoms.write_mr_series(
        folder, orientation=phantoms.SAGITTAL, spacing=(0.9, 1.1, 2.0)
    ),
    "film": phantoms.write_film,
    "film without a scale": lambda folder: phantoms.write_film(folder, spacing=None, imager_spacing=None),
}


def judged_case(folder: Path, name: str) -> Case:
    """Return a case with every verdict, comments, a reader's finding at a place and one made of a drawing."""
    WRITERS[name](folder / "in")
    case = make_case(folder / "in")
    index = min(2, case.volume.geometry.shape_zyx[0] - 1)
    drawn = drawings(case.volume, index)[:8]
    verdicts = (Judgement.ACCEPTED, Judgement.DEFERRED, Judgement.EDITED, Judgement.UNREVIEWED)
    told = [
        replace(one, judgement=verdict, judged_by="Jane Doe", judged_at="2026-11-20T09:00:00+08:00", comment="一\n二")
        if verdict is not Judgement.UNREVIEWED
        else one
        for one, verdict in zip(case.findings, verdicts, strict=False)
    ]
    place = tuple(float(value) for value in case.volume.geometry.to_world([11.0, 13.0, index]))
    own = Finding("1.2.3.4", "Calcification", case.series.key, center_lps=place, key_slice=index, by="Jane Doe",
                  made_at="2026-11-20T09:10:11", judgement=Judgement.ACCEPTED)  # type: ignore[arg-type]  # fmt: skip
    made = Finding("1.2.3.5", "Nodule", case.series.key, measurement_uid=drawn[0].uid, by="Jane Doe", present=False)
    return replace(case, heatmaps=(), findings=(*told, own, made), measurements=drawn, reader="Jane Doe")


def reopened(case: Case, folder: Path) -> Session:
    """Write SR and SEG alone, open the images and then both objects, as the window does."""
    folder.mkdir(exist_ok=True)
    seg.write(case, folder)
    sr.write(case, folder)
    session = AddScan(scan(case.series.frames[0].path.parent))(Session())
    session = AddScan(scan(folder))(session)
    session = ShowVolume(replace(case.volume, series=session.series(case.series.key)))(session)
    for one in [one for one in session.all_series() if one.frames and one.frames[0].path.parent == folder]:
        session = load_object(one, session.volume, progress=Progress())(session)
    return session


def figures(finding: Finding) -> dict[str, float]:
    told = {key: value for key, value in finding.measurements.items() if not key.startswith("component")}
    if finding.diameters is not None:
        told |= {"long": finding.diameters.long_axis, "short": finding.diameters.short_axis}
    if finding.volume_ml is not None:
        told["volume"] = finding.volume_ml
    return told


@pytest.mark.parametrize("name", WRITERS)
def test_findings_come_back_from_report_and_segmentation_alone(tmp_path, name):
    case = judged_case(tmp_path, name)
    session = reopened(case, tmp_path / "out")
    back = {one.tracking_uid: one for one in session.findings}
    assert set(back) == {one.tracking_uid for one in case.findings}
    for sent in case.findings:
        found = back[sent.tracking_uid]
        assert found.read_from == "MedAssist demo_model", "it says that a file brought it"
        assert (found.label, found.laterality, found.modifier) == (sent.label, sent.laterality, sent.modifier)
        assert code_for(found.label, found.code) == code_for(sent.label, sent.code)
        otherwise = found.category
        assert otherwise is not None
        assert category_for(sent.label, sent.category, otherwise) == found.category
        assert (found.judgement, found.judged_by, found.judged_at) == (sent.judgement, sent.judged_by, sent.judged_at)
        assert (found.comment, found.present, found.by, found.made_at) == (
            sent.comment, sent.present if sent.segment_value is None else True, sent.by, sent.made_at,
        )  # fmt: skip
        assert (found.probability, found.threshold, found.calibrated) == (
            pytest.approx(sent.probability), pytest.approx(sent.threshold), sent.calibrated,
        )  # fmt: skip
        assert (found.model and (found.model.name, found.model.version, found.model.sha256)) == (
            sent.model and (sent.model.name, sent.model.version, sent.model.sha256)
        )
        if not sent.measurement_uid:
            wanted = figures(sent) if case.volume.unit or case.series.modality == "MR" else {}
            assert figures(found) == pytest.approx(wanted, rel=1e-6)
        if sent.center_lps is not None:
            assert np.abs(np.subtract(found.center_lps, sent.center_lps)).max() < 1e-3
            assert (found.key_slice, found.slices) == (sent.key_slice, sent.slices)
    assert session.predictions == (), "no model ran here"


@pytest.mark.parametrize("name", WRITERS)
def test_drawings_come_back(tmp_path, name):
    case = judged_case(tmp_path, name)
    back = {one.uid: one for one in reopened(case, tmp_path / "out").measurements}
    assert set(back) == {one.uid for one in case.measurements}
    for sent in case.measurements:
        found = back[sent.uid]
        assert (found.shape, found.slice_index, found.time) == (sent.shape, sent.slice_index, sent.time)
        assert np.abs(np.subtract(found.points_lps, sent.points_lps)).max() < 1e-3
        told, wanted = ({one.name: (one.value, one.unit) for one in each.quantities} for each in (found, sent))
        assert {key: unit for key, (_, unit) in told.items()} == {key: unit for key, (_, unit) in wanted.items()}
        assert [told[key][0] for key in wanted] == pytest.approx([value for value, _ in wanted.values()], rel=1e-6)
        assert (found.by, found.made_at) == (sent.by, sent.made_at)
    (made,) = [one for one in reopened(case, tmp_path / "out").findings if one.label == "Nodule"]
    assert made.measurement_uid == case.measurements[0].uid


def test_what_is_known_already_stays_as_the_reader_left_it(tmp_path):
    case = judged_case(tmp_path, "ct")
    session = reopened(case, tmp_path / "out")
    changed = replace(session.findings[0], judgement=Judgement.REJECTED, judged_at="2026-11-21T10:00:00")
    session = replace(session, findings=(changed, *session.findings[1:]))
    for one in session.all_series():
        if one.frames and one.frames[0].path.parent == tmp_path / "out":
            session = load_object(one, session.volume, progress=Progress())(session)
    assert session.findings[0] == changed
    assert len(session.findings) == len(case.findings)
    assert len(session.measurements) == len(case.measurements)


def test_a_report_of_another_patient_brings_no_finding(tmp_path):
    import pydicom

    case = judged_case(tmp_path, "ct")
    out = tmp_path / "out"
    out.mkdir()
    (path,) = sr.write(case, out)
    ds = pydicom.dcmread(path)
    ds.PatientID = "SOMEBODY-ELSE"
    ds.save_as(path)
    session = AddScan(scan(out))(AddScan(scan(case.series.frames[0].path.parent))(Session()))
    session = ShowVolume(replace(case.volume, series=session.series(case.series.key)))(session)
    (report,) = [one for one in session.all_series() if one.frames[0].path == path]
    session = load_object(report, session.volume, progress=Progress())(session)
    assert (session.findings, session.measurements) == ((), ())
    assert "another patient ID" in session.documents[-1].notes[0].text()


def test_places_in_another_frame_of_reference_are_left_out_and_counted(tmp_path):
    import pydicom

    case = judged_case(tmp_path, "ct")
    length = drawing(case.volume, Shape.LENGTH)
    case = replace(case, findings=(), predictions=(), measurements=(length,))
    out = tmp_path / "out"
    out.mkdir()
    (path,) = sr.write(case, out)
    ds = pydicom.dcmread(path)
    for item in walked(ds):
        if "ReferencedFrameOfReferenceUID" in item:
            item.ReferencedFrameOfReferenceUID = "1.2.3"
    ds.save_as(path)
    session = AddScan(scan(out))(AddScan(scan(case.series.frames[0].path.parent))(Session()))
    session = ShowVolume(replace(case.volume, series=session.series(case.series.key)))(session)
    (report,) = [one for one in session.all_series() if one.frames[0].path == path]
    session = load_object(report, session.volume, progress=Progress())(session)
    assert session.measurements == ()
    assert "lie on other images" in session.documents[-1].notes[0].text()


def walked(ds):
    yield ds
    for item in ds.get("ContentSequence", []):
        yield from walked(item)
