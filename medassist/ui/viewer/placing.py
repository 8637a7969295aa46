"""Which layout a pane shows a volume by: kept as long as its plane stays, so that nothing is drawn again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from medassist.entities.geometry import Geometry
from medassist.entities.turn import STRAIGHT, Turn
from medassist.imaging.oblique import ObliqueLayout, placed
from medassist.imaging.slicing import Layout, Plane
from medassist.session.reslicing import can_be_resliced
from medassist.session.state import Point, Session

EDGE = 1e-6
"""Share of a voxel that rounding may be off."""
SAME = 1e-9
"""Difference of two unit vectors that point the same way."""


@dataclass(eq=False)
class Placing:
    """The layout of one pane. While the reader turns the planes, those that change have larger pixels."""

    layout: Layout | None = None
    _told: tuple[Geometry, Plane, Turn, bool] | None = None

    def follow(self, session: Session, plane: Plane) -> Layout | None:
        """Return the layout for what the session shows, None without a series; the same one for the same plane."""
        geometry, view = session.geometry, session.view
        if geometry is None:
            self.layout = self._told = None
            return None
        free = view.turn != STRAIGHT and can_be_resliced(session.volume)
        told = geometry, plane, view.turn if free else STRAIGHT, free and view.turning
        before = self._told
        if before is not None and geometry is before[0] and told[1:] == before[1:]:
            return self.layout
        now = placed(geometry, plane, told[2], view.cursor_lps, coarse=told[3])
        kept = before is not None and geometry is before[0] and plane is before[1] and _covers(self.layout, now)
        self._told = told
        self.layout = self.layout if kept else now
        return self.layout


def in_scene(shown: Layout, place_lps: Point) -> QPointF:
    """Return where a point of the patient lies in the scene of a plane, in mm."""
    (row, column, _index), (down, right) = shown.to_display(place_lps), shown.spacing_mm
    return QPointF(float(column) * right, float(row) * down)


def picture_rect(shown: Layout) -> QRectF:
    """Return the slices of a plane in the scene, in mm."""
    (rows, columns), (down, right) = shown.shape, shown.spacing_mm
    return QRectF(-right / 2, -down / 2, columns * right, rows * down)


def grid_of(shown: Layout) -> tuple[float, ...]:
    """Return what a series must have in common with another one to be framed like it: voxels and their size."""
    return (*shown.geometry.shape_zyx, *(round(size, 6) for size in shown.geometry.spacing_mm))


def can_be_reached(shown: Layout, row: float, column: float, index: int) -> bool:
    """Tell whether the crosshair may go to a place of a slice.

    On a turned plane not out of the volume: it would slide along the edge, and not come back the same way.
    """
    if not isinstance(shown, ObliqueLayout):
        return True
    voxel, last = (
        shown.geometry.to_index(shown.to_lps(row, column, index)),
        np.array(shown.geometry.shape_zyx[::-1]) - 1,
    )
    return bool((voxel >= -EDGE).all() and (voxel <= last + EDGE).all())


def _covers(before: Layout | None, now: Layout) -> bool:
    """Tell whether the layout on screen shows the plane of another one, and as sharp."""
    if not isinstance(before, ObliqueLayout) or not isinstance(now, ObliqueLayout):
        return not isinstance(before, ObliqueLayout) and not isinstance(now, ObliqueLayout)
    one, other = before.frame, now.frame
    return one.pixel_mm <= other.pixel_mm and np.allclose(one.through_lps, other.through_lps, rtol=0.0, atol=SAME)
