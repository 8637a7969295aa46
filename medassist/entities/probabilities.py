"""How likely a segmenter holds each voxel for each of its labels, in 255 steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassist.entities.geometry import Geometry

FULL = 255
"""The stored value of a probability of 1."""


@dataclass(frozen=True, eq=False)
class Probabilities:
    """The probabilities of the labels of a mask, before they were decided and tidied.

    `shares_lzyx` is uint8 (label, slice, row, column), a probability times 255; `values` are the segments of the mask
    it is about, in the order of the labels; `geometry` must equal the grid of the mask.
    """

    shares_lzyx: NDArray[np.uint8]
    geometry: Geometry
    values: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit the grid or the labels (ValueError), and freeze them."""
        if self.shares_lzyx.shape != (len(self.values), *self.geometry.shape_zyx):
            raise ValueError(f"probabilities {self.shares_lzyx.shape} do not fit {self.geometry.shape_zyx}")
        self.shares_lzyx.setflags(write=False)

    def of(self, value: int) -> NDArray[np.uint8] | None:
        """Return 0..255 (slice, row, column) of one segment, None where it is not among them."""
        return self.shares_lzyx[self.values.index(value)] if value in self.values else None
