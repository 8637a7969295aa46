"""What of a mask goes into a segmentation object: a segment per label, or per piece where each piece is judged alone.

Every part has the tracking UID of its finding, so that a structured report and a segmentation tell of the same thing.
What a reader rejected is no part, as no system shows the verdict over the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from medassist.entities.finding import Finding, Judgement
from medassist.entities.prediction import Mask, Prediction, Segment
from medassist.imaging.objects.label_maps import values_in
from medassist.imaging.pieces import pieces
from medassist.report.case import Case
from medassist.report.components import MOST_PIECES, REST
from medassist.report.edits import belongs

MOST_PARTS = 255
"""What a voxel of eight bits tells apart beside nothing."""


@dataclass(frozen=True)
class Part:
    """One segment of the object.

    Attributes:
        number: Segment Number, from 1 without gaps.
        segment: the label of the mask it is of.
        finding: the claim it is the evidence of, None where nobody made one.
    """

    number: int
    segment: Segment
    finding: Finding | None = None

    @property
    def component(self) -> int | None:
        """Which piece of its segment it is, None for all of it."""
        return None if self.finding is None else self.finding.component

    @property
    def label(self) -> str:
        """The Segment Label: pieces of one segment are told apart by their number, as lists show them."""
        names = {None: "", REST: " (further pieces)"}
        return f"{self.segment.label}{names.get(self.component, f' {self.component}')}"[:64]


_values: WeakKeyDictionary[Mask, frozenset[int]] = WeakKeyDictionary()


def _values_of(mask: Mask) -> frozenset[int]:
    """Return the stored values that occur; remembered as long as the mask lives, as telling reads every voxel."""
    if mask not in _values:
        _values[mask] = values_in(mask.labels_zyx)
    return _values[mask]


def held_segments(mask: Mask) -> tuple[Segment, ...]:
    """Return the segments that have a voxel."""
    held = {segment.value for value in _values_of(mask) for segment in mask.at(value)}
    return tuple(segment for segment in mask.segments if segment.value in held)


def parts(case: Case, prediction: Prediction, mask: Mask) -> tuple[Part, ...]:
    """Return the segments of the object of one mask, numbered in the order of the mask."""
    found = [pair for segment in held_segments(mask) for pair in _of_segment(case, prediction, segment)]
    return tuple(Part(number, *pair) for number, pair in enumerate(found[:MOST_PARTS], start=1))


def _of_segment(case: Case, prediction: Prediction, segment: Segment) -> Iterator[tuple[Segment, Finding | None]]:
    about = [one for one in case.findings if one.segment_value == segment.value and belongs(one, prediction)]
    told = [one for one in about if case.with_rejected or one.judgement is not Judgement.REJECTED]
    single = [one for one in told if one.component is not None]
    if single:
        yield from ((segment, one) for one in single)
    elif told or not about:
        yield segment, (told[0] if told else None)


def part_of(case: Case, prediction: Prediction, mask: Mask, finding: Finding) -> Part | None:
    """Return the segment of the object that is the evidence of a finding, None where there is none."""
    found = parts(case, prediction, mask)
    return next((one for one in found if one.finding is not None and one.finding is finding), None)


def numbered_labels(mask: Mask, told: tuple[Part, ...]) -> NDArray[np.uint8]:
    """Return the labels with segment numbers in place of voxel values; values without a part become 0.

    Labels that overlap become 0 and 1 along a last axis, one plane per part, in their order.
    """
    if mask.overlapping:
        planes = [_region(mask, one) for one in told]
        return np.stack(planes, axis=-1).astype(np.uint8)
    table = np.zeros(256, np.uint8)
    for part in told:
        table[part.segment.value] = part.number if part.component is None else 0
    if all(table[value] == value for value in _values_of(mask)):
        return mask.labels_zyx
    numbers = table[mask.labels_zyx]
    for value in {part.segment.value for part in told if part.component is not None}:
        _number_pieces(numbers, mask, [part for part in told if part.segment.value == value])
    return numbers


def _number_pieces(numbers: NDArray[np.uint8], mask: Mask, told: list[Part]) -> None:
    """Write the numbers of the pieces of one segment into `numbers`."""
    from scipy import ndimage

    inside = mask.region(told[0].segment)
    (box,) = ndimage.find_objects(inside.astype(np.uint8))
    found, _sizes = pieces(inside[box])
    table = np.zeros(int(found.max()) + 1, np.uint8)
    for part in told:
        if part.component == REST:
            table[MOST_PIECES + 1 :] = part.number
        elif part.component is not None and part.component < len(table):
            table[part.component] = part.number
    marked = found > 0
    numbers[box][marked] = table[found[marked]]


def _region(mask: Mask, part: Part) -> NDArray[np.bool_]:
    region = mask.region(part.segment)
    if part.component is None:
        return region
    found, _sizes = pieces(region)
    return found > MOST_PIECES if part.component == REST else found == part.component
