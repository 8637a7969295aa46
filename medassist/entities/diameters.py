"""How large a region is in one slice, as radiologists measure lesions."""

from __future__ import annotations

from dataclasses import dataclass

Place = tuple[float, float]
Ends = tuple[Place, Place, Place, Place]


@dataclass(frozen=True)
class Diameters:
    """Two axes of a region in one slice as stored.

    Attributes:
        index: the slice.
        long_axis, short_axis: lengths in the unit of the spacing they were measured with (mm).
        ends: (row, column) of the ends of the long axis, then of the short one; pixel centres are integers.
    """

    index: int
    long_axis: float
    short_axis: float
    ends: Ends

    @property
    def text(self) -> str:
        """Both axes in millimetres, "23.4 × 11.0 mm"."""
        return f"{self.long_axis:.1f} × {self.short_axis:.1f} mm"
