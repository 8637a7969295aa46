"""Places survive the way out and back on any grid: oblique, flipped, anisotropic, far from the origin.

Masks come back voxel for voxel, points within a thousandth of a millimetre, by the product's own readers.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import phantoms
import pydicom
import pytest
from drawing_cases import OUTLINES, drawing
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from report_cases import MODEL
from scipy.spatial.transform import Rotation

from medassist.entities.measurement import Measurement, Shape
from medassist.entities.prediction import Mask, Prediction, Segment
from medassist.imaging.load import load
from medassist.imaging.objects.read import read_document, read_overlay
from medassist.imaging.scan import scan
from medassist.progress import Progress
from medassist.report import seg, sr
from medassist.report.case import Case
from medassist.report.findings import findings_from

SIZE = (5, 14, 11)
TOLERANCE_MM = 1e-3
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Every example writes and reads files: making a failing one smaller takes longer than finding out from a large one."""

angles = st.tuples(*[st.floats(-180, 180, allow_nan=False)] * 3)
spacings = st.tuples(st.floats(0.2, 3.0), st.floats(0.2, 3.0), st.floats(0.3, 8.0))
origins = st.tuples(*[st.floats(-900, 900)] * 3)
flips = st.tuples(st.sampled_from((1.0, -1.0)), st.sampled_from((1.0, -1.0)))
points = st.lists(st.tuples(st.floats(0, SIZE[2] - 1), st.floats(0, SIZE[1] - 1)), min_size=6, max_size=6, unique=True)


def case_on(folder: Path, turn, spacing, origin, flip, seed: int) -> Case:
    """Return a case with a random mask on a grid that was written to files and read again."""
    axes = Rotation.from_euler("xyz", turn, degrees=True).as_matrix() * np.array([*flip, 1.0])
    spacing, origin = (tuple(float(f"{value:.6g}") for value in values) for values in (spacing, origin))
    phantoms.write_ct_series(
        folder, slices=SIZE[0], rows=SIZE[1], columns=SIZE[2], spacing=spacing, origin=origin,
        orientation=(*axes[:, 0], *axes[:, 1]), values_hu=np.zeros(SIZE, np.int16),
    )  # fmt: skip
    found = scan(folder)
    volume = load(found.all_series()[0], progress=Progress())
    labels = np.random.default_rng(seed).integers(0, 3, SIZE).astype(np.uint8)
    mask = Mask(labels, volume.geometry, (Segment(1, "One"), Segment(2, "Two")))
    prediction = Prediction(MODEL, volume.series.key, "2026-11-20T08:30:00+08:00", "cpu", mask=mask)
    case = Case(found.study_of(volume.series), volume.series, volume, (prediction,))
    return replace(case, findings=findings_from(prediction, volume))


def drawn_on(case: Case, at) -> tuple[Measurement, ...]:
    """Return one drawing of each shape with figures through the same points of a slice."""
    made = []
    for shape, outline in OUTLINES.items():
        used = at[: len(outline)]
        if shape is Shape.ELLIPSE:
            (column, row), (reach, width) = at[0], at[1]
            used = ((column - reach, row), (column + reach, row), (column, row - width), (column, row + width))
        made.append(drawing(case.volume, shape, 2, points=used))
    return tuple(one for one in made if one.quantities)


def written_and_read(case: Case, folder: Path) -> tuple[np.ndarray, tuple[Measurement, ...]]:
    folder.mkdir()
    seg.write(case, folder)
    sr.write(case, folder)
    series = {one.frames[0].path.name: one for one in scan(folder).all_series()}
    overlay = read_overlay(series["seg.dcm"], case.volume)
    document = read_document(series["sr.dcm"], case.volume)
    assert len(overlay.masks) == 1
    assert len(document.claims) == len(case.findings)
    return overlay.masks[0].labels_zyx, document.drawings


@pytest.mark.parametrize("written_as", ["binary", "labelmap"])
def test_directions_in_too_many_digits_keep_place_and_frame(written_as, tmp_path):
    """Scanners write longer numbers than a decimal string may have; without them the place was taken for unknown."""
    turn = (-8.521430531523777, 2.4604297805271515e-171, -3.072335471270532e-211)
    case = case_on(tmp_path / "in", turn, (0.314, 0.43, 2.58), (0.0, 0.0, 412.58), (-1.0, 1.0), 7)
    case = replace(case, segmentation=written_as)
    labels, _drawings = written_and_read(case, tmp_path / "out")
    assert np.array_equal(labels, case.masks[0][1].labels_zyx)
    written = pydicom.dcmread(tmp_path / "out" / "seg.dcm")
    assert written.FrameOfReferenceUID == case.volume.geometry.frame_of_reference_uid


@pytest.mark.parametrize("written_as", ["binary", "labelmap"])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=PHASES)
@given(turn=angles, spacing=spacings, origin=origins, flip=flips, at=points, seed=st.integers(0, 2**16))
def test_masks_and_drawings_keep_their_place(written_as, turn, spacing, origin, flip, at, seed):
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        case = replace(case_on(home / "in", turn, spacing, origin, flip, seed), segmentation=written_as)
        case = replace(case, measurements=drawn_on(case, at))
        labels, drawings = written_and_read(case, home / "out")
    assert np.array_equal(labels, case.masks[0][1].labels_zyx)
    back = {one.uid: one for one in drawings}
    assert set(back) == {one.uid for one in case.measurements}
    for sent in case.measurements:
        found = back[sent.uid]
        assert (found.shape, found.slice_index) == (sent.shape, sent.slice_index)
        assert np.abs(np.subtract(found.points_lps, sent.points_lps)).max() < TOLERANCE_MM
