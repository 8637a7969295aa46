"""Between a measurement in the patient and its points on one plane of the screen. No Qt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medassist.entities.measurement import Measurement, Point
from medassist.imaging.measuring_plane import index_of_points, points_of_index
from medassist.ui.viewer.slices import Shown

Points = NDArray[np.float64]

HALF_SLICE = 0.5


def stored_index(shown: Shown) -> int | None:
    """Return the slice as stored that is on screen, None for a plane across slices."""
    return shown.index if shown.layout.through_axis == 2 else None


def on_plane(measurement: Measurement, shown: Shown) -> Points | None:
    """Return the points of a measurement as (n, 2) x and y in the scene (mm), None where it is not drawn.

    It is drawn on the slice it was drawn on, at its time; one across slices on the planes no farther than half a
    slice from all of its points.
    """
    if shown.arriving is not None or measurement.time != shown.time or not np.isfinite(measurement.points_lps).all():
        return None
    stored = stored_index(shown)
    if (measurement.slice_index is None) != (stored is None):
        return None
    volume = shown.volume
    index = index_of_points(measurement.points_lps, measurement.slice_index, volume)
    row, column, through = shown.layout.to_display(volume.geometry.to_world(index)).T
    here = measurement.slice_index == stored if stored is not None else np.abs(through - shown.index).max() < HALF_SLICE
    down, right = shown.layout.spacing_mm
    return np.stack([column * right, row * down], axis=1) if here else None


def in_patient(points: Points, shown: Shown) -> tuple[Point, ...]:
    """Return where points of the scene (n, 2; mm) of the plane on screen lie in the patient (LPS mm)."""
    down, right = shown.layout.spacing_mm
    world = shown.layout.to_lps(points[:, 1] / down, points[:, 0] / right, shown.index)
    return points_of_index(shown.layout.geometry.to_index(world), stored_index(shown), shown.volume)
