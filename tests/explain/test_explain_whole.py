"""A map of one region of a whole image comes home to the right side, mirrored or not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medassist.entities.errors import Refused, UsageError
from medassist.entities.explained_region import ExplainedRegion
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import Mask
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import Volume
from medassist.explain.labels import known_labels
from medassist.explain.whole import CROP_ONLY, explain_region
from medassist.imaging.registration import Alignment
from medassist.inference import crops as crops_module
from medassist.inference.catalogue import find
from medassist.inference.whole import region_segments
from medassist.progress import Progress

PLACES = {"Left": np.array([25.0, 23.0, -12.0]), "Right": np.array([-25.0, 23.0, -12.0])}


@pytest.fixture
def case(monkeypatch):
    """Return package, head and mask: a ball per side, brightest at a spot 4 mm lateral of its middle."""
    monkeypatch.setattr(crops_module, "align", lambda *_images, progress: Alignment(np.eye(4), 0.9, 1.0))
    package = find("hippocampus_mr")
    shape = (120, 120, 130)
    grid = Geometry(np.array([[-1.0, 0, 0, 65], [0, 1.0, 0, -40], [0, 0, 1.0, -70], [0, 0, 0, 1]]), shape, "1.2")
    z, y, x = np.meshgrid(*map(np.arange, shape), indexing="ij")
    points = grid.to_world(np.stack([x, y, z], axis=-1))
    labels, values = np.zeros(shape, np.uint8), np.full(shape, 100, np.int16)
    for region, segments in region_segments(package):
        center = PLACES[region.name]
        labels[np.linalg.norm(points - center, axis=-1) <= 8] = segments[0].value
        values[np.linalg.norm(points - lateral(region.name), axis=-1) <= 2] = 300
    everything = tuple(one for _, segments in region_segments(package) for one in segments)
    series = Series("1.9", SeriesKind.VOLUME, (), modality="MR", shape_zyx=shape)
    return package, Volume(series, values[None], grid), Mask(labels, grid, everything)


def lateral(side: str) -> np.ndarray:
    return PLACES[side] + [4.0 if side == "Left" else -4.0, 0.0, 0.0]


def bright_is_hot(volume: Volume, label, against: str, mask: Mask) -> Heatmap:
    """Return a map of the bright voxels inside the mask, as an explanation of a crop would come."""
    heat = np.where(mask.labels_zyx == label.value, np.maximum(np.asarray(volume.array_zyx) - 150.0, 0.0), 0.0)
    heat = heat.astype(np.float32)
    return Heatmap(
        "Test",
        label.label,
        find("hippocampus_mr").ref,
        "crop",
        heat,
        volume.geometry,
        heat.copy(),
        volume.geometry,
        against=against,
    )


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_the_map_lies_where_the_network_looked(case, side):
    package, volume, mask = case
    found = explain_region(package, volume, f"{side} anterior hippocampus", mask, bright_is_hot, progress=Progress())
    assert found.target == f"{side} anterior hippocampus"
    assert found.geometry.same_grid(volume.geometry)
    assert found.series_key == "1.9"
    assert CROP_ONLY in found.notes
    for values, grid in ((found.values_zyx, found.geometry), (found.native_zyx, found.native_geometry)):
        hot = grid.to_world(np.argwhere(values > 75)[:, ::-1].mean(axis=0))
        assert np.abs(hot - lateral(side)).max() < 0.5
    assert found.native_geometry.frame_of_reference_uid == "1.2"


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_a_part_is_explained_on_the_crop_of_the_whole(case, side):
    package, volume, mask = case
    name = f"{side} anterior hippocampus"
    z, y, x = np.indices(volume.geometry.shape_zyx)
    away = np.linalg.norm(volume.geometry.to_world(np.stack([x, y, z], axis=-1)) - lateral(side), axis=-1)
    region = ExplainedRegion("part under the crosshair", (mask.labels_zyx > 0) & (away <= 4), volume.geometry)
    seen = []

    def explained(crop: Volume, label, against: str, inside: Mask) -> Heatmap:
        seen.append((crop.geometry, inside.voxels(inside.segments[0])))
        return bright_is_hot(crop, label, against, inside)

    for one in (None, region):
        found = explain_region(package, volume, name, mask, explained, region=one, progress=Progress())
        hot = found.geometry.to_world(np.argwhere(found.values_zyx > 75)[:, ::-1].mean(axis=0))
        assert np.abs(hot - lateral(side)).max() < 0.5
    (crop, voxels), (same, fewer) = seen
    assert crop.same_grid(same), "the network sees what it saw when it marked the whole"
    assert 0 < fewer < voxels / 2


def test_an_unknown_name_lists_the_sides(case):
    package, volume, mask = case
    with pytest.raises(UsageError, match="Right posterior hippocampus"):
        explain_region(package, volume, "Anterior hippocampus", mask, bright_is_hot, progress=Progress())


def test_labels_are_compared_within_their_region(case):
    package, volume, mask = case
    asked = []

    def explained(crop: Volume, label, against: str, region: Mask) -> Heatmap:
        asked.append((label.label, against))
        return bright_is_hot(crop, label, against, region)

    left = ("Left anterior hippocampus", "Left posterior hippocampus", "Right posterior hippocampus")
    found = explain_region(package, volume, left[0], mask, explained, against=left[1], progress=Progress())
    assert found.against == left[1]
    assert asked == [("Anterior hippocampus", "Posterior hippocampus")]
    with pytest.raises(UsageError, match="different regions"):
        explain_region(package, volume, left[0], mask, explained, against=left[2], progress=Progress())


def test_labels_are_known_before_anything_is_run(case):
    package, volume, _mask = case
    grid, left, right = volume.geometry, "Left anterior hippocampus", "Right anterior hippocampus"
    assert known_labels(package, grid, left.lower(), "left posterior hippocampus") == (
        left,
        "Left posterior hippocampus",
    )
    assert known_labels(package, grid, "", left) == ("", left)
    for pair, said in (((left, right), "different regions"), ((left, left), "with itself"), (("Spleen", ""), "Spleen")):
        with pytest.raises(UsageError, match=said):
            known_labels(package, grid, *pair)


def test_a_region_without_a_mark_is_refused(case):
    package, volume, mask = case
    empty = replace(mask, labels_zyx=np.where(mask.labels_zyx == 1, 0, mask.labels_zyx).astype(np.uint8))
    with pytest.raises(Refused, match="nothing to explain"):
        explain_region(package, volume, "Left anterior hippocampus", empty, bright_is_hot, progress=Progress())


def test_a_stamp_is_measured_on_the_crop_the_network_saw(case, monkeypatch):
    pytest.importorskip("monai")
    from medassist.entities.stamp import Stamp, Standing
    from medassist.explain.methods import explain
    from medassist.explain.quality import stamping

    package, volume, mask = case
    noise = np.random.default_rng(0).integers(0, 60, volume.array_tzyx.shape).astype(np.int16)
    volume = replace(volume, array_tzyx=volume.array_tzyx + noise)
    heatmap = explain(package, volume, "Left anterior hippocampus", mask=mask, device="cpu")
    asked = []
    monkeypatch.setattr(
        stamping, "measured", lambda one, *_limits, **_more: asked.append(one) or Stamp(Standing.HOLDS, {"seen": 1.0})
    )
    reference = np.asarray(mask.labels_zyx) > 0
    found = stamping.stamp(package, volume, heatmap, mask=mask, reference=reference, device="cpu")
    (one,) = asked
    assert np.array_equal(one.answer.values.transpose(2, 1, 0), heatmap.native_zyx)
    assert one.question.output == 1
    assert one.question.region.any()
    assert set(found.numbers) == {"seen", "energy_in_mask", "pointing_hit", "mask_share"}
