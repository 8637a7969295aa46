"""Regions in the session: late answers, undo, origin in the trail, and reports beside the result of a model."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from medassist.entities.errors import Refused
from medassist.entities.finding import Judgement
from medassist.entities.geometry import Geometry
from medassist.entities.prediction import Check, ModelRef, Prediction, Verdict
from medassist.entities.prompt import Box
from medassist.entities.study import Patient, Scan, Series, SeriesKind, Study
from medassist.entities.volume import Volume, Window
from medassist.progress import Progress
from medassist.session import jobs, trail
from medassist.session.actions import AddPrediction, AddScan, ShowVolume
from medassist.session.regions import DropRegion, SetRegion, UndoRegion, brushed, draw_box, keep_region
from medassist.session.state import Session
from medassist.session.trail import events

SHAPE = (6, 20, 24)
PACKAGE = SimpleNamespace(ref=ModelRef("litemedsam", "0.1.1", "7" * 64))


@pytest.fixture
def volume():
    series = Series("one", SeriesKind.VOLUME, (), modality="CT", series_uid="1.2.3", shape_zyx=SHAPE, format="NIfTI")
    array = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    return Volume(series, array[None], Geometry(np.diag([1.0, 1.0, 2.0, 1.0]), SHAPE, "1.2"), unit="HU")


@pytest.fixture
def session(volume, tmp_path):
    study = Study("1.9", Patient("Doe^Jane"), "20260102", series=(volume.series,))
    return ShowVolume(volume)(AddScan(Scan(tmp_path, (study,)))(Session()))


def outlined(volume, index=2):
    region = draw_box(volume, PACKAGE, Box(3, 4, 10, 9, index), window=Window(40, 400), inverted=False, by="Reader")
    plane = np.zeros(SHAPE[1:], bool)
    plane[4:10, 3:11] = True
    return region.changed({index: plane}, undoable=False)


def kept(volume, region, **options):
    return keep_region(volume, region, progress=Progress(), **options)


def test_an_answer_about_an_older_box_is_dropped(session, volume):
    first, second = outlined(volume), outlined(volume)
    now = SetRegion(second)(SetRegion(first)(session))
    late = SetRegion(outlined(volume), asked=first)(now)
    assert late.drawing is second
    assert SetRegion(first, asked=second)(now).drawing is first
    assert SetRegion(first, asked=second)(DropRegion()(now)).drawing is None


def test_a_region_belongs_to_its_series(session, volume):
    other = replace(outlined(volume), series_key="another")
    assert SetRegion(other)(session).drawing is None


def test_undo_goes_back_step_by_step(session, volume):
    region = outlined(volume)
    touched = np.zeros(SHAPE[1:], bool)
    touched[15, 15] = True
    painted = brushed(region, 3, touched, erase=False)
    erased = brushed(painted, 3, touched, erase=True)
    assert (painted.prompt.slices, erased.prompt.slices) == ((2, 3), (2, 2))
    assert brushed(painted, 3, touched, erase=False) is painted
    now = SetRegion(erased)(session)
    assert UndoRegion()(now).drawing is painted
    assert UndoRegion()(UndoRegion()(UndoRegion()(now))).drawing is region


def test_a_kept_region_has_its_measure_and_its_origin(session, volume):
    added = kept(volume, outlined(volume), label="Doe", judgement=Judgement.ACCEPTED, by="Reader")
    after = added(SetRegion(outlined(volume))(session))
    (finding,) = after.findings
    assert finding.volume_ml == pytest.approx(48 * 2 / 1000)
    assert finding.key_slice == 2
    assert finding.measurements["slices_outlined"] == 1
    assert (finding.judgement, finding.judged_by) == (Judgement.ACCEPTED, "Reader")
    assert after.drawing is None
    names = [event.action for event in events(session, after)]
    assert names == ["run", "judge"]
    ran, judged = events(session, after)
    assert ran.details["box"] is True
    assert judged.details["finding"] == "region", "a name the reader typed stays out of the trail"
    trail.keep(session, after)


def test_a_region_nobody_looked_at_is_not_signed(volume):
    finding = kept(volume, outlined(volume), by="Reader").finding
    assert (finding.judgement, finding.judged_by, finding.judged_at) == (Judgement.UNREVIEWED, "", "")


def test_values_never_repeat_and_nothing_is_no_region(volume):
    assert kept(volume, outlined(volume), taken=(1, 4)).finding.segment_value == 5
    with pytest.raises(Refused, match="255 regions"):
        kept(volume, outlined(volume), taken=(255,))
    with pytest.raises(Refused, match="Nothing is marked"):
        kept(volume, outlined(volume).changed({}))


def test_a_region_does_not_hide_the_model_in_the_report(session, volume, tmp_path):
    failed = Check("Modality", "MR", "CT", Verdict.FAIL)
    ran = Prediction(ModelRef("other", "1", "0" * 64), "one", "", "cpu", (failed,), override_reason="because")
    after = kept(volume, outlined(volume))(AddPrediction(ran, ())(session))
    jobs.write_report(after, tmp_path / "out", formats=("json",), allow_unreviewed=True, progress=Progress())
    told = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert told["model"]["name"] == "other"
    assert told["override_reason"] == "because"
    (segment,) = told["segments"]
    assert segment["model"] == "litemedsam"
    assert segment["prompt"]["drawn_by"] == "Reader"


def test_two_regions_are_two_masks_in_the_report(session, volume, tmp_path):
    first = kept(volume, outlined(volume, 1))
    after = kept(volume, outlined(volume, 4), taken=(1,))(first(session))
    wanted = ("json", "nifti")
    files = jobs.write_report(after, tmp_path / "out", formats=wanted, allow_unreviewed=True, progress=Progress()).files
    assert {"mask.nii.gz", "mask-2.nii.gz"} <= {path.name for path in files}
    told = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert [one["prompt"]["slices"] for one in told["segments"]] == [[1, 1], [4, 4]]
