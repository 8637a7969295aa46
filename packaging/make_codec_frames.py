"""Make the frames of `medassist/imaging/codec_trial.py`: `pip install imagecodecs`, then run this; prints JSON.

The picture is a ramp drawn from a formula. RLE comes from pydicom, all else from imagecodecs (libjpeg-turbo, CharLS,
OpenJPEG, OpenJPH); they were made with imagecodecs 2026.3.6.
"""

from __future__ import annotations

import base64
import json
import sys

import imagecodecs
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import generate_frames
from pydicom.uid import ExplicitVRLittleEndian, RLELossless, SecondaryCaptureImageStorage

from medassist.imaging.codec_trial import SIDE, picture


def rle() -> bytes:
    """Return the frame as pydicom compresses it."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = SecondaryCaptureImageStorage, "2.25.1"
    ds.Rows = ds.Columns = SIDE
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    ds.PixelData = picture(8).tobytes()
    ds.compress(RLELossless, generate_instance_uid=False)
    return next(generate_frames(ds.PixelData, number_of_frames=1))


def frames() -> dict[str, bytes]:
    """Return every frame by the keyword of its transfer syntax."""
    eight, twelve = picture(8), picture(12)
    return {
        "RLELossless": rle(),
        "JPEGBaseline8Bit": imagecodecs.jpeg_encode(eight, level=95),
        "JPEGExtended12Bit": imagecodecs.jpeg_encode(twelve, level=98, bitspersample=12),
        "JPEGLossless": imagecodecs.jpeg_encode(eight, lossless=True, predictor=2),
        "JPEGLosslessSV1": imagecodecs.jpeg_encode(eight, lossless=True, predictor=1),
        "JPEGLSLossless": imagecodecs.jpegls_encode(eight),
        "JPEGLSNearLossless": imagecodecs.jpegls_encode(eight, level=2),
        "JPEG2000Lossless": imagecodecs.jpeg2k_encode(eight, codecformat="j2k", reversible=True),
        "JPEG2000": imagecodecs.jpeg2k_encode(eight, codecformat="j2k", level=60),
        "HTJ2KLossless": imagecodecs.htj2k_encode(eight),
        "HTJ2K": imagecodecs.htj2k_encode(eight, level=0.002, reversible=False),
    }


if __name__ == "__main__":
    json.dump({name: base64.b85encode(frame).decode() for name, frame in frames().items()}, sys.stdout, indent=1)
