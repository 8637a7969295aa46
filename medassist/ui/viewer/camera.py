"""Which part of a scene a view shows: its centre and its zoom, kept when the view changes size."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QTransform
from PySide6.QtWidgets import QGraphicsView

from medassist.ui.viewer import gestures

FILLED = 0.96


class Camera:
    """Zoom (screen pixels per scene unit) and pan of one view; until the reader changes them, all is in sight."""

    def __init__(self, view: QGraphicsView) -> None:
        self._view = view
        self._center, self._picture, self._fitted = QPointF(), QRectF(), True
        self.zoom = 1.0

    def fit(self, picture: QRectF) -> None:
        """Show the whole picture (scene units), now and after every change of size."""
        self._picture, self._fitted = picture, True
        area = self._view.viewport().rect()
        self.zoom = FILLED * min(area.width() / picture.width(), area.height() / picture.height())
        self._look_at(picture.center())

    def zoom_by(self, factor: float, at: QPointF) -> None:
        """Enlarge around a viewport position, which stays where it is."""
        before = self._view.viewportTransform().inverted()[0].map(at)
        zoom = min(max(self.zoom * factor, gestures.SMALLEST_ZOOM), gestures.LARGEST_ZOOM)
        center = before + (self._center - before) * (self.zoom / zoom)
        self.zoom, self._fitted = zoom, False
        self._look_at(center)

    def shift(self, step: QPointF) -> None:
        """Move the picture by viewport pixels."""
        self._fitted = False
        self._look_at(self._center - step / self.zoom)

    def resized(self) -> None:
        """Keep the whole picture in sight, or the same place in the middle."""
        if self._fitted and not self._picture.isEmpty():
            self.fit(self._picture)
        else:
            self._look_at(self._center)

    def _look_at(self, center: QPointF) -> None:
        self._center = center
        self._view.setTransform(QTransform.fromScale(self.zoom, self.zoom))
        self._view.centerOn(center)
        self._view.viewport().update()
