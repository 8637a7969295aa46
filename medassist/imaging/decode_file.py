"""The wanted pictures of one file, decoded: what they hold, what their headers say, and what is lost of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset

from medassist.entities.errors import UnreadableInput
from medassist.entities.study import Series
from medassist.entities.volume import AnyArray, Volume
from medassist.imaging import tags
from medassist.imaging.assembling import Picture, slice_of
from medassist.imaging.decode_pool import FrameWatch
from medassist.imaging.decoding import comes_frame_by_frame, decode, decode_each, with_sign
from medassist.imaging.dicom_files import BAD_FILE, read_header, read_with_pixels
from medassist.imaging.frames import Frame, frames_of
from medassist.imaging.one_frame import with_frame_alone
from medassist.imaging.outline import Watch, changed, slices_of
from medassist.imaging.padding import Range, stored_padding
from medassist.imaging.plain_multiframe import read_plain_frames
from medassist.progress import Progress

Pairs = Sequence[tuple[int, int]]
"""Where a frame goes among those of the series, counted time by time, and which of the file (from 0) it is."""


@dataclass(frozen=True, eq=False)
class Decoded:
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


def frame_watch(series: Series, watch: Watch, ds: Dataset, path: Path, pairs: Pairs) -> FrameWatch | None:
    """Return who sees the frames of a file as they are decoded, those wanted first; None where they are not final."""
    if not comes_frame_by_frame(ds):
        return None
    place, seen = {frame: target for target, frame in pairs}, dict[int, AnyArray]()
    described = dict(zip(place.values(), _described(ds, path, list(place)), strict=True))
    padding, photometric = stored_padding(ds), tags.text((ds,), "PhotometricInterpretation")

    def make(at: int) -> Volume:
        return slice_of(series, at, Picture(described[at], padding, photometric), with_sign(ds, seen[at]))

    def told(index: int, values: AnyArray) -> None:
        at = place.get(index, len(series.frames))
        seen[at] = values
        watch.arrived(slices_of(series, [at]), make)

    def distance(index: int) -> tuple[int, int]:
        return watch.distance(series, place.get(index, len(series.frames)))

    return FrameWatch(sorted(range(tags.whole((ds,), "NumberOfFrames") or 1), key=distance), told)


def decode_file(
    path: Path,
    pairs: Pairs,
    progress: Progress,
    look: Callable[[Dataset, Path, Pairs], FrameWatch | None] | None = None,
) -> Decoded:
    """Decode the wanted pictures of one file; `look` says who sees frames as they are decoded.

    A damaged file is no error: what can be had of it comes back, with the problem. Raises UnreadableInput where the
    file cannot be parsed or is another one than was scanned, and Cancelled.
    """
    order = [frame for _, frame in pairs]
    try:
        plain = read_plain_frames(path, order, progress) if len(order) > 1 else None
        if plain is not None:
            return _as_decoded(plain[0], path, pairs, plain[1])
        ds = read_with_pixels(path)
        alone = with_frame_alone(ds, order[0]) if len(order) == 1 else None
        watch = look(ds, path, pairs) if look is not None and alone is None else None
        values = decode(alone or ds, path, progress=progress, watch=watch)
        picked = values if alone is not None else in_order(values, order)
    except UnreadableInput as problem:
        return _salvaged(path, pairs, problem, progress)
    except IndexError as problem:
        raise changed(path) from problem
    return _as_decoded(ds, path, pairs, picked)


def _as_decoded(ds: Dataset, path: Path, pairs: Pairs, values: AnyArray) -> Decoded:
    targets, order = tuple(target for target, _ in pairs), [frame for _, frame in pairs]
    photometric = tags.text((ds,), "PhotometricInterpretation")
    return Decoded(targets, _described(ds, path, order), values, stored_padding(ds), photometric)


def in_order(values: AnyArray, order: Sequence[int]) -> AnyArray:
    """Return frames in this order; all of them are moved in place, as a copy would double the memory."""
    if sorted(order) != list(range(len(values))) or not values.flags.writeable:
        return values[order]
    taken = list(order)
    for at in range(len(taken)):
        if taken[at] == at:
            continue
        first, here = values[at].copy(), at
        while taken[here] != at:
            values[here] = values[taken[here]]
            taken[here], here = here, taken[here]
        values[here], taken[here] = first, here
    return values


def _salvaged(path: Path, pairs: Pairs, problem: UnreadableInput, progress: Progress) -> Decoded:
    """Return what can be had of a damaged file: its header, and those of its frames that are whole."""
    targets, order = tuple(target for target, _ in pairs), [frame for _, frame in pairs]
    header = read_header(path, complete=True)
    frames = _described(header, path, order)
    try:
        whole = decode_each(read_with_pixels(path), path, progress=progress)
    except UnreadableInput:
        whole = {}
    lost = tuple(target for target, frame in pairs if frame not in whole)
    if len(lost) == len(pairs):
        return Decoded(targets, frames, None, None, "", problem, lost)
    blank = np.zeros_like(next(iter(whole.values())))
    values = np.stack([whole.get(frame, blank) for frame in order])
    photometric = tags.text((header,), "PhotometricInterpretation")
    return Decoded(targets, frames, values, stored_padding(header), photometric, problem, lost)


def _described(ds: Dataset, path: Path, order: Sequence[int]) -> tuple[Frame, ...]:
    try:
        described = frames_of(ds, path)
        return tuple(described[frame] for frame in order)
    except BAD_FILE as problem:
        raise changed(path) from problem
