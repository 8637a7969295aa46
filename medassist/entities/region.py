"""A region being outlined: the reader's box, what the model marked, what the reader corrected. Not yet a finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from medassist.entities.geometry import Geometry
from medassist.entities.prediction import Mask, ModelRef, Segment
from medassist.entities.prompt import Prompt

Plane = NDArray[np.bool_]

COLORS = ((86, 180, 233), (230, 159, 0), (0, 158, 115), (240, 228, 66), (204, 121, 167), (213, 94, 0), (0, 114, 178))
"""Colours that people with colour blindness tell apart (Okabe and Ito), in turn for the regions of a series."""


@dataclass(frozen=True, eq=False)
class Region:
    """One region on one series.

    Attributes:
        series_key, geometry: the series and its grid.
        model: what answered, or is asked.
        prompt: the box and what the model saw; kept up to date with what was done since.
        slices: (rows, columns) of what is marked, by slice index; empty until the model answered. Slices not touched
            share their arrays with `before`.
        started, device: of the last answer of the model.
        ended: why following it ended at either side (English), "" when it was not followed.
        before: the region before the last change, for undoing it.
    """

    series_key: str
    geometry: Geometry
    model: ModelRef
    prompt: Prompt
    slices: Mapping[int, Plane] = field(default_factory=lambda: MappingProxyType({}))
    started: str = ""
    device: str = ""
    ended: tuple[str, str] = ("", "")
    before: Region | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is marked."""
        return not any(plane.any() for plane in self.slices.values())

    def plane(self, index: int) -> Plane:
        """Return what is marked on one slice."""
        empty: Plane = np.zeros(self.geometry.shape_zyx[1:], dtype=bool)
        return self.slices.get(index, empty)

    def changed(self, slices: Mapping[int, Plane], *, undoable: bool = True, **prompt: object) -> Region:
        """Return the region with other slices; the one before can be had back when it is `undoable`."""
        marked = sorted(index for index, plane in slices.items() if plane.any())
        ends = (marked[0], marked[-1]) if marked else (self.prompt.box.slice_index,) * 2
        told = replace(self.prompt, slices=ends, **prompt)  # type: ignore[arg-type]
        kept = MappingProxyType(dict(sorted(slices.items())))
        return replace(self, slices=kept, prompt=told, before=self if undoable else self.before)

    def segment(self, value: int = 1, label: str = "Region") -> Segment:
        """Return how the region is called and coloured as the segment of a mask."""
        return Segment(value, label, color=COLORS[(value - 1) % len(COLORS)])

    def mask(self, segment: Segment) -> Mask:
        """Return the region as a mask on the grid of its series."""
        labels = np.zeros(self.geometry.shape_zyx, dtype=np.uint8)
        for index, plane in self.slices.items():
            labels[index][plane] = segment.value
        return Mask(labels, self.geometry, (segment,))

    @cached_property
    def shown(self) -> Mask:
        """The region as a mask, for drawing."""
        return self.mask(self.segment())
