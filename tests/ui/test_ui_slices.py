"""The arrays and words of a plane, without a window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ui_cases import (
    AXIAL,
    add_heat,
    add_mask,
    irregular_series,
    make_heatmap,
    make_mask,
    make_series,
    make_volume,
    opened,
)

from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import ModelRef, Prediction
from medassist.entities.study import SeriesKind
from medassist.entities.volume import VoiLut, Window
from medassist.imaging.slicing import Plane, layout
from medassist.language import set_language
from medassist.session.actions import AddPrediction, MoveCursor
from medassist.ui.viewer import gestures, presets, slices, texts
from medassist.ui.viewer.contour import border
from medassist.ui.viewer.slices import Shown


def shown(volume, plane=Plane.AXIAL, index=6, time=0):
    return Shown(volume, plane, layout(volume.geometry, plane), index, time)


def test_volume_has_three_planes_and_all_else_one():
    assert len(slices.planes_of(make_volume())) == 3
    assert slices.planes_of(make_volume(irregular_series())) == (Plane.AXIAL,)
    film = make_volume(make_series(kind=SeriesKind.FILM), shape=(1, 40, 30))
    assert len(slices.planes_of(film)) == 1


def test_picture_is_the_window_and_inversions_cancel():
    volume = make_volume(inverted=True)
    session = opened(volume)
    plain = slices.picture(shown(volume), session.view)
    twice = slices.picture(shown(volume), replace(session.view, inverted=True))
    assert np.array_equal(plain, 255 - twice)


@given(st.integers(0, 2**32 - 1))
def test_border_encloses_exactly_the_pixels(seed):
    inside = np.random.default_rng(seed).random((7, 9)) > 0.6
    x, y = border(inside)
    ends = np.stack([x, y], 1).reshape(-1, 2, 2)
    assert np.allclose(ends % 1, 0.5)
    crossings = np.zeros(inside.shape, int)
    for (x0, y0), (x1, y1) in ends:
        if x0 == x1:  # a vertical line flips everything to its right
            crossings[round(y0 + 0.5) : round(y1 + 0.5), round(x0 + 0.5) :] += 1
    assert np.array_equal(crossings % 2 == 1, inside)


def test_native_cells_show_the_cell_that_holds_the_pixel():
    volume = make_volume()
    native = volume.geometry.coarser((5, 8, 6))
    cells = np.random.default_rng(0).random((5, 8, 6)).astype(np.float32)
    heat = Heatmap(
        "m", "t", None, "one", np.zeros(volume.geometry.shape_zyx, np.float32), volume.geometry, cells, native
    )
    share = slices.heat(shown(volume), heat, native_cells=True)
    expected = np.repeat(np.repeat(cells[3], 5, 0), 5, 1) / cells.max()
    assert np.allclose(share, expected)


def test_all_zero_map_draws_nothing_and_says_so():
    volume = make_volume()
    session = add_heat(volume, value=0.0)(opened(volume))
    assert not slices.heat(shown(volume), session.heatmap, native_cells=False).any()
    assert "zero everywhere" in slices.overlay_problems(session)[0]


def test_overlay_on_another_grid_is_refused_by_name():
    volume = make_volume()
    moved = AXIAL.copy()
    moved[0, 3] += 0.5
    other = make_volume(affine=moved)
    session = add_heat(other)(add_mask(other)(opened(volume)))
    said = slices.overlay_problems(session)
    assert len(said) == 2
    assert all("another grid" in text for text in said)


def test_position_of_an_irregular_slice_is_its_own():
    origins = np.array([[0.0, 0.0, z] for z in (0, 2, 4, 11, 13, 15, 17, 19, 21, 23)])
    volume = make_volume(irregular_series(), slice_origins_lps=origins)
    assert shown(volume, index=3).position_lps(0, 0) == pytest.approx([0, 0, 11])
    assert shown(volume, index=3).position_lps(10, 5) == pytest.approx([4.0, 8.0, 11])


def test_under_the_cursor_stand_place_value_label_and_map():
    volume = make_volume()
    session = add_heat(volume)(add_mask(volume)(opened(volume)))
    lines = texts.under_cursor(session, shown(volume), 25.0, 8.0)
    assert lines[0] == "R 5.6, P 4.0, H 2.0 mm"
    assert lines[1] == f"{volume.array_zyx[6, 25, 8]} HU"
    assert lines[2] == "Target"
    assert lines[3].startswith("map 100 %")
    assert texts.under_cursor(session, shown(volume), -3, 0) == ()


@pytest.mark.parametrize("off", ["visible", "mask_visible", "held"])
def test_what_is_hidden_is_not_told_under_the_cursor(off):
    volume = make_volume()
    session = add_mask(volume)(opened(volume))
    if off != "held":
        session = replace(session, layers=replace(session.layers, **{off: False}))
    lines = texts.under_cursor(session, shown(volume), 25.0, 8.0, hidden=off == "held")
    assert "Target" not in lines
    assert len(lines) == 2


def test_the_stamp_names_whose_mask_and_whose_map_is_drawn():
    volume = make_volume()
    session = add_heat(volume)(add_mask(volume)(opened(volume)))
    other = ModelRef("classifier", "2.0", "1" * 64)
    session = AddPrediction(Prediction(other, volume.series.key, "2026-01-03T08:00:00", "cpu"), ())(session)
    assert texts.stamp_lines(session) == ("AI result of classifier 2.0", "2026-01-03 08:00",
                                          "AI result of demo_model 0.1.0", "2026-01-02 10:11")  # fmt: skip
    alone = replace(session, predictions=session.predictions[1:])
    assert texts.stamp_lines(alone)[2:] == ("Map of demo_model 0.1.0",)


def test_under_the_cursor_an_uncalibrated_picture_has_pixels():
    geometry = Geometry(np.eye(4), (1, 40, 30), calibrated=False)
    volume = make_volume(make_series(kind=SeriesKind.FILM, format="picture"), geometry=geometry, shape=(1, 40, 30))
    assert texts.under_cursor(opened(volume), shown(volume, index=0), 3, 4)[0] == "x 4, y 3 px"


def test_side_letters_follow_the_sign():
    assert texts.side_text(0, 12.5) == "L 12.5"
    assert texts.side_text(0, -12.5) == "R 12.5"
    assert texts.side_text(1, 3) == "P 3.0"
    assert texts.side_text(2, -3) == "F 3.0"


def test_corners_name_patient_series_slice_window_and_model():
    volume = make_volume()
    session = add_mask(volume)(opened(volume))
    found = texts.corners(session, shown(volume), 2.0, leading=True)
    assert found.top_left == ("Doe Jane", "ID-7 · F · 56 years", "2026-01-02 Head")
    assert found.top_right == ("2 Phantom", "CT")
    assert found.stamp == ("AI result of demo_model 0.1.0", "2026-01-02 10:11")
    assert found.bottom_left == ("Axial", "Slice 7 of 10", "H 2.0 mm", "W 400  L 40  Soft tissue", "Zoom 200 %")


def test_banner_says_why_only_one_plane_is_shown():
    session = opened(make_volume(irregular_series()))
    assert "a.dcm and b.dcm are 7 mm apart" in texts.banner_lines(session)[0]


def test_banner_translates_the_reason(monkeypatch):
    session = opened(make_volume(irregular_series()))
    set_language("zh_CN")
    assert "不构成规则网格" in texts.banner_lines(session)[0]


def test_ct_presets_are_bound_by_name_and_mr_has_none_of_them():
    ct = make_volume()
    assert presets.preset(ct, 7).name == "Lung"
    assert (presets.preset(ct, 3).center, presets.preset(ct, 3).width) == (35.0, 110.0)
    assert presets.preset(ct, 0) == ct.windows[0]
    mr = make_volume(make_series(modality="MR"), unit="", windows=(Window(1, 2), Window(3, 4, "second")))
    assert presets.preset(mr, 7) is None
    assert presets.preset(mr, 2).name == "second"
    assert presets.preset(mr, 1).name == "Automatic"


@given(st.floats(-300, 300), st.floats(-300, 300))
def test_window_drag_right_is_wider_and_up_is_brighter(right, up):
    before = Window(40.0, 400.0)
    after = gestures.dragged_window(before, right, up)
    assert (after.width > before.width) == (right > 0) or abs(right) < 1e-9
    assert (after.center < before.center) == (up > 0) or abs(up) < 1e-9
    assert after.width > 0


@given(st.floats(1e-3, 1e6))
def test_scale_bar_length_is_round_and_fits(longest):
    length = gestures.nice_length(longest)
    assert length <= longest * 1.0001
    assert length > longest / 2.6


def test_wheel_notches_carry_the_rest():
    assert gestures.notches(120, 0) == (1, 0)
    assert gestures.notches(-50, -80) == (-1, -10)


def test_mask_and_heat_are_cut_like_the_picture():
    for plane in Plane:
        volume = make_volume()
        where = (6, 25, 8)
        session = MoveCursor(tuple(volume.geometry.to_world(where[::-1])))(opened(volume))
        frame = layout(volume.geometry, plane)
        view = Shown(volume, plane, frame, frame.index_of(session.view.cursor_lps))
        row, column, _index = np.rint(frame.to_display(session.view.cursor_lps)).astype(int)
        assert slices.labels(view, make_mask(volume, where).labels_zyx)[row, column] == 1
        assert slices.heat(view, make_heatmap(volume, where), native_cells=False)[row, column] == 1.0


def test_a_slice_that_was_lost_says_so():
    volume = make_volume(lost_slices=(4,))
    session = opened(volume)
    said = {
        index: " ".join(texts.corners(session, replace(shown(volume), index=index), 2.0, leading=True).bottom_left)
        for index in (3, 4)
    }
    assert "could not be read" in said[4]
    assert "could not be read" not in said[3]


def test_a_cine_tells_the_time_of_its_frames():
    series = replace(make_series(shape_zyx=(10, 40, 30)), frame_times_ms=tuple(40.0 * index for index in range(10)))
    volume = make_volume(series)
    lines = texts.corners(opened(volume), replace(shown(volume), index=4), 2.0, leading=True).bottom_left
    assert "Slice 5 of 10 · 160 ms" in lines


def test_dragging_keeps_the_shape_of_the_grey_scale():
    sigmoid = Window(40.0, 400.0, "Lung", "SIGMOID")
    assert gestures.dragged_window(sigmoid, 10, 0).function == "SIGMOID"
    table = Window(40.0, 400.0, "FILM", lut=VoiLut(0, (0, 1), 8))
    assert gestures.dragged_window(table, 10, 0).lut is None
