"""DICOM Segmentations (binary, fractional, label map; PS3.3 A.51) on the grid of the series they refer to.

Frames are decoded one by one with pydicom and placed by their own position: sparse, unordered and cropped objects cost
nothing extra, and the guards against hostile files are those of images.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels import iter_pixels

from medassist.entities.errors import UnreadableInput
from medassist.entities.prediction import Mask, Segment
from medassist.entities.study import Warned, warned
from medassist.entities.volume import AnyArray, Volume
from medassist.imaging import tags
from medassist.imaging.dicom_files import BAD_FILE, read_with_pixels
from medassist.imaging.frames import Frame, frames_of
from medassist.imaging.objects.label_maps import MOST_LABELS, Region, label_maps
from medassist.imaging.objects.label_volume import LabelVolume, label_volume, places_of
from medassist.imaging.objects.placing import check_frame_of_reference, own_grid, place_of, sources_of
from medassist.imaging.objects.segments import segments_of
from medassist.imaging.resample import resample
from medassist.progress import Progress

HALF = 0.5
"""Share of the largest fractional value from which on a voxel is drawn as the segment."""

Piece = tuple[int, Frame, NDArray[np.bool_]]


class _Collected:
    """Voxels per segment on the grid of the series, and pieces that lie on another grid."""

    def __init__(self) -> None:
        self.voxels: dict[int, list[NDArray[np.int64]]] = defaultdict(list)
        self.elsewhere: dict[int, list[tuple[Frame, NDArray[np.bool_]]]] = defaultdict(list)
        self.outside = 0


def read_segmentation(
    ds: Dataset, path: Path, volume: Volume, progress: Progress
) -> tuple[tuple[Mask, ...], tuple[Warned, ...]]:
    """Return the label maps of a SEG on the grid of `volume`, and what a reader must know about them.

    Raises UnreadableInput for another frame of reference, for frames without a place and for damaged pixels.
    """
    check_frame_of_reference(tags.text((ds,), "FrameOfReferenceUID"), volume)
    segments = segments_of(ds)
    frames = frames_of(ds, path)
    whole = _label_map(ds, path, frames, volume, progress)
    if whole is not None:
        return _as_masks(whole, segments, volume)
    found = _Collected()
    for pieces in progress.over(_pieces(ds, path, frames), "Reading the segmentation", len(frames)):
        for number, frame, inside in pieces:
            if inside.any():
                _place(found, number, frame, inside, sources_of(ds, frame.index), volume)
    notes = [*_fractional_note(ds), *_resampled(found, volume)]
    notes += _outside(found.outside)
    regions = [Region(segments.get(number) or _unnamed(number), _flat(found.voxels[number]))
               for number in sorted({*segments, *found.voxels} - {0})]  # fmt: skip
    notes += _empty([region.segment.label for region in regions if not region.voxels.size])
    return label_maps(regions, volume.geometry), tuple(notes)


def read_file(path: Path, volume: Volume) -> tuple[Mask, ...]:
    """Return the label maps of a file that is known to be a segmentation; errors as of `read_segmentation`."""
    return read_segmentation(read_with_pixels(path), path, volume, Progress())[0]


def _label_map(ds: Dataset, path: Path, frames: list[Frame], volume: Volume, progress: Progress) -> LabelVolume | None:
    """Return a label map of slices of the series; None for other objects, which are taken segment by segment."""
    if tags.text((ds,), "SegmentationType") != "LABELMAP":
        return None
    places = places_of(frames, [sources_of(ds, frame.index) for frame in frames], volume)
    if places is None:
        return None
    planes = progress.over(_planes(ds, path, frames), "Reading the segmentation", len(frames))
    return label_volume(planes, places, volume, tags.whole((ds,), "PixelPaddingValue") or 0)


def _as_masks(
    whole: LabelVolume, segments: dict[int, Segment], volume: Volume
) -> tuple[tuple[Mask, ...], tuple[Warned, ...]]:
    known = {number: one for number, one in segments.items() if 0 < number <= MOST_LABELS}
    told = [known.get(number) or _unnamed(number) for number in sorted(set(known) | whole.held)]
    empty = [one.label for one in told if one.value not in whole.held]
    mask = Mask(whole.labels_zyx, volume.geometry, tuple(told))
    return (mask,), (*_outside(whole.outside), *_empty(empty))


def _outside(count: int) -> list[Warned]:
    told = warned("{count} marked voxels lie outside this series and are not shown.", count=count)
    return [told] if count else []


def _empty(labels: list[str]) -> list[Warned]:
    return [warned("These segments mark nothing here: {names}.", names=", ".join(labels))] if labels else []


def _unnamed(number: int) -> Segment:
    return Segment(number, f"Segment {number}")


def _flat(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.int64)


def _pieces(ds: Dataset, path: Path, frames: list[Frame]) -> Iterator[list[Piece]]:
    """Yield for each frame (segment number, frame, where it is): one piece, or one per label of a label map."""
    kind = tags.text((ds,), "SegmentationType")
    largest = tags.number((ds,), "MaximumFractionalValue") or 255.0
    background = tags.whole((ds,), "PixelPaddingValue") or 0
    for frame, values in zip(frames, _planes(ds, path, frames), strict=False):
        if kind == "LABELMAP":
            yield [(int(label), frame, values == label) for label in np.unique(values) if label != background]
        elif kind == "FRACTIONAL":
            yield [(_segment_number(ds, frame), frame, values >= HALF * largest)]
        else:
            yield [(_segment_number(ds, frame), frame, values != 0)]


def _planes(ds: Dataset, path: Path, frames: list[Frame]) -> Iterator[AnyArray]:
    """Yield the stored values of each frame (rows, columns)."""
    for frame, values in zip(frames, _decoded(ds, path), strict=False):
        if values.shape != (frame.rows, frame.columns):
            raise UnreadableInput("{path} is damaged and cannot be read.", path=path)
        yield values


def _decoded(ds: Dataset, path: Path) -> Iterator[AnyArray]:
    try:
        yield from iter_pixels(ds, raw=True)
    except BaseException as problem:
        # The RLE codec is written in Rust; its panics are no Exception.
        if isinstance(problem, BAD_FILE) or type(problem).__name__ == "PanicException":
            raise UnreadableInput("The pixels of {path} cannot be decoded.", path=path) from problem
        raise


def _segment_number(ds: Dataset, frame: Frame) -> int:
    """Return which segment a frame belongs to; the one of all frames may stand in the shared groups."""
    for keyword, index in (("PerFrameFunctionalGroupsSequence", frame.index), ("SharedFunctionalGroupsSequence", 0)):
        groups = tags.value_of((ds,), keyword)
        group = groups[index] if groups is not None and index < len(groups) else None
        items = tags.value_of((group,), "SegmentIdentificationSequence") if group is not None else None
        number = tags.whole((items[0],), "ReferencedSegmentNumber") if items else None
        if number is not None:
            return number
    raise UnreadableInput("{file} does not say which segment it belongs to.", file=frame.name)


def _place(
    found: _Collected,
    number: int,
    frame: Frame,
    inside: NDArray[np.bool_],
    sources: tuple[tuple[str, int], ...],
    volume: Volume,
) -> None:
    place = place_of(frame, sources, volume)
    if place is None:
        found.elsewhere[number].append((frame, inside))
        return
    voxels = place.voxels(*np.nonzero(inside))
    size = np.array(volume.geometry.shape_zyx[::-1])
    kept = ((voxels >= 0) & (voxels < size)).all(axis=1)
    found.outside += int((~kept).sum())
    column, row, index = voxels[kept].T
    found.voxels[number].append((index * size[1] + row) * size[0] + column)


def _resampled(found: _Collected, volume: Volume) -> Iterator[Warned]:
    """Bring frames of another grid home, segment by segment, by the nearest voxel."""
    if not found.elsewhere:
        return
    home = volume.geometry
    if not volume.is_regular:
        raise UnreadableInput(
            "The segmentation lies between the slices of {series}, which form no regular grid; it cannot be laid "
            "over them.",
            series=volume.series.title,
        )
    for number, pieces in found.elsewhere.items():
        grid, slices = own_grid([frame for frame, _ in pieces], home)
        labels = np.zeros(grid.shape_zyx, np.uint8)
        for index, (_, inside) in zip(slices, pieces, strict=True):
            labels[index] |= inside
        found.voxels[number].append(np.flatnonzero(resample(labels, grid, home, linear=False)))
    yield warned(
        "The segmentation lies on another grid than this series; each voxel takes the nearest value, so edges and "
        "volumes differ slightly from the file."
    )


def _fractional_note(ds: Dataset) -> Iterator[Warned]:
    if tags.text((ds,), "SegmentationType") == "FRACTIONAL":
        kind = tags.text((ds,), "SegmentationFractionalType").lower() or "fractional"
        yield warned("The segmentation holds {kind} values; voxels of at least 50 % are drawn.", kind=kind)
