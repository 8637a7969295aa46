"""One frame of a multi-frame file on its own, so that it can be looked at without decoding the others."""

from __future__ import annotations

from pydicom import Dataset
from pydicom.encaps import encapsulate, get_frame

from medassist.imaging import tags
from medassist.imaging.dicom_files import BAD_FILE


def with_frame_alone(ds: Dataset, index: int) -> Dataset | None:
    """Return a file with the pixels of one of its frames (0-based) and all of its header.

    None where there is nothing to single out: a file of one frame, or one whose pixel data are not as long as its
    header says or do not tell their frames apart. Such a file is read as a whole, which says what is wrong with it.
    """
    count = tags.whole((ds,), "NumberOfFrames") or 1
    if count < 2 or not 0 <= index < count:
        return None
    try:
        compressed = ds.file_meta.TransferSyntaxUID.is_encapsulated
        pixels = _encapsulated(ds, index, count) if compressed else _native(ds, index)
    except BAD_FILE:
        return None
    if not pixels:
        return None
    alone = ds[:]
    alone.file_meta = ds.file_meta
    # New elements: those of `ds` are shared, and a change of theirs would change the whole file.
    alone.add_new("NumberOfFrames", "IS", 1)
    alone.add_new("PixelData", ds["PixelData"].VR, pixels)
    for offsets in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if offsets in alone:
            del alone[offsets]
    return alone


def _encapsulated(ds: Dataset, index: int, count: int) -> bytes:
    found: bytes = encapsulate([get_frame(ds.PixelData, index, number_of_frames=count)])
    return found


def _native(ds: Dataset, index: int) -> bytes:
    """Return the bytes of a frame (PS3.5 8.1.1); b"" where frames do not begin at bytes or lengths disagree."""
    bits, count = int(ds.BitsAllocated), int(ds.NumberOfFrames)
    halved = ds.PhotometricInterpretation == "YBR_FULL_422"
    length = int(ds.Rows) * int(ds.Columns) * int(ds.get("SamplesPerPixel") or 1) * bits // 8
    if bits % 8 or halved or not count * length <= len(ds.PixelData) <= count * length + 1:
        return b""
    return bytes(ds.PixelData[index * length : (index + 1) * length])
