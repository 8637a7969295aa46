"""Turning the planes of a volume with the mouse: the handles of the crosshair lines are pulled round it."""

from __future__ import annotations

from math import atan2, degrees, remainder
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent

from medassist.entities.turn import STRAIGHT
from medassist.session.reslicing import TurnPlanes, can_be_resliced
from medassist.session.state import Session
from medassist.ui.store import Store
from medassist.ui.viewer.cross_lines import CrossLine, cross_lines, is_on_handle
from medassist.ui.viewer.slices import Shown

if TYPE_CHECKING:
    from medassist.ui.viewer.slice_view import SliceView

STEP_DEGREES = 15.0


class PlaneTurner:
    """Let the mouse turn the planes about the crosshair of one pane; that pane's own plane stays as it is."""

    def __init__(self, store: Store, view: SliceView) -> None:
        self._store, self._view = store, view
        self._seen: tuple[Session, Shown] | None = None
        self._pull: _Pull | None = None

    def follow(self, session: Session, shown: Shown, *, crosshair: bool) -> None:
        """Take note of what is on screen; without a crosshair nothing can be turned."""
        self._seen = (session, shown) if crosshair and can_be_resliced(session.volume) else None

    @property
    def lines(self) -> tuple[CrossLine, ...]:
        """Where the other planes cut this one; none where nothing can be turned."""
        if self._seen is None:
            return ()
        session, shown = self._seen
        return cross_lines(shown, session.view.turn, session.view.cursor_lps, self._view.to_screen)

    def drawn(self, *, pointed: bool) -> tuple[CrossLine, ...]:
        """Return the lines that are drawn: none on straight planes but under the mouse, where they have handles."""
        turned = self._seen is not None and self._seen[0].view.turn != STRAIGHT
        return self.lines if turned or pointed else ()

    def press(self, event: QMouseEvent) -> bool:
        """Begin to turn where a handle is pressed; tell whether one was."""
        left = event.button() is Qt.MouseButton.LeftButton
        area = QRectF(self._view.viewport().rect())
        if self._seen is None or not left or not is_on_handle(event.position(), area, self.lines):
            return False
        self._pull = _Pull(self._store, self._seen[1], self._place(event.position()))
        return True

    def pull(self, event: QMouseEvent) -> None:
        """Turn the planes as far as the mouse went round the crosshair; with Shift by whole steps."""
        if self._pull is not None:
            in_steps = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._pull.to(self._place(event.position()), STEP_DEGREES if in_steps else 0.0)

    def let_go(self, event: QMouseEvent) -> None:
        """Show the planes as sharp as they are."""
        if self._pull is not None and event.button() is Qt.MouseButton.LeftButton:
            pull, self._pull = self._pull, None
            pull.end()

    def _place(self, at: QPointF) -> tuple[float, float]:
        """Return where the mouse is in the scene, in mm from the crosshair to the right and down."""
        assert self._seen is not None  # noqa: S101 - callers looked
        session, shown = self._seen
        (row, column), (down_mm, right_mm) = self._view.to_pixel(at), shown.layout.spacing_mm
        middle = shown.layout.to_display(session.view.cursor_lps)
        return (column - float(middle[1])) * right_mm, (row - float(middle[0])) * down_mm


class _Pull:
    """One pull of a handle, about the normal of the plane it lies in."""

    def __init__(self, store: Store, shown: Shown, place: tuple[float, float]) -> None:
        corner, right, down = (shown.layout.to_lps(*each, shown.index) for each in ((0, 0), (0, 1), (1, 0)))
        x, y, z = np.cross(right - corner, down - corner)
        self._store, self._axis = store, (float(x), float(y), float(z))
        self._last = _direction(place)
        self._pulled = self._turned = 0.0

    def to(self, place: tuple[float, float], step: float) -> None:
        """Turn as far as the mouse is round by now, in whole steps of so many degrees unless that is 0."""
        now = _direction(place)
        self._pulled += remainder(now - self._last, 360.0)
        self._last = now
        wanted = step * round(self._pulled / step) if step else self._pulled
        if wanted != self._turned:
            self._store.dispatch(TurnPlanes(self._axis, wanted - self._turned, following=True))
            self._turned = wanted

    def end(self) -> None:
        """Leave the planes where they are."""
        self._store.dispatch(TurnPlanes(self._axis, 0.0))


def _direction(place: tuple[float, float]) -> float:
    """Return where a place is round the crosshair, in degrees from the right towards the bottom."""
    x, y = place
    return degrees(atan2(y, x))
