"""A measurement while it is drawn or dragged: places of the mouse become a drawing of the patient."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF

from medassist.entities.measurement import Measurement, Shape
from medassist.imaging.measuring import quantities
from medassist.session.measurements import new_measurement
from medassist.ui.viewer.measure_place import in_patient, on_plane, stored_index
from medassist.ui.viewer.measure_shapes import CLICKS, LEAST_CORNERS, built, ordered, pulled
from medassist.ui.viewer.slice_view import SliceView
from medassist.ui.viewer.slices import Shown

Points = NDArray[np.float64]

LIVE_PIXELS = 300_000
"""Larger areas tell their values when the button is let go."""
CLICK_PX, CLOSE_PX, STROKE_PX = 4.0, 9.0, 3.0
"""Below the first a drag is a click; so near its first corner a polygon closes; so far apart are points of a stroke."""


def scene_of(view: SliceView, at: QPointF) -> Points:
    """Return the place of the scene (mm) under a viewport position."""
    mapped = view.viewportTransform().inverted()[0].map(at)
    return np.array([mapped.x(), mapped.y()])


def place_of(shown: Shown) -> tuple[object, ...]:
    """Return what must stay the same while something is drawn: series, plane, slice and time point."""
    return shown.volume, shown.layout, shown.index, shown.time


@dataclass(eq=False)
class Drawing:
    """A shape that is being drawn on one plane of one slice. `clicks` are places of the scene (mm)."""

    shape: Shape
    view: SliceView
    shown: Shown
    by: str = ""
    clicks: list[Points] = field(default_factory=list)
    pressed: QPointF | None = None

    @property
    def is_here(self) -> bool:
        """Whether the view still shows what the drawing was begun on."""
        return self.view.shown is not None and place_of(self.view.shown) == place_of(self.shown)

    def press(self, at: QPointF) -> None:
        """Put a place where the button went down."""
        self.pressed = at
        self.clicks.append(scene_of(self.view, at))

    def drag(self, at: QPointF) -> None:
        """Follow the mouse with a freehand line."""
        last = self.view.viewportTransform().map(QPointF(*self.clicks[-1]))
        if self.shape is Shape.FREEHAND and (at - last).manhattanLength() >= STROKE_PX:
            self.clicks.append(scene_of(self.view, at))

    def release(self, at: QPointF) -> None:
        """Put a second place where a drag ends."""
        dragged = self.pressed is not None and (at - self.pressed).manhattanLength() >= CLICK_PX
        self.pressed = None
        if dragged and self.shape is not Shape.FREEHAND:
            self.clicks.append(scene_of(self.view, at))

    def is_done(self, at: QPointF) -> bool:
        """Whether nothing more is needed; a polygon is done by a click on its first corner."""
        if self.shape is Shape.FREEHAND:
            return self.pressed is None
        if self.shape is not Shape.POLYGON:
            return len(self.clicks) >= CLICKS[self.shape]
        first = self.view.viewportTransform().map(QPointF(*self.clicks[0]))
        if len(self.clicks) <= LEAST_CORNERS or (at - first).manhattanLength() > CLOSE_PX:
            return False
        self.clicks.pop()
        return True

    def measured(self, at: QPointF | None = None) -> Measurement | None:
        """Return the drawing as it is, or as it would be with one more place; None when it is nothing to keep."""
        floating = at is not None and self.shape is not Shape.FREEHAND
        places = [*self.clicks, scene_of(self.view, at)] if floating and at is not None else self.clicks
        clicks = np.array(places[: CLICKS.get(self.shape, len(places))])
        points = built(self.shape, clicks)
        if at is None and (points is None or not self._has_extent(points)):
            return None
        drawn = clicks if points is None else points
        one = new_measurement(self.shown.volume.series.key, self.shape, in_patient(drawn, self.shown),
                              slice_index=stored_index(self.shown), time=self.shown.time, by=self.by)  # fmt: skip
        return replace(one, quantities=quantities(one, self.shown.volume, most_pixels=LIVE_PIXELS))

    def _has_extent(self, points: Points) -> bool:
        """Tell whether a shape can be seen: a click that slipped makes no measurement."""
        sizes = np.ptp(points, axis=0) * self.view.camera.zoom
        if self.shape in (Shape.ELLIPSE, Shape.RECTANGLE):
            return bool(sizes.min() >= CLICK_PX / 2)
        pairs = (points[:2], points[2:]) if self.shape in (Shape.COBB, Shape.BIDIRECTIONAL) else (points,)
        return self.shape is Shape.TEXT or all(np.ptp(one, axis=0).max() * self.view.camera.zoom >= 1 for one in pairs)


@dataclass(eq=False)
class Dragging:
    """A measurement that is moved, or pulled at one of its handles."""

    measurement: Measurement
    handle: int | None
    view: SliceView
    shown: Shown
    begun: QPointF
    moved: bool = False

    def at(self, at: QPointF) -> Measurement:
        """Return the measurement as the mouse wants it, with its figures."""
        self.moved = self.moved or (at - self.begun).manhattanLength() >= CLICK_PX
        before = on_plane(self.measurement, self.shown)
        if not self.moved or before is None:
            return self.measurement
        step = scene_of(self.view, at) - scene_of(self.view, self.begun)
        shape, handle = self.measurement.shape, self.handle
        after = before + step if handle is None else pulled(shape, before, handle, before[handle] + step)
        one = replace(self.measurement, points_lps=in_patient(after, self.shown))
        return replace(one, quantities=quantities(one, self.shown.volume, most_pixels=LIVE_PIXELS))

    def settled(self, at: QPointF) -> Measurement:
        """Return the measurement as it is let go, the longer axis first."""
        one = self.at(at)
        points = on_plane(one, self.shown)
        if points is None or not self.moved:
            return one
        return replace(one, points_lps=in_patient(ordered(one.shape, points), self.shown))
