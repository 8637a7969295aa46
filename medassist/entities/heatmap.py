"""A map with its passport: what a score is sensitive to, or how unsure a mask is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from medassist.entities.explained_region import ExplainedRegion
from medassist.entities.geometry import Geometry
from medassist.entities.prediction import ModelRef
from medassist.entities.stamp import Stamp, Standing


class MapKind(Enum):
    """What the values of a map mean."""

    ATTRIBUTION = "attribution"
    UNCERTAINTY = "uncertainty"
    SPREAD = "spread"
    DIFFERENCE = "difference"


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Where the score of `target` is sensitive, on the grid of the series it was computed from.

    Of the kind UNCERTAINTY: how undecided a segmenter is at each voxel, from 0 (sure) to 1 (all labels equally likely).
    Of the kind SPREAD: how far its mirrored views disagree there, as a standard deviation from 0 to 0.5.
    Of the kind DIFFERENCE: how far two maps are apart, from -1 to 1; on screen only, never kept (`Comparison`).

    Attributes:
        values_zyx: float32 (slice, row, column), in the method's own unit: not scaled to 0..1.
        geometry: must equal the series' grid.
        native_zyx: float32, the map as computed, one value per cell.
        native_geometry: the grid of those cells (cell centres), in the same frame of reference.
        layer: name of the network module the map was read at, "" for input-space methods.
        target: label the map explains, e.g. "Effusion"; `target_score` its score when there is one.
        against: label the target is compared with ("why A and not B"), "" for the target alone.
        signed: whether negative values mean something: evidence against the target.
        seconds: what the method took, without preparing the image and the way home; 0 when nobody measured.
        passes: what that was expected to cost, in forward passes of the network.
        stamp: whether to believe it, None as long as nobody measured.
        quality: measured properties, e.g. {"share_outside_region": 0.4}; empty when nothing was measured.
        region: what was explained in place of all the model marked of the target, None for all of it.
        notes: English sentences a reader must see with the map ("the map is all zero").
    """

    method: str
    target: str
    model: ModelRef
    series_key: str
    values_zyx: NDArray[np.float32]
    geometry: Geometry
    native_zyx: NDArray[np.float32]
    native_geometry: Geometry
    layer: str = ""
    target_score: float | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    quality: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    kind: MapKind = MapKind.ATTRIBUTION
    against: str = ""
    signed: bool = False
    stamp: Stamp | None = None
    seconds: float = 0.0
    passes: float = 0.0
    region: ExplainedRegion | None = None

    def __post_init__(self) -> None:
        """Refuse values that do not fit their grids (ValueError) and freeze them."""
        for values, grid in ((self.values_zyx, self.geometry), (self.native_zyx, self.native_geometry)):
            if values.shape != grid.shape_zyx:
                raise ValueError(f"map {values.shape} does not fit the grid {grid.shape_zyx}")
            values.setflags(write=False)

    @cached_property
    def maximum(self) -> float:
        """Largest value as computed: on the native grid, before any enlargement (ReLU methods: 0 is "no evidence")."""
        return float(self.native_zyx.max(initial=0.0))

    @cached_property
    def minimum(self) -> float:
        """Smallest value as computed, at most 0."""
        return float(self.native_zyx.min(initial=0.0))

    @property
    def full_scale(self) -> float:
        """The value drawn in the strongest colour.

        The maximum of an attribution, of a signed one the largest absolute value; else the largest there can be.
        """
        largest = max(self.maximum, -self.minimum) if self.signed else self.maximum
        known = {MapKind.UNCERTAINTY: 1.0, MapKind.SPREAD: 0.5, MapKind.DIFFERENCE: 1.0}
        return known.get(self.kind, largest)

    @property
    def fails(self) -> bool:
        """Whether it was measured that the map must not be believed: it is drawn hatched wherever it is drawn."""
        return self.stamp is not None and self.stamp.standing is Standing.FAILS

    @property
    def means_nothing(self) -> bool:
        """Whether there is nothing to see: it was measured so, or no value is above zero. It is drawn nowhere."""
        return self.full_scale <= 0 or (self.stamp is not None and self.stamp.standing is Standing.MEANINGLESS)

    @property
    def cell_mm(self) -> tuple[float, float, float]:
        """Size of one native cell along (column, row, slice), in mm (px when the grid is uncalibrated)."""
        return self.native_geometry.spacing_mm
