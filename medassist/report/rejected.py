"""Masks without what the reader rejected: no picture and no label map shows a verdict beside a voxel."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from medassist.entities.prediction import Mask, Segment
from medassist.imaging.pieces import pieces
from medassist.report.case import Case
from medassist.report.components import MOST_PIECES, REST
from medassist.report.key_choice import hidden_pieces, hidden_values


def without_rejected(case: Case, mask: Mask) -> NDArray[np.uint8]:
    """Return the labels (slice, row, column) without the segments and pieces the reader rejected."""
    labels = mask.labels_zyx
    for segment, gone in _rejected(case, mask):
        labels = without(labels, gone, mask, segment)
    return labels


def without_rejected_pieces(case: Case, mask: Mask, index: int) -> NDArray[np.uint8]:
    """Return the labels of a slice as stored, without the pieces the reader rejected one by one."""
    labels: NDArray[np.uint8] = mask.labels_zyx[index]
    for segment, gone in _rejected_pieces(case, mask):
        labels = without(labels, gone[index], mask, segment)
    return labels


def without(labels: NDArray[np.uint8], gone: NDArray[np.bool_], mask: Mask, segment: Segment) -> NDArray[np.uint8]:
    """Return labels in which a segment is not where `gone` says; other labels of the same voxels stay."""
    bit = 1 << (segment.value - 1) if mask.overlapping else 0xFF
    return np.where(gone, labels & np.uint8(~bit & 0xFF), labels).astype(np.uint8)


def _rejected(case: Case, mask: Mask) -> Iterator[tuple[Segment, NDArray[np.bool_]]]:
    hidden = hidden_values(case, mask)
    yield from ((one, mask.region(one)) for one in mask.segments if one.value in hidden)
    yield from _rejected_pieces(case, mask)


def _rejected_pieces(case: Case, mask: Mask) -> Iterator[tuple[Segment, NDArray[np.bool_]]]:
    hidden = hidden_pieces(case, mask)
    for segment in mask.segments:
        if segment.value in hidden:
            yield segment, _of_pieces(mask.region(segment), hidden[segment.value])


def _of_pieces(region: NDArray[np.bool_], numbers: set[int]) -> NDArray[np.bool_]:
    """Return the voxels of some pieces of a region by their numbers, `REST` among them."""
    found, sizes = pieces(region)
    gone = np.zeros(len(sizes) + 1, dtype=bool)
    gone[[one for one in numbers if one != REST and one <= len(sizes)]] = True
    gone[MOST_PIECES + 1 :] = REST in numbers
    inside: NDArray[np.bool_] = gone[found]
    return inside
