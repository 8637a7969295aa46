"""Words on the picture about masks that a reader changed or drew. No Qt."""

from __future__ import annotations

from medassist.entities.prediction import Prediction
from medassist.language import tr
from medassist.session.state import Session
from medassist.ui.viewer import slices


def hand_lines(prediction: Prediction) -> list[str]:
    """Say whose hand changed or drew a mask, and when; nothing for one that is as the model gave it."""
    edit = prediction.edit
    if edit is None:
        return []
    when = edit.at[:16].replace("T", " ")
    drawn = prediction.by_hand and not edit.original.segments
    if not edit.by:
        return [tr("Mask drawn by hand") if drawn else tr("Mask edited by hand"), when]
    reader = {"reader": edit.by}
    return [tr("Mask drawn by {reader}", **reader) if drawn else tr("Mask edited by {reader}", **reader), when]


def map_of_another_mask(session: Session) -> tuple[str, ...]:
    """Say that a map on screen is about a mask which is another one by now."""
    heatmap = slices.map_drawn(session, session.volume) if session.volume is not None else None
    if heatmap is None:
        return ()
    here = (one for one in session.predictions if one.series_key == heatmap.series_key and one.edit is not None)
    edited = any(one.model == heatmap.model for one in here)
    return (tr("The map is about the mask as the model gave it, before it was edited by hand."),) if edited else ()
