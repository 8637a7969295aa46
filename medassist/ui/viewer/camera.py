"""Which part of a scene a view shows: its centre and its zoom, kept when the view changes size and shared by views."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QTransform
from PySide6.QtWidgets import QGraphicsView

from medassist.ui.viewer import gestures
from medassist.ui.viewer.facing import STRAIGHT, Facing

FILLED = 0.96


class Camera:
    """Zoom (screen pixels per scene unit), pan and turn of one view; until the reader changes them, all is in sight.

    A picture that just came is never turned or mirrored: nobody reads the next patient from the wrong side.
    """

    def __init__(self, view: QGraphicsView) -> None:
        self._view = view
        self._center, self._picture, self._fitted = QPointF(), QRectF(), True
        self._linked: tuple[Camera, ...] = ()
        self.zoom, self.facing = 1.0, STRAIGHT

    def face(self, facing: Facing) -> None:
        """Turn and mirror what is shown; its middle stays."""
        for one in (self, *self._linked):
            one.facing = facing
            one.resized()

    def fit(self, picture: QRectF) -> None:
        """Show the whole picture (scene units), now and after every change of size."""
        self._fit(picture)
        for other in self._linked:
            other._fit(picture)

    def frame(self, picture: QRectF) -> None:
        """Show a picture that just came: as a linked camera shows the same one by now, else the whole of it."""
        same = [other for other in self._linked if other._picture == picture]
        self.facing = same[0].facing if same else STRAIGHT
        self._fit(picture)
        for other in (one for one in same if not one._fitted):
            self._follow(other)

    def zoom_by(self, factor: float, at: QPointF) -> None:
        """Enlarge around a viewport position, which stays where it is."""
        before = self._view.viewportTransform().inverted()[0].map(at)
        zoom = min(max(self.zoom * factor, gestures.SMALLEST_ZOOM), gestures.LARGEST_ZOOM)
        center = before + (self._center - before) * (self.zoom / zoom)
        self.zoom, self._fitted = zoom, False
        self._look_at(center)
        self._lead()

    def shift(self, step: QPointF) -> None:
        """Move the picture by viewport pixels."""
        self._fitted = False
        self._look_at(self._center - self.facing.transform().inverted()[0].map(step) / self.zoom)
        self._lead()

    def resized(self) -> None:
        """Keep the whole picture in sight, or the same place in the middle."""
        if self._fitted and not self._picture.isEmpty():
            self._fit(self._picture)
        else:
            self._look_at(self._center)

    def hold(self, before: QPointF, now: QPointF, picture: QRectF) -> None:
        """Keep a place where it is in the viewport, as close, when the scene shows it elsewhere from now on."""
        self._picture = picture
        self._look_at(self._center + now - before)

    def _fit(self, picture: QRectF) -> None:
        self._picture, self._fitted = picture, True
        area = self._view.viewport().size()
        area = area.transposed() if self.facing.lies else area
        self.zoom = FILLED * min(area.width() / picture.width(), area.height() / picture.height())
        self._look_at(picture.center())

    def _lead(self) -> None:
        """Let the linked cameras look at the same place, as close."""
        for other in self._linked:
            other._follow(self)

    def _follow(self, other: Camera) -> None:
        self.zoom, self._fitted, self.facing = other.zoom, False, other.facing
        self._look_at(other._center)

    def _look_at(self, center: QPointF) -> None:
        self._center = center
        self._view.setTransform(self.facing.transform() * QTransform.fromScale(self.zoom, self.zoom))
        self._view.centerOn(center)
        self._view.viewport().update()


def link(cameras: Sequence[Camera]) -> None:
    """Let cameras of the same scene follow each other: what a reader does to one happens to all."""
    for one in cameras:
        one._linked = tuple(other for other in cameras if other is not one)
