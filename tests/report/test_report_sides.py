"""Left and right of a paired organ: told apart by code in SEG and SR, added up per side in result.json."""

from __future__ import annotations

from dataclasses import replace

import highdicom as hd
import numpy as np
import phantoms
import pydicom
import pytest
from report_cases import complaints, make_case

from medassist.entities.prediction import Code, Mask, Segment
from medassist.imaging.objects.segments import segments_of
from medassist.report import seg, sr
from medassist.report.findings import findings_from
from medassist.report.result_json import result

HIPPOCAMPUS = Code("5366008", "SCT", "Hippocampus")
PARTS = {"anterior": Code("255549009", "SCT", "Anterior"), "posterior": Code("255551008", "SCT", "Posterior")}
SIDES = {"Left": Code("7771000", "SCT", "Left"), "Right": Code("24028007", "SCT", "Right")}


@pytest.fixture
def case(tmp_path):
    """Return a case whose mask has two parts on each side; the right ones are twice as thick."""
    phantoms.write_ct_series(tmp_path / "in")
    case = make_case(tmp_path / "in")
    grid = case.volume.geometry
    names = [(side, part) for side in SIDES for part in PARTS]
    segments = tuple(
        Segment(value, f"{side} {part} hippocampus", HIPPOCAMPUS, modifier=PARTS[part], laterality=SIDES[side])
        for value, (side, part) in enumerate(names, start=1)
    )
    labels = np.zeros(grid.shape_zyx, np.uint8)
    for one in segments:
        labels[1, 2 * one.value : 2 * one.value + (2 if one.label.startswith("Right") else 1), 3:9] = one.value
    (prediction,) = (one for one in case.predictions if one.mask is not None)
    told = replace(prediction, mask=Mask(labels, grid, segments))
    return replace(case, predictions=(told,), heatmaps=(), findings=findings_from(told, case.volume))


def test_result_adds_up_each_side(case):
    told = result(case)
    assert [one["laterality"]["meaning"] for one in told["segments"]] == ["Left", "Left", "Right", "Right"]
    left, right = told["sides"]
    assert (left["laterality"]["value"], right["laterality"]["value"]) == ("7771000", "24028007")
    assert left["labels"] == ["Left anterior hippocampus", "Left posterior hippocampus"]
    voxel = case.volume.geometry.voxel_volume_ml
    assert left["volume_ml"] == pytest.approx(12 * voxel)
    assert right["volume_ml"] == pytest.approx(24 * voxel)


def test_segmentation_names_the_side_beside_the_part(case, tmp_path):
    (path,) = seg.write(case, tmp_path)
    for number, expected in ((1, ["Anterior", "Left"]), (4, ["Posterior", "Right"])):
        kind = hd.seg.segread(path).get_segment_description(number).SegmentedPropertyTypeCodeSequence[0]
        assert [one.CodeMeaning for one in kind.SegmentedPropertyTypeModifierCodeSequence] == expected
    assert complaints(path) == []


def test_sides_are_read_back(case, tmp_path):
    (path,) = seg.write(case, tmp_path)
    found = segments_of(pydicom.dcmread(path))
    assert [found[number].laterality for number in (1, 4)] == [SIDES["Left"], SIDES["Right"]]
    assert [found[number].modifier for number in (1, 4)] == [PARTS["anterior"], PARTS["posterior"]]


def test_report_names_the_site_with_its_side(case, tmp_path):
    (path,) = sr.write(case, tmp_path)
    groups = hd.sr.srread(path).content.get_volumetric_roi_measurement_groups()
    sites = [group.finding_sites[0] for group in groups]
    assert [site.value.meaning for site in sites] == ["Hippocampus"] * 4
    assert [site.laterality.meaning for site in sites] == ["Left", "Left", "Right", "Right"]
    assert [site.topographical_modifier.meaning for site in sites] == ["Anterior", "Posterior"] * 2
    assert complaints(path) == []


def test_what_has_no_side_is_not_added_up(case):
    plain = tuple(replace(one, laterality=None) for one in case.findings)
    assert result(replace(case, findings=plain))["sides"] == []
