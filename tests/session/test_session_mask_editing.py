"""Masks changed by hand in the session: figures follow every stroke, verdicts are kept, nothing is lost unsaid."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from medassist.entities.errors import Refused, UsageError
from medassist.entities.finding import Judgement
from medassist.entities.geometry import Geometry
from medassist.entities.instances import Instances
from medassist.entities.prediction import Code, Mask, ModelRef, Prediction, Segment
from medassist.entities.prompt import Box, Prompt
from medassist.entities.study import FrameRef, Patient, Scan, Series, SeriesKind, Study
from medassist.entities.volume import Volume
from medassist.imaging.mask_editing import Patch, Pen, with_patch
from medassist.progress import Progress
from medassist.report.findings import findings_from
from medassist.session.actions import AddPrediction, AddScan, Judge, ShowVolume
from medassist.session.explained import segments_under_crosshair
from medassist.session.history import Undo, fold
from medassist.session.mask_editing import (
    SetEditing,
    apply_edit,
    begun,
    copy_overlay,
    own_mask,
    palette,
    revert,
    with_label,
)
from medassist.session.mask_shapes import Reshape, obstacle, reshape_label
from medassist.session.references import references
from medassist.session.restoring import _unknown_models
from medassist.session.state import Session

SHAPE = (6, 20, 24)
MODEL = ModelRef("organs", "1.0", "ab" * 32)
AT = "2026-11-20T09:00:00+08:00"
LIVER, SPLEEN = Segment(1, "Liver"), Segment(2, "Spleen")
ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")


@pytest.fixture
def volume(tmp_path):
    series = Series("one", SeriesKind.VOLUME, (FrameRef(tmp_path / "a.dcm", 0),), modality="CT", series_uid="1.2.3",
                    shape_zyx=SHAPE)  # fmt: skip
    array = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    return Volume(series, array[None], Geometry(np.diag([10.0, 10.0, 10.0, 1.0]), SHAPE, "1.2"), unit="HU")


@pytest.fixture
def session(volume, tmp_path):
    study = Study("1.9", Patient("Doe^Jane"), "20260102", series=(volume.series,))
    return ShowVolume(volume)(AddScan(Scan(tmp_path, (study,)))(Session()))


def box(k=slice(1, 3), j=slice(2, 6), i=slice(3, 8)):
    return (k, j, i)


def run(volume, *segments, model=MODEL, **fields):
    """Return what a model said: 40 voxels (40 ml) of its first label, 8 of its second."""
    segments = segments or (LIVER, SPLEEN)
    labels = np.zeros(SHAPE, np.uint8)
    labels[box()] = segments[0].value
    if len(segments) > 1:
        labels[4, 10:12, 10:14] = segments[1].value
    prediction = Prediction(model, "one", "2026-11-20T08:00:00", "cpu", mask=Mask(labels, volume.geometry, segments),
                            **fields)  # fmt: skip
    return AddPrediction(prediction, findings_from(prediction, volume))


def editing(session):
    return SetEditing(begun(session.predictions[-1]))(session)


def painted(session, at, value, *, erase=False, by="Dr. Li", when=AT):
    """Return the step of one stroke over a box on what is edited now."""
    prediction = session.edited
    before = prediction.mask.labels_zyx
    patch = Patch(at, np.ones(before[at].shape, bool))
    after = with_patch(before, patch, Pen(value), erase=erase)
    return apply_edit(session.volume, prediction, before, after, palette(session), by=by, at=when, progress=Progress())


def finding(session, label):
    (found,) = [one for one in session.findings if one.label == label]
    return found


def test_a_stroke_measures_what_it_changed_and_keeps_what_the_model_said(session, volume):
    start = editing(run(volume)(session))
    liver, spleen = finding(start, "Liver"), finding(start, "Spleen")
    assert liver.volume_ml == pytest.approx(40)
    after = painted(start, box(k=slice(3, 4)), 1)(start)
    edited = finding(after, "Liver")
    assert edited.volume_ml == pytest.approx(60)
    assert edited.slices == (1, 3)
    assert edited.tracking_uid == liver.tracking_uid
    assert edited.model == MODEL
    assert edited.edited_by == "Dr. Li"
    assert edited.measurements["model_volume_ml"] == pytest.approx(40)
    assert edited.measurements["dice_to_model"] == pytest.approx(2 * 40 / (40 + 60))
    inside = volume.array_zyx[1:4, 2:6, 3:8]
    assert edited.measurements["mean_value"] == pytest.approx(inside.mean())
    assert finding(after, "Spleen") is spleen
    prediction = after.edited
    assert prediction.edit.values == (1,)
    assert (prediction.edit.by, prediction.edit.at) == ("Dr. Li", AT)
    assert prediction.edit.original is start.predictions[0].mask
    assert np.count_nonzero(prediction.mask.labels_zyx != prediction.edit.original.labels_zyx) == 20


@pytest.mark.parametrize(
    ("verdict", "later"),
    [
        (Judgement.UNREVIEWED, Judgement.UNREVIEWED),
        (Judgement.ACCEPTED, Judgement.EDITED),
        (Judgement.EDITED, Judgement.EDITED),
        (Judgement.REJECTED, Judgement.REJECTED),
        (Judgement.DEFERRED, Judgement.DEFERRED),
    ],
)
def test_an_accepted_claim_becomes_an_edited_one_and_other_verdicts_stay(session, volume, verdict, later):
    start = editing(run(volume)(session))
    uid = finding(start, "Liver").tracking_uid
    start = Judge(uid, verdict, "Dr. Wu", "yesterday", "seen")(start)
    after = finding(painted(start, box(k=slice(3, 4)), 1)(start), "Liver")
    assert after.judgement is later
    assert after.comment == "seen"
    assert (after.judged_by, after.judged_at) == (("Dr. Li", AT) if later is Judgement.EDITED else
                                                  ("Dr. Wu", "yesterday"))  # fmt: skip


def test_painting_over_another_label_measures_both(session, volume):
    start = editing(run(volume)(session))
    after = painted(start, (slice(4, 5), slice(10, 12), slice(10, 12)), 1)(start)
    assert finding(after, "Liver").volume_ml == pytest.approx(44)
    assert finding(after, "Spleen").volume_ml == pytest.approx(4)
    assert after.edited.edit.values == (1, 2)
    gone = painted(after, (slice(4, 5), slice(10, 12), slice(10, 14)), 1)(after)
    spleen = finding(gone, "Spleen")
    assert (spleen.present, spleen.volume_ml, spleen.center_lps) == (False, 0.0, None)
    assert spleen.measurements["model_volume_ml"] == pytest.approx(8)


def test_back_to_the_models_mask_by_hand_or_at_once_is_no_edit_and_no_verdict(session, volume):
    start = editing(run(volume)(session))
    start = Judge(finding(start, "Liver").tracking_uid, Judgement.ACCEPTED, "Dr. Li", AT)(start)
    more = painted(start, box(k=slice(3, 4)), 1)(start)
    erased = painted(more, box(k=slice(3, 4)), 1, erase=True)(more)
    reverted = revert(volume, more.edited, by="Dr. Li", at=AT, progress=Progress())(more)
    for back in (erased, reverted):
        assert back.predictions[0].edit is None
        assert back.predictions[0].mask is start.predictions[0].mask
        liver = finding(back, "Liver")
        assert liver.volume_ml == pytest.approx(40)
        assert (liver.judgement, liver.judged_by, liver.edited_by) == (Judgement.UNREVIEWED, "", "")
        assert "dice_to_model" not in liver.measurements
        assert back.edited is back.predictions[0]  # still being edited
    with pytest.raises(Refused, match="as the model gave it"):
        revert(volume, erased.edited, by="", at=AT, progress=Progress())


def test_strokes_follow_each_other_and_one_on_an_older_mask_is_dropped(session, volume):
    start = editing(run(volume)(session))
    before = start.edited.mask.labels_zyx
    one, two = before.copy(), before.copy()
    one[5, 0, 0] = 1
    two[5, 0, 0] = two[5, 0, 1] = 1
    stroke = partial(apply_edit, volume, start.edited, segments=palette(start), by="", at=AT, progress=Progress())
    first, second = stroke(before, one), stroke(one, two)  # the second one is queued before the first one is measured
    both = second(first(start))
    assert finding(both, "Liver").volume_ml == pytest.approx(42)
    assert second(start) is start  # its first half was undone meanwhile
    assert first(both) is both
    elsewhere = replace(both, predictions=())
    assert second(elsewhere) is elsewhere


def test_a_stroke_is_one_step_to_undo_and_shares_what_did_not_change(session, volume):
    start = editing(run(volume)(session))
    after = fold(start, painted(start, box(k=slice(3, 4)), 1))
    assert len(after.history.past) == len(start.history.past) + 1
    back = fold(after, Undo())
    assert back.predictions[0].mask.labels_zyx is start.predictions[0].mask.labels_zyx
    assert finding(back, "Liver").volume_ml == pytest.approx(40)
    assert back.edited is back.predictions[0]
    assert painted(start, box(), 1).before is painted(start, box(), 1).after.mask.labels_zyx  # nothing new


def test_a_mask_of_ones_own_begins_with_the_first_stroke_and_names_no_model(session, volume):
    start = SetEditing(own_mask(volume, at=AT))(session)
    assert start.predictions == ()
    assert start.edited is start.editing.fresh
    named = with_label(start, "liver")(start)
    assert [one.label for one in palette(named)] == ["liver"]
    assert palette(named)[0].code is not None
    after = fold(named, painted(named, box(), named.editing.active))
    (own,) = after.predictions
    assert own.by_hand
    assert own is after.edited
    assert after.regions == (own.mask,)
    assert after.mask is None
    claim = finding(after, "liver")
    assert claim.model is None
    assert (claim.by, claim.made_at, claim.judgement) == ("Dr. Li", AT, Judgement.ACCEPTED)
    assert claim.volume_ml == pytest.approx(40)
    assert "dice_to_model" not in claim.measurements
    more = painted(after, box(k=slice(3, 4)), 1, when="later")(after)
    assert finding(more, "liver").tracking_uid == claim.tracking_uid
    assert finding(more, "liver").judgement is Judgement.ACCEPTED
    other = painted(after, box(k=slice(3, 4)), 1, by="Dr. Wu")(after)
    assert (finding(other, "liver").judgement, finding(other, "liver").judged_by) == (Judgement.EDITED, "Dr. Wu")
    gone = painted(after, box(), 1, erase=True)(after)
    assert gone.predictions == gone.findings == ()
    assert fold(after, painted(after, box(), 1, erase=True)).history.to_undo.title.text() == "edit the mask"
    back = fold(after, Undo())
    assert back.predictions == back.findings == ()
    assert finding(painted(back, box(), 1)(back), "liver").volume_ml == pytest.approx(40)  # and on it goes


def test_the_first_stroke_arrives_after_the_editing_ended_and_not_on_other_pictures(session, volume):
    own = SetEditing(own_mask(volume, at=AT))(session)
    start = with_label(own, "liver")(own)
    first = painted(start, box(), 1)
    ended = first(SetEditing(None)(start))
    assert finding(ended, "liver").volume_ml == pytest.approx(40)
    assert first(ended) is ended  # once
    assert first(replace(start, volumes={})).predictions == ()
    more = painted(replace(ended, editing=begun(ended.predictions[0])), box(k=slice(3, 4)), 1)(ended)
    assert first(more) is more


def test_a_mask_of_a_reader_is_no_result_of_a_model_that_is_missing(session, volume):
    own = SetEditing(own_mask(volume, at=AT))(session)
    start = with_label(own, "liver")(own)
    after = painted(start, box(), 1)(start)
    assert _unknown_models({"predictions": after.predictions}) == ()
    assert len(_unknown_models({"predictions": run(volume)(after).predictions})) == 1


def test_a_label_of_the_readers_own_in_a_models_mask_is_no_claim_of_the_model(session, volume):
    start = editing(run(volume)(session))
    named = with_label(start, "Something odd")(start)
    assert named.editing.active == 3
    assert with_label(named, "LIVER")(named).editing.active == 1
    after = painted(named, (slice(0, 1), slice(0, 2), slice(0, 2)), 3)(named)
    claim = finding(after, "Something odd")
    assert (claim.model, claim.judgement) == (None, Judgement.ACCEPTED)
    assert [one.label for one in after.edited.mask.segments] == ["Liver", "Spleen", "Something odd"]
    gone = painted(after, (slice(0, 1), slice(0, 2), slice(0, 2)), 3, erase=True)(after)
    assert [one.label for one in gone.findings] == ["Liver", "Spleen"]
    assert gone.edited.edit is None
    with pytest.raises(UsageError, match="needs a name"):
        with_label(start, "  ")


def test_values_of_labels_are_shared_by_no_two_masks_of_a_series(session, volume):
    start = run(volume)(session)
    own = SetEditing(own_mask(volume, at=AT))(start)
    named = with_label(own, "Cyst")(own)
    assert named.editing.active == 3
    after = painted(named, (slice(0, 1), slice(0, 2), slice(0, 2)), 3)(named)
    onto = SetEditing(begun(after.predictions[0]))(after)
    edited = painted(onto, box(k=slice(3, 4)), 1)(onto)
    assert finding(edited, "Cyst") is finding(after, "Cyst")


def test_a_mask_of_a_file_is_copied_with_its_origin(session, volume):
    start = run(volume)(session)
    labels = np.zeros(SHAPE, np.uint8)
    labels[0, :2, :2] = 1
    file = Mask(labels, volume.geometry, (Segment(1, "Tumour"),))
    kept = copy_overlay(volume, file, "GTV by Somebody", frozenset({1, 2}), by="Dr. Li", at=AT, progress=Progress())
    after = kept(start)
    own = after.predictions[-1]
    assert own.by_hand
    assert [one.value for one in own.mask.segments] == [3]
    assert "GTV by Somebody" in str(own.notes[0])
    tumour = finding(after, "Tumour")
    assert (tumour.model, tumour.judgement, tumour.edited_by) == (None, Judgement.UNREVIEWED, "")
    assert after.edited is own
    edited = painted(after, (slice(0, 1), slice(2, 3), slice(0, 1)), 3)(after)
    assert finding(edited, "Tumour").volume_ml == pytest.approx(5)
    assert finding(edited, "Tumour").edited_by == "Dr. Li"
    back = revert(volume, edited.edited, by="Dr. Li", at=AT, progress=Progress())(edited)
    assert back.predictions[-1].edit is not None  # it is nobody's model by that
    assert finding(back, "Tumour").volume_ml == pytest.approx(4)
    shifted = replace(file, geometry=Geometry(np.eye(4), SHAPE, "1.2"))
    with pytest.raises(Refused, match="another grid"):
        copy_overlay(volume, shifted, "x", frozenset(), by="", at=AT, progress=Progress())


def test_a_further_run_keeps_an_edited_mask_and_says_so(session, volume):
    start = editing(run(volume)(session))
    edited = painted(start, box(k=slice(3, 4)), 1)(start)
    again = run(volume)(edited)
    assert again.predictions[0].mask is edited.predictions[0].mask
    assert len(again.predictions) == 1
    assert again.findings == edited.findings
    assert "kept" in str(again.predictions[0].notes[-1])
    assert len(run(volume)(again).predictions[0].notes) == 1
    newer = run(volume, model=ModelRef("organs", "2.0", "cd" * 32))(edited)
    assert [one.edit is None for one in newer.predictions] == [False, True]
    assert newer.edited_masks == (edited.predictions[0].mask,)
    assert {one.model.version for one in newer.findings} == {"1.0", "2.0"}
    assert edited.edited_masks == ()
    assert len(run(volume, model=ModelRef("organs", "2.0", "cd" * 32))(start).predictions) == 1


def test_verdicts_on_lesions_follow_their_piece_and_none_is_lost(session, volume):
    lesion = Segment(1, "Lesion", category=ABNORMAL)
    labels = np.zeros(SHAPE, np.uint8)
    for at in (0, 8, 16):
        labels[1, 2:6, at : at + 4 - at // 8] = 1
    prediction = Prediction(MODEL, "one", AT, "cpu", mask=Mask(labels, volume.geometry, (lesion,)))
    start = editing(AddPrediction(prediction, findings_from(prediction, volume))(session))
    big, middle, small = start.findings
    assert [one.component for one in start.findings] == [1, 2, 3]
    for one, verdict in ((big, Judgement.REJECTED), (small, Judgement.ACCEPTED)):
        start = Judge(one.tracking_uid, verdict, "Dr. Li", AT)(start)
    grown = painted(start, (slice(1, 4), slice(2, 6), slice(16, 18)), 1)(start)  # the small one is the largest now
    now = {one.tracking_uid: one for one in grown.findings}
    assert now[small.tracking_uid].component == 1
    assert now[small.tracking_uid].judgement is Judgement.EDITED
    assert now[big.tracking_uid].component == 2
    assert now[big.tracking_uid].judgement is Judgement.REJECTED
    assert now[middle.tracking_uid].component == 3
    erased = painted(start, (slice(1, 2), slice(2, 6), slice(0, 12)), 1, erase=True)(start)
    left = {one.tracking_uid: one for one in erased.findings}
    assert middle.tracking_uid not in left  # nobody judged it
    assert left[big.tracking_uid].judgement is Judgement.REJECTED
    assert (left[big.tracking_uid].present, left[big.tracking_uid].segment_value) == (False, None)
    assert left[small.tracking_uid].component is None  # the only one now
    joined = painted(start, (slice(1, 2), slice(2, 3), slice(0, 12)), 1)(start)
    both = {one.tracking_uid: one for one in joined.findings}
    assert both[big.tracking_uid].component == 1
    assert middle.tracking_uid not in both
    new = painted(start, (slice(5, 6), slice(15, 16), slice(0, 2)), 1)(start)
    assert len(new.findings) == 4
    assert new.findings[-1].judgement is Judgement.UNREVIEWED
    assert new.findings[-1].edited_by == "Dr. Li"


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (Judgement.ACCEPTED, Judgement.REJECTED, Judgement.UNREVIEWED),
        (Judgement.REJECTED, Judgement.ACCEPTED, Judgement.UNREVIEWED),
        (Judgement.ACCEPTED, Judgement.ACCEPTED, Judgement.UNREVIEWED),
        (Judgement.ACCEPTED, Judgement.UNREVIEWED, Judgement.EDITED),
    ],
)
def test_two_judged_pieces_painted_together_are_not_judged_any_more(session, volume, first, second, together):
    lesion = Segment(1, "Lesion", category=ABNORMAL)
    labels = np.zeros(SHAPE, np.uint8)
    labels[1, 2:6, 0:4] = labels[1, 2:6, 8:11] = 1
    prediction = Prediction(MODEL, "one", AT, "cpu", mask=Mask(labels, volume.geometry, (lesion,)))
    start = editing(AddPrediction(prediction, findings_from(prediction, volume))(session))
    big, small = start.findings
    for one, verdict in ((big, first), (small, second)):
        if verdict is not Judgement.UNREVIEWED:
            start = Judge(one.tracking_uid, verdict, "Dr. Li", AT, f"looked at {one.component}")(start)
    joined = painted(start, (slice(1, 2), slice(2, 3), slice(0, 12)), 1)(start)
    now = {one.tracking_uid: one for one in joined.findings}
    whole = now[big.tracking_uid]
    assert (whole.judgement, whole.comment, whole.edited_by) == (together, "looked at 1", "Dr. Li")
    assert bool(whole.judged_by) is (together is Judgement.EDITED)
    assert whole.segment_value == 1
    if second is Judgement.UNREVIEWED:
        assert small.tracking_uid not in now
    else:  # its verdict stays as a claim that nothing marks any more
        gone = now[small.tracking_uid]
        assert (gone.judgement, gone.comment, gone.segment_value) == (second, "looked at 2", None)


def test_a_region_drawn_with_a_box_says_that_it_was_corrected(session, volume):
    labels = np.zeros(SHAPE, np.uint8)
    labels[2, 4:10, 3:11] = 1
    region = Prediction(MODEL, "one", AT, "cpu", mask=Mask(labels, volume.geometry, (Segment(1, "Region"),)),
                        prompt=Prompt(Box(3, 4, 10, 9, 2), slices=(2, 2)))  # fmt: skip
    (claim,) = findings_from(region, volume)
    claim = replace(claim, measurements={**claim.measurements, "slices_outlined": 1.0})
    start = editing(replace(session, predictions=(region,), findings=(claim,)))
    after = painted(start, (slice(4, 5), slice(4, 6), slice(4, 6)), 1)(start)
    assert (after.edited.prompt.brushed, after.edited.prompt.slices) == (True, (2, 4))
    assert after.findings[0].measurements["slices_outlined"] == 2
    assert after.findings[0].edited_by == "Dr. Li"


def test_what_is_explained_is_what_the_model_marked(session, volume):
    start = editing(run(volume)(session))
    x, y, z = start.volume.geometry.to_world([5, 3, 1])
    start = replace(start, views={"one": replace(start.view, cursor_lps=(x, y, z))})
    erased = painted(start, box(), 1, erase=True)(start)
    assert not erased.mask.region(LIVER).any()
    assert [one.label for one in segments_under_crosshair(erased)] == ["Liver"]
    assert erased.predictions[0].model_mask is start.mask
    assert references(erased) == ()  # a model's mask is no reference for its own maps, edited or not


def reshaped(session, reshape, amount=0.0, pen=None):
    prediction = session.edited
    return reshape_label(session.volume, prediction, prediction.mask.labels_zyx, pen or Pen(1), reshape, amount,
                         palette(session), by="Dr. Li", at=AT, progress=Progress())  # fmt: skip


def test_a_whole_label_is_changed_in_one_step(session, volume):
    start = editing(run(volume)(session))
    grown = reshaped(start, Reshape.GROW, 10.0)(start)
    assert finding(grown, "Liver").volume_ml == pytest.approx(2 * 4 * 5 + 2 * 20 + 2 * 2 * 5 + 2 * 2 * 4)
    assert finding(grown, "Liver").edited_by == "Dr. Li"
    shrunk = reshaped(grown, Reshape.SHRINK, 10.0)(grown)
    # as it was, but for what reaches the first slice: beyond the image there is nothing to shrink from
    assert finding(shrunk, "Liver").volume_ml == pytest.approx(40 + 2 * 3)
    speck = painted(start, (slice(0, 1), slice(19, 20), slice(0, 1)), 1)(start)
    assert reshaped(start, Reshape.LARGEST) is None  # nothing to do
    for reshape, amount in ((Reshape.LARGEST, 0.0), (Reshape.SMALL, 1.5)):
        assert finding(reshaped(speck, reshape, amount)(speck), "Liver").volume_ml == pytest.approx(40)
    assert reshaped(start, Reshape.GROW, 10.0, Pen(1, frozenset({1}))) is None


def test_slices_between_and_holes_are_filled(session, volume):
    start = editing(run(volume)(session))
    apart = painted(start, box(k=slice(4, 5), i=slice(3, 8)), 1)(start)
    assert finding(reshaped(apart, Reshape.BETWEEN)(apart), "Liver").volume_ml == pytest.approx(80)
    holed = painted(start, (slice(1, 2), slice(4, 5), slice(5, 6)), 1, erase=True)(start)
    assert reshaped(holed, Reshape.HOLES)(holed).edited.edit is None


def test_millimetres_are_not_used_where_there_are_none(session, volume):
    bare = replace(volume, geometry=replace(volume.geometry, calibrated=False))
    assert "millimetres" in obstacle(bare, Reshape.GROW)
    assert "Volumes" in obstacle(bare, Reshape.SMALL)
    assert obstacle(bare, Reshape.HOLES) == ""
    uneven = replace(volume, series=replace(volume.series, irregularity="gap"))
    assert "regular grid" in obstacle(uneven, Reshape.BETWEEN)
    with pytest.raises(Refused, match="regular grid"):
        reshape_label(uneven, run(volume).prediction, np.zeros(SHAPE, np.uint8), Pen(1), Reshape.GROW, 1.0, (), by="",
                      at=AT, progress=Progress())  # fmt: skip


def test_a_stroke_after_one_that_took_everything_back_is_not_lost(session, volume):
    start = editing(run(volume)(session))
    labels = start.edited.mask.labels_zyx
    more, same, other = labels.copy(), labels.copy(), labels.copy()
    more[5, 0, 0] = other[5, 0, 1] = 1
    stroke = partial(apply_edit, volume, start.edited, segments=palette(start), by="", at=AT, progress=Progress())
    after = stroke(same, other)(stroke(more, same)(stroke(labels, more)(start)))
    assert after.edited.mask.labels_zyx is other


def test_what_cannot_be_edited_is_refused(session, volume):
    labels = np.zeros(SHAPE, np.uint8)
    instances = Instances(labels.astype(np.int32), volume.geometry)
    counted = Prediction(MODEL, "one", AT, "cpu", mask=Mask(labels, volume.geometry, (LIVER,), instances=instances))
    with pytest.raises(Refused, match="one by one"):
        begun(counted)
    with pytest.raises(UsageError, match="no mask"):
        begun(Prediction(MODEL, "one", AT, "cpu"))


def test_editing_ends_with_the_pictures_it_was_on(session, volume, tmp_path):
    start = SetEditing(own_mask(volume, at=AT))(session)
    other = replace(volume.series, frames=(FrameRef(tmp_path / "b.dcm", 0),))
    study = Study("1.9", Patient("Doe^Jane"), "20260102", series=(other,))
    after = AddScan(Scan(tmp_path, (study,)))(start)
    assert after.editing is None
    assert after.edited is None
