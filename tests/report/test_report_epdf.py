"""Encapsulated PDF: the bytes of report.pdf, of the same patient and study, tied to report and masks."""

from __future__ import annotations

from dataclasses import replace

import phantoms
import pydicom
import pytest
from drawn_cases import drawn_case, remarks_of_dciodvfy
from report_cases import make_case

from medassist.progress import Progress
from medassist.report.export import export

SOURCES = {
    "ct": lambda folder: phantoms.write_ct_series(folder),
    "dx": lambda folder: phantoms.write_film(folder),
    "anonymised": lambda folder: phantoms.write_mr_series(
        folder,
        **dict.fromkeys(
            ("PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID", "AccessionNumber"),
            None,
        ),
        PatientIdentityRemoved="YES",
        DeidentificationMethod="",
    ),
    "chinese": lambda folder: phantoms.write_ct_series(
        folder, SpecificCharacterSet="GB18030", PatientName="Wang^XiaoDong=王^小东", StudyDescription="胸部平扫"
    ),
}


@pytest.mark.parametrize("source", SOURCES)
def test_the_object_holds_the_pdf_of_its_study(tmp_path, source):
    SOURCES[source](tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    export(case, tmp_path / "out", ("epdf",), progress=Progress())
    path = tmp_path / "out" / "report.dcm"
    lacks = "needed to build DICOMDIR"  # what an anonymised source has not either
    assert not [line for line in remarks_of_dciodvfy(path) if source != "anonymised" or lacks not in line]
    ds = pydicom.dcmread(path)
    pdf = (tmp_path / "out" / "report.pdf").read_bytes()
    assert ds.EncapsulatedDocument[: ds.EncapsulatedDocumentLength] == pdf
    assert pdf.startswith(b"%PDF")
    assert (ds.StudyInstanceUID, ds.BurnedInAnnotation) == (case.series.study_uid, "YES")
    assert str(ds.PatientName) == case.study.patient.name
    assert ds.PatientID == case.study.patient.patient_id
    assert (ds.ContentDate, ds.ContentTime) == ("20261120", "083000"), "the start of the analysis"


def test_it_names_report_and_masks_it_was_made_with(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    export(drawn_case(tmp_path / "in"), tmp_path / "out", ("epdf", "sr"), progress=Progress())
    ds = pydicom.dcmread(tmp_path / "out" / "report.dcm")
    made = [pydicom.dcmread(tmp_path / "out" / name) for name in ("sr.dcm", "seg.dcm", "heatmap-1.dcm")]
    assert {one.ReferencedSOPInstanceUID for one in ds.SourceInstanceSequence} == {one.SOPInstanceUID for one in made}


def test_alone_it_names_a_picture_of_its_series(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = make_case(tmp_path / "in")
    export(case, tmp_path / "out", ("epdf",), progress=Progress())
    (named,) = pydicom.dcmread(tmp_path / "out" / "report.dcm").SourceInstanceSequence
    assert named.ReferencedSOPInstanceUID in {frame.sop_instance_uid for frame in case.series.frames}


def test_verification_needs_a_name(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    flags = {}
    for reader in ("", "Jane Doe"):
        export(replace(case, reader=reader), tmp_path / reader / "out", ("epdf",), progress=Progress())
        flags[reader] = pydicom.dcmread(tmp_path / reader / "out" / "report.dcm").VerificationFlag
    assert flags == {"": "UNVERIFIED", "Jane Doe": "VERIFIED"}


def test_the_title_is_in_the_language_of_the_report(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = replace(drawn_case(tmp_path / "in"), language="zh_CN")
    export(case, tmp_path / "out", ("epdf",), progress=Progress())
    ds = pydicom.dcmread(tmp_path / "out" / "report.dcm")
    assert (ds.DocumentTitle, ds.SpecificCharacterSet) == ("影像人工智能报告", "ISO_IR 192")
