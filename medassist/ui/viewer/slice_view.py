"""One plane: layers in a scene measured in millimetres, texts on top, and the conventional mouse map."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QResizeEvent, QTransform, QWheelEvent
from PySide6.QtWidgets import QFrame, QGraphicsScene, QGraphicsView, QWidget

from medassist.imaging.slicing import Layout, Plane
from medassist.session.actions import MoveCursor, SetWindow
from medassist.session.state import Session
from medassist.ui.store import Store
from medassist.ui.viewer import gestures
from medassist.ui.viewer.annotations import Annotated, draw_annotations
from medassist.ui.viewer.brush_canvas import Canvas
from medassist.ui.viewer.brush_layer import BrushLayer
from medassist.ui.viewer.camera import Camera
from medassist.ui.viewer.file_layers import FileLayers
from medassist.ui.viewer.layers import SliceLayers
from medassist.ui.viewer.measure_layer import MeasureLayer
from medassist.ui.viewer.placing import Placing, can_be_reached, grid_of, in_scene, picture_rect
from medassist.ui.viewer.plane_turning import PlaneTurner
from medassist.ui.viewer.presented import PresentationLayer
from medassist.ui.viewer.region_layers import RegionLayers
from medassist.ui.viewer.slices import Shown, shown_of

WHOLE = QRectF(-1e5, -1e5, 2e5, 2e5)


class SliceView(QGraphicsView):
    """Draw one plane of the series on screen; zoom and pan belong to the view, all else to the session.

    Scene coordinates are millimetres: the centre of display pixel (row, column) lies at
    (column * spacing, row * spacing). `maximise` asks the viewer to enlarge this plane or to put it back.
    """

    maximise = Signal()
    unfocused = Signal()
    sigDeviceRangeChanged = Signal(object, object)  # noqa: N815 - pyqtgraph items look for these two
    sigDeviceTransformChanged = Signal(object)  # noqa: N815

    def __init__(self, store: Store, plane: Plane, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self.plane = store, plane
        self._placing = Placing()
        self._layout: Layout | None = None
        self._shown: Shown | None = None
        self._turner = PlaneTurner(store, self)
        self._seen = store.session
        self._crosshair, self._hidden = True, False
        self.leading = False
        self.camera = Camera(self)
        self._framed: tuple[object, ...] = ()
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._dragging = False
        self._wheel_rest = 0
        self._hover: QPointF | None = None
        scene = QGraphicsScene(self)
        scene.setSceneRect(WHOLE)
        scene.setBackgroundBrush(QColor(0, 0, 0))
        self.setScene(scene)
        self.layers, self.files, self.regions = SliceLayers(scene), FileLayers(scene), RegionLayers(scene)
        self.brush = BrushLayer(scene)
        self.canvas: Canvas | None = None
        self.presented, self.measures = PresentationLayer(scene), MeasureLayer()
        self._dress()

    @property
    def shown(self) -> Shown | None:
        """What is on screen."""
        return self._shown

    @property
    def is_dragging(self) -> bool:
        """Whether the button that is held down has moved too far for a click."""
        return self._dragging

    def draw(self, session: Session, *, hidden: bool, crosshair: bool) -> None:
        """Bring the plane up to date; `session` may be a part of what the store holds, such as one of its maps."""
        self._seen = session
        geometry = session.geometry
        if geometry is None:
            self._layout = self._shown = None
            self._framed = ()
            self.layers.clear()
            self.files.clear()
            self.regions.clear()
            self.brush.clear()
            self.presented.clear()
            self.viewport().update()
            return
        before, self._layout = self._layout, self._placing.follow(session, self.plane)
        assert self._layout is not None  # noqa: S101 - there is a grid
        self._shown = shown_of(session, self.plane, self._layout, self._shown)
        assert self._shown is not None  # noqa: S101 - there is a grid, so there is a series
        self._crosshair, self._hidden = crosshair, hidden
        self._turner.follow(session, self._shown, crosshair=crosshair)
        self.layers.draw(self._shown, session, hidden)
        self.files.draw(self._shown, session, hidden)
        self.regions.draw(self._shown, session, hidden)
        self.brush.draw(self._shown, session, self.canvas, hidden)
        self.presented.draw(self._shown, session, hidden)
        self._frame(session.current, before)
        self.viewport().update()

    def draw_brush(self) -> None:
        """Bring the mask that is edited up to date: it is painted before the session knows."""
        if self._shown is not None:
            self.brush.draw(self._shown, self._store.session, self.canvas, self._hidden)

    def _frame(self, key: str, before: Layout | None) -> None:
        """Show the whole slice of a series that just came; zoom and place stay when more of the same is there.

        When the planes are turned the crosshair stays where it is on screen.
        """
        assert self._layout is not None  # noqa: S101 - the caller set it
        framed = (key, self.plane, *grid_of(self._layout))
        if framed != self._framed:
            self._framed = framed
            self.camera.frame(picture_rect(self._layout))
        elif before is not None and before is not self._layout:
            then, now = (in_scene(one, self._seen.view.cursor_lps) for one in (before, self._layout))
            self.camera.hold(then, now, picture_rect(self._layout))

    def show_plane(self, plane: Plane) -> None:
        """Show another plane from the next `draw` on."""
        if plane is not self.plane:
            self.plane, self._layout = plane, None

    def fit(self) -> None:
        """Show the whole slice."""
        if self._layout is not None:
            self.camera.fit(picture_rect(self._layout))

    def to_screen(self, row: float, column: float) -> QPointF:
        """Return where a display pixel's centre lies in the viewport."""
        assert self._layout is not None  # noqa: S101 - callers draw first
        down, right = self._layout.spacing_mm
        return self.viewportTransform().map(QPointF(column * right, row * down))

    def to_pixel(self, at: QPointF) -> tuple[float, float]:
        """Return the (row, column) of the slice under a viewport position."""
        assert self._layout is not None  # noqa: S101 - callers draw first
        down, right = self._layout.spacing_mm
        scene = self.viewportTransform().inverted()[0].map(at)
        return scene.y() / down, scene.x() / right

    def scroll(self, slices_down: int) -> None:  # type: ignore[override]
        """Go some slices further (positive is towards higher slice numbers), stopping at the ends."""
        if self._shown is not None:
            self.go_to(self._shown.index + slices_down)

    def go_to(self, index: int) -> None:
        """Show one slice; the cursor keeps its place within the plane."""
        if self._shown is None or self._layout is None:
            return
        index = min(max(index, 0), self._layout.count - 1)
        row, column, _index = self._layout.to_display(self._store.session.view.cursor_lps)
        if can_be_reached(self._layout, row, column, index):
            self._move_cursor(float(row), float(column), index)

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Enlarge around a viewport position, by default the middle."""
        anchor = QPointF(self.viewport().rect().center()) if at is None else at
        self.camera.zoom_by(factor, anchor)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Begin a drag; which one, the button decides."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._pressed = self._last = event.position()
        self._dragging = False
        if self._turner.press(event):
            self._pressed = None
            return
        if event.button() is Qt.MouseButton.LeftButton and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._point_at(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Window with the left button, pan with the middle one, zoom with the right one; else tell what lies here."""
        at, buttons = event.position(), event.buttons()
        if self._layout is None:
            return
        self._hover = at
        self._turner.pull(event)
        if self._pressed is not None and buttons is not Qt.MouseButton.NoButton:
            moved = at - self._pressed
            self._dragging = self._dragging or moved.manhattanLength() >= gestures.DRAG_STARTS_PX
            if self._dragging:
                self._drag(at - self._last, at, event)
                self._last = at
        self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A left click that was no drag moves the crosshair."""
        self._turner.let_go(event)
        clicked = event.button() is Qt.MouseButton.LeftButton and not self._dragging
        if clicked and self._pressed is not None:
            self._point_at(event.position())
        self._pressed, self._dragging = None, False

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Enlarge this plane or put it back."""
        self._pressed = None
        if event.button() is Qt.MouseButton.LeftButton:
            self.maximise.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Scroll slices; zoom with Ctrl."""
        event.accept()
        steps, self._wheel_rest = gestures.notches(event.angleDelta().y(), self._wheel_rest)
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom_by(gestures.ZOOM_PER_NOTCH**steps, event.position())
        elif steps:
            self.scroll(-steps)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Leave all keys to the viewer."""
        event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Leave all keys to the viewer."""
        event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Tell the viewer: a key held down will be let go elsewhere."""
        self.unfocused.emit()
        super().focusOutEvent(event)

    def leaveEvent(self, _event: QEvent) -> None:  # noqa: N802
        """Nothing lies under the cursor any more."""
        self._hover = None
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep the whole slice in sight, or the same place in the middle."""
        super().resizeEvent(event)
        self.camera.resized()

    def drawForeground(self, painter: QPainter, _rect: QRectF | QRect) -> None:  # noqa: N802
        """Draw measurements, crosshair and texts in viewport pixels."""
        if self._shown is None:
            return
        painter.save()
        painter.setWorldTransform(QTransform())
        area, shown = QRectF(self.viewport().rect()), self._shown
        draw_annotations(
            painter,
            area,
            self._seen,
            self._annotated(shown),
            lambda texts: self.measures.draw(painter, area, self._seen, shown, self.viewportTransform().map, texts),
        )
        painter.restore()

    def _annotated(self, shown: Shown) -> Annotated:
        row, column, _index = shown.layout.to_display(self._seen.view.cursor_lps)
        return Annotated(
            shown,
            self.camera.zoom,
            self.leading,
            self._hidden,
            self.to_screen(float(row), float(column)) if self._crosshair else None,
            None if self._hover is None else self.to_pixel(self._hover),
            self._turner.drawn(pointed=self._hover is not None),
            facing=self.camera.facing,
        )

    def _dress(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(QSize(120, 120))

    def _drag(self, step: QPointF, at: QPointF, event: QMouseEvent) -> None:
        buttons, session = event.buttons(), self._store.session
        if buttons & Qt.MouseButton.MiddleButton:
            self.camera.shift(step)
        elif buttons & Qt.MouseButton.RightButton:
            self.zoom_by(gestures.dragged_zoom(-step.y()), self._pressed)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._point_at(at)
        elif session.view.window is not None:
            self._store.dispatch(SetWindow(gestures.dragged_window(session.view.window, step.x(), -step.y())))

    def _point_at(self, at: QPointF) -> None:
        if self._shown is not None:
            row, column = self.to_pixel(at)
            self._move_cursor(row, column, self._shown.index)

    def _move_cursor(self, row: float, column: float, index: int) -> None:
        assert self._layout is not None  # noqa: S101 - callers have a slice on screen
        x, y, z = self._layout.to_lps(row, column, index)
        self._store.dispatch(MoveCursor((float(x), float(y), float(z))))
