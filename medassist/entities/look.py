"""How much is written on the picture, and how one label of an overlay is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

Rgb = tuple[int, int, int]


class CornerText(Enum):
    """How much the corners of a picture say; patient, side and what must be known stay in every case."""

    FULL = "full"
    SHORT = "short"
    OFF = "off"

    @property
    def next(self) -> CornerText:
        """What a key switches to."""
        every = list(CornerText)
        return every[(every.index(self) + 1) % len(every)]


@dataclass(frozen=True)
class LabelLook:
    """How a label is drawn where a reader chose it; None leaves it as for all others.

    `fill` and `outline` are shares in 0..1 of what the sliders for all labels give.
    """

    visible: bool = True
    color: Rgb | None = None
    fill: float = 1.0
    outline: float = 1.0
