"""Work is saved and comes back exactly, onto its own pictures and no others."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from phantoms import write_ct_series
from same_values import same

from medassist.entities import parts
from medassist.entities.draft import Passage
from medassist.entities.edit import Edit
from medassist.entities.errors import Refused, UnreadableInput, UnwritableOutput, UsageError
from medassist.entities.finding import Finding, Judgement
from medassist.entities.heatmap import Heatmap
from medassist.entities.measurement import Measurement, Quantity, Shape
from medassist.entities.prediction import Mask, ModelRef, Prediction, Segment
from medassist.entities.saved_work import Offer, Restored
from medassist.entities.stamp import Stamp, Standing
from medassist.entities.volume import Window
from medassist.imaging.slicing import Plane
from medassist.progress import Progress
from medassist.session import case_writer, jobs, trail
from medassist.session.actions import AddHeatmap, AddPrediction, AddScan, Judge, MoveCursor, SetWindow
from medassist.session.arrangement import Arrangement
from medassist.session.arranging import SetLayout
from medassist.session.case_writer import CaseWriter
from medassist.session.cases import SAVED, DropOffer, OfferWork, offer_of
from medassist.session.drafts import WritePassage
from medassist.session.history import Undo, fold
from medassist.session.restoring import (
    begin_afresh,
    find_case,
    is_case,
    look_for_work,
    open_case,
    save_case,
    take_offer,
)
from medassist.session.state import Session
from medassist.storage import audit, journal
from medassist.storage.arrays import ArrayFolder
from medassist.storage.case_file import Saved

MODEL = ModelRef("reader", "1.0", "ab" * 32)


def opened(folder: Path) -> Session:
    session = fold(Session(), jobs.open_path(folder, progress=Progress()))
    return fold(session, jobs.load_series(session.all_series()[0], progress=Progress()))


def worked(session: Session) -> Session:
    """Run, judge, edit, measure, explain and write, as a reader would."""
    volume, key = session.volume, session.current
    assert volume is not None
    labels = np.zeros(volume.geometry.shape_zyx, np.uint8)
    labels[2, 5:9, 6:12] = 1
    mask = Mask(labels, volume.geometry, (Segment(1, "Lesion"),))
    findings = tuple(Finding(f"1.2.{n}", name, key, model=MODEL, segment_value=1) for n, name in enumerate("ABC"))
    values, stamp = labels.astype(np.float32) / 3, Stamp(Standing.HOLDS, {"gain_over_random": 0.3})
    heat = Heatmap("IG", "Lesion", MODEL, key, values, volume.geometry, values, volume.geometry, stamp=stamp)
    changed = labels.copy()
    changed[3, 7, 7] = 1
    prediction = Prediction(MODEL, key, "2026-01-02T10:11:12", "cpu", mask=mask)
    edited = replace(prediction, mask=replace(mask, labels_zyx=changed), edit=Edit("Dr Who", "noon", mask, (1,)))
    length = Measurement("2.1", key, Shape.LENGTH, ((0.0, 0.0, 0.0), (1.0, 1 / 3, 0.0)), 2,
                         quantities=(Quantity("length", 1.05, "mm"),))  # fmt: skip
    for action in (
        AddPrediction(prediction, findings),
        AddHeatmap(heat),
        Judge("1.2.0", Judgement.REJECTED, "Dr Who", "noon", "skin fold of Jane Doe"),
        Judge("1.2.1", Judgement.ACCEPTED, "Dr Who", "noon"),
        lambda now: replace(now, predictions=(edited,), measurements=(length,)),
        WritePassage(key, Passage("impression", "No effusion.")),
        MoveCursor(tuple(float(x) for x in volume.geometry.to_world([7, 7, 3]))),
        SetWindow(Window(55.0, 321.0)),
    ):
        session = fold(session, action)
    return session


def assert_same_work(one: Session, other: Session, names: tuple[str, ...] = SAVED) -> None:
    for name in names:
        assert same(getattr(one, name), getattr(other, name)), name


@pytest.fixture
def ct(tmp_path):
    write_ct_series(tmp_path / "ct", slices=6, rows=16, columns=20)
    return tmp_path / "ct"


@pytest.fixture
def work(ct):
    return worked(opened(ct))


def saved_case(session: Session, path: Path) -> Path:
    save_case(session, path, progress=Progress())
    return path


def test_a_case_file_brings_everything_back_into_an_empty_session(work, tmp_path):
    path = saved_case(work, tmp_path / "a.medassist")
    back = fold(Session(), open_case(Session(), path, progress=Progress()))
    assert_same_work(work, back)
    assert back.volume is not None
    assert back.history.to_undo is None
    assert back.findings[0].comment == "skin fold of Jane Doe"


def test_the_panes_come_back_with_the_series_that_were_checked_and_no_other(work, tmp_path):
    arranged = SetLayout("1x2")(work)
    assert arranged.arrangement.panes[1].plane is Plane.CORONAL
    path = saved_case(arranged, tmp_path / "a.medassist")
    assert_same_work(arranged, fold(Session(), open_case(Session(), path, progress=Progress())))

    def slip(told: dict[str, Any]) -> None:
        told["arrangement"]["panes"][1]["series_key"] = "1.2.3 of somebody else"

    back = fold(Session(), open_case(Session(), rewritten(path, slip), progress=Progress()))
    assert back.arrangement.keys(back.current) == (back.current, "")

    def break_off(told: dict[str, Any]) -> None:
        told["arrangement"]["active"] = 7

    back = fold(Session(), open_case(Session(), rewritten(path, break_off), progress=Progress()))
    assert back.arrangement == Arrangement()


def test_a_case_names_no_patient_but_in_what_the_reader_wrote(work, tmp_path, ct):
    patient = work.study_of(work.current).patient
    path = saved_case(
        replace(work, findings=tuple(replace(one, comment="") for one in work.findings)), tmp_path / "a.medassist"
    )
    with zipfile.ZipFile(path) as archive:
        text = archive.read("work.json").decode()
    assert patient.name
    assert patient.name not in text
    assert f'"{patient.patient_id}"' not in text


def test_moved_images_are_asked_for_and_found_where_they_are(work, tmp_path, ct):
    path = saved_case(work, tmp_path / "a.medassist")
    ct.rename(tmp_path / "elsewhere")
    with pytest.raises(UnreadableInput, match=r"not at .*ct any more.*say where"):
        open_case(Session(), path, progress=Progress())
    back = fold(Session(), open_case(Session(), path, images=[tmp_path / "elsewhere"], progress=Progress()))
    assert_same_work(work, back)


def changed(folder: Path, **values: object) -> None:
    for path in folder.iterdir():
        ds = pydicom.dcmread(path)
        for name, value in values.items():
            setattr(ds, name, value(ds) if callable(value) else value)
        ds.save_as(path)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"PatientID": "another"}, "name another patient"),
        ({"SOPInstanceUID": lambda ds: f"{ds.SOPInstanceUID}.7"}, "has other images now"),
        ({"PixelData": lambda ds: bytes(len(ds.PixelData))}, "pixels of .* are others"),
        ({"PixelSpacing": [0.9, 0.7]}, "on another grid"),
    ],
)
def test_work_does_not_go_onto_other_pictures(work, tmp_path, ct, values, said):
    path = saved_case(work, tmp_path / "a.medassist")
    changed(ct, **values)
    with pytest.raises(Refused, match=said):
        open_case(Session(), path, progress=Progress())


def rewritten(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Change the parts of a case file, as somebody who writes one by hand would."""
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    told = json.loads(held["work.json"])
    change(told["parts"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (held | {"work.json": json.dumps(told).encode()}).items():
            archive.writestr(name, content)
    return path


def test_nothing_lands_on_a_series_that_was_not_checked(work, tmp_path, ct):
    shutil.copytree(ct, tmp_path / "other")
    changed(tmp_path / "other", PatientID="another", StudyInstanceUID="1.2.9", SeriesInstanceUID="1.2.9.1")
    both = fold(work, AddScan(opened(tmp_path / "other").scans[0]))

    def slip(told: dict[str, Any]) -> None:
        told["findings"][1]["series_key"] = "1.2.9.1"
        told["drafts"]["1.2.9.1"] = next(iter(told["drafts"].values()))
        told["current"] = "1.2.9.1"

    path = rewritten(saved_case(work, tmp_path / "a.medassist"), slip)
    back = fold(both, open_case(both, path, progress=Progress()))
    assert [one.tracking_uid for one in back.findings] == ["1.2.0", "1.2.2"]
    assert "1.2.9.1" not in back.drafts
    assert back.current == work.current
    assert "2 results are about series" in back.restored[-1].notes[0].text()


def test_a_grid_that_is_only_gone_back_to_is_checked_too(work, tmp_path):
    def shift(told: dict[str, Any]) -> None:
        told["predictions"][0]["edit"]["original"]["geometry"]["affine_lps"]["values"][3] += 5.0

    path = rewritten(saved_case(work, tmp_path / "a.medassist"), shift)
    with pytest.raises(Refused, match="on another grid"):
        open_case(Session(), path, progress=Progress())


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("findings", "key_slice", 6), ("findings", "key_slice", -1), ("findings", "slices", [0, 10**30]),
        ("findings", "center_lps", [math.nan, 0, 0]), ("measurements", "slice_index", 6), ("measurements", "time", 1),
        ("measurements", "points_lps", [[math.inf, 0, 0], [1, 1, 1]]), ("measurements", "points_lps", []),
    ],
)  # fmt: skip
def test_what_lies_outside_its_series_is_left_out_and_said(work, tmp_path, part, field, value):
    path = rewritten(saved_case(work, tmp_path / "a.medassist"), lambda told: told[part][0].__setitem__(field, value))
    back = fold(Session(), open_case(Session(), path, progress=Progress()))
    assert getattr(back, part) == getattr(work, part)[1:]
    other = "findings" if part == "measurements" else "measurements"
    assert getattr(back, other) == getattr(work, other)
    assert "1 findings or measurements lie outside" in back.restored[-1].notes[0].text()


