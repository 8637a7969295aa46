"""What is said while a mask is edited: sizes beside those of the model, who changed it, and what to do next."""

from __future__ import annotations

from medassist.entities.finding import Finding
from medassist.entities.prediction import Prediction, Segment
from medassist.language import tr
from medassist.report.edits import belongs, is_edited
from medassist.session.mask_editing import palette
from medassist.session.mask_shapes import Reshape
from medassist.session.state import Session
from medassist.ui.wording import local_title


def active_segment(session: Session) -> Segment | None:
    """Return the label that is painted."""
    editing = session.editing
    if editing is None:
        return None
    return next((one for one in palette(session) if one.value == editing.active), None)


def facts(session: Session) -> str:
    """Say how large the label is that is painted, what the model had marked, and whose it is now."""
    prediction, segment = session.edited, active_segment(session)
    if prediction is None or segment is None:
        return tr("Name a label first: what do you want to mark?")
    name = local_title(segment.label, segment.title_zh)
    found = [one for one in session.findings if one.segment_value == segment.value and belongs(one, prediction)]
    parts = [
        _size(found) or _pixels(prediction, segment),
        *_compared(prediction, segment, found),
        whose(prediction, segment.value),
    ]
    return tr("{name}: {value}", name=name, value=" · ".join(part for part in parts if part))


def whose(prediction: Prediction, value: int) -> str:
    """Say whose hand a label shows, "" for what is as the model gave it."""
    edit = prediction.edit
    if edit is None:
        return ""
    if prediction.is_drawn(value):
        return tr("drawn by {reader}", reader=edit.by) if edit.by else tr("drawn by hand")
    if is_edited(prediction, value):
        return tr("edited by {reader}", reader=edit.by) if edit.by else tr("edited by hand")
    return ""


def _size(found: list[Finding]) -> str:
    volumes = [one.volume_ml for one in found if one.volume_ml is not None]
    if found and len(volumes) == len(found):
        return tr("{value} ml", value=_number(sum(volumes)))
    return tr("nothing marked yet") if not any(one.present for one in found) else ""


def _pixels(prediction: Prediction, segment: Segment) -> str:
    """Count what is marked where there are no millilitres: on films, and where slices form no regular grid."""
    mask = prediction.mask
    return "" if mask is None else tr("{count} pixels", count=mask.voxels(segment))


def _compared(prediction: Prediction, segment: Segment, found: list[Finding]) -> list[str]:
    """Return what the model or the file had marked, beside how much of it is the same."""
    told = found[0].measurements if len(found) == 1 else {}
    before, overlap = told.get("model_volume_ml"), told.get("dice_to_model")
    parts: list[str] = []
    if not is_edited(prediction, segment.value):
        return parts
    if before is not None:
        text = tr("in the file {value} ml", value=_number(before)) if prediction.by_hand else tr(
            "model {value} ml", value=_number(before))  # fmt: skip
        parts.append(text)
    if overlap is not None:
        parts.append(tr("Dice {value}", value=f"{overlap:.3f}"))
    return parts


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def reshape_text(reshape: Reshape, amount: float) -> str:
    """Name a change of a whole label."""
    values = {"amount": f"{amount:g}"}
    return {
        Reshape.GROW: tr("Grow by {amount} mm", **values),
        Reshape.SHRINK: tr("Shrink by {amount} mm", **values),
        Reshape.HOLES: tr("Fill holes on every slice"),
        Reshape.BETWEEN: tr("Fill in between the slices drawn"),
        Reshape.LARGEST: tr("Keep the largest piece"),
        Reshape.SMALL: tr("Remove pieces under {amount} ml", **values),
    }[reshape]
