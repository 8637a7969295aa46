"""Decode compressed frames in other processes: some decoders let no other thread of their own process run meanwhile.

A JPEG 2000 film would stop the window for half a second, and two threads would decode a series no faster than one.
Frames go to the workers and pixels come back through pipes. That costs a hundredth of the decoding, and needs no shared
memory that could be too small, as in a container, or be left behind. Worker processes are plain subprocesses and not
those of `multiprocessing`, which would run a script without a main guard a second time. They stay for the next series.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from math import prod

import numpy as np
from pydicom import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels import get_decoder

from medassist.entities.errors import Cancelled
from medassist.entities.volume import AnyArray
from medassist.imaging import tags
from medassist.imaging.codecs import HOLD_THE_LOCK, PIXEL_MODULE
from medassist.imaging.decode_processes import Pool
from medassist.imaging.decode_worker import Header
from medassist.progress import Progress

_MOST_WORKERS = 8
LARGE_PIXELS = 600_000
"""JPEG 2000 pictures of this size take 0.07 s: for fewer pixels no process is started, which takes 0.2 s."""


@dataclass(frozen=True)
class FrameWatch:
    """Somebody who looks on while the frames of one file are decoded.

    Attributes:
        order: all frames (from 0) as they shall be decoded.
        told: is called with each frame and its values as decoded, in one thread at a time.
    """

    order: Sequence[int]
    told: Callable[[int, AnyArray], None]


def is_for(file_meta: Dataset) -> bool:
    """Tell by its file meta information whether the pixels of a file are decoded better here than in a thread."""
    syntax = file_meta.get("TransferSyntaxUID")
    return syntax in HOLD_THE_LOCK and get_decoder(syntax).is_available


def start(frames: int, pixels: int) -> int:
    """Start workers in the background for so many frames, of so many pixels together; return how many there will be.

    For a few pixels none is started: they are decoded before it could begin.
    """
    return 0 if pixels < LARGE_PIXELS else _pool.start(min(frames, 1 + pixels // LARGE_PIXELS))


def decoded(ds: Dataset, progress: Progress | None = None, watch: FrameWatch | None = None) -> AnyArray | None:
    """Return the values of all frames as `Dataset.pixel_array` does; None: decode it here, no worker is to be had.

    `watch` sees the frames of a file with several of them as they are decoded.

    A small picture alone starts no worker. Raises RuntimeError when a frame cannot be decoded, also because
    its worker crashed or took minutes, and Cancelled between two frames.
    """
    count = max(1, tags.whole((ds,), "NumberOfFrames") or 1)
    header = {name: ds[name].value for name in PIXEL_MODULE if name in ds}
    header |= {"NumberOfFrames": 1, "TransferSyntaxUID": ds.file_meta.TransferSyntaxUID}
    shape = _shape(ds)
    large = start(count, count * prod(shape)) > 0
    frames = _wanted_first(islice(enumerate(generate_frames(ds.PixelData, number_of_frames=count)), count), watch)
    start_at, frame = next(frames)
    first = _pool.decode(header, frame, shape, patient=large)
    if first is None or count == 1:
        return first
    values = np.empty((count, *shape), first.dtype)
    values[start_at] = first
    told = watch.told if watch is not None else lambda _index, _values: None
    told(start_at, values[start_at])
    _fill(values, frames, header, progress or Progress(), told)
    return values


def _wanted_first(frames: Iterator[tuple[int, bytes]], watch: FrameWatch | None) -> Iterator[tuple[int, bytes]]:
    """Return frames in the order somebody wants to see them in, as far as they are there."""
    if watch is None:
        return frames
    every = dict(frames)
    return iter([(index, every[index]) for index in watch.order if index in every])


def _shape(ds: Dataset) -> tuple[int, ...]:
    samples = tags.whole((ds,), "SamplesPerPixel") or 1
    return (int(ds.Rows), int(ds.Columns), *((samples,) if samples > 1 else ()))


def _fill(
    values: AnyArray,
    frames: Iterator[tuple[int, bytes]],
    header: Header,
    progress: Progress,
    told: Callable[[int, AnyArray], None],
) -> None:
    """Decode the frames after the first one to their places, as many at a time as there are workers."""
    lock, telling = threading.Lock(), threading.Lock()

    def work() -> int:
        done = 0
        while not progress.cancelled:
            with lock:
                index, frame = next(frames, (-1, b""))
            if index < 0:
                return done
            values[index] = _alike(_pool.decode(header, frame, values.shape[1:], patient=True), values)
            done += 1
            with telling:
                told(index, values[index])
        raise Cancelled()

    count = max(1, min(_pool.most, len(values) - 1))
    with ThreadPoolExecutor(count, thread_name_prefix="frames") as threads:
        done = sum(job.result() for job in [threads.submit(work) for _ in range(count)])
    if done != len(values) - 1:
        raise RuntimeError(f"{done + 1} frames instead of {len(values)}")


def _alike(frame: AnyArray | None, values: AnyArray) -> AnyArray:
    if frame is None or frame.dtype != values.dtype:
        raise RuntimeError("a frame unlike the first one, or no worker left")
    return frame


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _close() -> None:
    _pool.close()


def _forget_in_child() -> None:
    global _pool  # noqa: PLW0603 - the child of a fork starts anew
    _pool.forget()
    _pool = Pool(min(_usable_cores(), _MOST_WORKERS))


_pool = Pool(min(_usable_cores(), _MOST_WORKERS))
atexit.register(_close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
