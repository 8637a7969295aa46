"""Windows, outlines, colours and overlays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassist.entities.volume import Window
from medassist.imaging.colormaps import NAMES, SIGNED, ZERO, _lab_from_srgb, colormap, shares, steps
from medassist.imaging.render import PIECE, auto_window, blend_heat, blend_labels, outline, to_gray8, to_rgb


def standard(value, center, width):
    """PS3.3 C.11.2.1.2.1, literally, for an output of 0..255."""
    if value <= center - 0.5 - (width - 1) / 2:
        return 0.0
    if value > center - 0.5 + (width - 1) / 2:
        return 255.0
    return ((value - (center - 0.5)) / (width - 1) + 0.5) * 255


@settings(max_examples=100, deadline=None)
@given(
    st.floats(-2000, 2000), st.integers(2, 4000), st.sampled_from([np.int16, np.uint8, np.int8, np.uint16, np.int32])
)
def test_linear_window_of_the_standard(center, width, dtype):
    limits = np.iinfo(dtype)
    values = np.linspace(max(limits.min, -3000), min(limits.max, 3000), 97).astype(dtype)
    expected = [standard(float(value), center, width) for value in values]
    small = to_gray8(values, Window(center, width))
    assert np.abs(small - np.array(expected)).max() <= 0.51
    large = to_gray8(np.tile(values, 50).reshape(50, -1), Window(center, width))
    np.testing.assert_array_equal(large[0], small)
    np.testing.assert_array_equal(to_gray8(values, Window(center, width), inverted=True), 255 - small)


def test_brain_window_has_the_expected_ends():
    gray = to_gray8(np.array([-1000, 0, 40, 79, 3000], np.int16), Window(40, 80))
    assert gray.tolist() == [0, 0, 129, 255, 255]


def test_float_values_and_holes():
    gray = to_gray8(np.array([-1.0, 0.0, 0.5, 1.0, np.nan], np.float32), Window(0.5, 1.0))
    assert gray.tolist() == [0, 0, 128, 255, 0]


def test_non_contiguous_slices_are_drawn_alike():
    values = np.arange(200 * 200, dtype=np.int16).reshape(200, 200)
    np.testing.assert_array_equal(
        to_gray8(values[:, ::-1].T, Window(0, 4000)), to_gray8(values, Window(0, 4000))[:, ::-1].T
    )


def test_auto_window_leaves_padding_out():
    values = np.concatenate([np.full(5000, -2000), np.linspace(0, 100, 1000)]).astype(np.int16)
    window = auto_window(values, (-2000, -2000))
    assert 45 <= window.center <= 55
    assert 90 <= window.width <= 100
    assert auto_window(values).center < 0


@pytest.mark.parametrize("values", [np.zeros(9, np.int16), np.full(9, np.nan, np.float32), np.zeros(0, np.uint8)])
def test_auto_window_of_nothing_can_be_drawn(values):
    window = auto_window(values)
    assert window.width > 0
    assert to_gray8(values, window).shape == values.shape


def test_outline_is_the_inner_edge_of_each_label():
    labels = np.zeros((6, 7), np.uint8)
    labels[1:5, 1:4], labels[1:5, 4:6] = 1, 2
    edge = outline(labels)
    assert edge.sum() == 4 * 5 - 2
    assert not edge[2:4, 2].any()
    assert edge[2, 3]
    assert edge[2, 4]
    assert not edge[labels == 0].any()


def test_labels_are_laid_over_the_picture():
    labels = np.zeros((5, 5), np.uint8)
    labels[1:4, 1:4] = 3
    picture = blend_labels(np.full((5, 5), 100, np.uint8), labels, {3: (255, 0, 0)}, fill_opacity=0.5)
    assert picture[0, 0].tolist() == [100, 100, 100]
    assert picture[1, 1].tolist() == [255, 0, 0]
    assert picture[2, 2].tolist() == [178, 50, 50]


def test_heat_below_the_threshold_is_not_drawn():
    gray = np.full((1, 4), 50, np.uint8)
    heat = np.array([[0.0, 0.1, 0.5, 1.0]], np.float32)
    picture = blend_heat(gray, heat, 1.0, opacity=1.0, threshold=0.2)
    assert picture[0, :2].tolist() == [[50] * 3] * 2
    assert picture[0, 3].tolist() == colormap()[255].tolist()
    np.testing.assert_array_equal(blend_heat(gray, heat, 0.0), to_rgb(gray))


def test_signed_heat_is_drawn_on_both_sides_of_zero():
    gray = np.full((1, 5), 50, np.uint8)
    heat = np.array([[-2.0, -0.2, 0.0, 0.2, 1.0]], np.float32)
    picture = blend_heat(gray, heat, 2.0, signed=True, opacity=1.0, threshold=0.2)
    table = colormap(SIGNED)
    assert picture[0, 0].tolist() == table[1].tolist()
    assert picture[0, 1:4].tolist() == [[50] * 3] * 3
    assert picture[0, 4].tolist() == table[ZERO + 64].tolist()
    against, favour = table[ZERO - 64].astype(int), table[ZERO + 64].astype(int)
    assert against[2] > against[0] + 80, "against is blue"
    assert favour[0] > favour[2] + 80, "for is orange"


def test_steps_keep_zero_and_the_sign():
    share = np.array([-2.0, -1.0, 0.0, 0.5, 1.0], np.float32)
    assert steps(share, signed=True).tolist() == [1, 1, ZERO, ZERO + 64, 255]
    assert steps(share, signed=False).tolist() == [0, 0, 0, 128, 255]
    for signed in (False, True):
        back = steps(shares(signed=signed).astype(np.float32), signed=signed)
        np.testing.assert_array_equal(back[1:], range(1, 256))


def test_the_signed_table_grows_lighter_evenly_on_both_sides():
    lightness = _lab_from_srgb(colormap(SIGNED) / 255)[:, 0]
    below, above = lightness[ZERO:0:-1], lightness[ZERO:]
    np.testing.assert_allclose(below, np.linspace(below[0], below[-1], len(below)), atol=1.5)
    np.testing.assert_allclose(above, np.linspace(above[0], above[-1], len(above)), atol=1.5)
    np.testing.assert_allclose(below, above[: len(below)], atol=3.5)


# Machado, Oliveira and Fernandes, IEEE TVCG 2009, severity 1, on linear RGB.
BLIND = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


@pytest.mark.parametrize("kind", BLIND)
def test_the_two_sides_of_zero_differ_for_the_colour_blind(kind):
    srgb = colormap(SIGNED) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(BLIND[kind]).T, 0, 1)
    lab = _lab_from_srgb(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))
    drawn = np.arange(round(0.2 * (255 - ZERO)), 255 - ZERO + 1)
    apart = np.linalg.norm(lab[ZERO + drawn] - lab[ZERO - drawn], axis=1)
    assert apart.min() > 15, "2.3 is just noticeable"


def test_overlays_of_another_size_are_refused():
    with pytest.raises(ValueError, match="does not fit"):
        blend_labels(np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8), {})
    with pytest.raises(ValueError, match="does not fit"):
        blend_heat(np.zeros((4, 4), np.uint8), np.zeros((5, 4)), 1.0)


@pytest.mark.parametrize("name", NAMES)
def test_colour_tables_grow_lighter_evenly(name):
    table = colormap(name)
    assert (table.shape, table.dtype) == ((256, 3), np.uint8)
    lightness = _lab_from_srgb(table / 255)[:, 0]
    rises = np.diff(lightness)
    assert rises.min() > -0.4
    np.testing.assert_allclose(lightness, np.linspace(lightness[0], lightness[-1], 256), atol=1.5)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16])
def test_large_pictures_are_looked_up_piece_by_piece_as_a_whole(dtype) -> None:
    information = np.iinfo(dtype)
    values = np.random.default_rng(0).integers(information.min, information.max, (3, 151, 217), dtype, endpoint=True)
    assert values.size > 2 * PIECE
    window = Window(20.0, 90.0)
    for some in (values, values[:, ::2, ::-1]):
        assert (to_gray8(some, window) == to_gray8(some.astype(np.int32), window)).all()
