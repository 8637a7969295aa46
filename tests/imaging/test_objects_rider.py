"""The RIDER sample, where it was fetched: its SEG and its RTSTRUCT are the same two delineations of one tumour."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from medassist.imaging.load import load
from medassist.imaging.objects.read import read_overlay
from medassist.imaging.scan import scan


def test_segmentation_and_contours_of_rider_agree():
    folders = sorted(Path(platformdirs.user_cache_dir("medassist"), "samples").glob("RIDER-*"))
    if not folders:
        pytest.skip("not fetched: medassist samples get RIDER")
    series = {one.modality: one for one in scan(folders[0]).all_series()}
    volume = load(series["CT"])
    contours, segmentation = (read_overlay(series[name], volume) for name in ("RTSTRUCT", "SEG"))
    assert len(segmentation.masks) == len(contours.masks) == 2, "the delineations overlap"
    drawn = [mask.labels_zyx > 0 for mask in contours.masks]
    marked = [mask.labels_zyx > 0 for mask in segmentation.masks]
    for one, other in zip(drawn, marked, strict=True):
        dice = 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))
        sys.stdout.write(f"\nDice {dice:.4f}\n")
        assert dice > 0.999