def test_an_offer_of_findings_that_are_none_is_damage(tmp_path):
    with pytest.raises(UnreadableInput, match="damaged"):
        offer_of(Saved({"findings": 3}, ArrayFolder(tmp_path), tmp_path))


def test_images_of_another_study_are_not_the_ones(work, tmp_path):
    path = saved_case(work, tmp_path / "a.medassist")
    shutil.copytree(tmp_path / "ct", tmp_path / "other")
    changed(tmp_path / "other", SeriesInstanceUID="1.2.99", SOPInstanceUID=lambda ds: f"{ds.SOPInstanceUID}.7")
    with pytest.raises(UnreadableInput, match="not among those that are open"):
        open_case(Session(), path, images=[tmp_path / "other"], progress=Progress())


def test_restoring_replaces_and_never_mixes(work, tmp_path, ct):
    path = saved_case(work, tmp_path / "a.medassist")
    fresh = fold(opened(ct), AddPrediction(Prediction(MODEL, work.current, "later", "cpu"),
                                           (Finding("9.9", "Other", work.current, model=MODEL),)))  # fmt: skip
    back = fold(fresh, open_case(fresh, path, progress=Progress()))
    assert_same_work(work, back)


def test_a_model_that_is_not_installed_is_said(work, tmp_path):
    path = saved_case(work, tmp_path / "a.medassist")
    (*_scans, restored) = open_case(Session(), path, progress=Progress()).actions
    assert [note.text() for note in restored.notes] == [
        "reader 1.0 is not installed here; its results are shown as they were saved."
    ]


