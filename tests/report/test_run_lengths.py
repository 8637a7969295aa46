"""Our runs are those of the standard: two decoders that are not ours read them back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.rle import _rle_decode_frame
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from medassist.report.run_lengths import compress, encoded

PLANES = arrays(
    np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=300), elements=st.integers(0, 3),
    fill=st.sampled_from([0, 255]),
)  # fmt: skip


def _by_pydicom(frame: bytes, plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.frombuffer(_rle_decode_frame(frame, *plane.shape, 1, 8), np.uint8).reshape(plane.shape)


@settings(max_examples=30, deadline=None)
@given(PLANES)
def test_every_plane_reads_back_with_pydicom_and_pylibjpeg(plane: NDArray[np.uint8]) -> None:
    rle = pytest.importorskip("rle.rle")
    frame = encoded(plane)
    assert np.array_equal(_by_pydicom(frame, plane), plane)
    assert np.array_equal(np.frombuffer(rle.decode_frame(frame, plane.size, 8, "<"), np.uint8), plane.reshape(-1))


@pytest.mark.parametrize("width", [1, 2, 127, 128, 129, 255, 256, 257, 512])
def test_runs_end_with_their_row_and_never_stand_for_more_than_128_bytes(width: int) -> None:
    plane = np.full((3, width), 7, np.uint8)
    runs = np.frombuffer(encoded(plane)[64:], np.uint8).reshape(-1, 2)
    lengths = np.where(runs[:, 0] == 0, 1, 257 - runs[:, 0].astype(int))
    assert 128 not in runs[:, 0]  # says nothing in the standard
    ends = np.cumsum(lengths)
    assert {width, 2 * width, 3 * width} <= set(ends.tolist())
    assert lengths.max() <= 128


def test_an_image_is_encoded_frame_by_frame_and_names_its_syntax() -> None:
    frames = np.random.default_rng(3).integers(0, 4, (3, 5, 7), dtype=np.uint8)
    ds = Dataset()
    ds.file_meta = Dataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.NumberOfFrames, ds.Rows, ds.Columns = frames.shape
    ds.PixelData = frames.tobytes() + b"\0"
    compress(ds)
    assert ds.file_meta.TransferSyntaxUID == RLELossless
    read = [_by_pydicom(one, frames[0]) for one in generate_frames(ds.PixelData, number_of_frames=3)]
    assert np.array_equal(np.stack(read), frames)
