"""Open DICOM files of any origin: with or without preamble, cut off, deflated, hostile.

Everything that can go wrong in a file comes out as `UnreadableInput` with the file and the reason.
"""

from __future__ import annotations

import os
import struct
import zlib
from io import BufferedReader, BytesIO
from os import fstat
from pathlib import Path
from typing import TypeAlias

import pydicom
from pydicom import Dataset, dcmread
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.tag import Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from medassist.entities.errors import UnreadableInput
from medassist.imaging import tags
from medassist.imaging.quick_header import QuickHeader, once, quick_header

# Values are checked where they are used (`imaging.tags`); a birth date of "***" must not stop a study.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

BAD_FILE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,  # includes RecursionError: sequences nested too deep
    StopIteration,
    TypeError,
    ValueError,
    zlib.error,
    struct.error,
)
"""What reading an untrusted file may raise."""

MAX_PIXEL_BYTES = 8 << 30
"""A series of more decoded bytes than this is refused before anything is allocated."""

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
"""The attributes that hold pixels."""

_MAX_RATIO = 2000  # JPEG 2000 of an empty frame comes near 1000
_FREE_BYTES = 128 << 20
_INFLATE_RATIO, _INFLATE_FREE, _INFLATE_MAX, _INFLATE_PIECE = 100, 64 << 20, 2 << 30, 1 << 20

HEADER_TAGS: tuple[str | int, ...] = (
    "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID",
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge", "StudyDate", "StudyTime",
    "StudyDescription", "AccessionNumber", "Modality", "SeriesNumber", "SeriesDescription", "SeriesDate",
    "BodyPartExamined", "ViewPosition", "Laterality", "ImageLaterality", "PatientOrientation", "Manufacturer",
    "ImageType", "ComplexImageComponent", "InstanceNumber", "AcquisitionNumber", "AcquisitionDate",
    "AcquisitionTime", "AcquisitionDateTime", "ContentDate", "ContentTime", "TriggerTime", "TemporalPositionIdentifier",
    "EchoNumbers", "EchoTime", "DiffusionBValue", "RepetitionTime", "FrameOfReferenceUID", "ImagePositionPatient",
    "ImageOrientationPatient", "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing",
    "PixelAspectRatio", "SliceThickness", "SpacingBetweenSlices", "Rows", "Columns", "NumberOfFrames", "FrameTime",
    "FrameTimeVector", "CineRate", "RecommendedDisplayFrameRate", "SamplesPerPixel",
    "PhotometricInterpretation", "BitsAllocated", "BitsStored", "PixelRepresentation", "PixelPaddingValue",
    "PixelPaddingRangeLimit", "RescaleSlope", "RescaleIntercept", "RescaleType", "Units", "WindowCenter",
    "WindowWidth", "WindowCenterWidthExplanation", "VOILUTFunction", "BurnedInAnnotation",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "DimensionIndexSequence",
    "ModalityLUTSequence", "VOILUTSequence", "LossyImageCompression", "LossyImageCompressionRatio",
    0x00190010, 0x0019100C, 0x20010010, 0x20011003, 0x00430010, 0x0043102F, 0x00431039, 0x00650010, 0x00651050,
)  # fmt: skip
"""What a scan reads of every file."""

_WANTED = frozenset(int(Tag(tag)) for tag in HEADER_TAGS)
Header: TypeAlias = Dataset | QuickHeader
"""What answers questions about a file."""

_HEAD_BYTES, _LARGE_HEAD_BYTES = 12 << 10, 256 << 10


def looks_like_dicom(path: Path) -> bool:
    """Tell by the first bytes whether a file may be DICOM: the preamble, or a group 2 or 8 element at the start."""
    with path.open("rb") as file:
        head = file.read(132)
    return head[128:] == b"DICM" or head[:2] in (b"\x08\x00", b"\x02\x00", b"\x00\x08")


def read_header(path: Path, *, complete: bool = False) -> Dataset:
    """Read a header without pixels: the attributes of `HEADER_TAGS`, or all of them.

    Raises UnreadableInput for a file that is not DICOM or cannot be parsed.
    """
    return read_header_and_rest(path, complete=complete)[0]


