"""The mouse and the keys while something is measured, and on what was measured before."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent

from medassist.entities.measurement import Measurement, Shape
from medassist.session.comparing import StopComparing
from medassist.session.measurements import (
    AddMeasurement,
    ChangeMeasurement,
    DropMeasurement,
    SelectMeasurement,
)
from medassist.session.state import Session
from medassist.ui.reader import reader_name
from medassist.ui.store import Store
from medassist.ui.viewer.measure_drawing import Dragging, Drawing
from medassist.ui.viewer.measure_layer import Hit
from medassist.ui.viewer.measure_naming import ask_name, ask_words
from medassist.ui.viewer.pointer import Pointer
from medassist.ui.viewer.slice_view import SliceView

WORDS = (Shape.ARROW, Shape.TEXT)
"""Shapes that say something: their words are asked for at once."""


class MeasureTool(QObject):
    """Draw with the left button while a shape is chosen; without one, drag what was drawn where the mouse hits it.

    All other buttons, the wheel, and the left button with a modifier keep their meaning. `chosen(shape)` tells of every
    change of the shape, None for no tool. With `stays` a shape stays chosen after it was drawn.
    """

    chosen = Signal(object)

    def __init__(self, store: Store, views: Sequence[SliceView], pointer: Pointer, parent: QObject) -> None:
        super().__init__(parent)
        self._store, self._pointer = store, pointer
        self._views = {view.viewport(): view for view in views}
        self._shape: Shape | None = None
        self._drawing: Drawing | None = None
        self._dragging: Dragging | None = None
        self._swallow = self._just_done = False
        self.stays = False
        for viewport in self._views:
            viewport.installEventFilter(self)
        pointer.taken.connect(self._taken)
        store.changed.connect(self._changed)

    @property
    def shape(self) -> Shape | None:
        """What the left button draws, None for no tool."""
        return self._shape

    def choose(self, shape: Shape | None) -> None:
        """Take the left button to draw a shape, or give it back with None; what is not finished is forgotten."""
        self._forget()
        self._shape = shape
        if shape is None:
            self._pointer.release(self)
        else:
            self._pointer.take(self)
            self._store.dispatch(StopComparing())  # drawings are made on the planes
        for viewport in self._views:
            viewport.unsetCursor() if shape is None else viewport.setCursor(Qt.CursorShape.CrossCursor)
        self.chosen.emit(shape)

    def take_key(self, event: QKeyEvent) -> bool:
        """Handle Esc, Delete, Enter and Backspace where they mean something here."""
        key = event.key()
        if key == Qt.Key.Key_Escape:
            return self._step_back()
        looked_at = any(view.hasFocus() for view in self._views.values())  # in a list the key means its row
        if key == Qt.Key.Key_Delete and looked_at and self._drawing is None and self._selected() is not None:
            self._store.dispatch(DropMeasurement(self._store.session.selected_measurement))
            return True
        if self._drawing is None or self._drawing.shape is not Shape.POLYGON:
            return False
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._finish(self._drawing)
        elif key == Qt.Key.Key_Backspace:
            self._drop_corner(self._drawing)
        else:
            return False
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Handle the left button, and the mouse that moves without one."""
        view = self._views.get(watched)  # type: ignore[call-overload]
        ours = self._pointer.owner in (None, self)
        if not ours or view is None or not isinstance(event, QMouseEvent) or view.shown is None:
            return False
        if self._store.session.volume is None or view.shown.arriving is not None:
            return False
        if not view.shown.is_plain:  # what would be measured is not what is seen; the corner says so
            left = isinstance(event, QMouseEvent) and event.button() is Qt.MouseButton.LeftButton
            return left and self._shape is not None
        acts: dict[QEvent.Type, Callable[[SliceView, QMouseEvent], bool]] = {
            QEvent.Type.MouseButtonPress: self._press,
            QEvent.Type.MouseMove: self._move,
            QEvent.Type.MouseButtonRelease: self._release,
            QEvent.Type.MouseButtonDblClick: self._double_click,
        }
        act = acts.get(event.type())
        try:
            return act is not None and act(view, event)
        except Exception:  # Qt would end the program, and the reader's work with it
            self._forget()
            sys.excepthook(*sys.exc_info())
            return True

    def _press(self, view: SliceView, event: QMouseEvent) -> bool:
        if event.button() is not Qt.MouseButton.LeftButton or event.modifiers():
            return False
        view.setFocus(Qt.FocusReason.MouseFocusReason)
        self._just_done = False
        hit = self._hit(view, event.position())
        if self._drawing is None and hit is not None and (self._shape is None or hit.handle is not None):
            self._grab(view, hit, event.position())
            return True
        if self._shape is None:
            return False
        self._draw(view, event.position())
        return True

    def _grab(self, view: SliceView, hit: Hit, at: QPointF) -> None:
        assert view.shown is not None  # noqa: S101 - the filter looked
        self._store.dispatch(SelectMeasurement(hit.measurement.uid))
        self._dragging = Dragging(hit.measurement, hit.handle, view, view.shown, at)

    def _draw(self, view: SliceView, at: QPointF) -> None:
        """Put a place, of a new drawing where there is none on this slice."""
        assert view.shown is not None  # noqa: S101 - the filter looked
        assert self._shape is not None  # noqa: S101 - the caller looked
        if self._drawing is None or self._drawing.view is not view or not self._drawing.is_here:
            self._drawing = Drawing(self._shape, view, view.shown, reader_name())
        self._drawing.press(at)
        self._swallow = True
        self._show(self._drawing.measured(at))
        if self._shape is not Shape.FREEHAND and self._drawing.is_done(at):
            self._finish(self._drawing)

    def _move(self, view: SliceView, event: QMouseEvent) -> bool:
        at, left = event.position(), bool(event.buttons() & Qt.MouseButton.LeftButton)
        if self._dragging is not None and left:
            self._show(self._dragging.at(at))
            return True
        if self._drawing is not None and self._drawing.view is view and self._drawing.is_here:
            if left:
                self._drawing.drag(at)
            self._show(self._drawing.measured(at))
        elif self._shape is None and not event.buttons():
            self._point(view, self._hit(view, at))
        return self._swallow and left

    def _release(self, view: SliceView, event: QMouseEvent) -> bool:
        if event.button() is not Qt.MouseButton.LeftButton:
            return False
        if self._dragging is not None:
            self._let_go(self._dragging, event.position())
            return True
        if not self._swallow:
            if self._hit(view, event.position()) is None and not view.is_dragging:
                self._store.dispatch(SelectMeasurement())
            return False
        self._swallow = False
        if self._drawing is not None and self._drawing.pressed is not None:
            self._drawing.release(event.position())
            if self._drawing.is_done(event.position()):
                self._finish(self._drawing)
        return True

    def _double_click(self, view: SliceView, event: QMouseEvent) -> bool:
        if event.button() is not Qt.MouseButton.LeftButton:
            return False
        if self._drawing is not None and self._drawing.shape is Shape.POLYGON:
            self._finish(self._drawing)
        elif self._drawing is not None:
            self._draw(view, event.position())
        elif self._shape is None and not self._just_done:
            hit = self._hit(view, event.position())
            if hit is None:
                return False
            ask_name(self._store, view, hit.measurement.uid)
        self._swallow = True
        return True

    def _let_go(self, dragging: Dragging, at: QPointF) -> None:
        after = dragging.settled(at)
        self._dragging = None
        self._show(None)
        if dragging.moved:
            self._store.dispatch(ChangeMeasurement(after.uid, points_lps=after.points_lps))

    def _finish(self, drawing: Drawing) -> None:
        """Keep the drawing when it has an extent; the tool stays or is given back."""
        self._just_done = True  # a second click of the same double click means nothing else
        done, self._drawing = drawing.measured() if drawing.is_here else None, None
        self._show(None)
        if done is None:
            return
        if done.shape is Shape.TEXT:
            ask_words(self._store, drawing, done)
        else:
            self._store.dispatch(AddMeasurement(done))
        if not self.stays:
            self.choose(None)
        if done.shape is Shape.ARROW:
            ask_name(self._store, drawing.view, done.uid)

    def _drop_corner(self, drawing: Drawing) -> None:
        drawing.clicks.pop()
        self._drawing = drawing if drawing.clicks else None
        last = drawing.view.viewportTransform().map(QPointF(*drawing.clicks[-1])) if drawing.clicks else None
        self._show(None if last is None else drawing.measured(last))

    def _step_back(self) -> bool:
        """Forget what is being drawn or dragged, then the tool, then the selection; tell whether there was any."""
        if self._drawing is not None or self._dragging is not None:
            self._forget()
        elif self._shape is not None:
            self.choose(None)
        elif self._selected() is not None:
            self._store.dispatch(SelectMeasurement())
        else:
            return False
        return True

    def _forget(self) -> None:
        self._drawing = self._dragging = None
        self._show(None)

    def _selected(self) -> Measurement | None:
        here = self._store.session.measurements_here
        return next((one for one in here if one.uid == self._store.session.selected_measurement), None)

    def _hit(self, view: SliceView, at: QPointF) -> Hit | None:
        assert view.shown is not None  # noqa: S101 - the filter looked
        return view.measures.hit(at, self._store.session, view.shown, view.viewportTransform().map)

    def _point(self, view: SliceView, hit: Hit | None) -> None:
        """Say with the cursor what a press would take."""
        if hit is None:
            view.viewport().unsetCursor()
        else:
            whole = hit.handle is None
            view.viewport().setCursor(Qt.CursorShape.PointingHandCursor if whole else Qt.CursorShape.SizeAllCursor)

    def _show(self, preview: Measurement | None) -> None:
        for viewport, view in self._views.items():
            view.measures.preview = preview
            viewport.update()

    def _as_grabbed(self, session: Session) -> bool:
        """Tell whether what is dragged is still what was grabbed: an undo may have changed it, or taken it back."""
        return self._dragging is None or any(one is self._dragging.measurement for one in session.measurements)

    def _taken(self, owner: object) -> None:
        if owner is not self and self._shape is not None:
            self.choose(None)

    def _changed(self, old: Session, new: Session) -> None:
        if old.volume is not new.volume or not self._as_grabbed(new):
            self._forget()
        if self._shape is not None and old.compared is None and new.compared is not None:
            self.choose(None)
