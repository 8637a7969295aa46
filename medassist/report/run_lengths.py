"""Planes of labels as DICOM RLE (PS3.5 annex G): a few runs per row, found in all of a plane at once.

The general encoders look at every byte one by one, which takes most of the time of writing a large label map.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pydicom import Dataset

LONGEST = 128
"""Bytes that one run may stand for."""


def encoded(plane: NDArray[np.uint8]) -> bytes:
    """Return one frame (rows, columns) of eight bits: the header of one segment, then runs that end with their row."""
    values, lengths = _runs(plane)
    pieces = -(-lengths // LONGEST)
    last = np.cumsum(pieces) - 1
    told = np.full(int(pieces.sum()), LONGEST, np.int64)
    told[last] = lengths - (pieces - 1) * LONGEST
    marks = np.empty((len(told), 2), np.uint8)
    marks[:, 0] = (257 - told) % 256  # n equal bytes are 257 - n; a single one is a literal run of 1, which is 0
    marks[:, 1] = np.repeat(values, pieces)
    return struct.pack("<16L", 1, 64, *[0] * 14) + marks.tobytes()


def _runs(plane: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the value and the length of each run of equal bytes, none longer than its row."""
    flat = np.ascontiguousarray(plane).reshape(-1)
    begins = np.empty(flat.size, dtype=bool)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    begins[:: plane.shape[1]] = True
    at = np.flatnonzero(begins)
    return flat[at], np.diff(at, append=flat.size)


def compress(ds: Dataset) -> None:
    """Encode the frames of an uncompressed image of eight bits in place, and name the transfer syntax."""
    from pydicom.encaps import encapsulate
    from pydicom.uid import RLELossless

    shape = (int(ds.NumberOfFrames), int(ds.Rows), int(ds.Columns))
    frames = np.frombuffer(ds.PixelData, np.uint8, count=int(np.prod(shape))).reshape(shape)
    ds.PixelData = encapsulate([encoded(frame) for frame in frames])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = RLELossless
