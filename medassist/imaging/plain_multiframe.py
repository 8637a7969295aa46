"""Multi-frame files whose pixels lie there as they lie in memory: frames are read straight to their places."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from pydicom import Dataset
from pydicom.filereader import read_file_meta_info
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from medassist.entities.errors import Cancelled
from medassist.entities.volume import AnyArray
from medassist.imaging import tags
from medassist.imaging.dicom_files import BAD_FILE, check_size, read_header_and_rest
from medassist.imaging.frames import frames_of
from medassist.imaging.mosaic import mosaic_of
from medassist.imaging.plain_pixels import plain_layout
from medassist.imaging.rescaling import becomes_float
from medassist.imaging.room import room
from medassist.progress import Progress

_PIXEL_DATA = b"\xe0\x7f\x10\x00"
_LONG = (b"OB\0\0", b"OW\0\0")


def read_plain_frames(path: Path, order: Sequence[int], progress: Progress) -> tuple[Dataset, AnyArray] | None:
    """Return the whole header of a file and the stored values (frame, row, column) of some frames, in this order.

    None where there are not several frames, or they need decoding, or the file does not hold what its header says:
    the careful road says what is wrong. Raises UnreadableInput for a file that cannot be meant, and Cancelled.
    """
    with suppress(*BAD_FILE):
        if read_file_meta_info(path).TransferSyntaxUID in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
            return _read_frames(path, order, progress)
    return None


def _read_frames(path: Path, order: Sequence[int], progress: Progress) -> tuple[Dataset, AnyArray] | None:
    ds, rest = read_header_and_rest(path, complete=True)
    count = tags.whole((ds,), "NumberOfFrames") or 1
    layout = plain_layout((ds,), ds.file_meta.TransferSyntaxUID)
    if count < 2 or layout is None or mosaic_of(ds) is not None or not all(0 <= index < count for index in order):
        return None
    check_size(ds, path, rest)
    frames = frames_of(ds, path)
    scales = zip(*((frames[index].slope, frames[index].intercept) for index in order), strict=True)
    shape = (len(order), int(ds.Rows), int(ds.Columns))
    length = shape[1] * shape[2] * layout.dtype.itemsize
    with path.open("rb", buffering=0) as file:
        start = _start(file, path.stat().st_size - rest, count * length)
        if start is None or rest < count * length:
            return None
        values = room(shape, layout.dtype, to_float=becomes_float(layout.dtype, *scales))
        for place, index in zip(values, order, strict=True):
            if progress.cancelled:
                raise Cancelled()
            if not layout.fill(file, start + index * length, place):
                return None
    return ds, values


def _start(file: BinaryIO, at: int, length: int) -> int | None:
    """Return where the pixels begin whose element begins at `at`; None unless they are as long as they shall be."""
    file.seek(at)
    head = file.read(12)
    explicit = head[4:8] in _LONG
    stated = int.from_bytes(head[8:12] if explicit else head[4:8], "little")
    if head[:4] != _PIXEL_DATA or stated not in (length, length + length % 2):
        return None
    return at + (12 if explicit else 8)
