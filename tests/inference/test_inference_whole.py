"""Crops of a whole image: each side is itself whatever the storage order, and comes home where it was cut out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bundles import change_json
from scipy.ndimage import binary_erosion

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import MapKind
from medassist.entities.prediction import Mask, ModelRef, Prediction, Verdict
from medassist.entities.probabilities import Probabilities
from medassist.imaging.registration import Alignment
from medassist.inference import crops as crops_module
from medassist.inference.catalogue import find
from medassist.inference.crops import cut, find_crops
from medassist.inference.packages import read
from medassist.inference.predict import predict
from medassist.inference.suitability import check
from medassist.inference.uncertainty import as_map
from medassist.inference.whole import Marked, largest_piece, region_segments, run_regions
from medassist.progress import Progress

LEFT, RIGHT = np.array([25.0, 23.1, -11.9]), np.array([-25.0, 23.1, -11.9])
SHAPE = (130, 140, 150)


@pytest.fixture
def package():
    return find("hippocampus_mr")


@pytest.fixture
def upright(monkeypatch):
    """Let every template fit where it is, with these figures."""
    figures = {"similarity": 0.9, "covered": 1.0, "to_patient": np.eye(4)}
    monkeypatch.setattr(crops_module, "align", lambda *_images, progress: Alignment(**figures))
    return figures


def head(make_volume, *, order=(0, 1, 2), flips=(1, 1, 1), **fields):
    """Return a head with a bright ball in each region, the left one larger, and a dark spot medial to each.

    `order` and `flips` store the same head along other axes; nothing moves in the patient.
    """
    grid = Geometry(np.array([[1.0, 0, 0, -75], [0, 1.0, 0, -50], [0, 0, 1.0, -70], [0, 0, 0, 1]]), SHAPE)
    z, y, x = np.meshgrid(*map(np.arange, SHAPE), indexing="ij")
    points = grid.to_world(np.stack([x, y, z], axis=-1))
    values = np.full(SHAPE, 100, np.int16)
    for center, radius, medial in ((LEFT, 9.0, -1), (RIGHT, 7.0, 1)):
        depth = np.clip(radius - np.linalg.norm(points - center, axis=-1), -1.0, 1.0)  # a soft edge: 150 on the sphere
        values = np.where(depth > -1.0, np.rint(150 + 50 * depth), values).astype(np.int16)
        values[np.linalg.norm(points - center - [medial * 14.0, 0, 0], axis=-1) <= 3.0] = 0
    to_unturned = np.zeros((4, 4))
    to_unturned[3, 3] = 1.0
    for stored_axis, axis in enumerate(order):
        to_unturned[2 - axis, 2 - stored_axis] = 1.0
    for axis, flip in enumerate(flips):
        if flip < 0:
            values = np.flip(values, axis)
            turn = np.eye(4)
            turn[2 - axis, 2 - axis], turn[2 - axis, 3] = -1, SHAPE[axis] - 1
            to_unturned = turn @ to_unturned
    stored = np.ascontiguousarray(values.transpose(order))
    return make_volume(stored, geometry=Geometry(grid.affine_lps @ to_unturned, stored.shape, "1.2.3"), **fields)


def mark_bright(package, seen=None):
    """Return a model that marks what is bright: its anterior half 1, its posterior half 2."""

    def run(volume):
        bright = np.asarray(volume.array_zyx) > 150
        labels = bright.astype(np.uint8)
        rows = np.argwhere(bright)[:, 1]
        front = np.arange(bright.shape[1])[None, :, None] >= rows.mean() if rows.size else np.zeros(1, bool)
        labels[bright & ~front] = 2
        if seen is not None:
            seen.append(volume)
        return Prediction(
            ModelRef("m", "1", "0"),
            volume.series.key,
            "now",
            "cpu",
            mask=Mask(labels, volume.geometry, package.segments),
        )

    return run


def ball_ml(radius_mm: float) -> float:
    return 4.0 / 3.0 * np.pi * radius_mm**3 / 1000.0


def test_the_shipped_package_names_both_sides(package):
    (left, left_segments), (right, right_segments) = region_segments(package)
    assert (left.laterality.value, right.laterality.value) == ("7771000", "24028007")
    assert left.center_lps_mm[0] > 0 > right.center_lps_mm[0]
    assert (left.mirrored, right.mirrored) == (False, True)
    assert [one.label for one in left_segments] == ["Left anterior hippocampus", "Left posterior hippocampus"]
    assert [one.title_zh for one in right_segments] == ["右侧海马前部", "右侧海马后部"]
    assert [one.value for one in (*left_segments, *right_segments)] == [1, 2, 3, 4]


STORED = [
    ((0, 1, 2), (1, 1, 1)),
    ((0, 1, 2), (1, 1, -1)),
    ((0, 1, 2), (1, -1, 1)),
    ((0, 1, 2), (-1, 1, 1)),
    ((2, 0, 1), (-1, 1, -1)),
    ((1, 2, 0), (1, -1, -1)),
    ((2, 1, 0), (1, 1, 1)),
]


@pytest.mark.parametrize(("order", "flips"), STORED)
def test_sides_and_volumes_do_not_depend_on_the_storage_order(package, upright, make_volume, order, flips):
    volume = head(make_volume, order=order, flips=flips)
    found = run_regions(package, volume, mark_bright(package), progress=Progress())
    millilitres = {one.label: found.mask.volume_ml(one) for one in found.mask.segments}
    left = millilitres["Left anterior hippocampus"] + millilitres["Left posterior hippocampus"]
    right = millilitres["Right anterior hippocampus"] + millilitres["Right posterior hippocampus"]
    assert left == pytest.approx(ball_ml(9.0), rel=0.04)
    assert right == pytest.approx(ball_ml(7.0), rel=0.04)
    for segment in found.mask.segments:
        center = volume.geometry.to_world(np.argwhere(found.mask.region(segment))[:, ::-1].mean(axis=0))
        home = LEFT if segment.label.startswith("Left") else RIGHT
        assert abs(center[0] - home[0]) < 1.0
        assert (center[1] < home[1]) == ("anterior" in segment.label)  # LPS: the front is -y
    assert found.mask.geometry.same_grid(volume.geometry)


def test_the_network_sees_both_sides_alike_with_the_midline_at_the_last_columns(package, upright, make_volume):
    seen = []
    run_regions(package, head(make_volume), mark_bright(package, seen), progress=Progress())
    assert len(seen) == 4
    for volume in seen:
        values = np.asarray(volume.array_zyx)
        dark, bright = np.argwhere(values < 50)[:, 2], np.argwhere(values > 150)[:, 2]
        assert dark.mean() > bright.mean() + 10
    assert [volume.geometry.frame_of_reference_uid for volume in seen] == ["1.2.3", "1.2.3", "", ""]


def test_a_second_look_is_centred_on_what_the_first_marked(package, upright, make_volume):
    upright["to_patient"] = np.eye(4)
    upright["to_patient"][:3, 3] = (4.0, -5.0, 3.0)
    seen = []
    found = run_regions(package, head(make_volume), mark_bright(package, seen), progress=Progress())
    first, second = (np.argwhere(np.asarray(one.array_zyx) > 150).mean(axis=0) for one in seen[:2])
    middle = (np.array(seen[0].geometry.shape_zyx) - 1) / 2
    assert np.abs(first - middle).max() > 3.0
    assert np.abs(second - middle).max() < 1.0
    assert found.mask.volume_ml(found.mask.segments[0]) > 1.0


def test_a_side_outside_of_the_image_is_said_and_left_out(package, upright, make_volume):
    whole = head(make_volume)
    affine = whole.geometry.affine_lps.copy()
    affine[0, 3] += 65.0  # the image begins at x = -10: no right side
    part = np.asarray(whole.array_zyx)[:, :, 65:]
    volume = make_volume(part.copy(), geometry=Geometry(affine, part.shape, "1.2.3"))
    found = run_regions(package, volume, mark_bright(package), progress=Progress())
    counts = [found.mask.voxels(one) for one in found.mask.segments]
    assert min(counts[:2]) > 0
    assert counts[2:] == [0, 0]
    assert "Right: the region lies outside of the image and was not looked at." in [str(one) for one in found.notes]


def test_nothing_and_odd_volumes_are_noted(package, upright, make_volume):
    dark = make_volume(
        np.full((130, 130, 130), 7, np.int16),
        np.array([[1.0, 0, 0, -65], [0, 1.0, 0, -45], [0, 0, 1.0, -75], [0, 0, 0, 1]]),
    )
    told = [str(one) for one in run_regions(package, dark, mark_bright(package), progress=Progress()).notes]
    assert "Left: the model marked nothing in the region it was led to." in told
    whole = head(make_volume)
    bright = make_volume(np.maximum(np.asarray(whole.array_zyx), 180).astype(np.int16), geometry=whole.geometry)
    told = [str(one) for one in run_regions(package, bright, mark_bright(package), progress=Progress()).notes]
    assert any("reaches the edge of its box" in one for one in told)
    assert any("usual are 1 to 6 ml" in one for one in told)


@pytest.mark.parametrize(
    ("figures", "named"),
    [
        ({"similarity": 0.1}, "similarity 0.10, at least 0.30"),
        ({"covered": 0.4}, "inside the image 40 %"),
        ({"to_patient": np.diag([0.5, 1.0, 1.0, 1.0])}, "scaled 0.50 to 1.00"),
        ({"to_patient": np.diag([1.0, -1.0, -1.0, 1.0])}, "turned by 180 degrees"),
        ({"to_patient": np.diag([-1.0, 1.0, 1.0, 1.0])}, "did not find its region"),
    ],
)
def test_a_template_that_does_not_fit_is_refused_with_figures(package, upright, make_volume, figures, named):
    upright.update(figures)
    with pytest.raises(Refused, match="did not find its region") as refused:
        find_crops(package, head(make_volume), progress=Progress())
    assert named in str(refused.value)


def test_slices_without_a_regular_grid_are_refused(package, upright, make_volume):
    with pytest.raises(Refused, match="regular grid"):
        predict(package, head(make_volume, irregularity="Slices are missing."), device="cpu")


def test_another_template_than_promised_is_refused(tmp_path, package, make_volume):
    import shutil

    root = tmp_path / "hippocampus_mr"
    shutil.copytree(package.root, root)
    (root / "template" / "mni152_t1_2mm.nii.gz").write_bytes(b"something else")
    with pytest.raises(Refused, match="not the file its metadata promises"):
        find_crops(read(root), head(make_volume), progress=Progress())


@pytest.mark.parametrize(
    "change",
    [
        {"template": {"file": "../../etc/passwd", "sha256": "0"}},
        {"template": {"file": "template/mni152_t1_2mm.nii.gz"}},
        {"extent_mm": [400, 110]},
        {"regions": []},
        {"limits": {"similarity": "high", "covered": 1, "scale": [1, 2], "degrees": 3}},
    ],
)
def test_a_broken_localizer_is_refused_by_its_key(tmp_path, package, change):
    import shutil

    root = tmp_path / "hippocampus_mr"
    shutil.copytree(package.root, root, ignore=shutil.ignore_patterns("models", "test"))
    told = json.loads((Path(package.root) / "configs" / "metadata.json").read_text(encoding="utf-8"))
    change_json(root, "metadata", medassist={"localizer": {**told["medassist"]["localizer"], **change}})
    with pytest.raises(Refused, match="localizer"):
        read(root)


def test_suitability_takes_crops_and_whole_heads_and_nothing_between(package, make_study, make_volume):
    def rows(size, spacing):
        volume = make_volume(np.zeros(size, np.int16), np.diag([*spacing, 1.0]), body_part="HEAD")
        return {one.name: one for one in check(package, make_study(), volume)}

    crop, slab = rows((35, 51, 35), (1, 1, 1)), rows((100, 200, 200), (1, 1, 1))
    whole, coarse = rows((160, 460, 512), (0.5, 0.5, 1.0)), rows((60, 200, 200), (1, 1, 2.5))
    assert crop["Extent"].verdict is whole["Extent"].verdict is coarse["Extent"].verdict is Verdict.PASS
    assert slab["Extent"].verdict is Verdict.FAIL
    assert (crop["Spacing"].demanded, whole["Spacing"].demanded) == ("0.8–1.2 mm", "0.4–1.5 mm")
    assert coarse["Spacing"].verdict is Verdict.FAIL
    assert "a whole image" in whole["Extent"].demanded


def test_a_crop_runs_as_before(package, make_volume):
    values = np.random.default_rng(0).normal(100, 20, (36, 50, 36)).astype(np.float32)
    found = predict(package, make_volume(values), device="cpu")
    assert [one.label for one in found.mask.segments] == ["Anterior hippocampus", "Posterior hippocampus"]


def test_cutting_and_laying_home_keep_places_on_fine_turned_grids(package, upright, make_volume):
    whole = head(make_volume)
    (left, right) = find_crops(package, whole, progress=Progress())
    for crop, home in ((left, LEFT), (right, RIGHT)):
        seen = np.asarray(cut(whole, crop).array_zyx)
        center = crop.grid.to_world(np.argwhere(crop.flipped(seen) > 150)[:, ::-1].mean(axis=0))
        assert np.abs(center - home).max() < 0.3


@pytest.mark.parametrize(("name", "kind"), [("uncertainty", MapKind.UNCERTAINTY), ("spread", MapKind.SPREAD)])
def test_the_uncertainty_of_both_sides_comes_home_where_it_was_seen(package, upright, make_volume, name, kind):
    """A model that is as unsure as the crop is bright: its map has to lie on the balls of either side."""
    volume = head(make_volume, order=(2, 0, 1), flips=(-1, 1, -1))
    marks = mark_bright(package)

    def run(crop):
        bright = (np.asarray(crop.array_zyx) > 150).astype(np.float32)
        doubt = as_map(package, crop.series.key, bright, crop.geometry, bright, crop.geometry, kind=kind)
        return replace(marks(crop), **{name: doubt})

    found = run_regions(package, volume, run, progress=Progress())
    doubt = getattr(found, name)
    assert doubt is not None
    assert doubt.kind is kind
    assert doubt.series_key == volume.series.key
    assert doubt.geometry.same_grid(volume.geometry)
    true = np.asarray(volume.array_zyx) > 150
    seen = doubt.values_zyx > 0.5
    assert 2 * (true & seen).sum() / (true.sum() + seen.sum()) > 0.95
    left = volume.geometry.to_world(np.argwhere(seen)[:, ::-1])[:, 0] > 0
    assert left.sum() > (~left).sum() > 0  # the larger ball is the patient's left


def test_without_a_map_of_the_crops_there_is_none_of_the_whole(package, upright, make_volume):
    found = run_regions(package, head(make_volume), mark_bright(package), progress=Progress())
    assert found.uncertainty is None


def test_the_largest_piece_counts_labels_together():
    labels = np.zeros((4, 4, 8), np.uint8)
    labels[1, 1, :2], labels[1, 1, 2:4], labels[3, 3, 6] = 1, 2, 1
    kept = largest_piece(labels)
    assert kept[1, 1].tolist() == [1, 1, 2, 2, 0, 0, 0, 0]
    assert not kept[3].any()


def test_edge_is_told(package, upright, make_volume):
    crop = find_crops(package, head(make_volume), progress=Progress())[0]
    labels = np.zeros(crop.grid.shape_zyx, np.uint8)
    labels[5, 5, 5] = 1
    assert not Marked(crop, labels).touches_edge
    labels[5, 5, 0] = 1
    assert Marked(crop, labels).touches_edge


def test_hippocampi_of_a_real_head(shared_data, package):
    from medassist.imaging.load import load
    from medassist.imaging.scan import scan

    study = scan(shared_data("dicom/uih_t1_head"), progress=Progress()).studies[0]
    volume = load(next(one for one in study.series if one.shape_zyx[0] > 1))
    assert not [one for one in check(package, study, volume) if one.verdict is Verdict.FAIL]
    mask = predict(package, volume, device="cpu").mask
    millilitres = [mask.volume_ml(one) for one in mask.segments]
    centers = [volume.geometry.to_world(np.argwhere(mask.region(one))[:, ::-1].mean(axis=0)) for one in mask.segments]
    assert 2.0 < sum(millilitres[:2]) < 5.0
    assert 2.0 < sum(millilitres[2:]) < 5.0
    assert centers[0][0] > 0 > centers[2][0]  # this head lies 8 mm to the right
    assert centers[0][1] < centers[1][1]
    assert centers[2][1] < centers[3][1]
    assert 40 < centers[0][0] - centers[2][0] < 65


def with_shares(run):
    """Return a model that is as sure of a label as its place along the columns of the crop says: 100, 101, …"""

    def answer(volume):
        found = run(volume)
        steps = np.broadcast_to(100 + np.arange(volume.geometry.shape_zyx[2]), volume.geometry.shape_zyx)
        values = tuple(one.value for one in found.mask.segments)
        marked = [np.where(found.mask.labels_zyx == value, steps, 0).astype(np.uint8) for value in values]
        return replace(found, probabilities=Probabilities(np.stack(marked), volume.geometry, values))

    return answer


def test_probabilities_of_a_mirrored_crop_come_home_to_their_own_side(package, upright, make_volume):
    volume = head(make_volume, order=(2, 0, 1), flips=(-1, 1, -1))
    found = run_regions(package, volume, with_shares(mark_bright(package)), progress=Progress())
    kept = found.probabilities
    assert kept.geometry.same_grid(volume.geometry)
    assert kept.values == (1, 2, 3, 4)
    for segment in found.mask.segments:
        shares = kept.of(segment.value)
        inside = found.mask.region(segment)
        assert (shares[inside] > 0).mean() > 0.95
        core = binary_erosion(inside, iterations=2)
        places = volume.geometry.to_world(np.argwhere(core)[:, ::-1])[:, 0]
        toward_midline = -1 if segment.label.startswith("Left") else 1
        assert np.corrcoef(places * toward_midline, shares[core])[0, 1] > 0.99
        x = volume.geometry.to_world(np.argwhere(shares)[:, ::-1])[:, 0]
        assert (x * -toward_midline > 0).all()
