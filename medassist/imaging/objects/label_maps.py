"""Many segments as few label maps: those that overlap go into different maps, so that no voxel is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import UnreadableInput
from medassist.entities.geometry import Geometry
from medassist.entities.prediction import Mask, Segment

MOST_LABELS = 255
MOST_BYTES = 4 << 30
"""Label maps of more bytes than this are refused before they are allocated."""

_COLORS = (
    (255, 200, 0), (0, 200, 255), (255, 90, 90), (120, 220, 90), (200, 130, 255), (255, 150, 40), (90, 150, 255),
    (240, 120, 190),
)  # fmt: skip


@dataclass(frozen=True)
class Region:
    """One segment and the flat indices of its voxels in (slice, row, column) order, each once."""

    segment: Segment
    voxels: NDArray[np.int64]


@dataclass
class _Layer:
    labels: NDArray[np.uint8]
    segments: list[Segment]

    def take(self, region: Region) -> bool:
        """Put the region in when it touches nothing; its own number is kept while it is free."""
        flat = self.labels.reshape(-1)
        if len(self.segments) >= MOST_LABELS or flat[region.voxels].any():
            return False
        taken = {one.value for one in self.segments}
        wanted = region.segment.value
        free = wanted if 0 < wanted <= MOST_LABELS and wanted not in taken else min(set(range(1, 256)) - taken)
        flat[region.voxels] = free
        self.segments.append(replace(region.segment, value=free))
        return True


def label_maps(regions: Sequence[Region], geometry: Geometry) -> tuple[Mask, ...]:
    """Return as few label maps as first fit finds, segments in order; empty segments are listed too.

    Raises UnreadableInput when so many overlap that the maps would not fit into memory.
    """
    layers: list[_Layer] = []
    for region in regions:
        if not any(layer.take(region) for layer in layers):
            if (len(layers) + 1) * int(np.prod(geometry.shape_zyx, dtype=np.int64)) > MOST_BYTES:
                raise UnreadableInput("Too many segments overlap: they need more memory than is sensible.")
            layers.append(_Layer(np.zeros(geometry.shape_zyx, np.uint8), []))
            layers[-1].take(region)
    return tuple(Mask(layer.labels, geometry, tuple(layer.segments)) for layer in layers)


def values_in(labels_zyx: NDArray[np.uint8]) -> frozenset[int]:
    """Return the values that occur, plane by plane and looking only where one follows another: labels lie in runs."""
    seen = np.zeros(256, dtype=bool)
    for plane in labels_zyx:
        flat = plane.reshape(-1)
        seen[flat[:1]] = True
        seen[flat[1:][flat[1:] != flat[:-1]]] = True
    return frozenset(int(value) for value in np.flatnonzero(seen))


def color_of(number: int) -> tuple[int, int, int]:
    """Return a colour for a segment without one (number from 1)."""
    return _COLORS[(number - 1) % len(_COLORS)]