def test_no_work_is_no_case(ct, tmp_path):
    with pytest.raises(UsageError, match="no work"):
        save_case(opened(ct), tmp_path / "a.medassist", progress=Progress())


def test_exported_folders_and_files_are_told_from_others(work, tmp_path, ct):
    folder = tmp_path / "report"
    folder.mkdir()
    saved_case(work, folder / "case.medassist")
    assert is_case(folder)
    assert is_case(folder / "case.medassist")
    assert not is_case(ct)
    assert find_case(folder).parts.keys() == find_case(folder / "case.medassist").parts.keys()
    with pytest.raises(UnreadableInput, match="no work of MedAssist"):
        find_case(ct)


def study_of(session: Session) -> tuple[str, str]:
    study = session.study_of(session.current)
    return study.study_uid, study.patient.patient_id


def write(session: Session) -> Path:
    writer = CaseWriter()
    writer.save(session, progress=Progress())
    writer.finish(session, progress=Progress())
    return journal.study_folder(*study_of(session))


def test_work_is_saved_by_itself_and_offered_when_the_study_is_opened_again(work, ct):
    write(work)
    again = opened(ct)
    offering = look_for_work(study_of(again), progress=Progress())
    assert offering is not None
    again = fold(again, offering)
    (offer,) = again.offers
    assert (offer.findings, offer.judged, offer.series) == (3, 2, (work.current,))
    assert again.findings == (), "nothing is restored unasked"
    back = fold(again, take_offer(again, offer.folder, progress=Progress()))
    assert_same_work(work, back)
    assert back.offers == ()


