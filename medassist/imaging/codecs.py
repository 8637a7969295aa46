"""Which decoder of pydicom takes which transfer syntax, and which of them let no other thread run meanwhile."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

HOLD_THE_LOCK = frozenset(
    (JPEGLSLossless, JPEGLSNearLossless, JPEG2000Lossless, JPEG2000, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K)
)
"""Transfer syntaxes whose decoders keep Python's global lock from the first byte to the last.

Measured: Pillow and pylibjpeg-openjpeg for half a second per JPEG 2000 film, pyjpegls for 0.1 s. RLE is as long, but
takes 0.01 s; Pillow gives way between the pieces of a baseline JPEG, and SimpleITK always.
"""

PIXEL_MODULE = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
)
"""What a decoder needs to know of a picture besides its pixels."""


def stored_values(ds: Dataset) -> NDArray[Any]:
    """Decode JPEG 2000 with Pillow where it can, all else as pydicom chooses.

    Both use OpenJPEG; Pillow is a little faster, but cannot do everything.
    """
    if ds.file_meta.TransferSyntaxUID in (JPEG2000Lossless, JPEG2000):
        ds.pixel_array_options(decoding_plugin="pillow")
        try:
            decoded: NDArray[Any] = ds.pixel_array
        except (RuntimeError, NotImplementedError, ValueError, AttributeError):
            ds.pixel_array_options()
        else:
            return decoded
    values: NDArray[Any] = ds.pixel_array
    return values
