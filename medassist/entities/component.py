"""One connected piece of a segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from medassist.entities.diameters import Diameters


@dataclass(frozen=True)
class Component:
    """One connected piece of a segment, measured like the whole of it.

    Attributes:
        number: from 1, the largest first.
        voxels: how many it has.
        center_lps: mean of its voxel centres (mm); `key_slice` is the slice with its largest area.
        slices: first and last slice it reaches, both inside.
        volume_ml, diameters, measurements: as of `Finding`; None and {} where they mean nothing.
    """

    number: int
    voxels: int
    center_lps: tuple[float, float, float]
    key_slice: int
    slices: tuple[int, int]
    volume_ml: float | None = None
    diameters: Diameters | None = None
    measurements: Mapping[str, float] = field(default_factory=dict)
