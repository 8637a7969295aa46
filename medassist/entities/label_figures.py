"""What lies under each label of a mask: its size, the values of the series, and the slice where it is largest."""

from __future__ import annotations

from dataclasses import dataclass

from medassist.entities.prediction import Mask
from medassist.entities.volume import Volume


@dataclass(frozen=True)
class LabelFigures:
    """Figures of one label.

    Attributes:
        value: of the label in the mask.
        voxels: how many voxels it has.
        volume_ml: None on films, and where slices form no regular grid.
        values: how many of its voxels have a value: without padding, lost slices and what is no number.
        mean, sd, low, high: of these, in the unit of the series; `sd` is that of the population. None without any.
        largest_lps: a voxel of the label near its middle, on the stored slice where its area is largest (LPS mm).
        largest_slice: that slice, None where the label is empty.
    """

    value: int
    voxels: int = 0
    volume_ml: float | None = None
    values: int = 0
    mean: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    largest_lps: tuple[float, float, float] | None = None
    largest_slice: int | None = None


@dataclass(frozen=True, eq=False)
class MaskFigures:
    """Figures of every label of one mask over one time point of a series."""

    mask: Mask
    volume: Volume
    time: int
    labels: tuple[LabelFigures, ...]

    def of(self, value: int) -> LabelFigures | None:
        """Return the figures of one label."""
        return next((one for one in self.labels if one.value == value), None)
