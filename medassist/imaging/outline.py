"""Where the slices of a series lie, told before their pixels are read; and who wants to see them as they come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydicom.filereader import read_file_meta_info

from medassist.entities.errors import UnreadableInput
from medassist.entities.geometry import Geometry
from medassist.entities.study import FrameRef, Series, SeriesKind
from medassist.entities.volume import Volume
from medassist.imaging.dicom_files import BAD_FILE, read_header
from medassist.imaging.frames import Frame, frames_of
from medassist.imaging.grid import film_affine, plane_affine, step_of
from medassist.imaging.quiet import quietly

Make = Callable[[int], Volume]


@dataclass(frozen=True)
class Watch:
    """Somebody who looks on while a series is loaded.

    Attributes:
        first: the slice to read first; the others follow by their distance from it.
        arrived: is called while the series loads, in one thread at a time, with the indices of slices just read and a
            function that makes a `Volume` of one of them. It makes those of earlier calls as well, but only until the
            call returns.
    """

    first: int
    arrived: Callable[[Sequence[int], Make], None]

    def distance(self, series: Series, frame: int) -> tuple[int, int]:
        """Return what frames, counted time by time, are sorted by: time, then slices from the first one."""
        depth = len(series.frames) // series.times
        return frame // depth, abs(frame % depth - self.first)


def comes_slice_by_slice(series: Series) -> bool:
    """Tell whether a slice of a series can be seen long before all of them.

    It cannot where there is one slice, and in a single file whose frames are not compressed: there it takes as long to
    read the header again as to read all pixels.
    """
    home = series.raw or series
    if home.format != "DICOM" or home.shape_zyx[0] < 2:
        return False
    path = home.frames[0].path
    if any(ref.path != path for ref in home.frames):
        return True
    with suppress(*BAD_FILE):
        return bool(read_file_meta_info(path).TransferSyntaxUID.is_encapsulated)
    return False


def time_by_time(series: Series) -> list[FrameRef]:
    """Return the frames of a series as they lie in memory: all slices of the first time point, then of the next."""
    return [frame for time in range(series.times) for frame in series.frames[time :: series.times]]


def slices_of(series: Series, frames: Sequence[int]) -> list[int]:
    """Return the slices whose first time point is among some frames of a series, counted time by time."""
    return [frame for frame in frames if frame < len(series.frames) // series.times]


def geometry_of(series: Series, frames: Sequence[Frame]) -> Geometry:
    """Return the grid of slices, given one frame of each: of their positions, or without a patient."""
    step = step_of(frames) if series.kind is not SeriesKind.FILM and all(one.is_placed for one in frames) else 1.0
    return _grid(series, frames[0], step, all(one.is_placed for one in frames))


def outline(series: Series) -> Geometry:
    """Return the grid of a series from the headers of its first and last slice: of a regular one, what `load` gives.

    Of a series made by interpolation it is the grid of its slices as stored. Raises UnreadableInput when a header
    cannot be read or is another one by now.
    """
    home = series.raw or series
    with quietly():
        ends = _described([home.frames[0], home.frames[-home.times]])
    placed = all(one.is_placed for one in ends)
    whole = step_of(ends) if placed and home.kind is not SeriesKind.FILM else 1.0
    return _grid(home, ends[0], whole / max(1, home.shape_zyx[0] - 1), placed)


def _described(refs: Sequence[FrameRef]) -> list[Frame]:
    known: dict[Path, list[Frame]] = {}
    for ref in refs:
        if ref.path not in known:
            known[ref.path] = frames_of(read_header(ref.path, complete=True), ref.path)
    try:
        return [known[ref.path][ref.frame] for ref in refs]
    except BAD_FILE as problem:
        raise changed(refs[0].path) from problem


def changed(path: Path) -> UnreadableInput:
    """Return the error for a file that is not what the scan saw."""
    return UnreadableInput("{path} changed since it was scanned.", remedy="Open it again.", path=path)


def _grid(series: Series, first: Frame, step: float, placed: bool) -> Geometry:
    if not placed:
        return Geometry(film_affine(first), series.shape_zyx, calibrated=first.spacing_mm is not None)
    if series.kind is SeriesKind.FILM:
        step = 1.0
    # Slices that share a position leave no distance between them to measure.
    affine = plane_affine(first, step if step > 1e-6 else first.gap_mm or first.thickness_mm or 1.0)
    return Geometry(affine, series.shape_zyx, first.frame_of_reference)
