"""The phantoms themselves: valid for an independent checker, and what they promise."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from phantoms import CORONAL, MARKER_HU, MARKER_IJK, affine_lps, write_ct_series, write_film, write_mr_series

from medassist.imaging.load import load
from medassist.imaging.scan import scan


@pytest.mark.parametrize("kind", ["ct", "mr", "dx", "dx1", "cr"])
def test_dciodvfy_finds_no_error(kind, tmp_path):
    checker = shutil.which("dciodvfy", path=str(Path(sys.executable).parent)) or shutil.which("dciodvfy")
    if checker is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed")
    path = {
        "ct": lambda: write_ct_series(tmp_path, slices=1)[0],
        "mr": lambda: write_mr_series(tmp_path, slices=1, times=2)[1],
        "dx": lambda: write_film(tmp_path),
        "dx1": lambda: write_film(tmp_path, photometric="MONOCHROME1", view="AP"),
        "cr": lambda: write_film(tmp_path, modality="CR"),
    }[kind]()
    said = subprocess.run([checker, str(path)], capture_output=True, text=True, check=False)
    assert "Error" not in said.stderr + said.stdout


def test_marker_is_where_the_affine_says(tmp_path):
    write_ct_series(tmp_path, orientation=CORONAL, spacing=(0.7, 0.9, 2.5), origin=(1, 2, 3))
    volume = load(scan(tmp_path).all_series()[0])
    expected = affine_lps((0.7, 0.9, 2.5), CORONAL, (1, 2, 3)) @ [*MARKER_IJK, 1]
    k, j, i = np.unravel_index(volume.array_zyx.argmax(), volume.array_zyx.shape)
    np.testing.assert_allclose(volume.geometry.to_world([i, j, k]), expected[:3], atol=1e-6)
    assert volume.value_at(tuple(expected[:3])) == MARKER_HU
