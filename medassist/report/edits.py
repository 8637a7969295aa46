"""What a reader's hand did to a mask, in the words of each format. Every exporter asks here."""

from __future__ import annotations

from typing import Any

from medassist.entities.finding import Finding
from medassist.entities.prediction import Prediction
from medassist.entities.study import Warned, warned
from medassist.report.case import Case

AUTOMATIC, SEMIAUTOMATIC, MANUAL = "AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"


def algorithm_type(prediction: Prediction, value: int) -> str:
    """Return Segment Algorithm Type (0062,0008, PS3.3 C.8.20.4) of one segment.

    MANUAL where a reader drew it from nothing, SEMIAUTOMATIC where a reader drew the box or changed what a model or a
    file marked, AUTOMATIC for what a model marked by itself.
    """
    if prediction.is_drawn(value):
        return MANUAL
    return SEMIAUTOMATIC if not prediction.ran_alone or is_edited(prediction, value) else AUTOMATIC


def is_edited(prediction: Prediction, value: int) -> bool:
    """Tell whether a reader changed what a model or a file had marked as this segment."""
    return prediction.edit is not None and value in prediction.edit.values and not prediction.is_drawn(value)


def content_creator(prediction: Prediction) -> str:
    """Return the reader whose hand the mask shows (Content Creator's Name), "" where none or nobody signed."""
    if prediction.edit is not None:
        return prediction.edit.by
    return "" if prediction.prompt is None else prediction.prompt.drawn_by


def belongs(finding: Finding, prediction: Prediction) -> bool:
    """Tell whether a finding is about a segment, or a piece of one, of this prediction."""
    mask, value = prediction.mask, finding.segment_value
    if mask is None or value is None or finding.series_key != prediction.series_key:
        return False
    return value in {one.value for one in mask.segments} and finding.model == prediction.claimed_by(value)


def edited_sentences(prediction: Prediction) -> list[Warned]:
    """Say which labels of a mask are not, or not only, what a model said; nothing for an untouched mask."""
    edit, mask = prediction.edit, prediction.mask
    if edit is None or mask is None:
        return []
    told = []
    for one in mask.segments:
        values = {"label": one.label, "reader": edit.by, "when": edit.at[:16].replace("T", " ")}
        if prediction.is_drawn(one.value):
            signed = warned("{label}: drawn by hand by {reader}, {when}.", **values)
            told.append(signed if edit.by else warned("{label}: drawn by hand, {when}.", **values))
        elif one.value in edit.values:
            signed = warned("{label}: edited by {reader}, {when}.", **values)
            told.append(signed if edit.by else warned("{label}: edited by hand, {when}.", **values))
    return told


def compared_sentences(case: Case) -> list[Warned]:
    """Say how large an edited label was before, so that the model's own figure stays told."""
    told = []
    for one in case.findings:
        before, overlap = (one.measurements.get(key) for key in ("model_volume_ml", "dice_to_model"))
        if not one.edited_by or before is None or one.volume_ml is None:
            continue
        values = {"label": one.label, "now": f"{one.volume_ml:.2f}", "before": f"{before:.2f}"}
        if overlap is None:
            told.append(warned("{label}: {now} ml after editing, {before} ml before.", **values))
        else:
            told.append(warned("{label}: {now} ml after editing, {before} ml before (Dice {dice}).",
                               dice=f"{overlap:.3f}", **values))  # fmt: skip
    return told


def edited_as_json(case: Case, finding: Finding) -> dict[str, Any] | None:
    """Return what was edited for scripts, None where the segment is what the model said.

    `dice_to_model` and `model_volume_ml` compare with the mask before it was edited; null where there was none.
    """
    prediction = next((one for one in case.predictions if belongs(finding, one)), None)
    edit, value = (None if prediction is None else prediction.edit), finding.segment_value
    if prediction is None or edit is None or value is None:
        return None
    if value not in edit.values and not prediction.is_drawn(value):
        return None
    return {
        "by": edit.by,
        "at": edit.at,
        "algorithm_type": algorithm_type(prediction, value),
        "dice_to_model": finding.measurements.get("dice_to_model"),
        "model_volume_ml": finding.measurements.get("model_volume_ml"),
    }
