"""A part of what a segmenter marked, or a place a reader drew, that is explained in place of all that was marked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry


@dataclass(frozen=True, eq=False)
class ExplainedRegion:
    """Voxels on the grid of a series.

    `name` says in English what they are ("part under the crosshair"); `inside_zyx` is bool (slice, row, column).
    """

    name: str
    inside_zyx: NDArray[np.bool_]
    geometry: Geometry

    def __post_init__(self) -> None:
        """Refuse voxels that do not fit the grid (ValueError) and freeze them."""
        if self.inside_zyx.shape != self.geometry.shape_zyx:
            raise ValueError(f"a region of {self.inside_zyx.shape} does not fit the grid {self.geometry.shape_zyx}")
        self.inside_zyx.setflags(write=False)

    def on(self, grid: Geometry) -> NDArray[np.bool_]:
        """Return the voxels on the grid of a series (Refused when it is another one, or there are none)."""
        if not self.geometry.same_grid(grid):
            raise Refused("The region and the series have different grids, so it cannot be explained.")
        if not self.inside_zyx.any():
            raise Refused("There is nothing to explain: the region holds no voxel.")
        return self.inside_zyx
