"""Opening again and opening something else: no series is taken for another, no result outlives its pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from phantoms import write_ct_series

from medassist.entities.finding import Finding, Judgement
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import ModelRef, Prediction
from medassist.entities.study import FrameRef, Patient, Scan, Series, SeriesKind, Study
from medassist.entities.volume import Volume
from medassist.imaging.load import load
from medassist.imaging.scan import scan
from medassist.session.actions import AddHeatmap, AddPrediction, AddScan, Judge, ShowVolume
from medassist.session.state import Session

MODEL = ModelRef("reader", "1.0", "ab" * 32)
GRID = Geometry(np.eye(4), (4, 5, 6))


def series(*names: str, key: str = "one") -> Series:
    frames = tuple(FrameRef(Path(name)) for name in names)
    return Series(key, SeriesKind.VOLUME, frames, shape_zyx=GRID.shape_zyx, series_uid="1.2.3")


def found(one: Series, *, source: str = "/a", patient: str = "A", name: str = "Doe") -> Scan:
    return Scan(Path(source), (Study("1", Patient(name, patient), series=(one,)),))


@pytest.fixture
def analysed() -> Session:
    """Return a session with a result of a series, one of two findings judged."""
    told = Prediction(MODEL, "one", "2026-01-01T00:00:00", "cpu")
    ones = np.ones(GRID.shape_zyx, np.float32)
    heat = Heatmap("gradcam", "Effusion", MODEL, "one", ones, GRID, ones, GRID)
    findings = (Finding("1", "Effusion", "one", model=MODEL), Finding("2", "Mass", "one", model=MODEL))
    volume = Volume(series("x"), np.zeros((1, 4, 5, 6), np.int16), GRID)
    session = ShowVolume(volume)(AddScan(found(series("x")))(Session()))
    session = AddHeatmap(heat)(AddPrediction(told, findings)(session))
    return Judge("2", Judgement.ACCEPTED, "Dr. Roe", "now")(session)


def test_two_folders_with_one_uid_are_two_patients(tmp_path: Path) -> None:
    session = Session()
    for name in ("a", "b"):
        write_ct_series(tmp_path / name, slices=3, SeriesInstanceUID="1.2.3", PatientID=name, PatientName=name)
        session = AddScan(scan(tmp_path / name))(session)
    first, second = session.all_series()
    assert first.key != second.key
    shown = ShowVolume(load(second))(session)
    assert shown.study_of(shown.current).patient.patient_id == "b"
    assert shown.series(shown.current).frames[0].path.parent.name == "b"
    assert (first.series_uid, second.series_uid) == ("1.2.3", "1.2.3")


def test_a_second_opening_gives_the_same_key_again() -> None:
    session = AddScan(found(series("x")))(Session())
    for _ in range(2):
        session = AddScan(found(series("y"), source="/b", patient="B"))(session)
    assert [one.key for one in session.all_series()] == ["one", "one@2"]
    third = AddScan(found(series("z"), source="/c", patient="C"))(session)
    assert [one.key for one in third.all_series()] == ["one", "one@2", "one@3"]


def test_slices_behind_a_series_made_of_them_are_renamed_with_it() -> None:
    straight = replace(series("y"), raw=series("y", key="one#raw"))
    session = AddScan(found(straight, source="/b", patient="B"))(AddScan(found(series("x")))(Session()))
    renamed = session.all_series()[1]
    assert (renamed.key, renamed.raw.key) == ("one@2", "one#raw@2")


def test_the_same_files_by_another_path_are_the_same_series() -> None:
    session = AddScan(found(series("x"), source="/a/sub"))(AddScan(found(series("x")))(Session()))
    assert {one.key for one in session.all_series()} == {"one"}


def test_what_was_found_on_other_files_does_not_outlive_them(analysed: Session) -> None:
    after = AddScan(found(series("x", "y")))(analysed)
    assert (after.predictions, after.heatmaps, dict(after.volumes)) == ((), (), {})
    assert [one.tracking_uid for one in after.findings] == ["2"], "a verdict is the reader's"
    assert (after.current, after.volume) == ("", None)


def test_no_verdict_goes_over_to_another_patient(analysed: Session) -> None:
    assert AddScan(found(series("x", "y"), patient="B"))(analysed).findings == ()
    assert AddScan(found(series("x"), patient="B"))(analysed).findings == ()


def test_reading_texts_anew_costs_nothing(analysed: Session) -> None:
    renamed = replace(series("x"), description="胸部", charset="GB18030")
    after = AddScan(found(renamed, name="张"))(analysed)
    assert after.predictions == analysed.predictions
    assert after.heatmaps == analysed.heatmaps
    assert len(after.findings) == 2
    assert after.current == "one"


def test_a_grid_made_of_slices_that_are_gone_takes_its_results_along(analysed: Session) -> None:
    made = replace(series("x", key="one#resampled"), raw=series("x"))
    both = Scan(Path("/a"), (Study("1", Patient("Doe", "A"), series=(series("x"), made)),))
    session = replace(analysed, scans=(both,))
    session = AddPrediction(Prediction(MODEL, made.key, "", "cpu"), ())(session)
    assert [one.series_key for one in AddScan(found(series("x")))(session).predictions] == ["one", made.key]
    assert AddScan(found(series("y")))(session).predictions == ()
