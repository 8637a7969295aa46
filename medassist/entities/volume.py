"""Pixels of one series with their place in the patient."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.geometry import Geometry
from medassist.entities.study import Series, Warned

AnyArray = NDArray[Any]


@dataclass(frozen=True)
class VoiLut:
    """A grey-scale table (PS3.3 C.11.2.1.1): modality value `first` + i is shown as `entries[i]` of 2^`bits` - 1.

    Values before the first entry take the first one, values behind the last entry the last one.
    """

    first: int
    entries: tuple[int, ...] = field(repr=False)
    bits: int


@dataclass(frozen=True)
class Window:
    """From modality values to grey (PS3.3 C.11.2.1.2 and C.11.2.1.3); `name` is "" or an English preset name.

    `function` is "LINEAR", "LINEAR_EXACT" or "SIGMOID". With a `lut` the table alone counts, and centre and width
    only tell the range of values it tells apart.
    """

    center: float
    width: float
    name: str = ""
    function: str = "LINEAR"
    lut: VoiLut | None = None


@dataclass(frozen=True, eq=False)
class Volume:
    """Rescaled values of one series on a regular grid; compared by identity.

    Attributes:
        series: where it came from.
        array_tzyx: (time, slice, row, column), or (time, slice, row, column, 3) uint8 when `is_color`;
            modality values (HU for CT) in the smallest dtype that holds them exactly. Read-only.
        geometry: the grid of one time point. For a `SeriesKind.STACK` it holds in the plane only:
            `slice_origins_lps` says where each slice really is and nothing may be measured across slices.
        unit: "HU", "Hz", … or "" when the values have no unit.
        windows: from the header, first one preferred; never empty.
        inverted: shown with white for low values (MONOCHROME1); values themselves are never inverted.
        padding: (low, high) inclusive values that mean "no data", or None.
        slice_origins_lps: (slices, 3) mm, centre of the first voxel of each slice.
        suv_factor: value times this is the SUV by body weight (g/ml) of a PET series, None where there is none.
        suv_missing: why a PET series has no SUV.
        lost_slices: indices of slices whose pixels could not be decoded; they hold padding or the least value.
    """

    series: Series
    array_tzyx: AnyArray
    geometry: Geometry
    unit: str = ""
    windows: tuple[Window, ...] = field(default=(Window(0.0, 1.0),))
    inverted: bool = False
    padding: tuple[float, float] | None = None
    slice_origins_lps: NDArray[np.float64] | None = None
    lost_slices: tuple[int, ...] = ()
    suv_factor: float | None = None
    suv_missing: Warned | None = None

    def __post_init__(self) -> None:
        """Check that array and grid agree (ValueError) and freeze the array."""
        if tuple(self.array_tzyx.shape[1:4]) != self.geometry.shape_zyx:
            raise ValueError(f"array {self.array_tzyx.shape} does not fit the grid {self.geometry.shape_zyx}")
        self.array_tzyx.setflags(write=False)

    @property
    def array_zyx(self) -> AnyArray:
        """The first time point."""
        first: AnyArray = self.array_tzyx[0]
        return first

    @property
    def is_color(self) -> bool:
        """Whether voxels are RGB triplets."""
        return self.array_tzyx.ndim == 5

    @property
    def is_regular(self) -> bool:
        """Whether the slices form one regular grid, so that planes and volumes across them are true."""
        return not self.series.irregularity

    def value_at(self, world_lps: tuple[float, float, float], time: int = 0) -> float | None:
        """Return the value of the voxel that contains a point (LPS mm), None outside or for colour."""
        i, j, k = np.rint(self.geometry.to_index(world_lps)).astype(int)
        depth, height, width = self.geometry.shape_zyx
        inside = 0 <= i < width and 0 <= j < height and 0 <= k < depth
        return float(self.array_tzyx[time, k, j, i]) if inside and not self.is_color else None
