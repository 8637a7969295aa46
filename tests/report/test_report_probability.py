"""Probabilities as fractional segmentations: their values and place, what they belong to, when there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import phantoms
import pydicom
import pytest
from report_cases import complaints, make_case
from validator_cases import beyond, of_the_source, remarks

from medassist.entities.edit import Edit
from medassist.entities.errors import UnwritableOutput
from medassist.entities.finding import Judgement
from medassist.entities.probabilities import Probabilities
from medassist.imaging.dicom_files import read_with_pixels
from medassist.imaging.objects.segmentation import read_segmentation
from medassist.progress import Progress
from medassist.report import seg
from medassist.report.case import Case
from medassist.report.export import export
from medassist.report.fhir_selections import segments_in
from medassist.report.notes import notes

NAME = "seg-probability.dcm"


def with_probabilities(case: Case) -> Case:
    """Return the case with probabilities that fall off from the boxes of its mask, the two labels apart."""
    mask = case.predictions[0].mask
    assert mask is not None
    random = np.random.default_rng(7)
    found = np.zeros((2, *mask.geometry.shape_zyx), np.uint8)
    for at, segment in enumerate(mask.segments[:2]):
        inside = mask.region(segment)
        found[at][inside] = random.integers(128, 256, int(inside.sum()))
        found[at][np.roll(inside, -3, axis=2) & ~inside] = random.integers(1, 127)
    kept = Probabilities(found, mask.geometry, (1, 2))
    return replace(case, predictions=(replace(case.predictions[0], probabilities=kept),))


@pytest.fixture
def case(tmp_path) -> Case:
    phantoms.write_ct_series(tmp_path / "in", orientation=(0.8, 0.6, 0.0, -0.36, 0.48, -0.8))
    return with_probabilities(make_case(tmp_path / "in"))


def values_in(path, case: Case) -> np.ndarray:
    """Return what the file holds (segment, slice, row, column), placed by the position of each frame alone."""
    ds = pydicom.dcmread(path)
    found = np.zeros((len(ds.SegmentSequence), *case.volume.geometry.shape_zyx), np.float64)
    planes = ds.pixel_array.reshape(int(ds.NumberOfFrames), int(ds.Rows), int(ds.Columns))
    for plane, group in zip(planes, ds.PerFrameFunctionalGroupsSequence, strict=True):
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        place = np.array(group.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        found[number - 1, round(float(case.volume.geometry.to_index(place)[2]))] = plane / ds.MaximumFractionalValue
    return found


def test_every_value_reads_back_in_its_place(case, tmp_path):
    mask, path = seg.write(case, tmp_path)
    assert (mask.name, path.name) == ("seg.dcm", NAME)
    kept = case.predictions[0].probabilities
    assert kept is not None
    assert abs(values_in(path, case) - kept.shares_lzyx / 255).max() <= 1 / 255
    ds = pydicom.dcmread(path)
    assert (ds.SegmentationType, ds.SegmentationFractionalType, ds.MaximumFractionalValue) == (
        "FRACTIONAL", "PROBABILITY", 255,
    )  # fmt: skip
    assert ds.NumberOfFrames == sum(int(one.any()) for label in kept.shares_lzyx for one in label)
    assert pydicom.dcmread(mask).SegmentationType == "BINARY"


def test_dciodvfy_has_nothing_to_say(case, tmp_path):
    _, path = seg.write(case, tmp_path)
    source = of_the_source(remarks(case.series.frames[0].path))
    assert complaints(path) == []
    assert beyond(remarks(path), source) == []


def test_it_is_tied_to_the_findings_and_the_slices_of_the_mask(case, tmp_path):
    mask, path = map(pydicom.dcmread, seg.write(case, tmp_path))
    of_mask, told = ([(one.SegmentLabel, one.TrackingUID) for one in ds.SegmentSequence] for ds in (mask, path))
    assert told == of_mask == [(one.label, one.tracking_uid) for one in case.findings[:2]]
    assert path.StudyInstanceUID == mask.StudyInstanceUID
    assert path.FrameOfReferenceUID == mask.FrameOfReferenceUID
    assert path.SeriesInstanceUID != mask.SeriesInstanceUID
    for group in path.PerFrameFunctionalGroupsSequence:
        (source,) = group.DerivationImageSequence[0].SourceImageSequence
        assert source.ReferencedSOPInstanceUID in {one.sop_instance_uid for one in case.series.frames}


def test_it_opens_again_over_the_series_and_says_what_is_drawn(case, tmp_path):
    _, path = seg.write(case, tmp_path)
    masks, told = read_segmentation(read_with_pixels(path), path, case.volume, Progress())
    own = case.predictions[0].mask
    for number, segment in enumerate(own.segments[:2], start=1):
        (found,) = [mask.region(one) for mask in masks for one in mask.segments if one.value == number]
        assert np.array_equal(found, own.region(segment))
    assert any("at least 50 %" in one.message for one in told)


def test_fhir_points_at_the_mask_not_at_the_probabilities(case, tmp_path):
    mask, _ = seg.write(case, tmp_path)
    uid = pydicom.dcmread(mask).SOPInstanceUID
    assert {one.sop_instance_uid for one in segments_in(tmp_path).values()} == {uid}


def test_an_edited_mask_has_none_and_the_report_says_why(case, tmp_path):
    one = case.predictions[0]
    edited = replace(one, edit=Edit("Jane Doe", "2026-11-20T09:00:00", one.mask, (1,)))
    case = replace(case, predictions=(edited,))
    assert [path.name for path in seg.write(case, tmp_path)] == ["seg.dcm"]
    assert any("edited by hand, so its probabilities" in told.message for told in notes(case))


def test_a_rejected_label_is_left_out_unless_rejected_ones_are_asked_for(case, tmp_path):
    findings = (replace(case.findings[0], judgement=Judgement.REJECTED), *case.findings[1:])
    case = replace(case, findings=findings)
    *_, path = seg.write(case, tmp_path)
    assert [one.SegmentLabel for one in pydicom.dcmread(path).SegmentSequence] == [findings[1].label]
    assert any("a finding of it was rejected" in told.message for told in notes(case))
    *_, path = seg.write(replace(case, with_rejected=True), tmp_path)
    assert len(pydicom.dcmread(path).SegmentSequence) == 2


def test_asked_for_but_not_kept_is_said(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = make_case(tmp_path / "in", segmentation="fractional")
    assert [path.name for path in seg.write(case, tmp_path)] == ["seg.dcm"]
    assert any("its run kept none" in told.message for told in notes(case))
    assert not any("its run kept none" in told.message for told in notes(replace(case, segmentation="auto")))


def test_a_file_that_reads_back_otherwise_is_not_kept(case, tmp_path, monkeypatch):
    from medassist.imaging.objects import segmentation
    from medassist.report import seg_probability

    monkeypatch.setattr(segmentation, "read_file", lambda _path, _volume: ())
    with pytest.raises(UnwritableOutput, match="did not read back"):
        seg_probability.write_probabilities(case, tmp_path)
    assert not (tmp_path / NAME).exists()


def test_an_earlier_file_goes_with_the_next_report(case, tmp_path):
    export(case, tmp_path / "out", ("seg", "json"), progress=Progress())
    assert (tmp_path / "out" / NAME).is_file()
    plain = replace(case, predictions=(replace(case.predictions[0], probabilities=None),))
    export(plain, tmp_path / "out", ("seg", "json"), progress=Progress())
    assert not (tmp_path / "out" / NAME).exists()
