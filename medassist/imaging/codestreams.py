"""Look at the headers of compressed frames before a decoder does: native decoders believe what they state.

OpenJPEG was seen to loop for ever on a damaged wrapper, and every decoder allocates what a codestream claims.
"""

from __future__ import annotations

import struct

from pydicom import Dataset
from pydicom.encaps import generate_frames

from medassist.imaging import tags

_JPEG_2000 = ("1.2.840.10008.1.2.4.9", "1.2.840.10008.1.2.4.20")
_JPEG = ("1.2.840.10008.1.2.4.5", "1.2.840.10008.1.2.4.7", "1.2.840.10008.1.2.4.8")
_START_AND_SIZE = b"\xff\x4f\xff\x51"
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "
_WRAPPER_BYTES = 1 << 16
_MOST_TILES = 65_535

# Start of frame of every JPEG process, and of JPEG-LS; C4, C8 and CC are other markers (ITU T.81 table B.1).
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_BARE_MARKERS = frozenset((0x01, *range(0xD0, 0xD9)))


def check_codestreams(ds: Dataset) -> None:
    """Refuse compressed frames whose own size is not that of the header (ValueError)."""
    syntax = str(ds.file_meta.TransferSyntaxUID)
    size_of = _jpeg_2000_size if syntax.startswith(_JPEG_2000) else _jpeg_size if syntax.startswith(_JPEG) else None
    if size_of is None:
        return
    stated = tags.whole((ds,), "Columns"), tags.whole((ds,), "Rows"), tags.whole((ds,), "SamplesPerPixel")
    count = max(1, tags.whole((ds,), "NumberOfFrames") or 1)
    for number, frame in enumerate(generate_frames(ds.PixelData, number_of_frames=count), 1):
        found = size_of(frame)
        if found != stated:
            raise ValueError(f"frame {number} is {found}, but the header says {stated}")


def _jpeg_2000_size(data: bytes) -> tuple[int, int, int]:
    """Return columns, rows and components of a JPEG 2000 or HTJ2K codestream (ITU T.800 A.5.1)."""
    at = data.find(_START_AND_SIZE, 0, _WRAPPER_BYTES)
    if at < 0 or (at > 0 and not data.startswith(_JP2_SIGNATURE)):
        raise ValueError("no JPEG 2000 codestream")
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top, components = struct.unpack_from(
        ">8IH", data, at + 8
    )
    across = -(-(right - tile_left) // max(tile_width, 1))
    down = -(-(bottom - tile_top) // max(tile_height, 1))
    if not 0 < across * down <= _MOST_TILES:
        raise ValueError(f"a JPEG 2000 codestream of {across} x {down} tiles")
    return right - left, bottom - top, components


def _jpeg_size(data: bytes) -> tuple[int, int, int]:
    """Return columns, rows and components of a JPEG or JPEG-LS stream (ITU T.81 B.2.2)."""
    at = 2
    while data[:2] == b"\xff\xd8" and at + 10 <= len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker in _FRAME_MARKERS:
            rows, columns, components = struct.unpack_from(">HHB", data, at + 5)
            return columns, rows, components
        if marker == 0xFF:  # a fill byte
            at += 1
        else:
            at += 2 if marker in _BARE_MARKERS else 2 + struct.unpack_from(">H", data, at + 2)[0]
    raise ValueError("no JPEG stream")
