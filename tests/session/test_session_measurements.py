"""Measurements in the session: figures that follow the pixels, findings that follow until they are judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medassist.entities.finding import Judgement
from medassist.entities.geometry import Geometry
from medassist.entities.measurement import Shape
from medassist.entities.study import FrameRef, Patient, Scan, Series, SeriesKind, Study
from medassist.entities.volume import Volume
from medassist.session.actions import AddScan, Judge, ShowVolume
from medassist.session.judging import AddFinding, finding_of_reader
from medassist.session.measurements import (
    AddMeasurement,
    ChangeMeasurement,
    DropMeasurement,
    SelectMeasurement,
    measurement_of,
    new_measurement,
    place_of,
)
from medassist.session.state import Session

SHAPE = (6, 20, 24)
AT = "2026-01-02T10:11:12+01:00"


@pytest.fixture
def volume():
    series = Series("one", SeriesKind.VOLUME, (), modality="CT", series_uid="1.2.3", shape_zyx=SHAPE, format="NIfTI")
    array = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    return Volume(series, array[None], Geometry(np.diag([0.5, 0.5, 2.0, 1.0]), SHAPE, "1.2"), unit="HU")


@pytest.fixture
def session(volume, tmp_path):
    study = Study("1.9", Patient("Doe^Jane"), "20260102", series=(volume.series,))
    return ShowVolume(volume)(AddScan(Scan(tmp_path, (study,)))(Session()))


def line(volume, begin=(2, 3), end=(10, 3), index=2, shape=Shape.LENGTH):
    points = volume.geometry.to_world([[*begin, index], [*end, index]]).tolist()
    return new_measurement("one", shape, [tuple(one) for one in points], slice_index=index, by="Reader")


def value(session, uid, name="length"):
    return measurement_of(session, uid).quantity(name).value


def test_a_new_measurement_has_its_figures_at_once(session, volume):
    drawn = line(volume)
    assert drawn.quantities == ()
    after = AddMeasurement(drawn)(session)
    assert (value(after, drawn.uid), after.selected_measurement) == (4.0, drawn.uid)
    assert after.measurements_here == after.measurements
    assert (after.measurements[0].by, bool(after.measurements[0].made_at)) == ("Reader", True)
    assert session.measurements == ()


def test_moving_a_point_measures_again_and_naming_does_not_touch_the_figures(session, volume):
    drawn = line(volume)
    session = AddMeasurement(drawn)(session)
    moved = ChangeMeasurement(drawn.uid, points_lps=line(volume, end=(22, 3)).points_lps)(session)
    assert value(moved, drawn.uid) == 10.0
    named = ChangeMeasurement(drawn.uid, label="  nodule ")(moved)
    assert named.measurements[0] == replace(moved.measurements[0], label="nodule")
    assert ChangeMeasurement(drawn.uid, label="nodule")(named) is named
    assert ChangeMeasurement("9.9", label="x")(named) is named


def test_without_the_pixels_there_are_no_figures_rather_than_old_ones(session, volume):
    drawn = line(volume)
    session = replace(AddMeasurement(drawn)(session), volumes={})
    moved = ChangeMeasurement(drawn.uid, points_lps=line(volume, end=(22, 3)).points_lps)(session)
    assert moved.measurements[0].quantities == ()


def test_a_finding_follows_its_measurement_until_it_is_judged(session, volume):
    drawn = line(volume)
    session = AddMeasurement(drawn)(session)
    finding = finding_of_reader(volume, "nodule", by="Reader", at=AT, measurement=session.measurements[0])
    session = AddFinding(finding)(session)
    further = ChangeMeasurement(drawn.uid, points_lps=line(volume, end=(22, 3), index=4).points_lps)
    moved = further(replace(session, measurements=(replace(session.measurements[0], slice_index=4),)))
    assert moved.findings[0].measurements == {"length_mm": 10.0}
    assert (moved.findings[0].key_slice, moved.findings[0].center_lps) == (4, (6.0, 1.5, 8.0))


@pytest.mark.parametrize("verdict", [Judgement.ACCEPTED, Judgement.REJECTED, Judgement.DEFERRED])
def test_what_a_verdict_was_given_on_stays_and_the_moved_drawing_is_a_new_one(session, volume, verdict):
    drawn = line(volume)
    session = AddMeasurement(drawn)(session)
    finding = finding_of_reader(volume, "nodule", by="Reader", at=AT, measurement=session.measurements[0])
    session = Judge(finding.tracking_uid, verdict, "Other", "2026-01-02T11:00:00+01:00")(AddFinding(finding)(session))
    after = ChangeMeasurement(drawn.uid, points_lps=line(volume, end=(22, 3)).points_lps)(session)
    assert after.findings == session.findings
    assert after.measurements[0] == session.measurements[0]
    assert (value(after, drawn.uid), value(after, after.selected_measurement)) == (4.0, 10.0)
    assert len({one.uid for one in after.measurements}) == 2
    named = ChangeMeasurement(drawn.uid, label="nodule")(session)
    assert (len(named.measurements), named.measurements[0].label) == (1, "nodule")


def test_a_finding_outlives_its_measurement_with_its_figures(session, volume):
    drawn = line(volume)
    session = AddMeasurement(drawn)(session)
    finding = finding_of_reader(volume, "nodule", by="Reader", at=AT, measurement=session.measurements[0])
    after = DropMeasurement(drawn.uid)(AddFinding(finding)(session))
    assert (after.measurements, after.selected_measurement) == ((), "")
    assert (after.findings[0].measurements, after.findings[0].measurement_uid) == ({"length_mm": 4.0}, "")
    assert DropMeasurement(drawn.uid)(after) is after


def test_only_what_exists_can_be_selected(session, volume):
    drawn = line(volume)
    session = AddMeasurement(drawn)(session)
    assert SelectMeasurement()(session).selected_measurement == ""
    assert SelectMeasurement("9.9")(session) is session
    assert SelectMeasurement(drawn.uid)(session) is session


def test_measurements_of_other_series_and_of_pictures_that_changed_are_not_shown(session, volume, tmp_path):
    drawn = line(volume)
    session = AddMeasurement(drawn)(session)
    assert replace(session, current="two").measurements_here == ()
    changed = replace(volume.series, frames=(FrameRef(tmp_path / "new.dcm"),))
    again = AddScan(Scan(tmp_path, (Study("1.9", Patient("Doe^Jane"), "20260102", series=(changed,)),)))(session)
    assert again.measurements == ()
    same = AddScan(session.scans[0])(session)
    assert same.measurements == session.measurements


def test_the_cursor_goes_to_the_slice_of_a_measurement_also_in_an_irregular_stack(volume):
    drawn = line(volume, index=3)
    assert place_of(drawn, volume) == (3.0, 1.5, 6.0)
    origins = np.array([[0, 0, float(k * k)] for k in range(SHAPE[0])])
    stack = replace(volume.series, kind=SeriesKind.STACK, irregularity="uneven")
    uneven = replace(volume, series=stack, slice_origins_lps=origins)
    lifted = replace(drawn, points_lps=tuple((x, y, 9.0) for x, y, _ in drawn.points_lps))
    assert place_of(lifted, uneven) == (3.0, 1.5, 6.0)
