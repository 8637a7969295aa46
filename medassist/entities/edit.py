"""That a reader changed or drew a mask by hand: it is then no longer what a model said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medassist.entities.prediction import Mask


@dataclass(frozen=True, eq=False)
class Edit:
    """Who changed a mask last, when (local ISO time), and what the model itself had marked.

    Attributes:
        by: the reader; "" when nobody signed.
        at: time of the last change.
        original: the mask as the model or the file gave it, to compare with and to go back to; an empty one, without
            segments, where the reader began with nothing.
        values: the segment values that differ from it.
    """

    by: str
    at: str
    original: Mask
    values: tuple[int, ...] = ()
