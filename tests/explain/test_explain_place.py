"""Windows, grids of cells, and cells repeated to the edge: properties on any shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassist.entities.geometry import Geometry
from medassist.explain.layout import evenly
from medassist.explain.place import Window, cover, moved, window_around
from medassist.explain.protocol import Layout

torch = pytest.importorskip("torch")

SHAPES = st.tuples(*[st.integers(1, 30)] * 3)
AFFINE = np.array([[0.0, -2.0, 0.0, 5.0], [1.5, 0.0, 0.3, -7.0], [0.0, 0.0, 3.0, 11.0], [0.0, 0.0, 0.0, 1.0]])


@settings(max_examples=60, deadline=None)
@given(SHAPES, SHAPES, st.integers(0, 10**6))
def test_window_holds_the_region_voxel_and_moves_values_with_their_places(shape, size, seed):
    random = np.random.default_rng(seed)
    region = np.zeros(shape, dtype=bool)
    voxel = tuple(int(random.integers(0, n)) for n in shape)
    region[voxel] = True
    window = window_around(shape, size, region)
    assert window.size == size
    cut = window.cut(torch.from_numpy(region)[None, None].float())[0, 0].numpy()
    assert cut.shape == size
    place = np.argwhere(cut)
    assert len(place) == 1
    whole = Geometry(AFFINE, shape[::-1], "1.2")
    np.testing.assert_allclose(window.grid(whole).to_world(place[0]), whole.to_world(voxel), atol=1e-9)


@pytest.mark.parametrize("length", [9, 12, 16])
def test_short_images_are_padded_as_monai_pads_them(length):
    inferers = pytest.importorskip("monai.inferers")
    image, seen = torch.arange(float(length)).reshape(1, 1, length, 1).expand(1, 1, length, 16).contiguous(), []

    def predictor(values):
        seen.append(values)
        return values

    inferers.sliding_window_inference(image, (16, 16), 1, predictor)
    window = window_around((length, 16), (16, 16), np.ones((length, 16), dtype=bool))
    torch.testing.assert_close(window.cut(image), seen[0])


def test_whole_image_without_a_usual_size():
    assert window_around((5, 6, 7), None, None) == Window((0, 0, 0), (5, 6, 7))


def test_film_axes_are_columns_before_rows():
    film = Geometry(np.diag([0.5, 0.25, 1.0, 1.0]), (1, 100, 200), "1.2")
    cells = moved(film, (9.5, 4.5), (20.0, 10.0), (10, 10))  # columns, rows
    assert cells.shape_zyx == (1, 10, 10)
    assert cells.spacing_mm == pytest.approx((20 * 0.5, 10 * 0.25, 1.0))
    np.testing.assert_allclose(cells.to_world([0, 0, 0]), [9.5 * 0.5, 4.5 * 0.25, 0.0])


@given(SHAPES)
def test_even_cells_are_the_coarser_grid_of_the_ground_floor(cells):
    grid = Geometry(AFFINE, (30, 24, 36), "1.2")
    layout = evenly((36, 24, 30), cells)
    assert moved(grid, layout.first, layout.step, cells).same_grid(grid.coarser(cells[::-1]))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.floats(-20, 20), st.floats(0.5, 16), st.integers(1, 64))
def test_covering_cells_reach_every_voxel_centre_and_keep_their_places(count, first, step, voxels):
    values = np.arange(float(count))
    covered, layout = cover(values, Layout((first,), (step,)), (voxels,))
    low = layout.first[0] - layout.step[0] / 2
    high = layout.first[0] + layout.step[0] * (len(covered) - 0.5)
    assert low <= -0.5 + 1e-6
    assert high >= voxels - 0.5 - 1e-6
    added = round((first - layout.first[0]) / step)
    np.testing.assert_array_equal(covered[added : added + count], values)
