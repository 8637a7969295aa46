"""A mask being changed by hand: which one, which label, and with what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from medassist.entities.prediction import Mask, Prediction, Segment

BRUSH_MM = 5.0


class Tool(Enum):
    """What the left button does while a mask is edited."""

    BRUSH = "brush"
    FILL = "fill"


@dataclass(frozen=True, eq=False)
class Editing:
    """Compared by identity.

    Attributes:
        series_key: the series of the mask.
        original: the mask as it was before anybody changed it; it tells which result is edited, whatever was done to
            that since.
        fresh: a mask of the reader's own with nothing marked yet, None for a result that is kept already.
        active: value of the label that is painted, 0 for none.
        locked: labels that stay as they are.
        added: labels the reader named, marked or not.
        tool, erase: what the left button does.
        ball: whether the brush reaches into neighbouring slices.
        radius_mm: of the brush, in pixels where the grid has no millimetres.
        span: lowest and highest value that may be painted, in the unit of the volume; None for every value.
    """

    series_key: str
    original: Mask
    fresh: Prediction | None = None
    active: int = 0
    locked: frozenset[int] = frozenset()
    added: tuple[Segment, ...] = ()
    tool: Tool = Tool.BRUSH
    erase: bool = False
    ball: bool = False
    radius_mm: float = BRUSH_MM
    span: tuple[float, float] | None = None
