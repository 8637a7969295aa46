"""Long and short axis of regions whose size is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassist.imaging.diameters import diameters


def ellipse(half_long: float, half_short: float, degrees: float, spacing: tuple[float, float]) -> np.ndarray:
    """Return one slice (1, 160, 160) of an ellipse; half axes in mm, the angle from the column axis in mm space."""
    rows, columns = np.indices((160, 160)) - 79.5
    y, x = rows * spacing[0], columns * spacing[1]
    turn = np.radians(degrees)
    along, across = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
    return ((along / half_long) ** 2 + (across / half_short) ** 2 <= 1)[None]


def edge_distance(point: np.ndarray, half_long: float, half_short: float, degrees: float) -> float:
    """Return how far (mm) a point (y, x) from the middle lies from the edge of that ellipse."""
    around = np.linspace(0, 2 * np.pi, 2000)
    along, across = half_long * np.cos(around), half_short * np.sin(around)
    turn = np.radians(degrees)
    edge = np.stack(
        [along * np.sin(turn) + across * np.cos(turn), along * np.cos(turn) - across * np.sin(turn)], axis=1
    )
    return float(np.linalg.norm(edge - point, axis=1).min())


def test_one_pixel_is_one_pixel_long() -> None:
    region = np.zeros((3, 5, 5), bool)
    region[1, 2, 3] = True
    found = diameters(region, (2.0, 2.0))
    assert found is not None
    assert (found.index, found.long_axis, found.short_axis) == (1, pytest.approx(2.0), pytest.approx(1.0, abs=1.01))
    assert diameters(np.zeros((2, 4, 4), bool), (1.0, 1.0)) is None


def test_a_rectangle_has_its_diagonal() -> None:
    region = np.zeros((1, 40, 60), bool)
    region[0, 5:35, 10:50] = True  # 30 x 40 pixels
    found = diameters(region, (1.0, 1.0))
    assert found is not None
    assert found.long_axis == pytest.approx(50.0, abs=1.0)
    assert found.short_axis == pytest.approx(37.5, abs=1.0)  # through a corner, at a right angle to the diagonal


def test_the_slice_with_the_longest_axis_is_taken() -> None:
    region = np.zeros((4, 30, 30), bool)
    region[0, 5:15, 5:15] = True  # more voxels, but shorter
    region[2, 7, 2:28] = True
    found = diameters(region, (0.5, 0.5))
    assert found is not None
    assert found.index == 2
    assert found.long_axis == pytest.approx(13.0, abs=0.01)
    assert found.short_axis == pytest.approx(0.5, abs=0.01)


def test_a_hole_is_not_crossed() -> None:
    ring = ellipse(40, 40, 0, (1, 1)) & ~ellipse(30, 30, 0, (1, 1))
    found = diameters(ring, (1.0, 1.0))
    assert found is not None
    assert found.long_axis == pytest.approx(80, abs=1.5)
    assert found.short_axis == pytest.approx(2 * np.sqrt(40**2 - 30**2), abs=2.5)  # beside the hole


def test_a_banana_is_as_long_as_its_ends_are_apart_and_as_wide_as_it_is_thick() -> None:
    region = ellipse(60, 60, 0, (1, 1)) & ~ellipse(50, 50, 0, (1, 1))
    region[:, 80:] = False
    found = diameters(region, (1.0, 1.0))
    assert found is not None
    assert found.long_axis == pytest.approx(120, abs=2)
    assert found.short_axis < 40


@settings(max_examples=40, deadline=None)
@given(
    st.floats(12, 35), st.floats(0.35, 0.85), st.floats(0, 180), st.sampled_from([(1.0, 1.0), (0.7, 1.3), (1.5, 0.6)])
)
def test_axes_of_an_ellipse(half_long: float, ratio: float, degrees: float, spacing: tuple[float, float]) -> None:
    region = ellipse(half_long, ratio * half_long, degrees, spacing)
    found = diameters(region, spacing)
    assert found is not None
    pixel = max(spacing)
    assert found.long_axis == pytest.approx(2 * half_long, abs=1.5 * pixel)
    # a blunt ellipse leaves the direction of its long axis to the pixels: the line across then turns with it
    assert found.short_axis == pytest.approx(2 * ratio * half_long, abs=3 * pixel)
    ends = np.array(found.ends) * spacing
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(found.long_axis)
    assert np.dot(ends[1] - ends[0], ends[3] - ends[2]) == pytest.approx(0, abs=1e-6 * found.long_axis**2)
    for end in ends - 79.5 * np.array(spacing):
        # on the edge, pixels and all; where along it the line across ends is left to them, as its parallels are as long
        assert edge_distance(end, half_long, ratio * half_long, degrees) < pixel


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(1.0, 1.0), (0.5, 2.0)]))
def test_any_region_has_axes_that_turn_with_it(seed: int, spacing: tuple[float, float]) -> None:
    region = np.random.default_rng(seed).random((2, 9, 9)) > 0.6
    found, turned = diameters(region, spacing), diameters(region.transpose(0, 2, 1), spacing[::-1])
    assert found is not None
    assert turned is not None
    assert 0 < found.short_axis <= found.long_axis + 1e-9
    assert turned.long_axis == pytest.approx(found.long_axis)
