from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bundles import write_classifier, write_segmenter

from medassist.entities.geometry import Geometry
from medassist.entities.study import Patient, Series, SeriesKind, Study
from medassist.entities.volume import Volume, Window
from medassist.inference.network import forget_networks


@pytest.fixture
def tiny_segmenter(tmp_path: Path) -> Path:
    return write_segmenter(tmp_path / "tiny_segmenter")


@pytest.fixture
def tiny_classifier(tmp_path: Path) -> Path:
    return write_classifier(tmp_path / "tiny_classifier")


@pytest.fixture(autouse=True)
def no_cached_networks():
    forget_networks()
    yield
    forget_networks()


@pytest.fixture
def make_volume():
    """Build a volume around an array (slice, row, column) with any field of its series replaced."""

    def build(array, affine=None, *, kind=SeriesKind.VOLUME, windows=None, inverted=False, **series):
        geometry = series.pop("geometry", None) or Geometry(
            np.eye(4) if affine is None else affine, array.shape[:3], "1.2.3"
        )
        fields = {"key": "1.2", "frames": (), "modality": "MR", "shape_zyx": array.shape[:3], **series}
        return Volume(
            Series(kind=kind, **fields),
            array[None].copy(),
            geometry,
            windows=windows or (Window(50, 100),),
            inverted=inverted,
        )

    return build


@pytest.fixture
def make_study():
    def build(*, description="", date="20260102", **patient):
        return Study("1.9", Patient(**patient), date=date, description=description)

    return build
