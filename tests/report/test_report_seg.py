"""What of a mask is written: pieces judged alone, nothing rejected, who made it, in the form that was asked for."""

from __future__ import annotations

from dataclasses import replace

import highdicom as hd
import numpy as np
import phantoms
import pydicom
import pytest
from report_cases import complaints, make_case

from medassist.entities.edit import Edit
from medassist.entities.errors import UnwritableOutput
from medassist.entities.finding import Judgement
from medassist.entities.prediction import NO_MODEL, Code, Mask, Segment
from medassist.imaging.objects.segmentation import read_file
from medassist.report import seg, sr
from medassist.report.case import Case
from medassist.report.findings import findings_from
from medassist.report.seg_parts import numbered_labels, parts

ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")
LESION = Segment(3, "Lesion", None, category=ABNORMAL)
LUNG = Segment(5, "Lung", None)


@pytest.fixture
def case(tmp_path) -> Case:
    """Return a case with three lesions, of 40, 12 and 2 voxels, and a lung of two parts."""
    phantoms.write_ct_series(tmp_path / "in")
    return with_mask(make_case(tmp_path / "in"), lesions)


def lesions(shape) -> np.ndarray:
    labels = np.zeros(shape, np.uint8)
    labels[1:3, 10:14, 10:15] = 3
    labels[4, 30:33, 10:14] = 3
    labels[6, 50, 50:52] = 3
    labels[2:5, 20:40, 30:40] = 5
    labels[2:5, 20:40, 45:55] = 5
    return labels


def with_mask(case: Case, draw, *segments: Segment, **changes: object) -> Case:
    grid = case.volume.geometry
    mask = Mask(draw(grid.shape_zyx), grid, segments or (LESION, LUNG), overlapping=bool(changes.pop("overlapping", 0)))
    prediction = replace(case.predictions[0], mask=mask, **changes)
    return replace(case, predictions=(prediction,), heatmaps=(), findings=findings_from(prediction, case.volume))


def judged(case: Case, number: int, judgement: Judgement) -> Case:
    told = [replace(one, judgement=judgement) if at == number else one for at, one in enumerate(case.findings)]
    return replace(case, findings=tuple(told))


def segments_in(path) -> dict[int, pydicom.Dataset]:
    return {int(one.SegmentNumber): one for one in pydicom.dcmread(path).SegmentSequence}


def test_every_piece_of_a_lesion_is_a_segment_with_the_tracking_uid_of_its_finding(case, tmp_path):
    (path,) = seg.write(case, tmp_path)
    found = segments_in(path)
    assert [one.SegmentLabel for one in found.values()] == ["Lesion 1", "Lesion 2", "Lesion 3", "Lung"]
    assert [one.TrackingUID for one in found.values()] == [one.tracking_uid for one in case.findings]
    (mask,) = read_file(path, case.volume)
    assert [mask.voxels(one) for one in mask.segments] == [40, 12, 2, 1200]
    assert complaints(path) == []


def test_the_report_points_at_the_piece(case, tmp_path):
    (path,) = sr.write(case, tmp_path)
    groups = hd.sr.srread(path).content.get_volumetric_roi_measurement_groups()
    items = [one.referenced_segment[0].ReferencedSOPSequence[0] for one in groups]
    assert [one.ReferencedSegmentNumber for one in items] == [1, 2, 3, 4]
    assert [one.tracking_uid for one in groups] == [one.tracking_uid for one in case.findings]


def test_what_the_reader_rejected_is_not_in_the_object(case, tmp_path):
    rejected = judged(case, 0, Judgement.REJECTED)
    (path,) = seg.write(rejected, tmp_path)
    (mask,) = read_file(path, case.volume)
    assert [one.label for one in mask.segments] == ["Lesion 2", "Lesion 3", "Lung"]
    assert not mask.labels_zyx[1:3, 10:14, 10:15].any(), "no voxel of it is left, under whatever name"
    (path,) = seg.write(judged(rejected, 3, Judgement.REJECTED), tmp_path)
    assert [one.SegmentLabel for one in segments_in(path).values()] == ["Lesion 2", "Lesion 3"]
    (path,) = seg.write(replace(rejected, with_rejected=True), tmp_path)
    assert len(segments_in(path)) == 4, "unless it is asked for"


def test_nothing_is_written_where_everything_was_rejected(case, tmp_path):
    told = replace(case, findings=tuple(replace(one, judgement=Judgement.REJECTED) for one in case.findings))
    assert seg.write(told, tmp_path) == ()
    assert sr.write(told, tmp_path) == ()


