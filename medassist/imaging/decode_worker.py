"""The other side of `imaging.decode_pool`: a process that decodes one frame after the other until nobody asks.

It reads requests from its standard input and answers on its standard output: four bytes with the length of a JSON
header, eight with the length of what follows it, both. Nothing that comes out of a frame is run or unpickled by anyone.
It ends when its input does, so it never outlives the process it works for.
"""

from __future__ import annotations

import json
import os
import signal
import struct
from io import FileIO
from typing import Any

_LENGTHS = struct.Struct("<IQ")
_MOST_HEADER_BYTES = 1 << 16

FLAG = "--decode-frames"
"""Asks the program itself to `serve`, where it is frozen into one file and there is no Python to start."""

Header = dict[str, Any]


def send(stream: FileIO, header: Header, data: bytes | memoryview = b"") -> None:
    """Write one message; OSError when nobody reads it."""
    text = json.dumps(header).encode()
    for piece in (_LENGTHS.pack(len(text), len(data)) + text, data):
        left = memoryview(piece)
        while left:
            left = left[stream.write(left) or 0 :]


def receive_header(stream: FileIO) -> tuple[Header, int]:
    """Read the header of a message and how many bytes follow it; EOFError when the stream ends."""
    length, size = _LENGTHS.unpack(read_exactly(stream, memoryview(bytearray(_LENGTHS.size))))
    if length > _MOST_HEADER_BYTES:
        raise EOFError
    return json.loads(bytes(read_exactly(stream, memoryview(bytearray(length))))), size


def read_exactly(stream: FileIO, place: memoryview) -> memoryview:
    """Fill `place` (bytes) and return it; EOFError when the stream ends before."""
    left = place
    while left:
        count = stream.readinto(left)
        if not count:
            raise EOFError
        left = left[count:]
    return place


def serve() -> None:
    """Decode what is asked for until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the process that asks; its end is the end of this one
    requests, replies = _own_streams()
    import pydicom.pixels  # noqa: F401 - what takes the time is done before the first frame comes

    try:
        send(replies, {"ready": True})
        while True:
            header, size = receive_header(requests)
            _answer(replies, header, bytes(read_exactly(requests, memoryview(bytearray(size)))))
    except (EOFError, OSError):
        return


def _own_streams() -> tuple[FileIO, FileIO]:
    """Return input and output, which no library can print into any more."""
    requests, replies = FileIO(os.dup(0), "rb"), FileIO(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    return requests, replies


def _answer(replies: FileIO, header: Header, frame: bytes) -> None:
    try:
        values = _decoded(header, frame)
    except BaseException as problem:  # a panic of a codec written in Rust is no Exception
        send(replies, {"problem": type(problem).__name__})
    else:
        send(replies, {"dtype": values.dtype.str, "shape": values.shape}, memoryview(values.reshape(-1)).cast("B"))


def _decoded(header: Header, frame: bytes) -> Any:
    import numpy as np
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.encaps import encapsulate

    from medassist.imaging.codecs import stored_values

    shape = tuple(header.pop("shape"))
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = header.pop("TransferSyntaxUID")
    for keyword, value in header.items():
        setattr(ds, keyword, value)
    ds.PixelData = encapsulate([frame])
    values = stored_values(ds)
    if values.shape != shape or values.dtype.kind not in "iu":
        raise ValueError
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
