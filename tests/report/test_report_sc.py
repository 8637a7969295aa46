"""Secondary captures: the very pixels of the key pictures, said to be burned in, tied to their source."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import phantoms
import pydicom
import pytest
from drawn_cases import drawn_case, remarks_of_dciodvfy
from PIL import Image
from report_cases import make_case

from medassist.entities.draft import Draft, KeyPicture
from medassist.progress import Progress
from medassist.report.export import DEFAULT_FORMATS, export
from medassist.report.keyviews import key_views

SOURCES = {
    "ct": lambda folder: phantoms.write_ct_series(folder),
    "mr sagittal": lambda folder: phantoms.write_mr_series(folder, orientation=phantoms.SAGITTAL),
    "dx": lambda folder: phantoms.write_film(folder),
    "cr without spacing": lambda folder: phantoms.write_film(folder, modality="CR", spacing=None, imager_spacing=None),
    "chinese": lambda folder: phantoms.write_ct_series(
        folder, SpecificCharacterSet="GB18030", PatientName="Wang^XiaoDong=王^小东"
    ),
}


@pytest.mark.parametrize("source", SOURCES)
def test_captures_hold_the_key_pictures(tmp_path, source):
    SOURCES[source](tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    export(case, tmp_path / "out", ("sc",), progress=Progress())
    views = key_views(case)
    assert views
    for number, view in enumerate(views, start=1):
        path = tmp_path / "out" / f"sc-{number}.dcm"
        assert not remarks_of_dciodvfy(path)
        capture = pydicom.dcmread(path)
        with Image.open(tmp_path / "out" / view.file_name) as picture:
            assert np.array_equal(capture.pixel_array, np.asarray(picture.convert("RGB")))
        assert capture.BurnedInAnnotation == "YES"
        assert capture.PhotometricInterpretation == "RGB"
        assert capture.StudyInstanceUID == case.series.study_uid
        assert capture.PatientID == "PH-1"
        named = capture.SourceImageSequence[0].ReferencedSOPInstanceUID
        assert named == case.series.frames[view.index * case.series.times].sop_instance_uid
    assert not (tmp_path / "out" / f"sc-{len(views) + 1}.dcm").exists()


def test_a_capture_of_a_later_time_names_the_picture_of_that_time(tmp_path):
    phantoms.write_mr_series(tmp_path / "in", times=2)
    case = make_case(tmp_path / "in")
    case = replace(case, draft=Draft(case.series.key, pictures=(KeyPicture("key:1", 4, time=1),)))
    export(case, tmp_path / "out", ("sc",), progress=Progress())
    named = pydicom.dcmread(tmp_path / "out" / "sc-1.dcm").SourceImageSequence[0].ReferencedSOPInstanceUID
    assert named == case.series.frames[4 * 2 + 1].sop_instance_uid


def test_captures_share_a_series_and_are_numbered(tmp_path):
    phantoms.write_mr_series(tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    export(case, tmp_path / "out", ("sc",), progress=Progress())
    captures = [pydicom.dcmread(path) for path in sorted((tmp_path / "out").glob("sc-*.dcm"))]
    assert len({one.SeriesInstanceUID for one in captures}) == 1
    assert len({one.SOPInstanceUID for one in captures}) == len(captures) > 1
    assert sorted(int(one.InstanceNumber) for one in captures) == list(range(1, len(captures) + 1))


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [(phantoms.AXIAL, ["L", "P"]), (phantoms.CORONAL, ["L", "F"]), (phantoms.SAGITTAL, ["P", "F"])],
)
def test_sides_are_those_written_into_the_picture(tmp_path, orientation, expected):
    phantoms.write_mr_series(tmp_path / "in", orientation=orientation)
    case = drawn_case(tmp_path / "in")
    export(case, tmp_path / "out", ("sc",), progress=Progress())
    assert list(pydicom.dcmread(tmp_path / "out" / "sc-1.dcm").PatientOrientation) == expected


def test_sides_nobody_knows_are_not_told(tmp_path):
    phantoms.write_film(tmp_path / "in", PatientOrientation=None)
    case = make_case(tmp_path / "in")
    export(case, tmp_path / "out", ("sc",), progress=Progress())
    assert not pydicom.dcmread(tmp_path / "out" / "sc-1.dcm").PatientOrientation


def test_captures_are_written_only_when_asked_for():
    assert "sc" not in DEFAULT_FORMATS
    assert {"seg", "sr", "json", "pdf", "gsps"} <= set(DEFAULT_FORMATS)


def test_a_resampled_series_names_no_source(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    case = replace(case, series=replace(case.series, raw=case.series))
    export(case, tmp_path / "out", ("sc",), progress=Progress())
    assert "SourceImageSequence" not in pydicom.dcmread(tmp_path / "out" / "sc-1.dcm")
