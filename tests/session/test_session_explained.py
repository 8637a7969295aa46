"""Which part of a mask is explained: the connected part, the object, or the region of a reader."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.instances import Instances
from medassist.entities.prediction import Mask, ModelRef, Segment
from medassist.session import actions
from medassist.session.explained import part_at
from medassist.session.state import Session

GRID = Geometry(np.eye(4), (1, 5, 7))
ONE, TWO = Segment(1, "one"), Segment(2, "two")


@pytest.fixture
def mask() -> Mask:
    labels = np.zeros(GRID.shape_zyx, np.uint8)
    labels[0, 1, 1:3] = 1
    labels[0, 2, 3] = 1  # touches the part before by a corner only
    labels[0, 4, 4:6] = 1
    labels[0, 4, 6] = 2
    return Mask(labels, GRID, (ONE, TWO))


def voxels(mask: Mask, at: tuple[int, int, int], segment: Segment = ONE) -> list[list[int]]:
    found: list[list[int]] = np.argwhere(part_at(mask, segment, at).inside_zyx)[:, 1:].tolist()
    return found


def test_the_connected_part_that_holds_the_voxel(mask: Mask) -> None:
    assert voxels(mask, (0, 1, 2)) == [[1, 1], [1, 2]]
    assert voxels(mask, (0, 4, 4)) == [[4, 4], [4, 5]], "another label is another part"
    assert voxels(mask, (0, 4, 6), TWO) == [[4, 6]]
    assert voxels(mask, (0, 0, 0)) == []


def test_overlapping_labels_are_told_apart(mask: Mask) -> None:
    bits = np.where(mask.labels_zyx > 0, np.uint8(1 << 1), np.uint8(0))
    bits[0, 1, 1] |= 1
    both = Mask(bits, GRID, (ONE, TWO), overlapping=True)
    assert voxels(both, (0, 1, 1)) == [[1, 1]]
    assert voxels(both, (0, 1, 1), TWO) == [[1, 1], [1, 2]]


def test_objects_that_touch_are_explained_one_by_one(mask: Mask) -> None:
    numbers = np.zeros(GRID.shape_zyx, np.int32)
    numbers[0, 1, 1], numbers[0, 1, 2], numbers[0, 2, 3], numbers[0, 4, 4:6] = 1, 2, 3, 4
    told = replace(mask, instances=Instances(numbers, GRID))
    assert voxels(told, (0, 1, 2)) == [[1, 2]]


def test_maps_of_the_whole_and_of_a_part_stand_beside_each_other(mask: Mask) -> None:
    values = np.ones(GRID.shape_zyx, np.float32)
    whole = Heatmap("Seg-Grad-CAM", "one", ModelRef("m", "1", "0" * 64), "s", values, GRID, values.copy(), GRID)
    first, second = (replace(whole, region=part_at(mask, ONE, at)) for at in ((0, 1, 1), (0, 4, 4)))
    session = Session()
    for one in (whole, first, second):
        session = actions.AddHeatmap(one)(session)
    assert session.heatmaps == (whole, second), "what lies under the crosshair now replaces what lay there before"
