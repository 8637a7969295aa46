"""Stored pixel values of one DICOM file, decoded and in native byte order."""

from __future__ import annotations

from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import apply_color_lut, apply_modality_lut, get_decoder
from pydicom.uid import UID

from medassist.entities.errors import Cancelled, UnreadableInput
from medassist.entities.volume import AnyArray
from medassist.imaging import decode_pool, tags
from medassist.imaging.codecs import PIXEL_MODULE, stored_values
from medassist.imaging.codestreams import check_codestreams
from medassist.imaging.decode_pool import FrameWatch
from medassist.imaging.dicom_files import BAD_FILE
from medassist.imaging.mosaic import Mosaic, mosaic_of
from medassist.imaging.quiet import silenced
from medassist.progress import Progress

# JPEG extended (12 bit) and lossless: pydicom's only plug-in for them is under the GPL, SimpleITK's GDCM is not.
_JPEG_OF_GDCM = ("1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
_MOST_DAMAGED = 32
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def decode(ds: Dataset, path: Path, *, progress: Progress | None = None, watch: FrameWatch | None = None) -> AnyArray:
    """Return (frame, row, column[, 3]) stored values; colour is uint8 RGB, a modality LUT is applied.

    `watch` sees frames that are decoded one by one (see `comes_frame_by_frame`).

    A mosaic comes back unfolded, one tile per frame. Raises UnreadableInput with the file and the transfer syntax, and
    Cancelled between frames.
    """
    try:
        check_codestreams(ds)
        values = _pixels(ds, progress, watch)
        values = values.reshape(-1, *values.shape[-3:]) if _is_color(ds) else values.reshape(-1, *values.shape[-2:])
        mosaic = mosaic_of(ds)
        return values if mosaic is None else _unfold(values[0], mosaic)
    except BaseException as problem:
        # The RLE codec is written in Rust; its panics are no Exception.
        if isinstance(problem, BAD_FILE) or type(problem).__name__ == "PanicException":
            raise _undecodable(ds, path) from problem
        raise


def decode_each(ds: Dataset, path: Path, *, progress: Progress | None = None) -> dict[int, AnyArray]:
    """Return (row, column[, 3]) values of the frames that can be decoded when not all of them can, by their index.

    Nothing comes back when more than `_MOST_DAMAGED` frames cannot: they would cost time, and no file is meant so.
    Raises Cancelled between frames.
    """
    count = tags.whole((ds,), "NumberOfFrames") or 1
    if count < 2 or not ds.file_meta.TransferSyntaxUID.is_encapsulated:
        return {}
    found: dict[int, AnyArray] = {}
    try:
        for index, frame in enumerate(generate_frames(ds.PixelData, number_of_frames=count)):
            single = copy(ds)
            single.NumberOfFrames, single.PixelData = 1, encapsulate([frame])
            if progress is not None and progress.cancelled:
                raise Cancelled()
            with suppress(UnreadableInput):
                found[index] = decode(single, path)[0]
            if index + 1 - len(found) > _MOST_DAMAGED:
                return {}
    except BAD_FILE:  # the encapsulation itself is damaged from here on
        return found
    return found


def _pixels(ds: Dataset, progress: Progress | None, watch: FrameWatch | None) -> AnyArray:
    try:
        values = _stored(ds, progress, watch)
    except (RuntimeError, NotImplementedError, ValueError, AttributeError):
        if ds.file_meta.TransferSyntaxUID not in _JPEG_OF_GDCM:
            raise
        values = _with_gdcm(ds)
    if ds.file_meta.TransferSyntaxUID.is_encapsulated:
        values = _sign_extended(values, int(ds.get("BitsStored") or 0))
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        colors = apply_color_lut(values, ds)
        # Palettes of 16 bits are often filled with 8 (PS3.3 C.7.6.3.1.6 asks for all).
        values = _eight_bit(colors, 16 if int(colors.max(initial=0)) > 255 else 8)
    elif _is_color(ds):
        values = _eight_bit(values, int(ds.get("BitsStored") or 8))
    elif "ModalityLUTSequence" in ds:
        values = apply_modality_lut(values, ds)
    native: AnyArray = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
    return native


def comes_frame_by_frame(ds: Dataset) -> bool:
    """Tell whether the frames a `FrameWatch` sees are those of the result: grey ones without a look-up table."""
    return not (_is_color(ds) or "ModalityLUTSequence" in ds or mosaic_of(ds) is not None)


def with_sign(ds: Dataset, frame: AnyArray) -> AnyArray:
    """Return a frame that a `FrameWatch` saw as it will be in the result."""
    return _sign_extended(frame, int(ds.get("BitsStored") or 0))


def _stored(ds: Dataset, progress: Progress | None, watch: FrameWatch | None) -> AnyArray:
    if decode_pool.is_for(ds.file_meta):
        values = decode_pool.decoded(ds, progress, watch)
        if values is not None:
            return values
    with silenced():
        return stored_values(ds)


def _sign_extended(values: AnyArray, bits: int) -> AnyArray:
    """Return signed values with their sign bit repeated: some encoders leave the bits above those stored at 0."""
    unused = 8 * values.dtype.itemsize - bits
    if values.dtype.kind != "i" or unused <= 0 or not bits or int(values.max(initial=0)) < 1 << (bits - 1):
        return values
    extended: AnyArray = (values << unused) >> unused
    return extended


def _is_color(ds: Dataset) -> bool:
    return int(ds.get("SamplesPerPixel") or 1) > 1 or ds.PhotometricInterpretation == "PALETTE COLOR"


def _eight_bit(values: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Return colour of `bits` per sample with 8 bits per sample."""
    return (values >> max(bits - 8, 0)).astype(np.uint8)


def _with_gdcm(ds: Dataset) -> AnyArray:
    """Decode stored values with SimpleITK, from a copy of the pixel module alone.

    Without rescale attributes, and with MONOCHROME1 and palettes declared plain grey, GDCM leaves values as stored.
    """
    import tempfile

    import SimpleITK as sitk  # noqa: N813

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    plain = Dataset()
    for keyword in (*PIXEL_MODULE, "PixelData"):
        if keyword in ds:
            plain[keyword] = ds[keyword]
    if int(ds.get("SamplesPerPixel") or 1) == 1:
        plain.PhotometricInterpretation = "MONOCHROME2"
    plain.SOPClassUID, plain.SOPInstanceUID = _SECONDARY_CAPTURE, "2.25.1"
    plain.file_meta = FileMetaDataset()
    plain.file_meta.TransferSyntaxUID = ds.file_meta.TransferSyntaxUID
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "picture.dcm"
        plain.save_as(copy, enforce_file_format=True)
        with silenced():
            values: AnyArray = sitk.GetArrayFromImage(sitk.ReadImage(str(copy)))
    return values


def _unfold(picture: AnyArray, mosaic: Mosaic) -> AnyArray:
    tiles = []
    for tile in range(mosaic.count):
        row, column = mosaic.corner(tile)
        tiles.append(picture[row : row + mosaic.rows, column : column + mosaic.columns])
    return np.stack(tiles)


def _undecodable(ds: Dataset, path: Path) -> UnreadableInput:
    syntax = UID(str(ds.file_meta.get("TransferSyntaxUID") or ""))
    name = syntax.name or "?"
    try:
        missing = syntax not in _JPEG_OF_GDCM and not get_decoder(syntax).is_available
    except NotImplementedError:
        return UnreadableInput(
            "{path} is compressed as {syntax}, which MedAssist cannot decode.",
            remedy="Save it uncompressed, or as JPEG 2000, with the software it comes from.",
            path=path,
            syntax=name,
        )
    if missing:
        return UnreadableInput(
            "{path} is compressed as {syntax}, and the decoder for it is not installed.",
            remedy="Install the Python package {package}.",
            path=path,
            syntax=name,
            package=next((package for start, package in _PACKAGES.items() if syntax.startswith(start)), "pylibjpeg"),
        )
    return UnreadableInput(
        "The pixels of {path} cannot be decoded: damaged, cut off, or at odds with the header ({syntax}).",
        path=path,
        syntax=name,
    )


# The beginning of a transfer syntax UID, and the package that decodes it.
_PACKAGES = {
    "1.2.840.10008.1.2.4.5": "pillow",
    "1.2.840.10008.1.2.4.8": "pyjpegls",
    "1.2.840.10008.1.2.4.9": "pylibjpeg-openjpeg",
    "1.2.840.10008.1.2.4.20": "pylibjpeg-openjpeg",
    "1.2.840.10008.1.2.5": "pylibjpeg-rle",
}
