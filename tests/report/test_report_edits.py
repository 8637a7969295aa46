"""What a reader's hand did to a mask is told as his, everywhere, and never as the model's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from phantoms import write_mr_series
from pydicom import dcmread
from report_cases import ANTERIOR, MODEL, POSTERIOR, blob_map, complaints, make_case

from medassist.entities.edit import Edit
from medassist.entities.prediction import NO_MODEL, Mask, Prediction, Segment
from medassist.entities.prompt import Box, Prompt
from medassist.progress import Progress
from medassist.report.edits import (
    algorithm_type,
    belongs,
    compared_sentences,
    content_creator,
    edited_as_json,
    edited_sentences,
    is_edited,
)
from medassist.report.export import ALL_FORMATS, export
from medassist.report.findings import findings_from
from medassist.report.notes import notes
from medassist.report.result_json import result
from medassist.session.edited_findings import measured

AT = "2026-11-20T09:00:00+08:00"
DRAWN = Segment(9, "Lesion")


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edits")
    write_mr_series(folder)
    return make_case(folder, heatmaps=())


def edited(case, by="Dr. Li"):
    """Return the prediction of a case with label 1 changed and label 9 drawn by a reader."""
    (prediction,) = case.predictions
    labels = prediction.mask.labels_zyx.copy()
    labels[0, 0, 0], labels[0, 0, 1] = 1, 9
    mask = Mask(labels, prediction.mask.geometry, (*prediction.mask.segments, DRAWN))
    return replace(prediction, mask=mask, edit=Edit(by, AT, prediction.mask, (1, 9)))


def own_mask(case):
    """Return a mask that a reader drew without any model."""
    geometry = case.volume.geometry
    labels = np.zeros(geometry.shape_zyx, np.uint8)
    before, after = Mask(labels, geometry, ()), labels.copy()
    after[1, 2, 3] = 9
    return Prediction(NO_MODEL, case.series.key, AT, "", mask=Mask(after, geometry, (DRAWN,)),
                      edit=Edit("Dr. Li", AT, before, (9,)))  # fmt: skip


def test_what_a_hand_touched_is_no_longer_automatic(case):
    (untouched,) = case.predictions
    assert [algorithm_type(untouched, value) for value in (1, 2)] == ["AUTOMATIC", "AUTOMATIC"]
    after = edited(case)
    assert [algorithm_type(after, value) for value in (1, 2, 9)] == ["SEMIAUTOMATIC", "AUTOMATIC", "MANUAL"]
    assert [is_edited(after, value) for value in (1, 2, 9)] == [True, False, False]
    boxed = replace(untouched, prompt=Prompt(Box(0, 0, 5, 5, 1), drawn_by="Dr. Wu"))
    assert algorithm_type(boxed, 1) == "SEMIAUTOMATIC"
    assert [content_creator(one) for one in (untouched, boxed, after)] == ["", "Dr. Wu", "Dr. Li"]


def test_a_copy_of_a_files_mask_is_not_called_manual(case):
    own = own_mask(case)
    copied = replace(own, edit=replace(own.edit, original=own.mask, values=()))
    assert algorithm_type(copied, 9) == "SEMIAUTOMATIC"
    assert algorithm_type(own, 9) == "MANUAL"
    assert copied.claimed_by(9) is None  # no model of ours claims what a file holds


def test_sentences_name_each_label_the_reader_changed_and_no_other(case):
    told = [one.text() for one in edited_sentences(edited(case))]
    assert told == [
        "Anterior hippocampus: edited by Dr. Li, 2026-11-20 09:00.",
        "Lesion: drawn by hand by Dr. Li, 2026-11-20 09:00.",
    ]
    assert edited_sentences(edited(case, ""))[0].text() == "Anterior hippocampus: edited by hand, 2026-11-20 09:00."
    assert edited_sentences(case.predictions[0]) == []
    assert "drawn by hand" in " ".join(one.text() for one in notes(replace(case, predictions=(edited(case),))))


def test_a_drawn_label_is_claimed_by_no_model(case):
    after = edited(case)
    ours = [replace(one, model=after.claimed_by(one.segment_value)) for one in findings_from(after, case.volume)]
    assert [one.model for one in ours] == [MODEL, MODEL, MODEL, None]
    told = replace(case, predictions=(after,), findings=tuple(ours))
    assert told.segment_finding(after, 9) is ours[3]
    assert told.segment_finding(after, 1) is ours[0]
    assert [belongs(one, after) for one in ours] == [True] * 4
    assert not belongs(replace(ours[3], model=MODEL), after)
    assert not belongs(replace(ours[0], series_key="another"), after)


def test_result_tells_what_was_edited(case):
    after = edited(case)
    ours = [replace(one, model=after.claimed_by(one.segment_value)) for one in findings_from(after, case.volume)]
    ours[0] = replace(ours[0], measurements={**ours[0].measurements, "dice_to_model": 0.9, "model_volume_ml": 1.5})
    told = replace(case, predictions=(after,), findings=tuple(ours))
    segments = {one["label"]: one for one in result(told)["segments"]}
    assert segments["Anterior hippocampus"]["edited"] == {
        "by": "Dr. Li", "at": AT, "algorithm_type": "SEMIAUTOMATIC", "dice_to_model": 0.9, "model_volume_ml": 1.5,
    }  # fmt: skip
    assert segments["Posterior hippocampus"]["edited"] is None
    assert segments["Lesion"]["edited"]["algorithm_type"] == "MANUAL"
    assert segments["Lesion"]["edited"]["dice_to_model"] is None
    assert segments["Lesion"]["model"] is None
    assert edited_as_json(case, case.findings[0]) is None


def test_a_mask_of_a_reader_alone_names_no_model(case):
    own = own_mask(case)
    told = replace(case, predictions=(own,), findings=())
    assert told.models == ()
    assert told.prediction is own
    assert replace(case, predictions=(*case.predictions, own)).prediction is case.predictions[0]
    assert {ANTERIOR.value, POSTERIOR.value}.isdisjoint({one.value for one in own.mask.segments})


def test_the_models_own_figure_stays_told(case):
    findings = measured(edited(case), (1, 9), case.volume, by="Dr. Li", at=AT)
    told = [one.text() for one in compared_sentences(replace(case, predictions=(edited(case),), findings=findings))]
    volumes = [one.volume_ml for one in findings if one.label == "Anterior hippocampus"]
    assert len(told) == 1
    assert told[0].startswith(f"Anterior hippocampus: {volumes[0]:.2f} ml after editing, 0.22 ml before (Dice 0.99")
    assert compared_sentences(case) == []


def test_maps_are_said_to_be_about_the_mask_before_it_was_edited(case):
    mapped = replace(case, heatmaps=(blob_map(case.volume),))
    told = "The maps of demo_model are about its mask before it was edited by hand."
    assert told not in [one.text() for one in notes(mapped)]
    assert told in [one.text() for one in notes(replace(mapped, predictions=(edited(case),)))]


@pytest.mark.parametrize("whose", ["edited", "own"])
def test_edited_and_drawn_masks_are_written_clean_and_as_what_they_are(case, tmp_path, whose):
    prediction = edited(case) if whose == "edited" else own_mask(case)
    findings = measured(prediction, (1, 9), case.volume, by="Dr. Li", at=AT)
    told = replace(case, predictions=(prediction,), findings=findings, reader="Dr. Li")
    files = {path.name: path for path in export(told, tmp_path, ALL_FORMATS, progress=Progress())}
    assert {name: complaints(path) for name, path in files.items() if path.suffix == ".dcm"} == {
        name: [] for name in files if name.endswith(".dcm")
    }
    written = dcmread(files["seg.dcm"])
    types = {one.SegmentLabel: one.SegmentAlgorithmType for one in written.SegmentSequence}
    drawn = {"Lesion": "MANUAL"}
    models = {"Anterior hippocampus": "SEMIAUTOMATIC", "Posterior hippocampus": "AUTOMATIC"}
    assert types == (drawn | models if whose == "edited" else drawn)
    assert "Li" in str(written.ContentCreatorName)
    text = files["report.txt"].read_text(encoding="utf-8")
    assert "drawn by hand by Dr. Li" in text
    assert ("Demonstration model" in text) is (whose == "edited")
