"""`info` and `convert` on slices that form no regular grid."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from phantoms import MARKER_IJK, write_ct_series


@pytest.fixture
def tilted(tmp_path):
    write_ct_series(tmp_path / "ct", ImagePositionPatient=lambda k: [0, 0.7 * k, 2.5 * k])
    return tmp_path / "ct"


def test_tilted_series_is_converted_straight_and_raw_slices_are_not(medassist, tilted, tmp_path):
    out = tmp_path / "out.nii.gz"
    answer = medassist("convert", tilted, "-o", out)
    assert (answer.code, answer.out.split()) == (0, [str(out)])
    assert "gantry was tilted" in answer.err
    image = nibabel.load(out)
    i, j, k = MARKER_IJK
    found = np.array(np.unravel_index(np.asarray(image.dataobj).argmax(), image.shape))
    expected = np.array([-0.7 * i, -(0.7 * j + 0.7 * k), 2.5 * k])
    np.testing.assert_allclose((image.affine @ [*found, 1])[:3], expected, atol=1e-3)


def test_info_tells_corrected_from_raw(medassist, tilted):
    corrected, raw = medassist("info", tilted, "--json").json["studies"][0]["series"]
    assert (corrected["kind"], corrected["made_from"]) == ("volume", raw["key"])
    assert (raw["kind"], raw["made_from"]) == ("stack", "")


def test_raw_slices_asked_for_by_key_are_refused_by_name(medassist, tilted, tmp_path):
    raw = medassist("info", tilted, "--json").json["studies"][0]["series"][1]
    answer = medassist("convert", tilted, "-o", tmp_path / "out.nii.gz", "--series", raw["key"])
    assert answer.code == 3
    assert "gantry tilt of 15.6 degrees" in answer.err


def test_missing_slice_is_resampled_only_when_asked(medassist, tmp_path):
    write_ct_series(tmp_path / "ct")[4].unlink()
    out = tmp_path / "out.nii.gz"
    assert medassist("convert", tmp_path / "ct", "-o", out).code == 3
    assert not out.exists()
    answer = medassist("convert", tmp_path / "ct", "-o", out, "--resample")
    assert answer.code == 0
    assert "CT0003.dcm - CT0005.dcm: 5.000 mm" in answer.err
    assert nibabel.load(out).shape == (64, 64, 8)