def test_beginning_afresh_sets_the_work_aside(work, ct):
    write(work)
    again = opened(ct)
    again = fold(again, look_for_work(study_of(again), progress=Progress()))
    folder = again.offers[0].folder
    afresh = fold(again, begin_afresh(folder, progress=Progress()))
    assert afresh.offers == ()
    assert look_for_work(study_of(again), progress=Progress()) is None
    assert find_case(folder).parts["findings"]
    assert fold(again, DropOffer(folder)).offers == ()


def test_only_what_changed_is_written(work, monkeypatch):
    writer, lines = CaseWriter(), []
    real = journal.Sitting.write
    monkeypatch.setattr(
        journal.Sitting, "write", lambda self, parts, arrays: (lines.append(parts), real(self, parts, arrays))[1]
    )
    writer.save(work, progress=Progress())
    writer.save(work, progress=Progress())
    writer.save(fold(work, Judge("1.2.2", Judgement.ACCEPTED, "Dr Who", "one")), progress=Progress())
    assert len(lines) == 2
    assert set(lines[1]) == {"findings", "series", "sources"}
    writer.finish(work, progress=Progress())


def test_work_taken_back_is_taken_back_on_disk(work):
    writer = CaseWriter()
    writer.save(work, progress=Progress())
    while work.history.to_undo is not None:
        work = fold(work, Undo())
    writer.finish(replace(work, heatmaps=()), progress=Progress())
    (sitting,) = journal.sittings(journal.study_folder(*study_of(work)))
    assert find_case(sitting).parts["findings"] == []
    assert find_case(sitting).parts["predictions"] == []


def test_restored_work_gets_a_sitting_of_its_own(work, ct):
    folder = write(work)
    again = opened(ct)
    back = fold(again, take_offer(again, journal.sittings(folder)[0], progress=Progress()))
    write(fold(back, Judge("1.2.2", Judgement.REJECTED, "Dr Who", "one")))
    first, second = (find_case(one) for one in sorted(journal.sittings(folder), key=lambda one: one.stat().st_mtime_ns))
    verdicts = [[one["judgement"] for one in saved.parts["findings"]] for saved in (first, second)]
    assert verdicts == [["rejected", "accepted", "unreviewed"], ["rejected", "accepted", "rejected"]]


@pytest.mark.parametrize(
    ("time", "offered"),
    [("2026-11-20T18:00:00+00:00", False), ("2026-11-20T18:00:01+00:00", True), ("2026-11-20T18:30:00+01:00", False),
     ("no time", True)],
)  # fmt: skip
def test_older_work_than_what_was_restored_is_not_offered(time, offered):
    session = replace(Session(), restored=(Restored(("one",), "2026-11-20T18:00:00+00:00", 3),))
    offer = Offer(Path("a"), ("one", "two"), time, 3, 2)
    assert bool(OfferWork(offer)(session).offers) is offered
    assert OfferWork(replace(offer, series=("two",)))(session).offers


