"""The mouse while a region is drawn: a new box, its handles, its place, and the brush."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QMouseEvent

from medassist.entities.prompt import Box
from medassist.entities.region import Region
from medassist.session.regions import SetRegion, brushed
from medassist.session.state import Session
from medassist.ui.store import Store
from medassist.ui.viewer.boxes import (
    as_stored,
    box_between,
    display_at,
    handle_places,
    pulled,
    shifted,
    stroke,
    voxel_at,
)
from medassist.ui.viewer.slice_view import SliceView

REACH_PX = 9.0
"""How near to a handle the mouse must be to take it."""
BRUSH_MM = 3.0
LEAST_BRUSH_VOXELS = 0.6

Place = tuple[float, float]


class Mode(Enum):
    """What the left button does."""

    BOX = "box"
    PAINT = "paint"
    ERASE = "erase"


class RegionTool(QObject):
    """Take the left button from planes that show slices as stored; everything else stays as it is.

    `drawn(box)` is called when a box was drawn, moved or pulled. `brush_mm` is the radius of the brush.
    """

    def __init__(self, store: Store, views: Sequence[SliceView], drawn: Callable[[Box], None], parent: QObject) -> None:
        super().__init__(parent)
        self._store, self._drawn = store, drawn
        self._views = {view.viewport(): view for view in views}
        self._drag: Callable[[Place], Box | None] | None = None
        self._base: Region | None = None
        self._touched: NDArray[np.bool_] | None = None
        self._last: Place = (0.0, 0.0)
        self._mode = Mode.BOX
        self._active = False
        self.brush_mm = BRUSH_MM
        for viewport in self._views:
            viewport.installEventFilter(self)

    @property
    def active(self) -> bool:
        """Whether the mouse draws."""
        return self._active

    def activate(self, on: bool) -> None:
        """Take the mouse, or give it back."""
        self._active, self._drag, self._base = on, None, None
        for viewport in self._views:
            viewport.setCursor(Qt.CursorShape.CrossCursor) if on else viewport.unsetCursor()
        self._preview(None)

    def choose(self, mode: Mode) -> None:
        """Say what the left button does from now on."""
        self._mode = mode

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Handle presses, moves and releases of the left button alone."""
        view = self._views.get(watched)  # type: ignore[call-overload]
        if not self._active or view is None or not isinstance(event, QMouseEvent) or view.shown is None:
            return False
        if self._store.session.volume is None or not as_stored(view.shown.layout) or not view.shown.is_plain:
            return False
        kind, left = event.type(), Qt.MouseButton.LeftButton
        if kind is QEvent.Type.MouseButtonPress and event.button() is left and not event.modifiers():
            self._press(view, event.position())
            return True
        if kind is QEvent.Type.MouseMove and event.buttons() & left and self._busy():
            self._move(view, event.position())
            return True
        if kind is QEvent.Type.MouseButtonRelease and event.button() is left and self._busy():
            self._release(view, event.position())
            return True
        return kind is QEvent.Type.MouseButtonDblClick and event.button() is left

    def _busy(self) -> bool:
        return self._drag is not None or self._base is not None

    def _press(self, view: SliceView, at: QPointF) -> None:
        region, place = self._store.session.drawing, self._voxel(view, at)
        if self._mode is Mode.BOX:
            self._drag = self._begun(view, at, place, region)
        elif region is not None:
            self._base, self._touched, self._last = region, None, place
            self._paint(view, place)

    def _begun(
        self, view: SliceView, at: QPointF, place: Place, region: Region | None
    ) -> Callable[[Place], Box | None]:
        """Return what the drag will make of every further place: a pulled, a moved or a new box."""
        assert view.shown is not None  # noqa: S101 - the caller looked
        layout, index = view.shown.layout, view.shown.index
        box = region.prompt.box if region is not None and region.prompt.box.slice_index == index else None
        if box is not None:
            for handle, where in handle_places(box).items():
                if (view.to_screen(*display_at(layout, *where, index)) - at).manhattanLength() <= REACH_PX:
                    return lambda to: pulled(layout, box, handle, to)
            if box.first_column <= place[0] <= box.last_column and box.first_row <= place[1] <= box.last_row:
                return lambda to: shifted(layout, box, to[0] - place[0], to[1] - place[1])
        return lambda to: box_between(layout, place, to, index)

    def _move(self, view: SliceView, at: QPointF) -> None:
        place = self._voxel(view, at)
        if self._drag is not None:
            self._preview(self._drag(place))
        else:
            self._paint(view, place)

    def _release(self, view: SliceView, at: QPointF) -> None:
        drag, self._drag, self._base = self._drag, None, None
        self._preview(None)
        box = drag(self._voxel(view, at)) if drag is not None else None
        before = self._store.session.drawing
        if box is not None and (before is None or box != before.prompt.box):
            self._drawn(box)

    def _paint(self, view: SliceView, place: Place) -> None:
        """Mark or erase from the last place to this one; the whole stroke is one step to undo."""
        if self._base is None or view.shown is None:
            return
        layout, index = view.shown.layout, view.shown.index
        radius = max(self.brush_mm, LEAST_BRUSH_VOXELS * max(layout.spacing_mm))
        touched = stroke(layout, self._last, place, radius)
        self._touched = touched if self._touched is None else self._touched | touched
        self._last = place
        after = brushed(self._base, index, self._touched, erase=self._mode is Mode.ERASE)
        self._store.dispatch(SetRegion(after))

    def _voxel(self, view: SliceView, at: QPointF) -> Place:
        assert view.shown is not None  # noqa: S101 - the caller looked
        return voxel_at(view.shown.layout, *view.to_pixel(at), view.shown.index)

    def _preview(self, box: Box | None) -> None:
        session = self._store.session
        for view in self._views.values():
            here = view.shown is not None and view.shown.volume.series.key == session.current  # not in other panes
            view.regions.preview = box if here else None
            if view.shown is not None and here:
                view.regions.draw(view.shown, session, hidden=False)


def asked_again(session: Session, region: Region) -> Region:
    """Return a new region that remembers what it replaces, so that a changed box can be undone."""
    before = session.drawing
    return replace(region, before=before) if before is not None and not before.is_empty else region
