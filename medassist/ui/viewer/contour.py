"""The border lines of a label slice, exactly on the edges between pixels. Numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.volume import AnyArray


def border(inside: AnyArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the x and y of border lines, two points per line, in pixels with pixel centres at integers.

    `inside` is a boolean (rows, columns) slice, or an int32 one that numbers objects: a line lies between two that
    touch. Runs of edges along one line are joined, so that a long straight border costs one line.
    """
    padded = np.pad(np.asarray(inside, dtype=np.int8 if inside.dtype == bool else np.int32), 1)
    row, first, last = _runs(np.diff(padded, axis=0)[:, 1:-1])
    column, top, bottom = _runs(np.diff(padded, axis=1)[1:-1, :].T)
    x = np.concatenate([np.stack([first, last], 1).ravel(), np.repeat(column, 2)]) - 0.5
    y = np.concatenate([np.repeat(row, 2), np.stack([top, bottom], 1).ravel()]) - 0.5
    return x.astype(np.float64), y.astype(np.float64)


def _runs(edges: NDArray[np.signedinteger[Any]]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return line number, start and end (exclusive) of every run of equal non-zero values along the lines."""
    padded = np.pad(edges, ((0, 0), (1, 1)))
    change = np.diff(padded, axis=1) != 0
    starts = change & (padded[:, 1:] != 0)
    ends = change & (padded[:, :-1] != 0)
    # over flat arrays: of two dimensions `nonzero` takes several times as long
    line, first = np.divmod(np.flatnonzero(starts), starts.shape[1])
    return line, first, np.flatnonzero(ends) % ends.shape[1]