def test_what_was_there_before_a_restoring_is_not_written_after_it(work, ct):
    folder = write(work)
    again = opened(ct)
    before = fold(again, AddPrediction(Prediction(MODEL, work.current, "later", "cpu"), ()))
    after = fold(before, take_offer(before, journal.sittings(folder)[0], progress=Progress()))
    writer = CaseWriter()
    writer.save(after, progress=Progress())
    writer.save(before, case_writer.HEAVY, progress=Progress())
    writer.finish(after, progress=Progress())
    assert len(journal.sittings(folder)) == 2
    newest = max(journal.sittings(folder), key=lambda one: one.stat().st_mtime_ns)
    assert len(find_case(newest).parts["heatmaps"]) == 1


def test_nothing_is_written_once_the_writer_finished(work):
    writer = CaseWriter()
    writer.finish(work, progress=Progress())
    writer.save(fold(work, Undo()), case_writer.HEAVY, progress=Progress())
    (sitting,) = journal.sittings(journal.study_folder(*study_of(work)))
    assert not journal.is_in_use(sitting)
    assert len(find_case(sitting).parts["heatmaps"]) == 1


def test_a_full_disk_is_said_once_and_the_work_goes_on(work, monkeypatch):
    def full(self, parts, arrays):
        raise UnwritableOutput("{path} cannot be written: full.", path="x")

    writer = CaseWriter()
    with monkeypatch.context() as patched:
        patched.setattr(journal.Sitting, "write", full)
        with pytest.raises(UnwritableOutput):
            writer.save(work, progress=Progress())
        writer.save(work, progress=Progress())
    writer.save(work, progress=Progress())
    (sitting,) = journal.sittings(journal.study_folder(*study_of(work)))
    assert len(find_case(sitting).parts["findings"]) == 3
    writer.finish(work, progress=Progress())


def test_restoring_is_a_line_of_its_own_in_the_trail(work, tmp_path):
    path = saved_case(work, tmp_path / "a.medassist")
    action = open_case(Session(), path, progress=Progress())
    back = fold(Session(), action)
    found = trail.events(Session(), back)
    assert [one.action for one in found] == ["open", "restore"]
    assert found[1].details == {"findings": 3}
    trail.keep(Session(), back)
    assert audit.verify().intact


def test_every_hand_made_change_is_in_the_trail_without_its_words(ct):
    steps = [opened(ct)]
    volume = steps[0].volume
    assert volume is not None
    own = Finding("7.7", "Mass of Jane Doe", steps[0].current, by="Dr Who", made_at="noon")
    length = Measurement("2.1", steps[0].current, Shape.TEXT, ((0.0, 0.0, 0.0),), label="Jane Doe")
    mask = Mask(np.zeros(volume.geometry.shape_zyx, np.uint8), volume.geometry, (Segment(1, "Lesion"),))
    run = Prediction(MODEL, steps[0].current, "now", "cpu", mask=mask)
    for action in (
        AddPrediction(run, ()),
        lambda now: replace(now, predictions=(replace(run, edit=Edit("Dr Who", "noon", mask)),)),
        lambda now: replace(now, findings=(own,)),
        lambda now: replace(now, findings=(replace(own, label="Node of Jane Doe", edited_by="Dr Who"),)),
        Judge("7.7", Judgement.REJECTED, "Dr Who", "noon"),
        lambda now: replace(now, findings=()),
        lambda now: replace(now, measurements=(length,)),
        lambda now: replace(now, measurements=(replace(length, label="Doe"),)),
        lambda now: replace(now, measurements=()),
    ):
        steps.append(fold(steps[-1], action))
    found = [one for old, new in itertools.pairwise(steps) for one in trail.events(old, new)]
    told = [(one.action, one.details.get("object"), one.details.get("change")) for one in found]
    assert told == [
        ("run", None, None), ("edit", "mask", "changed"), ("edit", "finding", "made"), ("edit", "finding", "changed"),
        ("judge", None, None), ("edit", "finding", "removed"), ("edit", "measurement", "made"),
        ("edit", "measurement", "changed"), ("edit", "measurement", "removed"),
    ]  # fmt: skip
    for old, new in itertools.pairwise(steps):
        trail.keep(old, new)
    assert "Doe" not in audit.audit_file().read_text()
    assert audit.verify().intact