def read_header_and_rest(path: Path, *, complete: bool = False) -> tuple[Dataset, int]:
    """Read a header as `read_header` does, and tell how many bytes follow it."""
    try:
        if not looks_like_dicom(path):
            raise UnreadableInput("{path} is not a DICOM file.", path=path)
        ds, rest = _read(path, None if complete else list(HEADER_TAGS), with_pixels=False)
        return _named(ds, path), rest
    except BAD_FILE as problem:
        raise _unreadable(path, problem) from problem


def read_quickly(path: Path) -> QuickHeader | None:
    """Read the attributes of `HEADER_TAGS` of a plain file; None leaves it to `read_header`."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))  # a file object costs as much as the reading
    try:
        status = os.fstat(descriptor)
        head = os.read(descriptor, _HEAD_BYTES)
        quick = quick_header(head, status.st_size, _WANTED)
        if quick is None and len(head) == _HEAD_BYTES < status.st_size and head[128:132] == b"DICM":
            quick = quick_header(head + os.read(descriptor, _LARGE_HEAD_BYTES), status.st_size, _WANTED)
    finally:
        os.close(descriptor)
    if quick is not None:
        quick.stamp = (status.st_size, status.st_mtime_ns)
    return quick if quick is not None and quick.once(_is_named) else None


def read_with_pixels(path: Path) -> Dataset:
    """Read a whole file, after checking that its pixels can be meant (see `check_size`)."""
    try:
        ds = _named(_read(path, None, with_pixels=True)[0], path)
        if not any(keyword in ds for keyword in PIXELS):
            raise UnreadableInput("{path} is cut off: it holds no pixels.", path=path)
        check_size(ds, path, max(len(ds.get(keyword) or b"") for keyword in PIXELS if keyword in ds))
    except BAD_FILE as problem:
        raise _unreadable(path, problem) from problem
    return ds


class _Clamped(BufferedReader):
    """A file that is never asked for more bytes than it has: a length of 4 GB in a header would be allocated."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as `io.BufferedReader` does, at most to the end of the file."""
        left = max(0, fstat(self.fileno()).st_size - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))


def _read(path: Path, wanted: list[str | int] | None, *, with_pixels: bool) -> tuple[Dataset, int]:
    with path.open("rb") as file:
        try:
            return _parse(file, path, wanted, with_pixels=with_pixels)
        except MemoryError:
            file.seek(0)
            return _parse(_Clamped(file.raw), path, wanted, with_pixels=with_pixels)


def _parse(
    file: BufferedReader, path: Path, wanted: list[str | int] | None, *, with_pixels: bool
) -> tuple[Dataset, int]:
    has_preamble = file.read(132)[128:] == b"DICM"
    meta = read_file_meta_info(path) if has_preamble else Dataset()
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        return _read_deflated(path, wanted, with_pixels=with_pixels)
    file.seek(0)
    ds = dcmread(file, stop_before_pixels=not with_pixels, force=not has_preamble, specific_tags=wanted)
    rest = path.stat().st_size - file.tell()
    if not ds.file_meta.get("TransferSyntaxUID"):
        implicit = ds.original_encoding[0] if ds.original_encoding[0] is not None else True
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    return ds, rest


def _read_deflated(path: Path, wanted: list[str | int] | None, *, with_pixels: bool) -> tuple[Dataset, int]:
    """Inflate under a limit before pydicom sees the file: it would inflate a bomb to the end (PS3.5 A.5)."""
    group_length = read_file_meta_info(path).get("FileMetaInformationGroupLength")
    if group_length is None:
        raise UnreadableInput("{path} is deflated, but its file meta information has no length.", path=path)
    data = _inflated(path, 132 + 12 + int(group_length))
    buffer = BytesIO(data)
    ds = dcmread(buffer, stop_before_pixels=not with_pixels, force=True, specific_tags=wanted)
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    return ds, len(data) - buffer.tell()


