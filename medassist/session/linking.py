"""Panes that go to the same point: series on screen that share a frame of reference, by position in the patient."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from medassist.entities.geometry import Geometry
from medassist.entities.study import SeriesKind
from medassist.entities.volume import Volume
from medassist.session.sameness import Sameness, sameness
from medassist.session.state import Point, Session, View

TOUCHING_MM = 1e-3


def on_screen(session: Session) -> tuple[str, ...]:
    """Return the series the panes show, each once, the one on screen first."""
    keys = (session.current, *session.arrangement.keys(session.current))
    return tuple(key for key in dict.fromkeys(keys) if key)


def linked_with(session: Session, key: str) -> tuple[str, ...]:
    """Return the other series on screen that move along with one: never those of another frame of reference."""
    if not session.arrangement.linked or not session.arrangement.panes:
        return ()
    return tuple(other for other in on_screen(session) if other != key and _share_a_frame(session, key, other))


def followed(session: Session) -> Session:
    """Return the session with all linked panes at the cursor of the series on screen, as far as they reach."""
    others = linked_with(session, session.current)
    if not others:
        return session
    point, views = session.view.cursor_lps, dict(session.views)
    for key in others:
        view = views.get(key, View())
        place = within(session.volumes[key].geometry, point)
        if place != view.cursor_lps:
            views[key] = replace(view, cursor_lps=place)
    return replace(session, views=MappingProxyType(views))


def within(geometry: Geometry, point: Point) -> Point:
    """Return the point of a volume nearest to another one, along its axes; the very point where it lies inside."""
    index, last = geometry.to_index(point), np.array(geometry.shape_zyx[::-1]) - 1
    kept = np.clip(index, 0, last)
    if np.array_equal(kept, index):
        return point
    x, y, z = geometry.to_world(kept)
    return float(x), float(y), float(z)


def is_pointed_at(session: Session, key: str) -> bool:
    """Tell whether another pane marks the same point as the one with this series, so that a crosshair tells a truth."""
    shown = session.arrangement.keys(session.current)
    if shown.count(key) > 1:
        return True
    if not session.arrangement.linked or not session.arrangement.panes:
        return False
    here = session.views.get(key, View()).cursor_lps
    others = (other for other in on_screen(session) if other != key)
    return any(
        _touch(here, session.views.get(other, View()).cursor_lps) and _share_a_frame(session, key, other)
        for other in others
    )


def _touch(one: Point, other: Point) -> bool:
    return all(abs(here - there) <= TOUCHING_MM for here, there in zip(one, other, strict=True))


def _share_a_frame(session: Session, one: str, other: str) -> bool:
    first, second = session.volumes.get(one), session.volumes.get(other)
    if first is None or second is None or not (_has_a_place(first) and _has_a_place(second)):
        return False
    frame = first.geometry.frame_of_reference_uid
    if not frame or frame != second.geometry.frame_of_reference_uid:
        return False
    return sameness(session.study_of(one), session.study_of(other)) is not Sameness.DIFFERENT


def _has_a_place(volume: Volume) -> bool:
    """Tell whether every voxel has one place in the patient: films have none, irregular stacks one for each slice."""
    return volume.series.kind is SeriesKind.VOLUME and volume.is_regular