def test_what_is_written_in_parts_is_all_that_is_saved():
    assert set(case_writer.LIGHT) | set(case_writer.HEAVY) == set(SAVED)


def test_images_that_are_open_already_are_taken_wherever_they_are(work, tmp_path, ct):
    path = saved_case(work, tmp_path / "a.medassist")
    ct.rename(tmp_path / "elsewhere")
    session = opened(tmp_path / "elsewhere")
    back = fold(session, open_case(session, path, progress=Progress()))
    assert_same_work(work, back)
    assert len(back.scans) == 1


def test_work_on_a_resampled_grid_comes_back_on_a_grid_made_again(ct, tmp_path):
    sorted(ct.iterdir())[3].unlink()
    raw = opened(ct)
    assert raw.volume is not None
    assert not raw.volume.is_regular
    done = worked(fold(raw, jobs.resample_slices(raw.volume, progress=Progress())))
    assert done.volume is not None
    assert done.volume.series.raw is not None
    back = fold(Session(), open_case(Session(), saved_case(done, tmp_path / "a.medassist"), progress=Progress()))
    assert_same_work(done, back, tuple(name for name in SAVED if name != "views"))
    assert back.view == done.view
    assert back.volume is not None
    assert back.volume.geometry.same_grid(done.volume.geometry)
    again = fold(Session(), open_case(Session(), saved_case(back, tmp_path / "b.medassist"), progress=Progress()))
    assert_same_work(back, again)


def test_work_on_a_file_without_uids_follows_the_file_to_another_folder(ct, tmp_path):
    volume = opened(ct).volume
    assert volume is not None
    (tmp_path / "here").mkdir()
    jobs.convert_series(volume.series, tmp_path / "here" / "ct.nii.gz", progress=Progress())
    done = worked(opened(tmp_path / "here"))
    path = saved_case(done, tmp_path / "a.medassist")
    (tmp_path / "here").rename(tmp_path / "there")
    back = fold(Session(), open_case(Session(), path, images=[tmp_path / "there"], progress=Progress()))
    assert back.current != done.current, "its key is its path"
    assert {one.series_key for one in (*back.findings, *back.predictions, *back.heatmaps)} == {back.current}
    assert back.drafts[back.current].series_key == back.current
    assert back.view == done.view
    assert [one.judgement for one in back.findings] == [one.judgement for one in done.findings]


def test_work_on_one_part_of_a_series_comes_back_on_that_part(tmp_path):
    for time, value in enumerate((0, 500)):
        write_ct_series(
            tmp_path / f"t{time}", slices=4, rows=16, columns=20, SeriesInstanceUID="1.2.77", TriggerTime=float(value),
            FrameOfReferenceUID="1.2.78",
        )  # fmt: skip
        for path in (tmp_path / f"t{time}").iterdir():
            (tmp_path / "both").mkdir(exist_ok=True)
            path.rename(tmp_path / "both" / f"{time}-{path.name}")
    session = fold(Session(), jobs.open_path(tmp_path / "both", progress=Progress()))
    (series,) = session.all_series()
    part = parts.parts_of(series)[1]
    done = worked(fold(session, jobs.load_series(part, progress=Progress())))
    assert done.current == part.key
    back = fold(Session(), open_case(Session(), saved_case(done, tmp_path / "a.medassist"), progress=Progress()))
    assert_same_work(done, back)