def _inflated(path: Path, start: int) -> bytes:
    """Return what a deflated file holds from byte `start` on, read piece by piece under a limit."""
    limit = min(_INFLATE_MAX, max(_INFLATE_FREE, _INFLATE_RATIO * path.stat().st_size))
    inflater, data = zlib.decompressobj(-zlib.MAX_WBITS), bytearray()
    with path.open("rb") as file:
        file.seek(start)
        while (packed := inflater.unconsumed_tail or file.read(_INFLATE_PIECE)) and not inflater.eof:
            data += inflater.decompress(packed, _INFLATE_PIECE)
            if len(data) > limit:
                raise UnreadableInput(
                    "{path} would unpack to more than {size} MB; it was left alone.", path=path, size=limit >> 20
                )
    return bytes(data + inflater.flush())


def _named(ds: Dataset, path: Path) -> Dataset:
    """Refuse what `force` made out of bytes that are not DICOM."""
    if not _is_named((ds,)):
        raise UnreadableInput("{path} is not a DICOM file.", path=path)
    return ds


def _is_named(layers: tuple[Header]) -> bool:
    """Tell whether a data set states what it is."""
    return sop_class_of(layers[0]).startswith("1.")


def sop_class_of(ds: Header) -> str:
    """Return the SOP class; an index of a medium states it in its file meta information only."""
    return tags.text((ds,), "SOPClassUID") or tags.text((ds.file_meta,), "MediaStorageSOPClassUID")


def series_uid_of(layers: tuple[Header, ...]) -> str:
    """Return the SeriesInstanceUID."""
    return tags.text(layers, "SeriesInstanceUID")


def pixel_bytes(ds: Header) -> int:
    """Return how many bytes the decoded pixels need, as the header says."""
    return once(_pixel_bytes, (ds,))


def _pixel_bytes(layers: tuple[Header, ...]) -> int:
    frames = max(1, tags.whole(layers, "NumberOfFrames") or 1)
    samples = max(1, tags.whole(layers, "SamplesPerPixel") or 1)
    bits = tags.whole(layers, "BitsAllocated") or 8
    return (tags.whole(layers, "Rows") or 0) * (tags.whole(layers, "Columns") or 0) * frames * samples * bits // 8


def check_size(ds: Header, path: Path, stored: int) -> None:
    """Refuse a file whose header promises more pixels than can be meant in `stored` bytes, before any is allocated."""
    size = pixel_bytes(ds)
    if size > _FREE_BYTES and size > min(MAX_PIXEL_BYTES, _MAX_RATIO * stored):
        raise UnreadableInput(
            "{path} claims {size} MB of pixels in {stored} kB; it was left alone.",
            path=path,
            size=size >> 20,
            stored=stored >> 10,
        )


def is_cut_off(ds: Header, rest: int) -> bool:
    """Tell whether fewer bytes follow the header than the pixels it promises; compressed ones need some at least.

    The pixels' own tag, VR and length come first: 8 bytes with implicit VR, else 12 (PS3.5 7.1).
    """
    return rest < once(_least_rest, (ds,))


def _least_rest(layers: tuple[Header]) -> int:
    (ds,) = layers
    syntax = ds.syntax if isinstance(ds, QuickHeader) else ds.file_meta.TransferSyntaxUID
    subsampled = tags.text(layers, "PhotometricInterpretation") in ("YBR_FULL_422", "YBR_PARTIAL_422")
    head = 8 if ds.original_encoding[0] else 12
    return head + (1 if syntax.is_encapsulated or subsampled else _pixel_bytes(layers))


def _unreadable(path: Path, problem: BaseException) -> UnreadableInput:
    if isinstance(problem, UnreadableInput):
        return problem
    if isinstance(problem, FileNotFoundError):
        return UnreadableInput("{path} does not exist.", path=path)
    if isinstance(problem, PermissionError):
        return UnreadableInput("{path} may not be read by this user.", path=path)
    if isinstance(problem, RecursionError):
        return UnreadableInput("{path} nests its sequences too deep to be meant.", path=path)
    return UnreadableInput("{path} is damaged and cannot be read.", path=path)
