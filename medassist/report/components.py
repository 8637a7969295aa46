"""The pieces of a segment, each measured like the whole; of lesions every piece is a finding of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medassist.entities.component import Component
from medassist.entities.prediction import Mask, Prediction, Segment
from medassist.entities.volume import Volume
from medassist.imaging.pieces import pieces
from medassist.report.measured import Measured, measured
from medassist.storage import terminology

MOST_PIECES = 30
"""How many pieces of one segment are told one by one; smaller ones are told together."""
REST = 0
"""`Finding.component` of the pieces that are too many to be told one by one."""
ABNORMAL = ("49755003", "SCT")


def is_lesion(segment: Segment) -> bool:
    """Tell whether a segment holds things that are counted: its category, or what its name means, is abnormal."""
    category = segment.category
    if category is None:
        named = terminology.read().named(segment.label)
        category = None if named is None else named.term.category
    return category is not None and (category.value, category.scheme) == ABNORMAL


def is_split(prediction: Prediction, segment: Segment) -> bool:
    """Tell whether every piece of a segment is judged on its own: lesions a model marked by itself.

    A region a reader drew is the one thing that was drawn; objects a model tells apart itself are counted by it.
    """
    drawn = not prediction.ran_alone or prediction.is_drawn(segment.value)
    return not drawn and prediction.instances is None and is_lesion(segment)


def region_of(mask: Mask, value: int, component: int | None) -> NDArray[np.bool_]:
    """Return the voxels a finding is about, bool on the grid of the mask: a segment, or a piece of it by its number."""
    from scipy import ndimage

    segment = next((one for one in mask.segments if one.value == value), None)
    if segment is None:
        return np.zeros(mask.labels_zyx.shape, dtype=bool)
    region = mask.region(segment)
    box = None if component is None else next(iter(ndimage.find_objects(region.view(np.uint8), max_label=1)), None)
    if box is None:
        return region
    numbers, _sizes = pieces(region[box])
    region[box] = numbers > MOST_PIECES if component == REST else numbers == component
    return region


class Pieces:
    """The pieces of one segment inside its bounding box (slice, row, column)."""

    def __init__(self, mask: Mask, inside: NDArray[np.bool_], corner: NDArray[np.int64], volume: Volume) -> None:
        self._mask, self._corner, self._volume = mask, corner, volume
        self._numbers, self._sizes = pieces(inside)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._sizes)

    def components(self) -> tuple[Component, ...]:
        """Measure the largest ones, up to `MOST_PIECES`."""
        from scipy import ndimage

        boxes = ndimage.find_objects(self._numbers, max_label=min(self.count, MOST_PIECES))
        return tuple(self._component(number, box) for number, box in enumerate(boxes, start=1))

    def rest(self) -> Measured | None:
        """Measure together what is left when the largest ones are told, None where nothing is."""
        if self.count <= MOST_PIECES:
            return None
        return measured(self._mask, self._numbers > MOST_PIECES, self._corner, self._volume)

    def _component(self, number: int, box: tuple[slice, ...]) -> Component:
        corner = self._corner + np.array([one.start for one in box])
        found = measured(self._mask, self._numbers[box] == number, corner, self._volume)
        return Component(
            number=number,
            voxels=int(self._sizes[number - 1]),
            center_lps=found.center_lps,
            key_slice=found.key_slice,
            slices=found.slices,
            volume_ml=found.volume_ml,
            diameters=found.diameters,
            measurements=found.measurements,
        )
