"""What a drag of the mouse means, in numbers."""

from __future__ import annotations

import math

from medassist.entities.volume import Window

DRAG_STARTS_PX = 4
WIDTH_E_FOLD_PX = 220.0
CENTER_PX_PER_WIDTH = 350.0
ZOOM_E_FOLD_PX = 180.0
ZOOM_PER_NOTCH = 1.15
SMALLEST_ZOOM, LARGEST_ZOOM = 0.02, 200.0


def dragged_window(window: Window, right_px: float, up_px: float) -> Window:
    """Return the window after a drag: right is wider (less contrast), up lowers the centre (brighter).

    The shape of the grey scale stays, but a table cannot be dragged: its range becomes a linear window.
    """
    width = window.width * math.exp(right_px / WIDTH_E_FOLD_PX)
    center = window.center - up_px * window.width / CENTER_PX_PER_WIDTH
    return Window(center, max(width, 1e-6), function=window.function)


def dragged_zoom(up_px: float) -> float:
    """Return the factor of a zoom drag: up enlarges."""
    return math.exp(up_px / ZOOM_E_FOLD_PX)


def notches(delta_eighths: int, carried: int) -> tuple[int, int]:
    """Turn wheel movement (Qt's eighths of a degree) into whole slices and what is left for the next event."""
    total = delta_eighths + carried
    whole = int(total / 120)
    return whole, total - 120 * whole


def nice_length(longest: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is not longer than `longest` (> 0)."""
    power = 10.0 ** math.floor(math.log10(longest))
    return next(step * power for step in (5.0, 2.0, 1.0) if step * power <= longest * (1 + 1e-9))
