"""Findings of the reader: claims with a place, a code and a side, signed by who makes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medassist.entities.errors import Refused, UsageError
from medassist.entities.finding import Finding, Judgement
from medassist.entities.geometry import Geometry
from medassist.entities.measurement import Measurement, Quantity, Shape
from medassist.entities.prediction import ModelRef, Prediction
from medassist.entities.study import Series, SeriesKind
from medassist.entities.term import LEFT, RIGHT
from medassist.entities.volume import Volume
from medassist.imaging.measuring import quantities
from medassist.session.actions import AddPrediction, Judge
from medassist.session.judging import AddFinding, DropFinding, EditFinding, finding_of_reader, with_measurement
from medassist.session.state import Session

SIGNED = {"by": "Dr. Ng", "at": "2026-11-20T18:00:00+00:00"}


def made_volume(irregularity: str = "", origins: np.ndarray | None = None) -> Volume:
    shape = (4, 6, 8)
    series = Series("S", SeriesKind.VOLUME, (), modality="CT", shape_zyx=shape, irregularity=irregularity)
    grid = Geometry(np.diag([-0.7, 0.8, 2.5, 1.0]), shape, "1.2")
    return Volume(series, np.zeros((1, *shape), np.int16), grid, slice_origins_lps=origins)


def test_a_finding_of_a_reader_is_coded_placed_and_signed():
    volume = made_volume()
    place = tuple(volume.geometry.to_world([5, 4, 2]).tolist())
    found = finding_of_reader(volume, "left pleural  effusion", place_lps=place, comment=" small ", **SIGNED)
    assert found.code is not None
    assert found.code.meaning.lower().startswith("pleural effusion")
    assert (found.laterality, found.key_slice, found.center_lps) == (LEFT, 2, place)
    assert (found.judgement, found.judged_by, found.by) == (Judgement.ACCEPTED, "Dr. Ng", "Dr. Ng")
    assert (found.label, found.comment, found.made_at) == ("left pleural effusion", "small", SIGNED["at"])
    assert found.series_key == volume.series.key
    assert found.model is None


def test_words_in_no_table_stay_words_and_get_no_side():
    found = finding_of_reader(made_volume(), "odd shadow", present=False, **SIGNED)
    assert (found.label, found.code, found.laterality, found.present) == ("odd shadow", None, None, False)
    assert (found.center_lps, found.key_slice) == (None, None)


def test_a_name_and_a_choice_may_not_say_two_sides():
    volume = made_volume()
    with pytest.raises(Refused, match="another side"):
        finding_of_reader(volume, "left lung", laterality=RIGHT, **SIGNED)
    assert finding_of_reader(volume, "left lung", laterality=LEFT, **SIGNED).laterality == LEFT
    assert finding_of_reader(volume, "odd shadow", laterality=RIGHT, **SIGNED).laterality == RIGHT
    with pytest.raises(UsageError, match="needs a name"):
        finding_of_reader(volume, "   ", **SIGNED)


def test_a_finding_made_of_a_measurement_follows_it():
    volume = made_volume()
    ends = tuple(tuple(volume.geometry.to_world([i, 3, 1]).tolist()) for i in (2, 6))
    figures = (Quantity("length", 12.5, "mm"), Quantity("mean", 41.0, "[hnsf'U]"), Quantity("area", 3.0, "mm2"))
    drawn = Measurement("1.2.3", volume.series.key, Shape.LENGTH, ends, slice_index=1, quantities=figures)
    found = finding_of_reader(volume, "nodule", measurement=drawn, **SIGNED)
    assert found.measurements == {"length_mm": 12.5, "mean_value": 41.0, "area_mm2": 3.0}
    assert (found.measurement_uid, found.key_slice) == ("1.2.3", 1)
    assert found.center_lps == pytest.approx(tuple(volume.geometry.to_world([4, 3, 1])))
    longer = replace(drawn, quantities=(Quantity("length", 9.0, "{pixels}"), Quantity("area", 4.0, "{pixels}")))
    moved = with_measurement(found, longer, volume)
    assert moved.measurements == {"length_px": 9.0, "area_px2": 4.0}
    assert moved.tracking_uid == found.tracking_uid


@pytest.mark.parametrize("turned", [False, True])
def test_two_axes_on_a_slice_become_the_diameters_of_the_finding(turned):
    volume = made_volume()
    ends = [tuple(map(float, volume.geometry.to_world(at))) for at in ([1, 2, 1], [7, 2, 1], [4, 1, 1], [4, 3, 1])]
    points = (*ends[2:], *ends[:2]) if turned else tuple(ends)
    plain = Measurement("2.7", volume.series.key, Shape.BIDIRECTIONAL, points, 1)
    drawn = replace(plain, quantities=quantities(plain, volume))
    found = finding_of_reader(volume, "nodule", by="Ann", at="now", measurement=drawn)
    assert found.diameters is not None
    long, short = drawn.quantity("long_axis"), drawn.quantity("short_axis")
    axes = found.diameters.long_axis, found.diameters.short_axis
    assert (found.diameters.index, *axes) == (1, long.value, short.value)
    assert np.allclose(found.diameters.ends, [(2, 1), (2, 7), (1, 4), (3, 4)], atol=1e-6)
    assert not {"long_axis_mm", "short_axis_mm"} & set(found.measurements)
    across = with_measurement(found, replace(drawn, slice_index=None), volume)
    assert across.diameters is None
    assert across.measurements["long_axis_mm"] == long.value


def test_a_place_on_uneven_slices_is_where_the_slice_lies():
    origins = np.array([[0.0, 0.0, 10.0 * index**2] for index in range(4)])
    volume = made_volume("uneven", origins)
    assert not volume.is_regular
    seen = tuple(volume.geometry.to_world([0, 0, 2]).tolist())
    found = finding_of_reader(volume, "nodule", place_lps=seen, **SIGNED)
    assert (found.key_slice, found.center_lps) == (2, (0.0, 0.0, 40.0))


def test_findings_are_added_replaced_and_taken_back():
    first, second = Finding("1", "a", "S"), Finding("2", "b", "S")
    session = AddFinding(second)(AddFinding(first)(Session()))
    assert session.findings == (first, second)
    changed = replace(first, comment="seen")
    assert AddFinding(changed)(session).findings == (changed, second)
    assert DropFinding("1")(session).findings == (second,)
    assert DropFinding("9")(session) is session


def test_what_a_model_claims_cannot_be_dropped():
    session = Session(findings=(Finding("1", "a", "S", model=ModelRef("m", "1", "0")),))
    assert DropFinding("1")(session) is session


OF_MODEL = Finding("1", "Effusion", "S", title_zh="积液", probability=0.7, threshold=0.4, model=ModelRef("m", "1", "0"))


def test_an_edited_claim_is_accepted_with_changes_and_keeps_what_the_model_called_it():
    session = Session(findings=(OF_MODEL, Finding("2", "other", "S")))
    changed = EditFinding("1", "left pleural effusion", None, True, " tiny ", "Dr. Ng", "now")(session).findings[0]
    assert (changed.label, changed.laterality, changed.target) == ("left pleural effusion", LEFT, "Effusion")
    assert (changed.judgement, changed.edited_by, changed.comment) == (Judgement.EDITED, "Dr. Ng", "tiny")
    assert (changed.probability, changed.threshold, changed.model) == (0.7, 0.4, OF_MODEL.model)
    assert changed.title_zh == "左侧胸腔积液"
    back = EditFinding("1", "Effusion", None, True, "", "Dr. Ng", "now")(Session(findings=(changed,))).findings[0]
    assert (back.original_label, back.label, back.target) == ("", "Effusion", "Effusion")


def test_a_claim_whose_words_stay_keeps_its_code_and_its_chinese_name():
    session = EditFinding("1", "Effusion", None, False, "none here", "", "now")(Session(findings=(OF_MODEL,)))
    (found,) = session.findings
    assert (found.title_zh, found.present, found.original_label) == ("积液", False, "")
    assert found.edited_by
    assert found.judgement is Judgement.EDITED


def test_a_reader_who_corrects_an_own_finding_signs_it_anew_and_another_reader_edits_it():
    own = finding_of_reader(made_volume(), "nodule", **SIGNED)
    session = Session(findings=(own,))
    uid = own.tracking_uid
    (mine,) = EditFinding(uid, "mass", None, True, "", "Dr. Ng", "later")(session).findings
    assert (mine.judgement, mine.edited_by, mine.judged_at) == (Judgement.ACCEPTED, "", "later")
    (foreign,) = EditFinding(uid, "mass", None, True, "", "Dr. Wu", "later")(session).findings
    assert (foreign.judgement, foreign.edited_by, foreign.by) == (Judgement.EDITED, "Dr. Wu", "Dr. Ng")
    with pytest.raises(UsageError):
        EditFinding(uid, " ", None, True, "", "Dr. Ng", "later")(session)


def test_accepting_what_was_changed_says_so_and_a_verdict_can_be_changed():
    session = Judge("1", Judgement.REJECTED, "Dr. Ng", "t1", "artefact")(Session(findings=(OF_MODEL,)))
    assert (session.findings[0].judgement, session.findings[0].comment) == (Judgement.REJECTED, "artefact")
    session = Judge("1", Judgement.ACCEPTED, "Dr. Wu", "t2")(session)
    (found,) = session.findings
    assert (found.judgement, found.judged_by, found.comment) == (Judgement.ACCEPTED, "Dr. Wu", "")
    edited = replace(found, edited_by="Dr. Ng")
    (again,) = Judge("1", Judgement.ACCEPTED, "Dr. Wu", "t3")(Session(findings=(edited,))).findings
    assert again.judgement is Judgement.EDITED


def test_a_renamed_claim_is_not_claimed_a_second_time_by_the_same_run():
    renamed = EditFinding("1", "pleural thickening", None, True, "", "Dr. Ng", "now")(Session(findings=(OF_MODEL,)))
    run = Prediction(OF_MODEL.model, "S", "2026-01-01T00:00:00", "cpu")
    again = AddPrediction(run, (replace(OF_MODEL, tracking_uid="9"),))(renamed)
    assert [one.tracking_uid for one in again.findings] == ["1"]
