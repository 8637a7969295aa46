"""Actions that show a volume in other planes than it was stored in: thick slabs, and planes turned about a point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

from medassist.entities.slab import Slab
from medassist.entities.study import SeriesKind
from medassist.entities.turn import STRAIGHT, turned
from medassist.entities.volume import Volume
from medassist.session.state import Point, Session, View

THICKEST_MM = 500.0


def can_be_resliced(volume: Volume | None) -> bool:
    """Tell whether values may be taken from several slices: of grey volumes on a regular grid alone."""
    if volume is None or volume.is_color or not volume.is_regular or volume.series.irregularity:
        return False
    return volume.series.kind is SeriesKind.VOLUME and volume.geometry.calibrated and volume.geometry.shape_zyx[0] > 1


def is_resliced(session: Session) -> bool:
    """Tell whether the series on screen is shown in slabs or on turned planes."""
    view = session.view
    return (view.slab is not None or view.turn != STRAIGHT) and can_be_resliced(session.volume)


@dataclass(frozen=True)
class SetSlab:
    """Show slabs of the series on screen instead of single slices, or single slices again with None."""

    slab: Slab | None

    def __call__(self, session: Session) -> Session:
        """Return the session with the slab; as it was where a slab would mean nothing."""
        if self.slab is None:
            return _seen(session, replace(session.view, slab=None))
        thick = 0 < self.slab.thickness_mm <= THICKEST_MM
        return _seen(session, replace(session.view, slab=self.slab)) if thick else session


@dataclass(frozen=True)
class TurnPlanes:
    """Turn all planes of the series on screen about an axis (LPS) through the crosshair, right-handed.

    `following` tells that the hand still moves: planes are drawn with larger pixels until it is let go.
    """

    axis_lps: Point
    degrees: float
    following: bool = False

    def __call__(self, session: Session) -> Session:
        """Return the session with the planes turned; as it was where nothing can be turned."""
        turn = turned(session.view.turn, self.axis_lps, self.degrees)
        return _seen(session, replace(session.view, turn=turn, turning=self.following))


@dataclass(frozen=True)
class StraightenPlanes:
    """Show the planes as they were before they were turned."""

    def __call__(self, session: Session) -> Session:
        """Return the session with planes along the volume."""
        return _seen(session, replace(session.view, turn=STRAIGHT, turning=False))


def _seen(session: Session, view: View) -> Session:
    """Return the session that sees the series on screen so; the session itself where nothing changes or may."""
    if view == session.view or not can_be_resliced(session.volume):
        return session
    return replace(session, views=MappingProxyType({**session.views, session.current: view}))
