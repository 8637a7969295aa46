"""Label maps of a segmentation come plane by plane, wherever their frames lie, and lose nothing."""

from __future__ import annotations

import highdicom as hd
import numpy as np
import phantoms
import pydicom
import pytest
from pydicom.sr.codedict import codes

from medassist.entities.study import Warned
from medassist.imaging.load import load
from medassist.imaging.objects.segmentation import read_segmentation
from medassist.imaging.scan import scan
from medassist.progress import Progress


@pytest.fixture
def series(tmp_path):
    paths = phantoms.write_ct_series(tmp_path / "in", slices=6, rows=40, columns=32)
    volume = load(scan(tmp_path / "in").all_series()[0], progress=Progress())
    return [pydicom.dcmread(path) for path in paths], volume


def labels_of(shape, count=3) -> np.ndarray:
    made = np.zeros(shape, np.uint8)
    for value in range(1, count + 1):
        made[value % shape[0], 2 : 2 + value, 4 * value : 4 * value + 3] = value
    return made


def write(sources, labels, path, count=3, **changes):
    described = [
        hd.seg.SegmentDescription(
            number,
            f"Part {number}",
            codes.SCT.AnatomicalStructure,
            codes.SCT.Organ,
            "AUTOMATIC",
            hd.AlgorithmIdentificationSequence("a", codes.DCM.ArtificialIntelligence, "1"),
        )
        for number in range(1, count + 1)
    ]
    made = hd.seg.Segmentation(
        sources, labels, "LABELMAP", described, hd.UID(), 1, hd.UID(), 1, "m", "m", "1", "1", **changes
    )
    made.save_as(path)
    return pydicom.dcmread(path)


def read(ds, path, volume) -> tuple[np.ndarray, tuple[Warned, ...]]:
    masks, notes = read_segmentation(ds, path, volume, Progress())
    (mask,) = masks
    return mask.labels_zyx, notes


def test_slices_of_the_series_come_back(series, tmp_path):
    sources, volume = series
    labels = labels_of(volume.geometry.shape_zyx)
    ds = write(sources, labels, tmp_path / "seg.dcm")
    back, notes = read(ds, tmp_path / "seg.dcm", volume)
    assert np.array_equal(back, labels)
    assert notes == ()


def test_frames_that_are_turned_take_the_general_road_and_come_back_too(series, tmp_path):
    sources, volume = series
    labels = labels_of(volume.geometry.shape_zyx)
    volume_of_labels = hd.Volume(
        labels, volume.geometry.affine_lps[:, [2, 1, 0, 3]], coordinate_system="PATIENT",
        frame_of_reference_uid=volume.geometry.frame_of_reference_uid,
    )  # fmt: skip
    ds = write(sources, volume_of_labels.flip_spatial(1), tmp_path / "seg.dcm")
    back, _ = read(ds, tmp_path / "seg.dcm", volume)
    assert np.array_equal(back, labels)


def test_voxels_outside_the_series_are_counted(series, tmp_path):
    sources, volume = series
    labels = labels_of(volume.geometry.shape_zyx)
    ds = write(sources, labels, tmp_path / "seg.dcm")
    column_mm = volume.geometry.spacing_mm[0]
    for frame in ds.PerFrameFunctionalGroupsSequence:
        frame.PlanePositionSequence[0].ImagePositionPatient[0] -= 8 * column_mm
    back, notes = read(ds, tmp_path / "seg.dcm", volume)
    assert np.array_equal(back[..., :-8], labels[..., 8:])
    outside = int(np.count_nonzero(labels[..., :8]))
    assert outside > 0
    assert str(outside) in notes[0].text()


def test_two_frames_in_one_place_lose_no_segment(series, tmp_path):
    sources, volume = series
    labels = labels_of(volume.geometry.shape_zyx)
    ds = write(sources, labels, tmp_path / "seg.dcm")
    first, second = ds.PerFrameFunctionalGroupsSequence[0:2]
    second.PlanePositionSequence = first.PlanePositionSequence
    back, _ = read(ds, tmp_path / "seg.dcm", volume)
    assert set(np.unique(back)) == {0, 1, 2, 3}
