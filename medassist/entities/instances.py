"""Objects of one kind, each told from its neighbours: which voxels belong to which nucleus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from medassist.entities.geometry import Geometry

MM2_PER_UM2 = 1e-6
"""Nuclei are small: their areas are told in square micrometres."""


@dataclass(frozen=True, eq=False)
class Instances:
    """A map of objects on the grid of the series it was computed from.

    `labels_zyx` is int32 (slice, row, column): 0 is background, 1 to `count` one number per object, without a gap;
    `geometry` must equal the series' grid. A mask of 8 bits could not tell more than 255 of them.
    """

    labels_zyx: NDArray[np.int32]
    geometry: Geometry

    def __post_init__(self) -> None:
        """Refuse labels that do not fit the grid or skip a number (ValueError), and freeze them."""
        if self.labels_zyx.shape != self.geometry.shape_zyx:
            raise ValueError(f"labels {self.labels_zyx.shape} do not fit the grid {self.geometry.shape_zyx}")
        if self.labels_zyx.dtype != np.int32 or int(self.labels_zyx.min(initial=0)) < 0:
            raise ValueError("labels of objects are int32 from 0 on")
        # A number no file could mean would make the table of sizes larger than memory.
        if int(self.labels_zyx.max(initial=0)) > self.labels_zyx.size or not self.sizes.all():
            raise ValueError("objects are numbered without a gap")
        self.labels_zyx.setflags(write=False)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Voxels of each object (count,), in the order of their numbers; pixels where there is one slice."""
        sizes: NDArray[np.int64] = np.bincount(self.labels_zyx.reshape(-1))[1:].astype(np.int64)
        return sizes

    @property
    def count(self) -> int:
        """How many objects there are."""
        return len(self.sizes)

    @property
    def pixel_area_mm2(self) -> float | None:
        """The area of one pixel in the plane of a slice, None where millimetres are a convention."""
        across, down, _ = self.geometry.spacing_mm
        return across * down if self.geometry.calibrated else None

    @property
    def touching_edge(self) -> int:
        """How many objects reach the edge of the picture: part of them may lie outside."""
        labels = self.labels_zyx
        rim = np.concatenate(
            [edge.ravel() for edge in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1])]
        )
        return int(np.unique(rim[rim > 0]).size)

    def measures(self) -> Mapping[str, float]:
        """Return what is said of all objects of a picture, with the unit in the name.

        Count, how many touch the edge, median area and density (objects per million pixels); with a known size of the
        pixels the last two also in µm² and per mm².
        """
        told = {"count": float(self.count), "touching_edge": float(self.touching_edge)}
        told["per_megapixel"] = 1e6 * self.count / self.labels_zyx.size
        if self.count:
            told["median_area_px"] = float(np.median(self.sizes))
        area = self.pixel_area_mm2
        if area is not None:
            told["per_mm2"] = self.count / (self.labels_zyx.size * area)
            if self.count:
                told["median_area_um2"] = told["median_area_px"] * area / MM2_PER_UM2
        return told
