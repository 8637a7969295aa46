"""Everything a plane says about itself: crosshair, letters, scale, corners and what lies under the mouse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from medassist.entities.look import CornerText
from medassist.entities.turn import STRAIGHT
from medassist.imaging.slicing import Plane, edge_letters
from medassist.session.state import Session
from medassist.ui import theme
from medassist.ui.viewer import hud, texts
from medassist.ui.viewer.cross_lines import CrossLine, draw_handles, draw_lines
from medassist.ui.viewer.facing import STRAIGHT as FACING_STRAIGHT
from medassist.ui.viewer.facing import Facing, facing_lines
from medassist.ui.viewer.slices import Shown

CROSS_COLORS = {
    Plane.AXIAL: (theme.AXIS_COLORS["sagittal"], theme.AXIS_COLORS["coronal"]),
    Plane.CORONAL: (theme.AXIS_COLORS["sagittal"], theme.AXIS_COLORS["axial"]),
    Plane.SAGITTAL: (theme.AXIS_COLORS["coronal"], theme.AXIS_COLORS["axial"]),
}


@dataclass(frozen=True)
class Annotated:
    """What there is to say.

    Attributes:
        shown: the slice on screen.
        zoom: screen pixels per mm (per pixel of a picture without a scale).
        leading: whether this plane carries patient, series and model.
        hidden: whether the reader holds model results back.
        cursor: where the crosshair lies on screen, None without one.
        under: display (row, column) under the mouse, None when it is elsewhere.
        lines: where the other planes cut this one, for planes that can be turned.
        facing: how the picture is turned and mirrored on screen.
    """

    shown: Shown
    zoom: float
    leading: bool
    hidden: bool
    cursor: QPointF | None = None
    under: tuple[float, float] | None = None
    lines: tuple[CrossLine, ...] = ()
    facing: Facing = FACING_STRAIGHT


def draw_annotations(
    painter: QPainter,
    area: QRectF,
    session: Session,
    what: Annotated,
    over_cross: Callable[[Sequence[QRectF]], None] = lambda _texts: None,
) -> None:
    """Draw it in screen pixels over `area`.

    What `over_cross` draws lies on the crosshair and under the texts; it is told where those are.
    """
    shown = what.shown
    painter.setFont(theme.font(9.0))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    if what.cursor is not None and shown.arriving is None:
        if session.view.turn == STRAIGHT or not what.lines:
            colors = CROSS_COLORS[shown.plane][:: -1 if what.facing.lies else 1]
            hud.draw_cross(painter, area, hud.Cross(what.cursor, *colors))
        else:
            draw_lines(painter, area, what.lines)
        if what.under is not None:
            draw_handles(painter, area, what.lines)
    corners = texts.corners(session, shown, what.zoom * min(shown.layout.spacing_mm), leading=what.leading)
    corners = replace(corners, bottom_left=(*facing_lines(what.facing), *corners.bottom_left))
    over_cross(hud.corner_boxes(painter, area, corners))
    letters = edge_letters(shown.volume, shown.layout)
    if letters is not None:
        hud.draw_letters(painter, area, what.facing.letters(letters))
    silent = session.layers.corner_text is CornerText.OFF
    if not silent:
        hud.draw_scale(painter, area, what.zoom, shown.volume.geometry.calibrated)
    under = () if what.under is None or silent else texts.under_cursor(session, shown, *what.under, what.hidden)
    hud.draw_corners(painter, area, corners, under)
    if shown.arriving is not None:
        hud.draw_loading(painter, area, texts.loading_text(shown.arriving), texts.absence_lines(shown))
