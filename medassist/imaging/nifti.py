"""Is a NIfTI file whole, and of the version ITK reads?

ITK fills what a cut-off file lacks with zeros and says nothing (measured with 2.5.7).
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from pathlib import Path

_CHUNK = 4 << 20


def is_cut_off(path: Path) -> bool:
    """Tell whether a .nii or .nii.gz holds fewer bytes than its header states (also when it has no header)."""
    try:
        header, packed = start_of(path)
        needed = _needed(header)
        if needed is None:
            return True
        if not packed:
            return path.stat().st_size < needed
        return _size_in_trailer(path) != needed % 2**32 and _unpacked_size(path) < needed
    except (OSError, EOFError, zlib.error):
        return True


def is_version_2(path: Path) -> bool:
    """Tell whether a whole file is NIfTI-2, which ITK does not read (measured with 2.5.7)."""
    start = start_of(path)[0][:4]
    return 540 in (int.from_bytes(start, "little"), int.from_bytes(start, "big"))


def start_of(path: Path) -> tuple[bytes, bool]:
    """Return the first 540 bytes, unpacked, and whether the file is packed with gzip."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as file:
        return file.read(540), packed


def _needed(header: bytes) -> int | None:
    """Return how many bytes the file must have, by its NIfTI-1 or NIfTI-2 header; None when it has none."""
    for order in "<>":
        if len(header) >= 348 and struct.unpack_from(f"{order}i", header)[0] == 348:
            sizes, (bits,) = struct.unpack_from(f"{order}8h", header, 40), struct.unpack_from(f"{order}h", header, 72)
            (offset,) = struct.unpack_from(f"{order}f", header, 108)
        elif len(header) >= 540 and struct.unpack_from(f"{order}i", header)[0] == 540:
            sizes, (bits,) = struct.unpack_from(f"{order}8q", header, 16), struct.unpack_from(f"{order}h", header, 14)
            (offset,) = struct.unpack_from(f"{order}q", header, 168)
        else:
            continue
        voxels = 1
        size: int
        for size in sizes[1 : 1 + min(max(sizes[0], 0), 7)]:
            voxels *= max(size, 1)
        return int(offset) + voxels * int(bits) // 8
    return None


def _size_in_trailer(path: Path) -> int:
    """Return the unpacked size modulo 2^32 that a gzip file states in its last four bytes (RFC 1952)."""
    with path.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        return int(struct.unpack("<I", file.read(4))[0])


def _unpacked_size(path: Path) -> int:
    """Return how many bytes really come out; 0 when unpacking fails at the end, as in a file cut off."""
    size = 0
    with gzip.open(path) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
    return size
