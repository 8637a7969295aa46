"""Where the pixels of an object's frames lie on the grid of a series: by geometry, never by order of frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from medassist.entities.errors import UnreadableInput
from medassist.entities.geometry import Geometry
from medassist.entities.study import SeriesKind
from medassist.entities.volume import AnyArray, Volume
from medassist.imaging import tags
from medassist.imaging.frames import Frame
from medassist.imaging.grid import distances_along_normal, plane_affine

SNAP_VOXELS = 0.1
"""Pixels whose centres lie this near to voxel centres are those voxels: headers round their numbers."""

MOST_VOXELS = 1 << 31
"""A grid of more voxels than this is refused before anything is allocated."""

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Place:
    """Pixel (column c, row r) of a frame lies at voxel `corner + c * right + r * down` (column, row, slice)."""

    corner: Indices
    right: Indices
    down: Indices

    def voxels(self, rows: AnyArray, columns: AnyArray) -> Indices:
        """Return (n, 3) voxel indices (column, row, slice) of n pixels."""
        found = self.corner + columns[:, None] * self.right + rows[:, None] * self.down
        return found.astype(np.int64, copy=False)


def check_frame_of_reference(uid: str, volume: Volume) -> None:
    """Refuse an object that states another frame of reference than the series it shall be laid over."""
    home = volume.geometry.frame_of_reference_uid
    if uid and home and uid != home:
        raise UnreadableInput(
            "This object lies in another frame of reference than {series}; it cannot be laid over it.",
            series=volume.series.title,
        )


def place_of(frame: Frame, sources: Sequence[tuple[str, int]], volume: Volume) -> Place | None:
    """Return where a frame lies on the grid, None when its pixels are not voxels of it.

    `sources` are the images the frame was made from, as (SOPInstanceUID, frame index); they place frames over films
    and over slices without a position.
    """
    if volume.series.kind is SeriesKind.FILM or not volume.geometry.frame_of_reference_uid:
        return _place_by_source(frame, sources, volume)
    if frame.position is None or frame.orientation is None or frame.spacing_mm is None:
        raise UnreadableInput("{file} does not say where it lies in the patient.", file=frame.name)
    affine = plane_affine(frame, 1.0)
    corners = np.array([[0, 0, 0, 1], [frame.columns - 1, 0, 0, 1], [0, frame.rows - 1, 0, 1]]) @ affine.T
    at = _to_index(corners[:, :3], volume)
    whole = np.rint(at)
    if np.abs(at - whole).max() > SNAP_VOXELS:
        return None
    right = (whole[1] - whole[0]) / max(1, frame.columns - 1)
    down = (whole[2] - whole[0]) / max(1, frame.rows - 1)
    if frame.columns == 1 or frame.rows == 1 or not (_is_unit(right) and _is_unit(down)):
        return None
    return Place(whole[0].astype(np.int64), right.astype(np.int64), down.astype(np.int64))


def _is_unit(step: NDArray[np.float64]) -> bool:
    return sorted(np.abs(step).tolist()) == [0.0, 0.0, 1.0]


def _to_index(world: NDArray[np.float64], volume: Volume) -> NDArray[np.float64]:
    """Map points of one plane to voxel indices; slices that form no grid are found by their own origins."""
    origins = volume.slice_origins_lps
    if volume.is_regular or origins is None:
        return volume.geometry.to_index(world)
    normal = volume.geometry.directions_lps[:, 2]
    away = np.abs(origins @ normal - world[0] @ normal)
    nearest = int(away.argmin())
    moved = world - origins[nearest] + volume.geometry.to_world([0, 0, nearest])
    index = volume.geometry.to_index(moved)
    if away[nearest] < SNAP_VOXELS:
        index[:, 2] = nearest
    return index


def _place_by_source(frame: Frame, sources: Sequence[tuple[str, int]], volume: Volume) -> Place:
    """Place a frame on the picture it was made from: pixel for pixel, when both have the same size (C.8.20.3.2)."""
    pictures = {(one.sop_instance_uid, one.frame): index for index, one in enumerate(volume.series.frames)}
    found = [pictures[source] for source in sources if source in pictures]
    if not found or (frame.rows, frame.columns) != volume.geometry.shape_zyx[1:]:
        raise UnreadableInput(
            "{file} cannot be laid over {series}: it names no picture of it, or has another size.",
            file=frame.name,
            series=volume.series.title,
        )
    index = found[0] // volume.series.times
    return Place(np.array([0, 0, index]), np.array([1, 0, 0]), np.array([0, 1, 0]))


def sources_of(ds: Dataset, index: int) -> tuple[tuple[str, int], ...]:
    """Return the images a frame was derived from, as (SOPInstanceUID, frame index from 0)."""
    own = tags.value_of((ds,), "PerFrameFunctionalGroupsSequence")
    shared = tags.value_of((ds,), "SharedFunctionalGroupsSequence")
    items = [own[index]] if own is not None and index < len(own) else []
    items += [shared[0]] if shared else []
    found = [pair for item in items for pair in _sources(item)]
    return tuple(found or _sources(ds, direct=True))


def _sources(item: Dataset, *, direct: bool = False) -> Iterator[tuple[str, int]]:
    derivations = [item] if direct else tags.value_of((item,), "DerivationImageSequence") or []
    for derivation in derivations:
        for source in tags.value_of((derivation,), "SourceImageSequence") or []:
            uid = tags.text((source,), "ReferencedSOPInstanceUID")
            numbers = tags.numbers((source,), "ReferencedFrameNumber") or (1.0,)
            yield from ((uid, int(number) - 1) for number in numbers)


def own_grid(frames: Sequence[Frame], home: Geometry) -> tuple[Geometry, list[int]]:
    """Return the regular grid the frames lie on, and the slice index of each frame; sparse frames leave gaps.

    Slices may be sheared, as those of a tilted gantry are. Raises UnreadableInput when the frames form no grid.
    """
    first = frames[0]
    along = distances_along_normal(frames)
    gaps = np.diff(np.unique(np.round(along, 3)))
    step = first.gap_mm or (float(gaps.min()) if gaps.size else 0.0) or first.thickness_mm or 1.0
    order = np.rint((along - along.min()) / abs(step)).astype(int)
    bottom, top = int(along.argmin()), int(along.argmax())
    affine = plane_affine(frames[bottom], abs(step))
    origins = np.array([frame.position for frame in frames], dtype=np.float64)
    if order[top]:
        affine[:3, 2] = (origins[top] - origins[bottom]) / order[top]
    off = np.linalg.norm(origins - affine[:3, 3] - order[:, None] * affine[:3, 2], axis=1)
    parallel = all(np.allclose(one.orientation or (), first.orientation or (), atol=1e-3) for one in frames)
    alike = all(
        (one.rows, one.columns, one.spacing_mm) == (first.rows, first.columns, first.spacing_mm) for one in frames
    )
    shape = (int(order.max()) + 1, first.rows, first.columns)
    if not (parallel and alike) or off.max() > SNAP_VOXELS * min(abs(step), *(first.spacing_mm or (1.0,))):
        raise UnreadableInput("The frames of {file} form no regular grid.", file=first.path.name)
    if int(np.prod(shape, dtype=np.int64)) > MOST_VOXELS:
        raise UnreadableInput("{path} is too large to be laid over this series.", path=first.path)
    return Geometry(affine, shape, home.frame_of_reference_uid), [int(value) for value in order]
