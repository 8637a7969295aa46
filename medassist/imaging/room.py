"""Memory for the pixels of a series, given out once: stored values become modality values where they lie."""

from __future__ import annotations

import math
import mmap
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.volume import AnyArray

FLOAT = np.dtype(np.float32)


def room(shape: Sequence[int], dtype: np.dtype[Any], *, to_float: bool = False) -> AnyArray:
    """Return an array of zeros for stored values.

    With `to_float` it is the end of memory that holds as many float32 numbers. Filled from its beginning, frame by
    frame, that memory never runs over a stored value that is still to be read (see `float_room`).
    """
    if not to_float or dtype.itemsize > FLOAT.itemsize:
        return _memory(shape, dtype)
    count = math.prod(shape)
    whole = _memory((count,), FLOAT).view(np.uint8)
    return whole[count * (FLOAT.itemsize - dtype.itemsize) :].view(dtype).reshape(shape)


def float_room(stored: AnyArray) -> NDArray[np.float32] | None:
    """Return the float32 memory at whose end `room` put these stored values, in their shape; None for other arrays."""
    whole = stored.base
    if not isinstance(whole, np.ndarray) or whole.nbytes != FLOAT.itemsize * stored.size or whole.ndim != 1:
        return None
    ends = [one.__array_interface__["data"][0] + one.nbytes for one in (stored, whole)]
    fits = ends[0] == ends[1] and stored.flags.c_contiguous and whole.flags.writeable
    return whole.view(FLOAT).reshape(stored.shape) if fits else None


def _memory(shape: Sequence[int], dtype: np.dtype[Any]) -> AnyArray:
    """Return zeros, in memory as the system gives it out by itself.

    numpy asks Linux for huge pages. They are made of memory that was free for long, which a virtual machine may have
    to get from its host first: that cost more than all of the reading.
    """
    if sys.platform != "linux":
        return np.zeros(tuple(shape), dtype)
    memory = mmap.mmap(-1, math.prod(shape) * dtype.itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(memory, dtype).reshape(tuple(shape))
