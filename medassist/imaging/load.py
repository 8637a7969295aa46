"""Pixels of one series, on its grid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from pydicom.filereader import read_file_meta_info

from medassist.entities.errors import UnreadableInput
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import AnyArray, Volume
from medassist.imaging import decode_pool
from medassist.imaging.assembling import Picture, only_slice, slice_of, volume_of
from medassist.imaging.decode_file import Decoded, decode_file, frame_watch
from medassist.imaging.dicom_files import BAD_FILE, MAX_PIXEL_BYTES
from medassist.imaging.foreign_pixels import load_foreign
from medassist.imaging.outline import Watch, changed, slices_of, time_by_time
from medassist.imaging.plain_pixels import PlainPicture, plain_pictures, read_plain
from medassist.imaging.quiet import quietly
from medassist.imaging.regular import regularise
from medassist.imaging.remarks import damaged_slices
from medassist.imaging.rescaling import becomes_float
from medassist.imaging.room import room
from medassist.imaging.suv import with_suv
from medassist.progress import Progress

_THREADS = 2


def load(series: Series, *, progress: Progress | None = None, watch: Watch | None = None) -> Volume:
    """Decode a series and rescale it to modality values on its grid.

    `watch` is shown slices as they are read, those of `series.raw` for a series made of them.

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
        raw = load(series.raw, progress=progress, watch=watch)
        lost_since = raw.series.irregularity != series.raw.irregularity
        return raw if lost_since else regularise(raw, series, progress=progress)
    if series.format != "DICOM":
        progress.step("Reading pixels")
        return load_foreign(series)
    with quietly():
        return with_suv(_assemble(series, progress, watch))


def preview(series: Series, index: int, *, progress: Progress | None = None) -> Volume:
    """Read one slice of a series, to look at while the rest loads: a volume of its own with a single slice.

    `index` counts slices; of several time points the first one is read. It counts as irregular, so that nothing is
    computed from it. Raises as `load` does.
    """
    return load(only_slice(series.raw or series, index), progress=progress)


def _assemble(series: Series, progress: Progress, watch: Watch | None) -> Volume:
    plain = plain_pictures(series)
    if plain is not None:
        read = read_plain(plain, progress, *_looking_on(series, plain, watch))
        if read is not None:
            return volume_of(series, (), plain, *read)
    return _decoded(series, progress, watch)


def _looking_on(
    series: Series, pictures: Sequence[PlainPicture], watch: Watch | None
) -> tuple[int, Callable[[Sequence[int], AnyArray], None] | None]:
    """Return which frame to read first, and whom to tell of frames as they are read."""
    if watch is None:
        return 0, None

    def told(frames: Sequence[int], stored: AnyArray) -> None:
        watch.arrived(slices_of(series, frames), lambda at: slice_of(series, at, pictures[at], stored[at]))

    return watch.first, told


def _decoded(series: Series, progress: Progress, watch: Watch | None) -> Volume:
    files: list[Decoded] = []
    stored: AnyArray | None = None
    known: dict[int, Picture] = {}
    wanted = _by_file(series, watch)
    jobs = _decode_all(wanted, series, progress, watch if len(wanted) == 1 else None)
    for decoded in progress.over(jobs, "Reading pixels", len(wanted)):
        if decoded.values is not None:
            stored = _placed(stored, decoded, decoded.values, len(series.frames))
            known |= {} if watch is None else _pictures(decoded)
            _tell(watch, series, decoded, known, stored)
        files.append(replace(decoded, values=None))
    if stored is None:
        raise next(file.problem for file in sorted(files, key=lambda one: one.targets) if file.problem)
    return volume_of(*_with_losses(series, files), _in_order(files), stored)


def _tell(
    watch: Watch | None, series: Series, decoded: Decoded, known: Mapping[int, Picture], stored: AnyArray
) -> None:
    """Let whoever looks on see the frames of one file that are whole."""
    if watch is not None:
        frames = [target for target in decoded.targets if target not in decoded.lost]
        watch.arrived(slices_of(series, frames), lambda at: slice_of(series, at, known[at], stored[at]))


def _with_losses(series: Series, files: Sequence[Decoded]) -> tuple[Series, tuple[int, ...]]:
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


def _in_order(files: Sequence[Decoded]) -> list[Picture]:
    """Return what is known of every frame, in the order of the series."""
    everywhere = {target: picture for file in files for target, picture in _pictures(file).items()}
    return [everywhere[target] for target in sorted(everywhere)]


def _pictures(file: Decoded) -> dict[int, Picture]:
    """Return what is known of every frame of a file, by its place in the series."""
    described = zip(file.targets, file.frames, strict=True)
    return {target: Picture(frame, file.padding, file.photometric) for target, frame in described}


def _by_file(series: Series, watch: Watch | None) -> dict[Path, list[tuple[int, int]]]:
    """Return for each file which of its frames go where, time by time; those wanted first come first."""
    wanted: dict[Path, list[tuple[int, int]]] = defaultdict(list)
    for target, frame in enumerate(time_by_time(series)):
        wanted[frame.path].append((target, frame.frame))
    if watch is None:
        return wanted
    near = {path: min(watch.distance(series, target) for target, _ in pairs) for path, pairs in wanted.items()}
    return {path: wanted[path] for path in sorted(wanted, key=near.__getitem__)}


def _decode_all(
    wanted: dict[Path, list[tuple[int, int]]], series: Series, progress: Progress, watch: Watch | None
) -> Iterator[Decoded]:
    """Decode files in a few threads, in order, hardly ahead of the reader: what waits for it takes memory.

    `watch` is shown the frames of a single file as they are decoded: the one that loads only waits meanwhile.
    """
    count = max(_THREADS, 1 + _workers(next(iter(wanted)), len(wanted), series))  # one more reads meanwhile
    pool = ThreadPoolExecutor(count, thread_name_prefix="load")
    waiting = []
    look = None if watch is None else partial(frame_watch, series, watch)
    try:
        for path, pairs in wanted.items():
            waiting.append(pool.submit(decode_file, path, pairs, progress, look))
            if len(waiting) > count + 1:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()
    finally:
        pool.shutdown(cancel_futures=True)


def _workers(path: Path, files: int, series: Series) -> int:
    """Return how many processes will decode a series, judged by one of its files; they start in the background."""
    _, rows, columns = series.shape_zyx
    with suppress(*BAD_FILE):
        if decode_pool.is_for(read_file_meta_info(path)):
            return decode_pool.start(files, len(series.frames) * rows * columns)
    return 0


def _placed(stored: AnyArray | None, file: Decoded, values: AnyArray, count: int) -> AnyArray:
    """Return the array all frames go into, with those of one file in their places."""
    if stored is None and file.targets == tuple(range(count)) and values.flags.writeable:
        return values  # this file has all of them: a copy would double the memory
    stored = _room_for(stored, file, values, count)
    stored[list(file.targets)] = values
    return stored


def _room_for(stored: AnyArray | None, file: Decoded, values: AnyArray, count: int) -> AnyArray:
    """Return the array all frames go into, widened when this file needs a wider type."""
    shape = (count, *values.shape[1:])
    if stored is None:
        scales = zip(*((frame.slope, frame.intercept) for frame in file.frames), strict=True)
        return room(shape, values.dtype, to_float=values.ndim == 3 and becomes_float(values.dtype, *scales))
    if stored.shape != shape:
        raise changed(file.frames[0].path)
    return stored.astype(np.promote_types(stored.dtype, values.dtype), copy=False)
