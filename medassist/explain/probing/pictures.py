"""The slice that holds most of a region, as it was and as it was changed, small enough to be kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medassist.entities.probe import Area
from medassist.entities.volume import Volume, Window
from medassist.imaging.render import blend_labels, to_gray8
from medassist.imaging.slicing import layout, native_plane

LARGEST, LINE = 320, 2
COLOR = (86, 180, 233)

Rgb = NDArray[np.uint8]


def pictured(before: Volume, after: Volume, area: Area, window: Window) -> tuple[Rgb, Rgb]:
    """Return both as uint8 (row, column, 3) of at most 320 rows and columns, turned as the viewer shows stored slices.

    The region is outlined in both; the line, of two pixels, lies around it.
    """
    labels = np.zeros(area.geometry.shape_zyx[1:], np.uint8)
    inside = area.inside_zyx[area.key_slice - area.corner_zyx[0]]
    labels[area.box[1:]][inside] = 1
    first, second = (_picture(one, area, labels, window) for one in (before, after))
    return first, second


def _picture(volume: Volume, area: Area, labels: NDArray[np.uint8], window: Window) -> Rgb:
    from scipy.ndimage import binary_dilation

    shown = layout(volume.geometry, native_plane(volume.geometry))
    turned = shown.extract(volume.array_zyx, area.key_slice)
    outlined = shown.extract(np.broadcast_to(labels, area.geometry.shape_zyx), area.key_slice)
    step = -(-max(turned.shape[:2]) // LARGEST)
    small = np.ascontiguousarray(turned[::step, ::step])
    gray = small if volume.is_color else to_gray8(small, window, volume.inverted)
    marked = np.ascontiguousarray(outlined[::step, ::step]) > 0
    line = binary_dilation(marked, iterations=LINE) & ~marked  # outside, so that nothing of the region is covered
    return blend_labels(gray, line.astype(np.uint8), {1: COLOR}, fill_opacity=1.0)
