"""A label map whose frames are slices of the series is taken plane by plane: the usual case, and the quick one.

The general road takes every segment of every frame by itself, which costs minutes for a hundred of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassist.entities.volume import AnyArray, Volume
from medassist.imaging.frames import Frame
from medassist.imaging.objects.label_maps import values_in
from medassist.imaging.objects.placing import Place, place_of

Sources = tuple[tuple[str, int], ...]
Labels = NDArray[np.uint8]

ALONG_COLUMNS, ALONG_ROWS = (1, 0, 0), (0, 1, 0)


@dataclass(frozen=True)
class LabelVolume:
    """Labels on the grid of the series (uint8, 0 where nothing is), which occur, and how many voxels lie outside."""

    labels_zyx: Labels
    held: frozenset[int]
    outside: int


def places_of(frames: Sequence[Frame], sources: Sequence[Sources], volume: Volume) -> list[Place] | None:
    """Return where frames lie when each is a slice of the series, none of them twice; None where that is not so."""
    found = [place_of(frame, told, volume) for frame, told in zip(frames, sources, strict=True)]
    places = [place for place in found if place is not None and _is_slice(place)]
    slices = {int(place.corner[2]) for place in places}
    return places if len(slices) == len(frames) else None


def _is_slice(place: Place) -> bool:
    return tuple(place.right.tolist()) == ALONG_COLUMNS and tuple(place.down.tolist()) == ALONG_ROWS


def label_volume(
    planes: Iterable[AnyArray], places: Sequence[Place], volume: Volume, background: int
) -> LabelVolume | None:
    """Lay planes of labels (rows, columns) into a volume; None for labels that eight bits do not tell apart from 0."""
    labels = np.zeros(volume.geometry.shape_zyx, np.uint8)
    outside = 0
    for plane, place in zip(planes, places, strict=True):
        values = plane if background == 0 else np.where(plane == background, 0, plane)
        if (background != 0 and (plane == 0).any()) or _is_too_large(values):
            return None
        small = values.astype(np.uint8, copy=False)
        kept, target = _overlap(small, place, labels)
        if target is not None:
            target[...] = kept
        if kept.shape != small.shape:
            outside += int(np.count_nonzero(small)) - int(np.count_nonzero(kept))
    return LabelVolume(labels, values_in(labels) - {0}, outside)


def _is_too_large(values: AnyArray) -> bool:
    return values.dtype != np.uint8 and bool(values.max(initial=0) > 255 or values.min(initial=0) < 0)


def _overlap(plane: Labels, place: Place, labels: Labels) -> tuple[Labels, Labels | None]:
    """Return the part of a plane that lies on the grid, and where in `labels` it lies; None where nothing does."""
    column, row, index = (int(value) for value in place.corner)
    depth, height, width = labels.shape
    rows, columns = slice(max(-row, 0), height - row), slice(max(-column, 0), width - column)
    if not 0 <= index < depth or rows.stop <= rows.start or columns.stop <= columns.start:
        return plane[:0], None
    kept = plane[rows, columns]
    top, left = max(row, 0), max(column, 0)
    return kept, labels[index, top : top + kept.shape[0], left : left + kept.shape[1]]
