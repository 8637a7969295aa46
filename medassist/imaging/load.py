"""Pixels of one series, on its grid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydicom import Dataset

from medassist.entities.errors import UnreadableInput
from medassist.entities.geometry import Geometry
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import AnyArray, Volume, Window
from medassist.imaging import tags
from medassist.imaging.decoding import decode, decode_each
from medassist.imaging.dicom_files import BAD_FILE, MAX_PIXEL_BYTES, read_header, read_with_pixels
from medassist.imaging.foreign_pixels import load_foreign
from medassist.imaging.frames import Frame, frames_of
from medassist.imaging.grid import film_affine, plane_affine, step_of
from medassist.imaging.padding import Range, fitting, stored_padding, unify
from medassist.imaging.plain_pixels import PlainPicture, plain_pictures, read_plain
from medassist.imaging.quiet import quietly
from medassist.imaging.regular import regularise
from medassist.imaging.remarks import damaged_slices
from medassist.imaging.render import auto_window
from medassist.imaging.rescaling import rescale
from medassist.imaging.suv import with_suv
from medassist.progress import Progress

_THREADS = 2


@dataclass(frozen=True, eq=False)
class _Decoded:
    """The wanted pictures of one file: where they go, what they hold, and what their headers say.

    `values` is None where all pixels are damaged; `problem` says why, and `lost` where the damaged ones would go.
    """

    targets: tuple[int, ...]
    frames: tuple[Frame, ...]
    values: AnyArray | None
    padding: Range | None
    photometric: str
    problem: UnreadableInput | None = None
    lost: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Picture:
    """What is known of one frame besides its pixels; `padding` is its range of stored values."""

    frame: Frame
    padding: Range | None
    photometric: str


def load(series: Series, *, progress: Progress | None = None) -> Volume:
    """Decode a series and rescale it to modality values on its grid.

    A file whose pixels are damaged costs its slices, not the series: they are named in a warning and left empty, and
    the series counts as irregular. Raises UnreadableInput, with the file and the reason, when no picture can be
    decoded or the series holds none, and Cancelled.
    """
    progress = progress or Progress()
    if series.kind is SeriesKind.OTHER or not series.frames:
        raise UnreadableInput("{series} holds no pictures to show.", series=series.title)
    depth, rows, columns = series.shape_zyx
    if 2 * depth * rows * columns * series.times > MAX_PIXEL_BYTES:
        raise UnreadableInput("{series} is too large for this version to open.", series=series.title)
    if series.raw is not None:
        raw = load(series.raw, progress=progress)
        lost_since = raw.series.irregularity != series.raw.irregularity
        return raw if lost_since else regularise(raw, series, progress=progress)
    if series.format != "DICOM":
        progress.step("Reading pixels")
        return load_foreign(series)
    with quietly():
        return with_suv(_assemble(series, progress))


def preview(series: Series, index: int, *, progress: Progress | None = None) -> Volume:
    """Read one slice of a series, to look at while the rest loads: a volume of its own with a single slice.

    `index` counts slices; of several time points the first one is read. It counts as irregular, so that nothing is
    computed from it. Raises as `load` does.
    """
    home = series.raw or series
    at = index * home.times
    said = "Only one slice is loaded yet."
    one = replace(home, frames=home.frames[at : at + 1], shape_zyx=(1, *home.shape_zyx[1:]), times=1, irregularity=said)
    return load(one, progress=progress)


def _assemble(series: Series, progress: Progress) -> Volume:
    plain = plain_pictures(series)
    if plain is not None:
        read = read_plain(plain, progress)
        if read is not None:
            return _volume(series, (), plain, *read)
    return _decoded(series, progress)


def _decoded(series: Series, progress: Progress) -> Volume:
    files: list[_Decoded] = []
    stored: AnyArray | None = None
    wanted = _by_file(series)
    for decoded in progress.over(_decode_all(wanted), "Reading pixels", len(wanted)):
        if decoded.values is not None:
            stored = _room_for(stored, decoded.values, decoded.frames[0].path, len(series.frames))
            stored[list(decoded.targets)] = decoded.values
        files.append(replace(decoded, values=None))
    if stored is None:
        raise next(file.problem for file in files if file.problem)
    return _volume(*_with_losses(series, files), _in_order(files), stored)


def _with_losses(series: Series, files: Sequence[_Decoded]) -> tuple[Series, tuple[int, ...]]:
    """Return the series, told what could not be read, and the frames that are empty because of it."""
    damaged = [file for file in files if file.problem is not None]
    if not damaged:
        return series, ()
    names = {
        target: frame.name
        for file in damaged
        for target, frame in zip(file.targets, file.frames, strict=True)
        if target in file.lost
    }
    lost = tuple(sorted(names))
    said = damaged_slices([names[target] for target in lost])
    if said in series.warnings:
        return series, lost
    stack = series.kind is not SeriesKind.FILM
    told = replace(
        series,
        kind=SeriesKind.STACK if stack else series.kind,
        irregularity=" ".join(text for text in (series.irregularity, said.text()) if text) if stack else "",
        warnings=(said, *series.warnings),
    )
    return told, lost


def _in_order(files: Sequence[_Decoded]) -> list[_Picture]:
    """Return what is known of every frame, in the order of the series."""
    everywhere = ((target, at, file) for file in files for at, target in enumerate(file.targets))
    placed = sorted(everywhere, key=lambda place: place[0])
    return [_Picture(file.frames[at], file.padding, file.photometric) for _, at, file in placed]


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
    targets, order = tuple(target for target, _ in pairs), [frame for _, frame in pairs]
    try:
        ds = read_with_pixels(path)
        values = decode(ds, path)
        picked = values if order == list(range(len(values))) else values[order]
    except UnreadableInput as problem:
        return _salvaged(path, pairs, problem)
    except IndexError as problem:
        raise _changed(path) from problem
    photometric = tags.text((ds,), "PhotometricInterpretation")
    return _Decoded(targets, _described(ds, path, order), picked, stored_padding(ds), photometric)


def _salvaged(path: Path, pairs: Sequence[tuple[int, int]], problem: UnreadableInput) -> _Decoded:
    """Return what can be had of a damaged file: its header, and those of its frames that are whole."""
    targets, order = tuple(target for target, _ in pairs), [frame for _, frame in pairs]
    header = read_header(path, complete=True)
    frames = _described(header, path, order)
    try:
        whole = decode_each(read_with_pixels(path), path)
    except UnreadableInput:
        whole = {}
    lost = tuple(target for target, frame in pairs if frame not in whole)
    if len(lost) == len(pairs):
        return _Decoded(targets, frames, None, None, "", problem, lost)
    blank = np.zeros_like(next(iter(whole.values())))
    values = np.stack([whole.get(frame, blank) for frame in order])
    photometric = tags.text((header,), "PhotometricInterpretation")
    return _Decoded(targets, frames, values, stored_padding(header), photometric, problem, lost)


def _described(ds: Dataset, path: Path, order: Sequence[int]) -> tuple[Frame, ...]:
    try:
        described = frames_of(ds, path)
        return tuple(described[frame] for frame in order)
    except BAD_FILE as problem:
        raise _changed(path) from problem


def _changed(path: Path) -> UnreadableInput:
    return UnreadableInput("{path} changed since it was scanned.", remedy="Open it again.", path=path)


def _room_for(stored: AnyArray | None, values: AnyArray, path: Path, count: int) -> AnyArray:
    """Return the array all frames go into, widened when this file needs a wider type."""
    shape = (count, *values.shape[1:])
    if stored is None:
        return np.zeros(shape, values.dtype)
    if stored.shape != shape:
        raise _changed(path)
    return stored.astype(np.promote_types(stored.dtype, values.dtype), copy=False)


def _volume(
    series: Series,
    lost: tuple[int, ...],
    pictures: Sequence[_Picture | PlainPicture],
    stored: AnyArray,
    ends: tuple[int, int] | None = None,
) -> Volume:
    frames = [picture.frame for picture in pictures]
    kept = next(picture for index, picture in enumerate(pictures) if index not in lost)
    values, padding = _values(stored, lost, pictures, ends)
    depth = series.shape_zyx[0]
    by_place = values.reshape(depth, series.times, *values.shape[1:])
    array = np.ascontiguousarray(np.moveaxis(by_place, 1, 0)) if series.times > 1 else by_place[:, 0][None]
    one_per_place = frames[:: series.times]
    placed = all(frame.is_placed for frame in frames) and series.kind is not SeriesKind.FILM
    return Volume(
        series,
        array,
        _geometry(series, one_per_place),
        unit=frames[0].unit,
        windows=_windows(frames[0], array, padding),
        inverted=kept.photometric == "MONOCHROME1",
        padding=padding,
        slice_origins_lps=np.array([frame.position for frame in one_per_place]) if placed else None,
        lost_slices=tuple(dict.fromkeys(index // series.times for index in lost)),
    )


def _values(
    stored: AnyArray,
    lost: tuple[int, ...],
    pictures: Sequence[_Picture | PlainPicture],
    ends: tuple[int, int] | None,
) -> tuple[AnyArray, Range | None]:
    """Return modality values and their padding; frames that were lost hold padding, or the least value there is."""
    if stored.ndim == 4:
        return stored, None
    kept = [index for index in range(len(pictures)) if index not in lost]
    empty = pictures[kept[0]].padding
    for index in lost:
        stored[index] = fitting(stored, empty[0]) if empty is not None else min(stored[other].min() for other in kept)
    slopes, intercepts = ([getattr(one.frame, name) for one in pictures] for name in ("slope", "intercept"))
    values = rescale(stored, slopes, intercepts, ends)
    return values, unify(values, [one.padding for one in pictures], slopes, intercepts)


def _geometry(series: Series, frames: Sequence[Frame]) -> Geometry:
    first = frames[0]
    if all(frame.is_placed for frame in frames):
        step = step_of(frames) if series.kind is not SeriesKind.FILM else 1.0
        # Slices that share a position leave no distance between them to measure.
        affine = plane_affine(first, step if step > 1e-6 else first.gap_mm or first.thickness_mm or 1.0)
        return Geometry(affine, series.shape_zyx, first.frame_of_reference)
    return Geometry(film_affine(first), series.shape_zyx, calibrated=first.spacing_mm is not None)


def _windows(frame: Frame, array: AnyArray, padding: Range | None) -> tuple[Window, ...]:
    """Return the header's windows, else one from the values."""
    if array.ndim == 5:
        return (Window(127.5, 256.0),)
    return frame.windows or (auto_window(array, padding),)
