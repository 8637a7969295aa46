"""Which masks of the series on screen can be changed by hand, and how they are called."""

from __future__ import annotations

from dataclasses import dataclass, replace

from medassist.entities.editing import Editing
from medassist.entities.errors import MedAssistError
from medassist.entities.prediction import Mask, Prediction
from medassist.language import tr
from medassist.session.focusing import focus_of, result_of
from medassist.session.mask_editing import begun
from medassist.session.state import Session
from medassist.ui.wording import file_title, local_title


@dataclass(frozen=True, eq=False)
class Target:
    """A mask that can be edited: of a result, or a copy of one of a file; neither for a new one of the reader's own."""

    title: str
    prediction: Prediction | None = None
    copied: Mask | None = None
    source: str = ""


def targets(session: Session) -> tuple[Target, ...]:
    """Return the masks on screen, newest first, then those of files, then a new one."""
    volume = session.volume
    if volume is None:
        return ()
    here = [one for one in reversed(session.predictions) if one.series_key == session.current]
    kept = [
        Target(title_of(one), one)
        for one in here
        if one.mask is not None and one.mask.geometry.same_grid(volume.geometry)
    ]
    files = [
        Target(tr("Copy of {title}", title=file_title(overlay)), copied=mask, source=file_title(overlay))
        for overlay in session.overlays_here
        for mask in overlay.masks
        if mask.geometry.same_grid(volume.geometry)
    ]
    return (*kept, *files, Target(tr("New mask of my own")))


def title_of(prediction: Prediction) -> str:
    """Name the mask of a result by who made it."""
    segments = () if prediction.mask is None else prediction.mask.segments
    labels = ", ".join(local_title(one.label, one.title_zh) for one in segments[:2])
    if prediction.by_hand:
        return tr("My mask: {labels}", labels=labels) if labels else tr("My mask")
    if prediction.prompt is not None:
        return tr("Region: {labels}", labels=labels)
    return tr(
        "Mask of {model}", model=local_title(prediction.model.title, prediction.model.title_zh) or prediction.model.name
    )


def first(session: Session) -> Editing | None:
    """Return the editing of the mask that lies on top, None where there is none that can be changed.

    While one finding is looked at it is its mask, and its label: nobody wants to paint over it with another one.
    """
    finding = focus_of(session)
    owner = None if finding is None or finding.segment_value is None else result_of(session, finding)
    here = [one.prediction for one in targets(session) if one.prediction is not None]
    front = [one for one in here if one.mask is session.mask]
    looked_at = [one for one in here if one is owner]
    for one in (*looked_at, *front, *here):
        try:
            editing = begun(one, before=session.editing)
        except MedAssistError:
            continue
        value = finding.segment_value if finding is not None and one is owner else None
        return editing if value is None else replace(editing, active=value)
    return None
