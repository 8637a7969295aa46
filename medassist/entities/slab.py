"""A slab: several neighbouring slices shown as one picture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Projection(Enum):
    """What a pixel of a slab shows of the values behind it."""

    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    MEAN = "mean"


@dataclass(frozen=True)
class Slab:
    """How thick the planes are, in mm, around the slice on screen.

    Whole slices are shown: their number is the odd one whose thickness comes nearest (see `imaging.projection`).
    """

    projection: Projection
    thickness_mm: float
