"""Codes of typed and bare labels in DICOM objects: a term gets its code, and no side is lost on the way."""

from __future__ import annotations

from dataclasses import replace

import highdicom as hd
import numpy as np
import phantoms
import pytest
from report_cases import complaints, make_case

from medassist.entities.prediction import Mask, ModelRef, Segment
from medassist.entities.prompt import Box, Prompt
from medassist.entities.region import Region
from medassist.entities.term import LEFT
from medassist.imaging.objects.spoken_codes import SCHEME
from medassist.progress import Progress
from medassist.report import seg, sr
from medassist.report.findings import findings_from
from medassist.report.identity import code_for
from medassist.session.regions import PLACE_OF_A_REGION, keep_region
from medassist.storage import terminology


@pytest.fixture
def case(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    return make_case(tmp_path / "in")


def drawn(case, label):
    """Return the case with one region a reader drew and called so."""
    grid = case.volume.geometry
    plane = np.zeros(grid.shape_zyx[1:], bool)
    plane[20:30, 30:44] = True
    prompt = Prompt(Box(30, 20, 43, 29, 3), slices=(3, 3))
    region = Region(case.series.key, grid, ModelRef("boxes", "1", "7" * 64), prompt, {3: plane}, "2026-11-20T08:30:00")
    added = keep_region(case.volume, region, label=label, progress=Progress())
    return replace(case, predictions=(added.prediction,), heatmaps=(), findings=(added.finding,))


def segment_and_group(case, folder):
    folder.mkdir()
    (mask,), (report,) = seg.write(case, folder), sr.write(case, folder)
    assert complaints(mask) == []
    assert complaints(report) == []
    (group,) = hd.sr.srread(report).content.get_volumetric_roi_measurement_groups()
    return hd.seg.segread(mask).get_segment_description(1), group


@pytest.mark.parametrize("label", ["left pleural effusion", "左侧胸腔积液"])
def test_a_typed_finding_has_code_side_and_site_in_every_object(case, tmp_path, label):
    told = drawn(case, label)
    segment, group = segment_and_group(told, tmp_path / "out")
    assert (segment.segmented_property_type.value, group.finding_type.value) == ("60046008", "60046008")
    (modifier,) = segment.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence
    assert modifier.CodeValue == LEFT.value
    (site,) = group.finding_sites
    assert (site.value.meaning, site.laterality.meaning) == ("Pleura", "Left")
    assert segment.segment_label == label
    assert told.findings[0].label == label
    assert (told.findings[0].title_zh or label) == "左侧胸腔积液"


def test_what_the_code_alone_does_not_say_is_said_by_the_site(case, tmp_path):
    segment, group = segment_and_group(drawn(case, "lung nodule"), tmp_path / "out")
    assert segment.segmented_property_type.meaning == group.finding_type.meaning == "Nodule"
    assert segment.segmented_property_category.meaning == "Morphologically Abnormal Structure"
    assert [site.value.meaning for site in group.finding_sites] == ["Lung"]


def test_words_that_are_no_term_stay_a_private_code_with_the_words(case, tmp_path):
    told = drawn(case, "odd thing")
    assert told.findings[0].category == PLACE_OF_A_REGION
    segment, group = segment_and_group(told, tmp_path / "out")
    for code in (segment.segmented_property_type, group.finding_type):
        assert (code.scheme_designator, code.meaning) == (SCHEME, "odd thing")
    assert group.finding_sites == []


def test_a_bare_label_of_a_model_gets_the_code_of_its_term(case, tmp_path):
    grid = case.volume.geometry
    labels = np.zeros(grid.shape_zyx, np.uint8)
    labels[2, 20:30, 30:44] = 1
    (plain,) = (one for one in case.predictions if one.mask is not None)
    run = replace(plain, mask=Mask(labels, grid, (Segment(1, "spleen"),)))
    segment, group = segment_and_group(
        replace(case, predictions=(run,), heatmaps=(), findings=findings_from(run, case.volume)), tmp_path / "out"
    )
    assert segment.segmented_property_type.value == group.finding_type.value == "78961009"
    assert segment.segmented_property_category.meaning == "Anatomical Structure"


def test_a_side_is_never_lost_by_a_code():
    assert code_for("Kidney", None).value == "64033007"
    for label in ("Left kidney", "Right kidney", "左肾"):
        assert code_for(label, None).scheme == SCHEME
        assert code_for(label, None).meaning == label
    assert code_for("Left kidney", None) != code_for("Right kidney", None)


def test_a_broken_table_of_ones_own_is_told_with_the_region(case):
    terminology.user_file().parent.mkdir(parents=True, exist_ok=True)
    terminology.user_file().write_text("terms = 3")
    told = drawn(case, "胸腔积液")
    assert told.findings[0].code.value == "60046008"
    assert any(str(terminology.user_file()) in str(note) for note in told.predictions[0].notes)
