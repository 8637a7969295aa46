"""What a reader draws to measure: points in the patient, and the figures taken from them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

Point = tuple[float, float, float]


class Shape(Enum):
    """What was drawn; `points_lps` of a `Measurement` tells the order of its points."""

    LENGTH = "length"
    ANGLE = "angle"
    COBB = "cobb"
    BIDIRECTIONAL = "bidirectional"
    ELLIPSE = "ellipse"
    RECTANGLE = "rectangle"
    POLYGON = "polygon"
    FREEHAND = "freehand"
    ARROW = "arrow"
    TEXT = "text"

    @property
    def encloses(self) -> bool:
        """Whether it has an inside with statistics."""
        return self in (Shape.ELLIPSE, Shape.RECTANGLE, Shape.POLYGON, Shape.FREEHAND)


@dataclass(frozen=True)
class Quantity:
    """One figure: `name` is a key such as "length", "area", "mean"; `unit` is UCUM ("mm", "mm2", "deg", "[hnsf'U]").

    Where nothing gives the series a scale, lengths are in pixels: the unit is "{pixels}", never a millimetre.
    """

    name: str
    value: float
    unit: str


@dataclass(frozen=True)
class Measurement:
    """One drawing on one plane of a series.

    Attributes:
        uid: DICOM UID, kept through edits; the tracking UID in reports.
        series_key: the series it lies on.
        shape: what was drawn.
        points_lps: places in mm, LPS, in the order of DICOM where it has one: two ends of a LENGTH; an end, the
            vertex and the other end of an ANGLE; the ends of one line and of the other for COBB; the ends of the long
            axis, then of the short one for BIDIRECTIONAL; the ends of the major axis, then of the minor one for an
            ELLIPSE; the corners of a RECTANGLE in turn; the corners of a POLYGON or FREEHAND without the first one
            again; the tip, then the tail of an ARROW; the place of a TEXT.
        slice_index: the slice as stored when it lies in one, None when it was drawn on a plane across slices.
        time: index of the time point.
        label: what the reader calls it; the words of a TEXT.
        quantities: what was measured when it was drawn or last changed.
        by, made_at: who drew it, and when (local ISO time).
    """

    uid: str
    series_key: str
    shape: Shape
    points_lps: tuple[Point, ...]
    slice_index: int | None = None
    time: int = 0
    label: str = ""
    quantities: tuple[Quantity, ...] = ()
    by: str = ""
    made_at: str = ""

    def quantity(self, name: str) -> Quantity | None:
        """Return one figure by its name."""
        return next((one for one in self.quantities if one.name == name), None)
