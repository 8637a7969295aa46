"""Drawings of every shape on a slice of a volume, with the figures the product takes from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydicom.uid import generate_uid

from medassist.entities.measurement import Measurement, Shape
from medassist.entities.volume import Volume
from medassist.imaging.measuring import quantities
from medassist.imaging.measuring_plane import points_of_index

OUTLINES = {
    Shape.LENGTH: ((10, 12), (21.25, 30.5)),
    Shape.ANGLE: ((10, 12), (20, 20), (33.5, 12.25)),
    Shape.COBB: ((10, 12), (21, 13.5), (12, 30), (24, 41)),
    Shape.BIDIRECTIONAL: ((10, 12), (30, 27), (16.5, 26), (24, 16)),
    Shape.ELLIPSE: ((10, 20), (30, 20), (20, 14), (20, 26)),
    Shape.RECTANGLE: ((10, 12), (25, 12), (25, 30), (10, 30)),
    Shape.POLYGON: ((10, 12), (25, 14), (22, 31), (15, 33)),
    Shape.FREEHAND: ((10, 12), (14.3, 11.1), (25, 14), (24.2, 20.9), (22, 31), (15, 33)),
}
"""(column, row) of the points of each shape that has figures, in the order of `Measurement`."""


def drawing(volume: Volume, shape: Shape, index: int = 2, **changes: object) -> Measurement:
    """Return one drawing by Jane Doe with its figures; `points` may replace those of `OUTLINES`."""
    points = changes.pop("points", None) or OUTLINES.get(shape, ((10, 12), (20, 14)))
    at = np.array([(column, row, index) for column, row in points], dtype=np.float64)  # type: ignore[union-attr]
    made = Measurement(
        str(generate_uid()),
        volume.series.key,
        shape,
        points_of_index(at, index, volume),
        index,
        by="Jane Doe",
        made_at="2026-11-20T09:10:11+08:00",
    )
    return replace(made, quantities=quantities(made, volume), **changes)  # type: ignore[arg-type]


def drawings(volume: Volume, index: int = 2) -> tuple[Measurement, ...]:
    """Return one drawing of every shape, those without figures too."""
    return tuple(drawing(volume, shape, index) for shape in Shape)
