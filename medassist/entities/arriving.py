"""A series of which some slices are read and the others not yet: to look at, never to compute on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from medassist.entities.geometry import Geometry
from medassist.entities.study import Series
from medassist.entities.volume import Volume


@dataclass(frozen=True, eq=False)
class Arriving:
    """What is there of a series while it loads; each newer one replaces the one before.

    Attributes:
        series: what was asked for.
        geometry: the grid of its slices as stored, so that every slice has its place before it is there. Of slices
            that form no regular grid it holds in the plane only.
        slices: what can be shown, by slice index: a `Volume` of one slice each, marked irregular. It may hold fewer
            slices than were read.
        read: how many slices were read, of `total`.
    """

    series: Series
    geometry: Geometry
    slices: Mapping[int, Volume] = field(repr=False)
    read: int

    @property
    def total(self) -> int:
        """The number of slices of one time point."""
        return self.geometry.shape_zyx[0]

    @property
    def sample(self) -> Volume:
        """The slice that came first: what it says of unit, windows and sides holds for its neighbours."""
        return next(iter(self.slices.values()))
