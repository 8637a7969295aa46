"""Boxes and brushes between the display of a slice and its voxels as stored. No Qt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from medassist.entities.prompt import Box
from medassist.imaging.slicing import Layout

EDGES = {"left": "first_column", "right": "last_column", "top": "first_row", "bottom": "last_row"}
HANDLES = (
    ("left", "top"), ("right", "top"), ("left", "bottom"), ("right", "bottom"),
    ("left",), ("right",), ("top",), ("bottom",),
)  # fmt: skip
"""The corners and the middles of the edges of a box as stored, by the edges they move."""


def as_stored(layout: Layout) -> bool:
    """Tell whether a view shows the slices as they are stored."""
    return layout.through_axis == 2


def voxel_at(layout: Layout, row: float, column: float, index: int) -> tuple[float, float]:
    """Return the fractional (column, row) of the stored slice under a place of the display."""
    i, j, _k = layout.geometry.to_index(layout.to_lps(row, column, index))
    return float(i), float(j)


def display_at(layout: Layout, column: float, row: float, index: int) -> tuple[float, float]:
    """Return the (row, column) of the display over a place of the stored slice."""
    down, right, _index = layout.to_display(layout.geometry.to_world([column, row, index]))
    return float(down), float(right)


def box_between(layout: Layout, first: tuple[float, float], last: tuple[float, float], index: int) -> Box | None:
    """Return the box with two corners given as stored (column, row); None when it holds less than 2 x 2 voxels."""
    columns, rows = (sorted((round(first[axis]), round(last[axis]))) for axis in (0, 1))
    box = Box(columns[0], rows[0], columns[1], rows[1], index).within(layout.geometry)
    return box if box is not None and min(box.columns, box.rows) >= 2 else None


def handle_places(box: Box) -> dict[tuple[str, ...], tuple[float, float]]:
    """Return where the handles lie: (column, row) as stored, on the outer edges of the box."""
    edge = {
        "left": box.first_column - 0.5,
        "right": box.last_column + 0.5,
        "top": box.first_row - 0.5,
        "bottom": box.last_row + 0.5,
    }
    middle = ((edge["left"] + edge["right"]) / 2, (edge["top"] + edge["bottom"]) / 2)
    places: dict[tuple[str, ...], tuple[float, float]] = {}
    for handle in HANDLES:
        column = next((edge[name] for name in handle if name in ("left", "right")), middle[0])
        row = next((edge[name] for name in handle if name in ("top", "bottom")), middle[1])
        places[handle] = (column, row)
    return places


def pulled(layout: Layout, box: Box, handle: tuple[str, ...], to: tuple[float, float]) -> Box | None:
    """Return the box with one handle pulled to a place (column, row) as stored; None when too little is left."""
    inner = {"left": round(to[0] + 0.5), "right": round(to[0] - 0.5),
             "top": round(to[1] + 0.5), "bottom": round(to[1] - 0.5)}  # fmt: skip
    moved = replace(box, **{EDGES[name]: inner[name] for name in handle})
    return box_between(
        layout, (moved.first_column, moved.first_row), (moved.last_column, moved.last_row), box.slice_index
    )


def shifted(layout: Layout, box: Box, columns: float, rows: float) -> Box:
    """Return the box moved over its slice, as a whole and kept inside."""
    _, height, width = layout.geometry.shape_zyx
    right = int(np.clip(round(columns), -box.first_column, width - 1 - box.last_column))
    down = int(np.clip(round(rows), -box.first_row, height - 1 - box.last_row))
    return Box(
        box.first_column + right, box.first_row + down, box.last_column + right, box.last_row + down, box.slice_index
    )


def stroke(layout: Layout, begin: tuple[float, float], end: tuple[float, float], radius_mm: float) -> NDArray[np.bool_]:
    """Return the voxels (rows, columns) whose centres a round brush touches between two places (column, row)."""
    right_mm, down_mm, _ = layout.geometry.spacing_mm
    _, height, width = layout.geometry.shape_zyx
    x, y = np.arange(width)[None, :] * right_mm, np.arange(height)[:, None] * down_mm
    (x0, y0), (x1, y1) = ((place[0] * right_mm, place[1] * down_mm) for place in (begin, end))
    length = (x1 - x0) ** 2 + (y1 - y0) ** 2
    along = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length, 0, 1) if length else np.zeros((1, 1))
    touched: NDArray[np.bool_] = (x - x0 - along * (x1 - x0)) ** 2 + (y - y0 - along * (y1 - y0)) ** 2 <= radius_mm**2
    return touched
