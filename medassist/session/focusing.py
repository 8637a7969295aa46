"""Looking at one finding: its place comes on screen, and of all evidence only its own is drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from medassist.entities.finding import Finding
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import Mask, Prediction
from medassist.entities.volume import Volume
from medassist.session.actions import MoveCursor, SetTime
from medassist.session.state import Point, Session


@dataclass(frozen=True)
class Focus:
    """Go to a finding of the series on screen and show its evidence alone; "" shows everything again.

    While two maps stand side by side only the place is shown: what they compare stays.
    """

    tracking_uid: str = ""

    def __call__(self, session: Session) -> Session:
        """Return the session there; the same session where nothing changes."""
        finding = next((one for one in session.findings if one.tracking_uid == self.tracking_uid), None)
        if finding is None or finding.series_key != session.current:
            return replace(session, focus="") if session.focus else session
        after = _there(session, finding)
        if session.compared is not None or after.focus == finding.tracking_uid:
            return after
        return replace(after, focus=finding.tracking_uid)


def focus_of(session: Session) -> Finding | None:
    """Return the finding whose evidence is shown alone; None while a mask is being changed or a region drawn."""
    if not session.focus or session.editing is not None or session.drawing is not None:
        return None
    here = (one for one in session.findings if one.series_key == session.current)
    return next((one for one in here if one.tracking_uid == session.focus), None)


def focused(session: Session) -> Session:
    """Return the session as the viewer draws it: with the evidence of one finding, or with all of it.

    What the reader measured stays in sight. A finding of a class without a map leaves the picture bare.
    """
    finding = focus_of(session)
    if finding is None or session.compared is not None:
        return session
    owner = result_of(session, finding)
    maps = tuple(one for one in session.heatmaps if one.series_key == session.current and is_map_of(one, finding))
    shown = () if owner is None else (_alone(owner, finding),)
    return replace(session, predictions=shown, heatmaps=maps, overlays=())


def result_of(session: Session, finding: Finding) -> Prediction | None:
    """Return the newest result a finding comes from, None for one a reader made without marking anything."""
    here = (one for one in reversed(session.predictions) if one.series_key == finding.series_key)
    return next((one for one in here if claims(one, finding)), None)


def is_map_of(heatmap: Heatmap, finding: Finding) -> bool:
    """Tell whether a map explains what a finding claims."""
    return (heatmap.series_key, heatmap.target, heatmap.model) == (finding.series_key, finding.target, finding.model)


def place_of(finding: Finding, volume: Volume, cursor_lps: Point) -> Point | None:
    """Return the point of the grid of a series that shows a finding: its middle, on its key slice.

    None for a claim about the whole image. One that has a slice only keeps the cursor's place within the slice.
    """
    geometry = volume.geometry
    if finding.center_lps is None and finding.key_slice is None:
        return None
    at = geometry.to_index(cursor_lps if finding.center_lps is None else finding.center_lps)
    if finding.center_lps is not None and finding.key_slice is not None and not volume.is_regular:
        origins = volume.slice_origins_lps
        if origins is not None:  # the slices lie elsewhere than on the even grid they are shown on
            along = np.array(finding.center_lps) - origins[finding.key_slice]
            at[:2] = np.linalg.lstsq(geometry.affine_lps[:3, :2], along, rcond=None)[0]
    if finding.key_slice is not None:
        at[2] = finding.key_slice
    x, y, z = (float(value) for value in geometry.to_world(at))
    return x, y, z


def _there(session: Session, finding: Finding) -> Session:
    if session.volume is None:
        return session
    drawn = next((one for one in session.measurements if one.uid and one.uid == finding.measurement_uid), None)
    timed = session if drawn is None or drawn.time == session.view.time else SetTime(drawn.time)(session)
    place = place_of(finding, session.volume, session.view.cursor_lps)
    return timed if place is None or place == session.view.cursor_lps else MoveCursor(place)(timed)


def claims(prediction: Prediction, finding: Finding) -> bool:
    """Tell whether a result is where a finding comes from: its segment by its value, its class by its model."""
    value, mask = finding.segment_value, prediction.mask
    if value is None:
        return finding.model is not None and prediction.model == finding.model and prediction.prompt is None
    held = mask is not None and any(one.value == value for one in mask.segments)
    return held and prediction.claimed_by(value) == finding.model


def _alone(prediction: Prediction, finding: Finding) -> Prediction:
    if prediction.mask is None or finding.segment_value is None:
        return replace(prediction, mask=None)
    return replace(prediction, mask=_only(prediction.mask, finding.segment_value, finding.component))


@lru_cache(maxsize=2)
def _only(mask: Mask, value: int, component: int | None) -> Mask:
    """Return a mask with one segment, or one piece of it; drawn many times, so made once."""
    from medassist.report.components import region_of

    region = region_of(mask, value, component)
    stored = np.uint8(1 << (value - 1) if mask.overlapping else value)
    segments = tuple(one for one in mask.segments if one.value == value)
    return replace(mask, labels_zyx=region.astype(np.uint8) * stored, segments=segments)
