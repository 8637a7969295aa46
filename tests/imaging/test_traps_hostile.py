"""Traps of ../shared/notes, section 8, about damaged and hostile files, and limits before any decoding."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from phantoms import write_ct_series
from pydicom.uid import JPEG2000Lossless, RLELossless

from medassist.entities.errors import MedAssistError, UnreadableInput
from medassist.entities.study import SeriesKind
from medassist.imaging.convert import write_volume
from medassist.imaging.load import load
from medassist.imaging.scan import scan


def loaded(path):
    (series,) = scan(path).all_series()
    return load(series)


def compressed(paths, syntax):
    for path in paths:
        dataset = pydicom.dcmread(path)
        dataset.compress(syntax)
        dataset.save_as(path)


def without_pixels(path):
    """Overwrite the pixels of a compressed file with zeros; its header stays whole."""
    raw = path.read_bytes()
    start = raw.rfind(b"\xe0\x7f\x10\x00") + 20
    path.write_bytes(raw[:start] + bytes(len(raw) - start))


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
@pytest.mark.parametrize("bad", [0, 3])
def test_corrupt_slice_costs_that_slice_only(tmp_path, syntax, bad):
    paths = write_ct_series(tmp_path / "ct", slices=5)
    true = loaded(tmp_path / "ct").array_zyx
    compressed(paths, syntax)
    without_pixels(paths[bad])
    volume = loaded(tmp_path / "ct")
    kept = [index for index in range(5) if index != bad]
    np.testing.assert_array_equal(volume.array_zyx[kept], true[kept])
    assert volume.lost_slices == (bad,)
    assert (volume.array_zyx[bad] == true.min()).all()
    assert (volume.series.kind, volume.is_regular) == (SeriesKind.STACK, False)
    assert paths[bad].name in volume.series.warnings[0].text()
    np.testing.assert_allclose(volume.slice_origins_lps[:, 2], -10 + 2.5 * np.arange(5))
    with pytest.raises(UnreadableInput, match=paths[bad].name):
        write_volume(volume, tmp_path / "out.nii.gz")


def test_series_without_one_good_slice_says_why(tmp_path):
    paths = write_ct_series(tmp_path, slices=2)
    compressed(paths, RLELossless)
    for path in paths:
        without_pixels(path)
    with pytest.raises(MedAssistError, match="CT0000"):
        loaded(tmp_path)
