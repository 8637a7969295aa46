"""Contours of an RT Structure Set (PS3.3 C.8.8.5, C.8.8.6) filled on the grid of the series they were drawn on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from medassist.entities.errors import UnreadableInput
from medassist.entities.prediction import Mask, Segment
from medassist.entities.study import SeriesKind, Warned, warned
from medassist.entities.volume import Volume
from medassist.imaging import tags
from medassist.imaging.objects.label_maps import Region, color_of, label_maps
from medassist.imaging.objects.placing import check_frame_of_reference
from medassist.progress import Progress

FLAT_VOXELS = 0.5
"""A contour whose points lie within half a voxel of one slice of the grid belongs to that slice."""

OFF_CENTRE = 0.25
"""Contours farther than this share of a voxel from the centre of their slice are mentioned."""

Slice = tuple[int, int]
"""Axis the contour is perpendicular to (0 column, 1 row, 2 slice) and the index along it."""


@dataclass
class _Drawn:
    """Contours of one region of interest as (points, 3) voxel indices, by the slice they lie in.

    `farthest_mm` is how far a contour lies from the centre of its slice at most.
    """

    closed: dict[Slice, list[NDArray[np.float64]]] = field(default_factory=lambda: defaultdict(list))
    slanted: int = 0
    outside: int = 0
    farthest_mm: float = 0.0
    unfilled: int = 0


def read_contours(ds: Dataset, volume: Volume, progress: Progress) -> tuple[tuple[Mask, ...], tuple[Warned, ...]]:
    """Return the regions of an RTSTRUCT as label maps on the grid of `volume`, and what a reader must know.

    Contours of one region in one slice are combined by exclusive or: an inner one is a hole. Raises UnreadableInput
    when no contour can be laid over the series.
    """
    if not volume.is_regular:
        raise UnreadableInput(
            "Contours cannot be filled on {series}: its slices form no regular grid.", series=volume.series.title
        )
    if volume.series.kind is SeriesKind.FILM:
        raise UnreadableInput(
            "Contours cannot be laid over {series}: it has no place in the patient.", series=volume.series.title
        )
    rois = {
        tags.whole((item,), "ROINumber") or 0: item for item in tags.value_of((ds,), "StructureSetROISequence") or []
    }
    regions, notes = [], []
    elsewhere: UnreadableInput | None = None
    items = tags.value_of((ds,), "ROIContourSequence") or []
    for item in progress.over(items, "Filling contours", len(items)):
        number = tags.whole((item,), "ReferencedROINumber") or 0
        roi = rois.get(number, Dataset())
        name = tags.text((roi,), "ROIName") or f"ROI {number}"
        try:
            check_frame_of_reference(tags.text((roi,), "ReferencedFrameOfReferenceUID"), volume)
        except UnreadableInput as problem:
            elsewhere = problem
            notes.append(warned("{name} lies in another frame of reference and is not shown.", name=name))
            continue
        drawn = _drawn(item, volume)
        notes += _remarks(name, drawn, min(volume.geometry.spacing_mm))
        regions.append(Region(Segment(number, name, None, _color(item, number)), _filled(drawn, volume)))
    if elsewhere is not None and not regions:
        raise elsewhere
    return label_maps(regions, volume.geometry), (*notes, *_unlisted(rois, regions))


def _unlisted(rois: dict[int, Dataset], regions: Sequence[Region]) -> Sequence[Warned]:
    """Name regions of the structure set that have no contours at all."""
    drawn = {region.segment.value for region in regions if region.voxels.size}
    names = [tags.text((roi,), "ROIName") or f"ROI {number}" for number, roi in rois.items() if number not in drawn]
    return [warned("These regions mark nothing here: {names}.", names=", ".join(names))] if names else []


def _color(item: Dataset, number: int) -> tuple[int, int, int]:
    rgb = tags.numbers((item,), "ROIDisplayColor", 3)
    if rgb is None or not all(0 <= value <= 255 for value in rgb):
        return color_of(max(1, number))
    return int(rgb[0]), int(rgb[1]), int(rgb[2])


def _drawn(item: Dataset, volume: Volume) -> _Drawn:
    """Sort the contours of one region by the slice of the grid they lie in."""
    drawn = _Drawn()
    for contour in tags.value_of((item,), "ContourSequence") or []:
        numbers = tags.numbers((contour,), "ContourData")
        if numbers is None or len(numbers) % 3:
            drawn.unfilled += 1
            continue
        points = volume.geometry.to_index(np.array(numbers).reshape(-1, 3))
        kind = tags.text((contour,), "ContourGeometricType")
        if len(points) < 3 or kind not in ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR"):
            drawn.unfilled += 1
            continue
        spread = points.max(axis=0) - points.min(axis=0)
        axis = 2 if spread[2] <= FLAT_VOXELS else int(spread.argmin())
        if spread[axis] > FLAT_VOXELS:
            drawn.slanted += 1
        else:
            _sort_in(drawn, axis, points, volume)
    return drawn


def _sort_in(drawn: _Drawn, axis: int, points: NDArray[np.float64], volume: Volume) -> None:
    place = float(points[:, axis].mean())
    index = round(place)
    if not 0 <= index < volume.geometry.shape_zyx[2 - axis]:
        drawn.outside += 1
        return
    drawn.farthest_mm = max(drawn.farthest_mm, abs(place - index) * volume.geometry.spacing_mm[axis])
    drawn.closed[axis, index].append(points)


def _filled(drawn: _Drawn, volume: Volume) -> NDArray[np.int64]:
    """Return the flat indices of all voxels whose centres lie inside."""
    from skimage.draw import polygon

    shape = volume.geometry.shape_zyx
    found = [np.zeros(0, np.int64)]
    for (axis, index), contours in drawn.closed.items():
        across = [one for one in range(3) if one != axis]
        size = tuple(shape[2 - one] for one in reversed(across))
        inside = np.zeros(size, bool)
        for points in contours:
            rows, columns = polygon(points[:, across[1]], points[:, across[0]], size)
            one = np.zeros(size, bool)
            one[rows, columns] = True
            inside ^= one
        second, first = np.nonzero(inside)
        at = np.empty((len(first), 3), np.int64)
        at[:, axis], at[:, across[0]], at[:, across[1]] = index, first, second
        found.append((at[:, 2] * shape[1] + at[:, 1]) * shape[2] + at[:, 0])
    voxels: NDArray[np.int64] = np.unique(np.concatenate(found))
    return voxels


def _remarks(name: str, drawn: _Drawn, voxel_mm: float) -> list[Warned]:
    """Say which contours are not filled, and where contours leave slices out."""
    notes = []
    if drawn.slanted:
        notes.append(
            warned("{count} contours of {name} run across the slices of this series and are not shown.",
                   count=drawn.slanted, name=name)
        )  # fmt: skip
    if drawn.unfilled:
        notes.append(
            warned("{count} contours of {name} are points or open lines, or damaged, and are not shown.",
                   count=drawn.unfilled, name=name)
        )  # fmt: skip
    if drawn.outside:
        notes.append(warned("{count} contours of {name} lie outside this series.", count=drawn.outside, name=name))
    if drawn.farthest_mm > OFF_CENTRE * voxel_mm:
        off = f"{drawn.farthest_mm:.2f}"
        notes.append(
            warned("{name} was drawn up to {off} mm beside the slices of this series; the nearest slice shows it.",
                   name=name, off=off)
        )  # fmt: skip
    for axis in {axis for axis, _ in drawn.closed}:
        indices = sorted(index for other, index in drawn.closed if other == axis)
        gaps = sum(int(step) - 1 for step in np.diff(indices))
        if gaps:
            notes.append(
                warned(
                    "{name} has no contours on {count} slices between its first and last one; they stay empty.",
                    name=name,
                    count=gaps,
                )
            )
    return notes
