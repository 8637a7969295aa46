"""Pixels that lie in their files as they lie in memory: read straight to their place, by what the scan found out.

Scanning tells where the pixels of a plain file begin and what its header says of them. Both are remembered with the
file's size and time of change, so that loading parses nothing a second time; a file that changed is read anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from medassist.entities.study import Series
from medassist.entities.volume import AnyArray
from medassist.imaging import tags
from medassist.imaging.frames import Frame
from medassist.imaging.outline import time_by_time
from medassist.imaging.padding import Range, stored_padding
from medassist.imaging.quick_header import QuickHeader
from medassist.imaging.rescaling import becomes_float
from medassist.imaging.room import room
from medassist.progress import Progress

_MOST_FILES = 200_000
_THREADS, _CHUNK = 4, 8


@dataclass(frozen=True)
class PlainLayout:
    """How the values of a picture are stored.

    Attributes:
        dtype: of the stored values; their highest `unused_bits` bits have no meaning.
        padding: range of stored values that mean "no data", None when there is none.
    """

    dtype: np.dtype[Any]
    unused_bits: int
    padding: Range | None
    photometric: str

    def fill(self, file: BinaryIO, at: int, place: AnyArray) -> bool:
        """Fill `place` with what stands in an unbuffered file from `at` on; False when it ends before."""
        file.seek(at)
        left = memoryview(place.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
        while left:
            count = file.readinto(left)  # type: ignore[attr-defined]
            if not count:
                return False
            left = left[count:]
        if self.unused_bits:
            place <<= self.unused_bits
            place >>= self.unused_bits
        return True


@dataclass(frozen=True)
class PlainPicture:
    """What is known of one picture and where its pixels are.

    Attributes:
        at: place of the first pixel in the file; `stamp` is size and time of change of the file.
    """

    frame: Frame
    layout: PlainLayout
    at: int
    stamp: tuple[int, int]

    @property
    def padding(self) -> Range | None:
        """The range of stored values that mean "no data"."""
        return self.layout.padding

    @property
    def photometric(self) -> str:
        """The photometric interpretation."""
        return self.layout.photometric


_known: dict[Path, PlainPicture] = {}


def remember(path: Path, header: QuickHeader, frames: Sequence[Frame]) -> None:
    """Keep where the pixels of a scanned file are, when they are plain."""
    if len(_known) >= _MOST_FILES:
        _known.clear()
    layout = header.once(_layout_of)
    if layout is None or len(frames) != 1:
        _known.pop(path, None)
        return
    size = frames[0].rows * frames[0].columns * layout.dtype.itemsize
    if header.pixels_length in (size, size + size % 2):
        _known[path] = PlainPicture(frames[0], layout, header.pixels_at, header.stamp)


def _layout_of(layers: tuple[QuickHeader]) -> PlainLayout | None:
    return plain_layout(layers, layers[0].syntax)


def plain_layout(layers: tuple[Any, ...], syntax: str) -> PlainLayout | None:
    """Return how the pixels of a file are stored; None for what needs decoding."""
    numbers = [tags.whole(layers, name) for name in ("BitsAllocated", "BitsStored", "PixelRepresentation")]
    allocated, stored, signed = (-1 if number is None else number for number in numbers)
    photometric = tags.text(layers, "PhotometricInterpretation")
    grey = photometric in ("MONOCHROME1", "MONOCHROME2") and tags.whole(layers, "SamplesPerPixel") == 1
    if not grey or allocated not in (8, 16, 32) or not 0 < stored <= allocated or signed not in (0, 1):
        return None
    if "ModalityLUTSequence" in layers[0] or syntax not in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        return None
    dtype = np.dtype(f"<{'ui'[signed]}{allocated // 8}")
    return PlainLayout(dtype.newbyteorder("="), allocated - stored, stored_padding(layers[0]), photometric)


def plain_pictures(series: Series) -> list[PlainPicture] | None:
    """Return the pictures of a series, time by time, when all are plain, of one size and type, and in own files."""
    found = [_known.get(ref.path) for ref in time_by_time(series)]
    pictures = [picture for picture in found if picture is not None]
    kinds = {(one.frame.rows, one.frame.columns, one.layout.dtype, one.layout.unused_bits) for one in pictures}
    whole = len(pictures) == len(series.frames) and len(kinds) == 1 and np.little_endian
    return pictures if whole and kinds.pop()[:2] == series.shape_zyx[1:] else None


def read_plain(
    pictures: Sequence[PlainPicture],
    progress: Progress,
    first: int = 0,
    told: Callable[[Sequence[int], AnyArray], None] | None = None,
) -> tuple[AnyArray, tuple[int, int]] | None:
    """Return the stored values (picture, row, column), the least and the greatest; None when a file has changed.

    Pictures are read by their distance from the `first` one; `told` hears which were read, and the array they are in.
    """
    one, dtype = pictures[0], pictures[0].layout.dtype
    slopes, intercepts = zip(*((picture.frame.slope, picture.frame.intercept) for picture in pictures), strict=True)
    to_float = becomes_float(dtype, slopes, intercepts)
    stored = room((len(pictures), one.frame.rows, one.frame.columns), dtype, to_float=to_float)
    starts = sorted(range(0, len(pictures), _CHUNK), key=lambda at: abs(at + _CHUNK // 2 - first))
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="load")
    try:
        jobs = pool.map(lambda at: _read_some(pictures[at : at + _CHUNK], stored[at : at + _CHUNK]), starts)
        ends = []
        for at, pair in zip(starts, progress.over(jobs, "Reading pixels", len(starts)), strict=True):
            ends.append(pair)
            if told is not None and pair is not None:
                told(range(at, min(at + _CHUNK, len(pictures))), stored)
    finally:
        pool.shutdown(cancel_futures=True)
    known = [pair for pair in ends if pair is not None]
    whole = len(known) == len(starts)
    return (stored, (min(low for low, _ in known), max(high for _, high in known))) if whole else None


def _read_some(pictures: Sequence[PlainPicture], places: AnyArray) -> tuple[int, int] | None:
    """Fill `places` and return their least and greatest value, while they are still near the processor."""
    lows, highs = [], []
    for picture, place in zip(pictures, places, strict=True):
        if not _read_one(picture, place):
            return None
        lows.append(int(place.min()))
        highs.append(int(place.max()))
    return min(lows), max(highs)


def _read_one(picture: PlainPicture, place: AnyArray) -> bool:
    """Fill `place` with the pixels of a picture; False when the file changed or is gone."""
    try:
        with open(picture.frame.path, "rb", buffering=0) as file:  # noqa: PTH123 - Path.open costs as much
            status = os.fstat(file.fileno())
            if picture.stamp != (status.st_size, status.st_mtime_ns):
                return False
            return picture.layout.fill(file, picture.at, place)
    except OSError:  # the careful road, which is taken next, says why
        return False
