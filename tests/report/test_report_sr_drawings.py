"""What a reader drew, in the structured report: places, figures with their units, and who drew it."""

from __future__ import annotations

from dataclasses import replace

import highdicom as hd
import numpy as np
import phantoms
import pytest
from drawing_cases import drawing, drawings
from report_cases import complaints, make_case

from medassist.entities.finding import Finding
from medassist.entities.measurement import Shape
from medassist.imaging.objects.spoken_codes import SIZES
from medassist.report import sr
from medassist.report.case import Case

SOURCES = {
    "ct": phantoms.write_ct_series,
    "mr": lambda folder: phantoms.write_mr_series(folder, orientation=phantoms.SAGITTAL, spacing=(0.9, 1.1, 2.0)),
    "mr with times": lambda folder: phantoms.write_mr_series(folder, times=2),
    "film": phantoms.write_film,
    "capture": lambda folder: phantoms.write_film(
        folder, SOPClassUID="1.2.840.10008.5.1.4.1.1.7", Modality="OT", NumberOfFrames=1
    ),
    "film without a scale": lambda folder: phantoms.write_film(
        folder, modality="CR", spacing=None, imager_spacing=None
    ),
}


def drawn_case(folder, source: str = "ct", *shapes: Shape) -> Case:
    SOURCES[source](folder / "in")
    case = make_case(folder / "in")
    index = min(2, case.volume.geometry.shape_zyx[0] - 1)
    made = drawings(case.volume, index)
    chosen = tuple(one for one in made if not shapes or one.shape in shapes)
    return replace(case, heatmaps=(), predictions=(), findings=(), measurements=chosen)


def groups_of(case: Case, folder) -> dict[str, object]:
    (path,) = sr.write(case, folder)
    report = hd.sr.srread(path).content
    found = report.get_image_measurement_groups() + report.get_planar_roi_measurement_groups()
    return {one.tracking_uid: one for one in found}


@pytest.mark.parametrize("source", SOURCES)
def test_every_drawing_with_figures_is_written_without_an_error(tmp_path, source):
    case = drawn_case(tmp_path, source)
    groups = groups_of(case, tmp_path)
    told = [one for one in case.measurements if one.quantities]
    assert len(told) == 8
    assert set(groups) == {one.uid for one in told}, "arrows and words are for presentation states"
    assert complaints(tmp_path / "sr.dcm") == []
    for one in told:
        numbers = {(float(n.value), n.unit.value) for n in groups[one.uid].get_measurements()}
        assert numbers == {(float(f"{q.value:.9g}"), q.unit) for q in one.quantities}


def test_figures_of_a_scale_nobody_knows_are_in_pixels(tmp_path):
    case = drawn_case(tmp_path, "film without a scale", Shape.LENGTH, Shape.ELLIPSE)
    units = {n.unit.value for group in groups_of(case, tmp_path).values() for n in group.get_measurements()}
    assert "{pixels}" in units
    assert not units & {"mm", "mm2"}


def test_outlines_are_regions_in_the_patient(tmp_path):
    case = drawn_case(tmp_path, "mr", Shape.ELLIPSE, Shape.RECTANGLE)
    groups = groups_of(case, tmp_path)
    ellipse, rectangle = (groups[one.uid].roi for one in case.measurements)
    assert (ellipse.graphic_type.value, rectangle.graphic_type.value) == ("ELLIPSE", "POLYGON")
    assert np.abs(ellipse.value - case.measurements[0].points_lps).max() < 1e-4
    assert np.abs(rectangle.value[:-1] - case.measurements[1].points_lps).max() < 1e-4
    assert rectangle.frame_of_reference_uid == case.volume.geometry.frame_of_reference_uid


def test_outlines_on_films_are_regions_of_the_picture(tmp_path):
    case = drawn_case(tmp_path, "film", Shape.RECTANGLE)
    ((rectangle),) = case.measurements
    region = groups_of(case, tmp_path)[rectangle.uid].roi
    assert region.value[0].tolist() == [10.5, 12.5], "the first pixel has its centre at 0.5 in DICOM"
    picture = region.ContentSequence[0].ReferencedSOPSequence[0]
    assert picture.ReferencedSOPInstanceUID == case.series.frames[0].sop_instance_uid


def test_a_kind_of_image_without_frames_gets_no_frame_number(tmp_path):
    case = drawn_case(tmp_path, "capture", Shape.LENGTH)
    (group,) = groups_of(case, tmp_path).values()
    (number,) = group.get_measurements()
    (line,) = [one for one in number[0].ContentSequence if one.ValueType == "SCOORD"]
    picture = line.ContentSequence[0].ReferencedSOPSequence[0]
    assert picture.ReferencedSOPInstanceUID == case.series.frames[0].sop_instance_uid
    assert "ReferencedFrameNumber" not in picture


def test_each_axis_is_inferred_from_its_own_line(tmp_path):
    case = drawn_case(tmp_path, "ct", Shape.BIDIRECTIONAL, Shape.COBB)
    cobb, two = case.measurements
    groups = groups_of(case, tmp_path)
    lines = {
        one.name.value: [item.value for item in one[0].ContentSequence if item.ValueType == "SCOORD3D"]
        for one in groups[two.uid].get_measurements()
    }
    assert np.abs(lines[SIZES["long_axis"].value][0] - two.points_lps[:2]).max() < 1e-4
    assert np.abs(lines[SIZES["short_axis"].value][0] - two.points_lps[2:]).max() < 1e-4
    (angle,) = groups[cobb.uid].get_measurements()
    assert angle.name.value == "285285000"
    assert len([item for item in angle[0].ContentSequence if item.ValueType == "SCOORD3D"]) == 2


def test_a_drawing_names_the_reader_and_no_algorithm(tmp_path):
    case = drawn_case(tmp_path, "ct", Shape.LENGTH)
    (group,) = groups_of(case, tmp_path).values()
    names = {item.name.meaning: item for item in group[0].ContentSequence}
    assert names["Person Observer Name"].value == "Doe^Jane"
    assert group[0].ObservationDateTime == "20261120091011+0800"
    assert not {"Algorithm Name", "Finding", "Verdict of the reader"} & set(names), "it claims nothing"


def test_a_finding_made_of_a_drawing_is_told_once_with_its_claim(tmp_path):
    case = drawn_case(tmp_path, "ct", Shape.LENGTH, Shape.ELLIPSE)
    length, ellipse = case.measurements
    found = Finding("1.2.3.4", "Nodule", case.series.key, measurement_uid=length.uid, by="Jane Doe")
    groups = groups_of(replace(case, findings=(found,)), tmp_path)
    assert set(groups) == {"1.2.3.4", ellipse.uid}
    (number,) = groups["1.2.3.4"].get_measurements()
    assert float(number.value) == pytest.approx(length.quantities[0].value, rel=1e-6)
    inside = {item.name.meaning: item for item in number[0].ContentSequence}
    assert inside["Tracking Unique Identifier"].value == length.uid, "the drawing keeps its own identifier"
    assert groups["1.2.3.4"].finding_type.meaning == "Nodule"


def test_a_drawing_of_another_time_point_says_so(tmp_path):
    phantoms.write_mr_series(tmp_path / "in", times=3)
    case = make_case(tmp_path / "in")
    late = drawing(case.volume, Shape.LENGTH, time=2)
    (group,) = groups_of(replace(case, findings=(), measurements=(late,)), tmp_path).values()
    (told,) = [item.value for item in group[0].ContentSequence if item.name.meaning == "Time Point"]
    assert told == "3"
    assert complaints(tmp_path / "sr.dcm") == []
