"""The mouse while a mask is edited: strokes and fills of the left button, and the ring that shows where they go."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QCursor, QMouseEvent

from medassist.entities.editing import Editing, Tool
from medassist.imaging.mask_editing import Labels, Patch
from medassist.imaging.mask_editing_brush import Slab, erasable, fill, of_values, stroke
from medassist.session.state import Session
from medassist.ui.store import Store
from medassist.ui.viewer.brush_canvas import Canvas
from medassist.ui.viewer.slice_view import SliceView
from medassist.ui.viewer.slices import Shown

Position = NDArray[np.float64]


class BrushTool(QObject):
    """Take the left button without a modifier; wheel, other buttons and keys stay as they are.

    `painted(before, after)` is called once per stroke or fill that changed something; `refused()` when a fill would
    run out, there is no label to paint with, or masks are hidden. `free` tells whether painting may begin.
    """

    def __init__(
        self,
        store: Store,
        views: Sequence[SliceView],
        painted: Callable[[Labels, Labels], None],
        refused: Callable[[], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._store, self._painted, self._refused = store, painted, refused
        self._views = {view.viewport(): view for view in views}
        self._active = False
        self._last: Position | None = None
        self._view: SliceView | None = None
        self.canvas, self.free = Canvas(), True
        self.axis = 2
        for viewport, view in self._views.items():
            viewport.installEventFilter(self)
            view.canvas = self.canvas
        store.changed.connect(self._changed)

    @property
    def active(self) -> bool:
        """Whether the left button paints."""
        return self._active

    def activate(self, on: bool) -> None:
        """Take the mouse, or give it back; a stroke that was not ended counts as far as it went."""
        self._end()
        self._active = on
        for viewport, view in self._views.items():
            viewport.setCursor(Qt.CursorShape.CrossCursor) if on else viewport.unsetCursor()
            view.brush.show_ring(None, 0.0, erase=False)
        if self.canvas.follow(self._store.session) or not on:
            self._draw_all()

    def show_radius(self) -> None:
        """Show the ring in its new size where the mouse is."""
        for view in self._views.values():
            if view.brush.ring.isVisible():
                self._ring(view, QPointF(view.viewport().mapFromGlobal(QCursor.pos())))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Handle the left button and moves."""
        view = self._views.get(watched)  # type: ignore[call-overload]
        if not self._active or view is None or view.shown is None or view.shown.arriving is not None:
            return False
        kind = event.type()
        if kind is QEvent.Type.Leave:
            view.brush.show_ring(None, 0.0, erase=False)
        return isinstance(event, QMouseEvent) and self._mouse(view, kind, event)

    def _mouse(self, view: SliceView, kind: QEvent.Type, event: QMouseEvent) -> bool:
        left = Qt.MouseButton.LeftButton
        if kind is QEvent.Type.MouseButtonPress and event.button() is left and not event.modifiers():
            view.setFocus(Qt.FocusReason.MouseFocusReason)
            self._press(view, event.position())
            return True
        if kind is QEvent.Type.MouseMove:
            self._ring(view, event.position())
            if self._view is view and event.buttons() & left:
                self._stroke_to(view, event.position())
                return True
            return False
        if kind is QEvent.Type.MouseButtonRelease and event.button() is left and self._view is not None:
            self._end()
            return True
        return kind is QEvent.Type.MouseButtonDblClick and event.button() is left

    def _press(self, view: SliceView, at: QPointF) -> None:
        editing, shown = self.canvas.editing, view.shown
        if editing is None or shown is None or not self.free:
            return
        unseen = view.brush.labels is None or not shown.is_plain  # nobody paints what he cannot see
        if self.canvas.pen is None or unseen:
            self._refused()
            return
        self._view, self._last, self.axis = view, None, shown.layout.through_axis
        self.canvas.begin()
        if editing.tool is Tool.FILL:
            self._fill(view, shown, editing, at)
            self._end()
        else:
            self._stroke_to(view, at)

    def _stroke_to(self, view: SliceView, at: QPointF) -> None:
        """Paint from the last place to this one."""
        editing, shown = self.canvas.editing, view.shown
        if editing is None or shown is None or not self.canvas.painting:
            return
        here = shown.layout.to_lps(*view.to_pixel(at), shown.index)
        begin, self._last = here if self._last is None else self._last, here
        slab = None if editing.ball else _slab(shown)
        patch = stroke(shown.layout.geometry, begin.tolist(), here.tolist(), editing.radius_mm, slab)
        if patch is not None and editing.span is not None and not shown.volume.is_color:
            patch = of_values(patch, shown.volume.array_tzyx[shown.time], *editing.span)
        if patch is not None and self.canvas.paint(patch, erase=editing.erase):
            self._touch(patch)

    def _fill(self, view: SliceView, shown: Shown, editing: Editing, at: QPointF) -> None:
        labels, pen, seed = self.canvas.labels, self.canvas.pen, shown.voxel(*view.to_pixel(at))
        if labels is None or pen is None or seed is None:
            return
        if editing.erase:
            patch = erasable(labels, seed, _slab(shown), pen)
        else:
            ranged = editing.span is not None and not shown.volume.is_color
            values = shown.volume.array_tzyx[shown.time] if ranged else None
            patch = fill(labels, values, editing.span or (0.0, 0.0), seed, _slab(shown))
        if patch is None:
            self._refused()
        elif self.canvas.paint(patch, erase=editing.erase):
            self._touch(patch)

    def _end(self) -> None:
        self._view, self._last = None, None
        changed = self.canvas.end()
        if changed is not None:
            self._painted(*changed)

    def _touch(self, patch: Patch) -> None:
        for view in self._views.values():
            if view.shown is not None and view.isVisible():
                view.brush.touch(view.shown, self.canvas, patch)

    def _ring(self, view: SliceView, at: QPointF) -> None:
        editing = self.canvas.editing
        for other in self._views.values():
            if other is not view:
                other.brush.show_ring(None, 0.0, erase=False)
        if editing is None or editing.tool is Tool.FILL:
            view.brush.show_ring(None, 0.0, erase=False)
            return
        scene = view.viewportTransform().inverted()[0].map(at)
        view.brush.show_ring(scene, editing.radius_mm, erase=editing.erase)

    def _changed(self, _old: Session, new: Session) -> None:
        was = self.canvas.prediction is not None
        if self.canvas.follow(new) or was or self.canvas.prediction is not None:
            self._draw_all()

    def _draw_all(self) -> None:
        for view in self._views.values():
            view.draw_brush()


def _slab(shown: Shown) -> Slab:
    return shown.layout.through_axis, shown.index
