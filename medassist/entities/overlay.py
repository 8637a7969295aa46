"""What a file lays over a series: masks and maps somebody else made, never a result of a model run here."""

from __future__ import annotations

from dataclasses import dataclass

from medassist.entities.claim import Claim
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import Mask
from medassist.entities.study import Warned


@dataclass(frozen=True, eq=False)
class Overlay:
    """A segmentation, contours, a parametric map or a dose of a file, on the grid of the series it is laid over.

    Attributes:
        key: `Series.key` of the object; `series_key` that of the series it is laid over.
        kind: "segmentation", "contours", "parametric map" or "radiotherapy dose".
        title: how the file calls it.
        origin: who made the file, as it says: maker and device, "" when it does not tell.
        masks: label maps; more than one when segments overlap, so that no voxel is lost.
        maps: values in the unit of `Heatmap.parameters["unit"]`.
        focus_lps: a point in the middle of what is marked (LPS mm), None when nothing is.
        notes: what a reader must know: what was resampled, thresholded or left out.
        claims: each segment as a finding that was measured on the series; () for what is no segmentation.
    """

    key: str
    series_key: str
    kind: str
    title: str
    origin: str = ""
    masks: tuple[Mask, ...] = ()
    maps: tuple[Heatmap, ...] = ()
    focus_lps: tuple[float, float, float] | None = None
    notes: tuple[Warned, ...] = ()
    claims: tuple[Claim, ...] = ()

    @property
    def grids(self) -> tuple[Geometry, ...]:
        """The grids of all masks and maps."""
        return (*(one.geometry for one in self.masks), *(one.geometry for one in self.maps))
