"""What a reader drew to ask for a mask, and what is kept of it as the origin of the result."""

from __future__ import annotations

from dataclasses import dataclass

from medassist.entities.geometry import Geometry
from medassist.entities.volume import Window


@dataclass(frozen=True)
class Box:
    """A rectangle of voxels on one slice as stored: first and last column and row, both inside, from 0."""

    first_column: int
    first_row: int
    last_column: int
    last_row: int
    slice_index: int

    @property
    def columns(self) -> int:
        """How many columns it spans."""
        return self.last_column - self.first_column + 1

    @property
    def rows(self) -> int:
        """How many rows it spans."""
        return self.last_row - self.first_row + 1

    def within(self, geometry: Geometry) -> Box | None:
        """Return the part of it that lies on a grid, corners in order; None when nothing of it does."""
        depth, height, width = geometry.shape_zyx
        left, right = sorted((self.first_column, self.last_column))
        top, bottom = sorted((self.first_row, self.last_row))
        outside = right < 0 or bottom < 0 or left >= width or top >= height
        if outside or not 0 <= self.slice_index < depth:
            return None
        return Box(max(left, 0), max(top, 0), min(right, width - 1), min(bottom, height - 1), self.slice_index)


@dataclass(frozen=True)
class Prompt:
    """How a mask came about: a reader's box, what the model saw, and what was done afterwards.

    Attributes:
        box: as drawn, on a slice as stored.
        window: the grey scale through which the model saw the slices; None for colour pictures.
        inverted: whether that was shown with black and white swapped.
        time: index of the time point.
        drawn_by: the reader, "" when nobody signed.
        slices: first and last slice the mask reaches, both inside.
        followed: whether the model followed it into neighbouring slices.
        brushed: whether the reader corrected it by hand.
    """

    box: Box
    window: Window | None = None
    inverted: bool = False
    time: int = 0
    drawn_by: str = ""
    slices: tuple[int, int] = (0, 0)
    followed: bool = False
    brushed: bool = False
