"""A tilted gantry: the corrected volume comes first, the slices as stored stay beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from medassist.entities.geometry import Geometry
from medassist.entities.study import Series, SeriesKind, Warned, warned
from medassist.imaging.frames import Frame
from medassist.imaging.grid import SAME_PLACE_MM, plane_affine, step_of, tilt_degrees
from medassist.imaging.regular import placing_of, regular_series
from medassist.imaging.splitting import Part

RAW = "raw slices"


def with_raw(series: Series, part: Part | None) -> tuple[Series, ...]:
    """Return a series as it is, or, when only a tilted gantry keeps it from being a volume, corrected and raw.

    The corrected one keeps the key. Its shape is larger in the plane, so that every slice fits on the straight grid.
    """
    angle = _angle(part) if part is not None and series.kind is SeriesKind.STACK else None
    if part is None or angle is None:
        return (series,)
    frames = _at_time(part, 0)
    plane = Geometry(plane_affine(frames[0], step_of(frames)), series.shape_zyx, frames[0].frame_of_reference)
    placing = placing_of([frame.position or () for frame in frames], plane)
    if placing is None:
        return (series,)
    mark = _mark(series, f"{angle:.1f}")
    raw = replace(series, key=f"{series.key}#{RAW}", part=", ".join(text for text in (series.part, RAW) if text))
    return regular_series(series, raw, "tilt corrected", (mark,), placing.geometry), raw


def _mark(series: Series, angle: str) -> Warned:
    if series.modality == "CT":
        return warned(
            "The gantry was tilted by {angle} degrees: the slices were moved onto a straight grid by interpolation in "
            "their plane. The slices as stored are listed as raw slices.",
            angle=angle,
        )
    return warned(
        "The slices are sheared by {angle} degrees: they were moved onto a straight grid by interpolation in their "
        "plane. The slices as stored are listed as raw slices.",
        angle=angle,
    )


def _at_time(part: Part, time: int) -> Sequence[Frame]:
    return [place[time] for place in part.places]


def _angle(part: Part) -> float | None:
    """Return the tilt when every time point lies in the same tilted place."""
    if not part.complete:
        return None
    stacks = [np.array([frame.position for frame in _at_time(part, time)]) for time in range(part.times)]
    if any(np.abs(stack - stacks[0]).max() > SAME_PLACE_MM for stack in stacks):
        return None
    return tilt_degrees(_at_time(part, 0))