def test_a_label_map_on_request_holds_the_same(case, tmp_path):
    (path,) = seg.write(replace(case, segmentation="labelmap"), tmp_path)
    ds = pydicom.dcmread(path)
    assert (ds.SegmentationType, ds.SOPClassUID) == ("LABELMAP", seg.LABELMAP_STORAGE)
    (mask,) = read_file(path, case.volume)
    ((prediction, sent),) = case.masks
    assert np.array_equal(mask.labels_zyx, numbered_labels(sent, parts(case, prediction, sent)))
    assert complaints(path) == []


def test_many_segments_are_binary_on_request(case, tmp_path):
    def stripes(shape):
        labels = np.zeros(shape, np.uint8)
        for value in range(1, 13):
            labels[3, 10:20, 4 * value : 4 * value + 3] = value
        return labels

    many = with_mask(case, stripes, *(Segment(value, f"Part {value}") for value in range(1, 13)))
    for wanted, kind in (("auto", "LABELMAP"), ("binary", "BINARY")):
        (path,) = seg.write(replace(many, segmentation=wanted), tmp_path)
        assert pydicom.dcmread(path).SegmentationType == kind


def test_segments_that_overlap_are_binary_whatever_was_asked_for(case, tmp_path):
    def crossing(shape):
        labels = np.zeros(shape, np.uint8)
        labels[2, 10:30, 10:30] |= 1
        labels[2, 20:40, 20:40] |= 2
        return labels

    both = with_mask(case, crossing, Segment(1, "Whole"), Segment(2, "Core"), overlapping=True)
    (path,) = seg.write(replace(both, segmentation="labelmap"), tmp_path)
    assert pydicom.dcmread(path).SegmentationType == "BINARY"
    found = {one.label: (mask, one) for mask in read_file(path, both.volume) for one in mask.segments}
    for segment in both.masks[0][1].segments:
        mask, one = found[segment.label]
        assert np.array_equal(mask.region(one), both.masks[0][1].region(segment))


def test_an_edited_mask_says_who_changed_it(case, tmp_path):
    ((prediction, mask),) = case.masks
    before = Mask(mask.labels_zyx.copy(), mask.geometry, (LESION, LUNG))
    edited = replace(prediction, edit=Edit("Jane Doe", "2026-11-20T09:00:00", before, (5,)))
    (path,) = seg.write(replace(case, predictions=(edited,)), tmp_path)
    kinds = [one.SegmentAlgorithmType for one in segments_in(path).values()]
    assert kinds == ["AUTOMATIC"] * 3 + ["SEMIAUTOMATIC"]
    assert pydicom.dcmread(path).ContentCreatorName == "Doe^Jane"
    assert complaints(path) == []


@pytest.mark.parametrize(("had", "kind"), [((), "MANUAL"), ((LUNG,), "SEMIAUTOMATIC")])
def test_a_mask_without_a_model_names_none(case, tmp_path, had, kind):
    """Drawn from nothing, or taken over from a file and changed."""
    ((prediction, mask),) = case.masks
    before = Mask(np.zeros_like(mask.labels_zyx), mask.geometry, had)
    drawn = replace(
        prediction,
        model=NO_MODEL,
        edit=Edit("Jane Doe", "2026-11-20T09:00:00", before, (5,)),
        mask=Mask(mask.labels_zyx.copy(), mask.geometry, (LUNG,)),
    )
    by_hand = replace(case, predictions=(drawn,), findings=findings_from(drawn, case.volume))
    (path,) = seg.write(by_hand, tmp_path)
    (only,) = segments_in(path).values()
    assert only.SegmentAlgorithmType == kind
    named = only.get("SegmentationAlgorithmIdentificationSequence") or []
    assert [one.AlgorithmName for one in named] == (["Taken over from a file"] if had else [])
    assert prediction.model.name not in pydicom.dcmread(path).to_json()
    assert complaints(path) == []


def test_a_file_that_does_not_read_back_is_not_kept(case, tmp_path, monkeypatch):
    def one_voxel_less(path, volume):
        (mask,) = read_file(path, volume)
        labels = mask.labels_zyx.copy()
        labels[tuple(np.argwhere(labels)[0])] = 0
        return (replace(mask, labels_zyx=labels),)

    monkeypatch.setattr("medassist.imaging.objects.segmentation.read_file", one_voxel_less)
    with pytest.raises(UnwritableOutput, match="did not read back"):
        seg.write(case, tmp_path)
    assert not (tmp_path / "seg.dcm").exists()
