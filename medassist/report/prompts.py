"""How a region a reader drew came about, in the words of each format."""

from __future__ import annotations

from typing import Any

from medassist.entities.finding import Finding
from medassist.entities.prediction import Mask, Prediction
from medassist.entities.prompt import Prompt
from medassist.entities.study import Warned, warned
from medassist.report.case import Case
from medassist.report.edits import belongs


def drawn(case: Case, mask: Mask | None) -> Prompt | None:
    """Return how a mask was drawn, None for one a model made by itself."""
    return next((one.prompt for one in case.predictions if mask is not None and one.mask is mask), None)


def prompt_of(case: Case, finding: Finding) -> Prompt | None:
    """Return how the region of a finding was drawn, None for other findings."""
    for prediction, _mask in case.masks:
        if belongs(finding, prediction):
            return prediction.prompt
    return None


def as_parameters(prompt: Prompt) -> dict[str, str]:
    """Return it as the parameters of an algorithm: texts, indices from 0, both ends inside."""
    box, window = prompt.box, prompt.window
    shown = {} if window is None else {"window": f"{window.width:g}/{window.center:g}"}
    return {
        "prompt": "box drawn by reader",
        "box_columns_rows": f"{box.first_column},{box.first_row},{box.last_column},{box.last_row}",
        "box_slice": str(box.slice_index),
        "slices": f"{prompt.slices[0]}-{prompt.slices[1]}",
        "followed_through_slices": "yes" if prompt.followed else "no",
        "corrected_by_hand": "yes" if prompt.brushed else "no",
    } | shown


def as_json(prompt: Prompt | None) -> dict[str, Any] | None:
    """Return it for scripts; `box` is in the order of the command line."""
    if prompt is None:
        return None
    box, window = prompt.box, prompt.window
    return {
        "box": [box.first_column, box.first_row, box.last_column, box.last_row, box.slice_index],
        "window": None if window is None else {"center": window.center, "width": window.width},
        "inverted": prompt.inverted,
        "time": prompt.time,
        "slices": list(prompt.slices),
        "followed": prompt.followed,
        "corrected_by_hand": prompt.brushed,
        "drawn_by": prompt.drawn_by,
    }


def sentences(prediction: Prediction) -> list[Warned]:
    """Say what a person must know about a region a reader drew; nothing for other predictions."""
    prompt = prediction.prompt
    if prompt is None or prediction.mask is None:
        return []
    label, depth = prediction.mask.segments[0].label, prediction.mask.geometry.shape_zyx[0]
    first, last = prompt.slices[0] + 1, prompt.slices[1] + 1
    values = {"label": label, "model": prediction.model.name, "slice": prompt.box.slice_index + 1}
    told = [warned("{label}: marked by {model} in a box drawn on slice {slice}.", **values)]
    if first == last and depth > 1:
        told.append(warned("{label}: outlined on slice {slice} alone; its volume is that of one slice.",
                           label=label, slice=first))  # fmt: skip
    if first < last:
        told.append(warned("{label}: reaches from slice {first} to {last}.", label=label, first=first, last=last))
    if prompt.followed:
        told.append(warned("{label}: the model followed it from slice to slice without knowing anatomy.", label=label))
    if prompt.brushed:
        told.append(warned("{label}: corrected by hand.", label=label))
    return told
