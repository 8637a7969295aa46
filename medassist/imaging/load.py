"""Pixels of one series, on its grid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset

from medassist.entities.errors import UnreadableInput
from medassist.entities.geometry import Geometry
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import AnyArray, Volume, Window
from medassist.imaging import tags
from medassist.imaging.decoding import decode
from medassist.imaging.dicom_files import BAD_FILE, MAX_PIXEL_BYTES, read_with_pixels
from medassist.imaging.foreign_pixels import load_foreign
from medassist.imaging.frames import Frame, frames_of
from medassist.imaging.grid import film_affine, plane_affine, step_of
from medassist.imaging.quiet import quietly
from medassist.imaging.regular import regularise
from medassist.imaging.render import auto_window
from medassist.imaging.rescaling import rescale
from medassist.progress import Progress

_THREADS = 2


@dataclass(frozen=True, eq=False)
class _Decoded:
    """The wanted pictures of one file: where they go, what they hold, and what their headers say."""

    targets: tuple[int, ...]
    frames: tuple[Frame, ...]
    values: AnyArray
    padding: tuple[float, float] | None
    photometric: str


def load(series: Series, *, progress: Progress | None = None) -> Volume:
    """Decode a series and rescale it to modality values on its grid.

    Raises UnreadableInput, with the file and the reason, when a picture cannot be decoded or the series holds none,
    and Cancelled.
    """
    progress = progress or Progress()
    if series.kind is SeriesKind.OTHER or not series.frames:
        raise UnreadableInput("{series} holds no pictures to show.", series=series.title)
    depth, rows, columns = series.shape_zyx
    if 2 * depth * rows * columns * series.times > MAX_PIXEL_BYTES:
        raise UnreadableInput("{series} is too large for this version to open.", series=series.title)
    if series.raw is not None:
        return regularise(load(series.raw, progress=progress), series, progress=progress)
    if series.format != "DICOM":
        progress.step("Reading pixels")
        return load_foreign(series)
    with quietly():
        return _assemble(series, progress)


def _assemble(series: Series, progress: Progress) -> Volume:
    frames: list[Frame | None] = [None] * len(series.frames)
    stored: AnyArray | None = None
    first: _Decoded | None = None
    wanted = _by_file(series)
    for decoded in progress.over(_decode_all(wanted), "Reading pixels", len(wanted)):
        first = first or decoded
        stored = _room_for(stored, decoded, series)
        stored[list(decoded.targets)] = decoded.values
        for target, frame in zip(decoded.targets, decoded.frames, strict=True):
            frames[target] = frame
    if stored is None or first is None:
        raise UnreadableInput("{series} holds no pictures to show.", series=series.title)
    return _volume(series, [frame for frame in frames if frame], stored, first)


def _by_file(series: Series) -> dict[Path, list[tuple[int, int]]]:
    """Return for each file which of its frames go where in the series."""
    wanted: dict[Path, list[tuple[int, int]]] = defaultdict(list)
    for target, frame in enumerate(series.frames):
        wanted[frame.path].append((target, frame.frame))
    return wanted


def _decode_all(wanted: dict[Path, list[tuple[int, int]]]) -> Iterator[_Decoded]:
    """Decode files in two threads, in order, at most a few ahead of the reader."""
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="load")
    waiting = []
    try:
        for path, pairs in wanted.items():
            waiting.append(pool.submit(_decode_file, path, pairs))
            if len(waiting) > 4 * _THREADS:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()
    finally:
        pool.shutdown(cancel_futures=True)


def _decode_file(path: Path, pairs: Sequence[tuple[int, int]]) -> _Decoded:
    ds = read_with_pixels(path)
    values = decode(ds, path)
    try:
        described = frames_of(ds, path)
        chosen = tuple(described[frame] for _, frame in pairs)
        order = [frame for _, frame in pairs]
        picked = values if order == list(range(len(values))) else values[order]
    except BAD_FILE as problem:
        raise UnreadableInput("{path} changed since it was scanned.", remedy="Open it again.", path=path) from problem
    targets = tuple(target for target, _ in pairs)
    return _Decoded(targets, chosen, picked, _padding(ds), tags.text((ds,), "PhotometricInterpretation"))


def _room_for(stored: AnyArray | None, decoded: _Decoded, series: Series) -> AnyArray:
    """Return the array all frames go into, widened when this file needs a wider type."""
    shape = (len(series.frames), *decoded.values.shape[1:])
    if stored is None:
        return np.empty(shape, decoded.values.dtype)
    if stored.shape != shape:
        raise UnreadableInput(
            "{path} changed since it was scanned.", remedy="Open it again.", path=decoded.frames[0].path
        )
    return stored.astype(np.promote_types(stored.dtype, decoded.values.dtype), copy=False)


def _padding(ds: Dataset) -> tuple[float, float] | None:
    """Return the range of stored values that mean "no data" (PS3.3 C.7.5.1.1.2)."""
    value, other = tags.number((ds,), "PixelPaddingValue"), tags.number((ds,), "PixelPaddingRangeLimit")
    if value is None:
        return None
    other = value if other is None else other
    return min(value, other), max(value, other)


def _volume(series: Series, frames: Sequence[Frame], stored: AnyArray, first: _Decoded) -> Volume:
    slopes, intercepts = [frame.slope for frame in frames], [frame.intercept for frame in frames]
    values = stored if stored.ndim == 4 else rescale(stored, slopes, intercepts)
    depth = series.shape_zyx[0]
    by_place = values.reshape(depth, series.times, *values.shape[1:])
    array = np.ascontiguousarray(np.moveaxis(by_place, 1, 0)) if series.times > 1 else by_place[:, 0][None]
    padding = _rescaled(first.padding, slopes[0], intercepts[0])
    one_per_place = frames[:: series.times]
    placed = all(frame.is_placed for frame in frames) and series.kind is not SeriesKind.FILM
    return Volume(
        series,
        array,
        _geometry(series, one_per_place),
        unit=frames[0].unit,
        windows=_windows(frames[0], array, padding),
        inverted=first.photometric == "MONOCHROME1",
        padding=padding,
        slice_origins_lps=np.array([frame.position for frame in one_per_place]) if placed else None,
    )


def _rescaled(padding: tuple[float, float] | None, slope: float, intercept: float) -> tuple[float, float] | None:
    if padding is None:
        return None
    low, high = sorted(edge * slope + intercept for edge in padding)
    return low, high


def _geometry(series: Series, frames: Sequence[Frame]) -> Geometry:
    first = frames[0]
    if all(frame.is_placed for frame in frames):
        step = step_of(frames) if series.kind is not SeriesKind.FILM else 1.0
        # Slices that share a position leave no distance between them to measure.
        affine = plane_affine(first, step if step > 1e-6 else first.gap_mm or first.thickness_mm or 1.0)
        return Geometry(affine, series.shape_zyx, first.frame_of_reference)
    return Geometry(film_affine(first), series.shape_zyx, calibrated=first.spacing_mm is not None)


def _windows(frame: Frame, array: AnyArray, padding: tuple[float, float] | None) -> tuple[Window, ...]:
    """Return the header's windows, else one from the values."""
    if array.ndim == 5:
        return (Window(127.5, 256.0),)
    return frame.windows or (auto_window(array, padding),)
