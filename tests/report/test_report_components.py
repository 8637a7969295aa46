"""Pieces of a segment: counted as a reader would, measured each, judged each where they are lesions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from medassist.entities.geometry import Geometry
from medassist.entities.instances import Instances
from medassist.entities.prediction import Code, Mask, ModelRef, Prediction, Segment
from medassist.entities.prompt import Box, Prompt
from medassist.entities.study import Series, SeriesKind
from medassist.entities.term import LEFT
from medassist.entities.volume import Volume, Window
from medassist.imaging.pieces import pieces
from medassist.report.claim_json import of_segment, other
from medassist.report.components import MOST_PIECES, REST, is_lesion, region_of
from medassist.report.findings import findings_from

MODEL = ModelRef("segmenter", "1.0", "ab" * 32)
SHAPE = (8, 30, 40)
ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")
LESION = Segment(1, "Hot spot", category=ABNORMAL)
ORGAN = Segment(1, "Odd organ", category=Code("91723000", "SCT", "Anatomical Structure"))


def volume_of(shape: tuple[int, int, int] = SHAPE, irregularity: str = "") -> Volume:
    grid = Geometry(np.array([[0.5, 0, 0, 3], [0, 0.8, 0, -7], [0, 0, 2.5, 40], [0, 0, 0, 1.0]]), shape, "1.2")
    series = Series("S", SeriesKind.VOLUME, (), modality="CT", shape_zyx=shape, irregularity=irregularity)
    values = np.arange(np.prod(shape), dtype=np.int32).reshape(1, *shape)
    return Volume(series, values, grid, unit="HU")


def blobs() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    labels[1, 2:4, 2:5] = 1  # 6 voxels
    labels[3:6, 10:14, 20:25] = 1  # 60 voxels
    labels[6, 14, 25] = 1  # touches the large one at one corner only
    labels[7, 28, 0] = 1
    return labels


def said(labels: np.ndarray, segment: Segment, **more: object) -> Prediction:
    mask = Mask(labels, volume_of(labels.shape).geometry, (segment,), **more)
    return Prediction(MODEL, "S", "2026-11-20T18:00:00", "cpu", mask=mask)


def test_every_piece_of_a_lesion_is_a_finding_of_its_own_the_largest_first():
    prediction, volume = said(blobs(), LESION), volume_of()
    found = findings_from(prediction, volume)
    assert [one.component for one in found] == [1, 2, 3]
    assert [round(one.volume_ml * 1000, 6) for one in found] == [61.0, 6.0, 1.0]  # a voxel has 1 mm3
    assert [one.slices for one in found] == [(3, 6), (1, 1), (7, 7)]
    assert [one.key_slice for one in found] == [3, 1, 7]
    assert len({one.tracking_uid for one in found}) == 3
    assert all(one.present and one.segment_value == 1 and not one.components for one in found)
    second = blobs() == 1
    second[2:] = False
    values = volume.array_zyx[second]
    assert found[1].measurements == pytest.approx(
        {"mean_value": values.mean(), "sd_value": values.std(), "min_value": values.min(), "max_value": values.max()}
    )
    assert found[1].center_lps == pytest.approx((3 + 0.5 * 3, -7 + 0.8 * 2.5, 42.5))
    assert found[1].diameters.index == 1
    assert np.array_equal(region_of(prediction.mask, 1, found[1].component), second)


def test_an_anatomical_structure_stays_one_finding_with_its_pieces_listed():
    (found,) = findings_from(said(blobs(), ORGAN), volume_of())
    assert found.component is None
    assert [one.voxels for one in found.components] == [61, 6, 1]
    assert found.measurements["component_count"] == 3
    assert found.volume_ml == pytest.approx(sum(one.volume_ml for one in found.components))
    assert found.components[0].measurements["max_value"] > found.components[0].measurements["min_value"]


def test_one_piece_is_told_as_the_whole():
    labels = np.zeros(SHAPE, np.uint8)
    labels[2, 3:5, 3:9] = 1
    for segment in (LESION, ORGAN):
        (found,) = findings_from(said(labels, segment), volume_of())
        assert (found.component, found.components) == (None, ())
        assert "component_count" not in found.measurements


def test_a_name_alone_tells_a_lesion_and_a_category_overrules_it():
    assert is_lesion(Segment(1, "Pulmonary nodule"))
    assert is_lesion(Segment(1, "Lesion"))
    assert not is_lesion(Segment(1, "Left lung"))
    assert not is_lesion(Segment(1, "words of nobody"))
    assert not is_lesion(replace(ORGAN, label="Lesion"))


def test_no_side_is_invented_and_a_coded_one_is_kept_for_every_piece():
    assert {one.laterality for one in findings_from(said(blobs(), LESION), volume_of())} == {None}
    sided = findings_from(said(blobs(), replace(LESION, laterality=LEFT)), volume_of())
    assert [one.laterality for one in sided] == [LEFT] * 3


def test_a_region_a_reader_drew_and_objects_told_apart_are_never_split():
    drawn = replace(said(blobs(), LESION), prompt=Prompt(Box(1, 1, 5, 6, 1), Window(0, 1), False))
    (found,) = findings_from(drawn, volume_of())
    assert (found.component, len(found.components)) == (None, 3)
    objects = Instances(blobs().astype(np.int32), volume_of().geometry)
    (counted,) = findings_from(said(blobs(), LESION, instances=objects), volume_of())
    assert (counted.component, counted.components) == (None, ())


def test_pieces_too_many_to_tell_are_told_together():
    labels = np.zeros((3, 40, 40), np.uint8)
    labels[0, ::2, ::2] = 1  # 400 single pixels
    labels[2, 0:2, 0:2] = 1
    prediction, volume = said(labels, LESION), volume_of(labels.shape)
    found = findings_from(prediction, volume)
    assert len(found) == MOST_PIECES + 1
    rest = found[-1]
    assert (rest.component, rest.diameters) == (REST, None)
    assert rest.measurements["component_count"] == 401 - MOST_PIECES
    assert sum(one.volume_ml for one in found) == pytest.approx(404 * 0.001)
    assert region_of(prediction.mask, 1, rest.component).sum() == 401 - MOST_PIECES


def test_without_a_regular_grid_no_piece_has_a_volume():
    found = findings_from(said(blobs(), LESION), volume_of(irregularity="a gap"))
    assert [one.volume_ml for one in found] == [None, None, None]


@settings(max_examples=60, deadline=None)
@given(arrays(np.bool_, st.tuples(*[st.integers(1, 6)] * 3)))
def test_pieces_cover_a_region_once_and_never_touch(region: np.ndarray):
    numbers, sizes = pieces(region)
    assert np.array_equal(numbers > 0, region)
    assert list(sizes) == sorted(sizes, reverse=True)
    assert [int((numbers == one).sum()) for one in range(1, len(sizes) + 1)] == list(sizes)
    places = np.argwhere(region)
    apart = np.abs(places[:, None] - places[None]).max(axis=2, initial=0)
    same = numbers[region][:, None] == numbers[region][None]
    assert not ((apart == 1) & ~same).any()


@settings(max_examples=40, deadline=None)
@given(arrays(np.uint8, (4, 5, 6), elements=st.integers(0, 1)))
def test_the_findings_of_a_lesion_share_its_voxels_out(labels: np.ndarray):
    prediction = said(labels, LESION)
    found = [one for one in findings_from(prediction, volume_of(labels.shape)) if one.present]
    covered = sum(
        (region_of(prediction.mask, 1, one.component).astype(int) for one in found), np.zeros(labels.shape, int)
    )
    assert np.array_equal(covered, labels)


def test_result_json_tells_each_piece_and_who_made_a_finding():
    of_lesion = [of_segment(one, volume_of()) for one in findings_from(said(blobs(), LESION), volume_of())]
    assert [(one["component"], one["slices"]) for one in of_lesion] == [(1, [3, 6]), (2, [1, 1]), (3, [7, 7])]
    assert of_lesion[0]["max_value"] > of_lesion[0]["min_value"]
    (organ,) = findings_from(said(blobs(), ORGAN), volume_of())
    told = of_segment(organ, volume_of())["components"]
    assert [one["voxels"] for one in told] == [61, 6, 1]
    assert told[0]["volume_ml"] == pytest.approx(0.061)
    own = replace(organ, segment_value=None, model=None, by="Dr. Ng", original_label="x", measurement_uid="7")
    claim = other(own, volume_of())
    assert (claim["made_by"], claim["original_label"], claim["measurement_uid"]) == ("Dr. Ng", "x", "7")
    assert claim["measurements"] == dict(organ.measurements)
