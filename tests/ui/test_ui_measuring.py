"""Measuring with the mouse: every shape, in place, on its own slice, and nothing else of the mouse changes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QAction, QShortcut
from PySide6.QtWidgets import QApplication
from test_ui_placement import center, grab, orientations
from ui_cases import drag, make_scan, make_series, make_volume, mouse, press

from medassist.entities.geometry import Geometry
from medassist.entities.measurement import Shape
from medassist.entities.study import SeriesKind
from medassist.entities.volume import Window
from medassist.imaging.measuring_plane import index_of_points
from medassist.session.actions import AddScan, MoveCursor, SetTime, ShowVolume
from medassist.session.history import Redo, Undo
from medassist.session.measurements import AddMeasurement, SelectMeasurement, new_measurement
from medassist.ui.viewer import annotations, hud
from medassist.ui.viewer.label_edit import LabelEdit
from medassist.ui.viewer.measure_layer import COLOR, SELECTED

LEFT, RIGHT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton
PRESS, MOVE = QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove
RELEASE, DOUBLE = QEvent.Type.MouseButtonRelease, QEvent.Type.MouseButtonDblClick


@pytest.fixture
def volume():
    return make_volume()


@pytest.fixture
def shown(window, store, volume):
    """Show the volume at slice 5 and return the leading plane."""
    show(store, volume)
    return window.viewer.planes[0]


def show(store, volume, index=5):
    for action in (AddScan(make_scan(volume.series)), ShowVolume(volume)):
        store.dispatch(action)
    x, y, z = volume.geometry.to_world([9, 20, index]).tolist()
    store.dispatch(MoveCursor((x, y, z)))
    QApplication.processEvents()


def pull(view, begin, end):
    """Drag the left button between two display pixels (row, column)."""
    first, last = (view.to_screen(*at) for at in (begin, end))
    drag(view.viewport(), first, last - first, LEFT)


def click(view, at):
    place = view.to_screen(*at)
    for kind in (PRESS, RELEASE):
        mouse(view.viewport(), kind, place)


def voxels(store, volume):
    """Return the (column, row, slice) indices of the points drawn last."""
    one = store.session.measurements[-1]
    return index_of_points(one.points_lps, one.slice_index, volume)


def test_a_length_is_drawn_by_a_drag_and_the_mouse_is_free_again(window, store, shown, volume):
    window.tools.buttons[Shape.LENGTH].click()
    assert shown.viewport().cursor().shape() is Qt.CursorShape.CrossCursor
    window_before = store.session.view.window
    pull(shown, (10, 5), (10, 15))
    (one,) = store.session.measurements
    assert one.quantity("length").value == pytest.approx(8.0, abs=1e-6)
    np.testing.assert_allclose(voxels(store, volume), [[5, 10, 5], [15, 10, 5]], atol=1e-6)
    assert (one.slice_index, one.series_key, bool(one.by), bool(one.made_at)) == (5, "one", True, True)
    assert store.session.view.window == window_before
    assert window.tools.tool.shape is None
    pull(shown, (30, 5), (30, 15))
    assert len(store.session.measurements) == 1
    assert store.session.view.window != window_before


DRAGS = {
    Shape.ANGLE: ([((5, 20), (20, 5))], [(20, 20)], {"angle": 45.0}),
    Shape.COBB: ([((5, 5), (5, 15)), ((20, 5), (25, 10))], [], {"cobb_angle": 45.0}),
    Shape.BIDIRECTIONAL: ([((20, 5), (20, 25)), ((15, 12), (25, 20))], [], {"long_axis": 16.0, "short_axis": 8.0}),
    Shape.ELLIPSE: ([((10, 5), (20, 25))], [], {"area": np.pi * 8 * 4}),
    Shape.RECTANGLE: ([((10.5, 5.5), (20.5, 15.5))], [], {"area": 64.0, "pixels": 100.0}),
}


@pytest.mark.parametrize("shape", DRAGS, ids=lambda one: one.value)
def test_every_shape_is_drawn_as_its_hint_says(shape, window, store, shown):
    drags, clicks, expected = DRAGS[shape]
    window.tools.toggle(shape)
    for begin, end in drags:
        assert not store.session.measurements
        pull(shown, begin, end)
    for at in clicks:
        click(shown, at)
    (one,) = store.session.measurements
    assert one.shape is shape
    assert {name: one.quantity(name).value for name in expected} == pytest.approx(expected, rel=1e-6)


def test_a_polygon_is_clicked_and_ended_by_a_double_click_enter_or_its_first_corner(window, store, shown):
    corners = [(10.5, 5.5), (10.5, 15.5), (20.5, 15.5), (20.5, 5.5)]

    def begin():
        store.dispatch(SelectMeasurement())  # a press on a handle would pull it
        window.tools.toggle(Shape.POLYGON)
        for at in corners:
            click(shown, at)

    begin()
    mouse(shown.viewport(), DOUBLE, shown.to_screen(*corners[-1]))
    mouse(shown.viewport(), RELEASE, shown.to_screen(*corners[-1]))
    begin()
    press(shown, Qt.Key.Key_Return)
    begin()
    click(shown, corners[0])
    begin()
    click(shown, (30, 20))
    press(shown, Qt.Key.Key_Backspace)
    press(shown, Qt.Key.Key_Return)
    areas = [one.quantity("area").value for one in store.session.measurements]
    assert areas == pytest.approx([64.0] * 4, rel=1e-6)
    assert [one.quantity("pixels").value for one in store.session.measurements] == [100] * 4


def test_a_freehand_outline_follows_the_mouse(window, store, shown):
    window.tools.toggle(Shape.FREEHAND)
    angles = np.linspace(0, 2 * np.pi, 60)
    places = [shown.to_screen(20 + 8 * np.sin(at), 15 + 8 * np.cos(at)) for at in angles]
    mouse(shown.viewport(), PRESS, places[0])
    for at in places:
        mouse(shown.viewport(), MOVE, at)
    mouse(shown.viewport(), RELEASE, places[-1])
    (one,) = store.session.measurements
    assert one.quantity("area").value == pytest.approx(np.pi * (8 * 0.8) ** 2, rel=0.05)


def test_clicks_draw_like_a_drag_and_figures_are_live(window, store, shown):
    window.tools.toggle(Shape.LENGTH)
    click(shown, (10, 5))
    mouse(shown.viewport(), MOVE, shown.to_screen(10, 10), Qt.MouseButton.NoButton)
    assert shown.measures.preview.quantity("length").value == pytest.approx(4.0, abs=1e-6)
    assert not store.session.measurements
    click(shown, (10, 15))
    assert store.session.measurements[0].quantity("length").value == pytest.approx(8.0, abs=1e-6)
    assert shown.measures.preview is None


def test_escape_forgets_the_drawing_then_the_tool_then_the_selection(window, store, shown):
    window.tools.toggle(Shape.ANGLE)
    pull(shown, (5, 20), (20, 5))
    press(shown, Qt.Key.Key_Escape)
    assert (shown.measures.preview, window.tools.tool.shape) == (None, Shape.ANGLE)
    press(shown, Qt.Key.Key_Escape)
    assert (window.tools.tool.shape, store.session.measurements) == (None, ())
    window.tools.toggle(Shape.LENGTH)
    pull(shown, (10, 5), (10, 15))
    assert store.session.selected_measurement
    press(shown, Qt.Key.Key_Escape)
    assert (store.session.selected_measurement, len(store.session.measurements)) == ("", 1)


def test_a_slipped_click_makes_no_measurement(window, store, shown):
    for shape in (Shape.LENGTH, Shape.ELLIPSE, Shape.RECTANGLE, Shape.ARROW):
        window.tools.toggle(shape)
        click(shown, (10, 5))
        click(shown, (10, 5))
        window.tools.tool.choose(None)
    assert store.session.measurements == ()


def test_handles_pull_and_lines_move_the_whole(window, store, shown, volume):
    window.tools.toggle(Shape.LENGTH)
    pull(shown, (10, 5), (10, 15))
    pull(shown, (10, 15), (10, 20))
    np.testing.assert_allclose(voxels(store, volume), [[5, 10, 5], [20, 10, 5]], atol=1e-6)
    assert store.session.measurements[0].quantity("length").value == pytest.approx(12.0, abs=1e-6)
    grey = store.session.view.window
    pull(shown, (10, 12), (20, 14))
    np.testing.assert_allclose(voxels(store, volume), [[7, 20, 5], [22, 20, 5]], atol=1e-6)
    assert store.session.view.window == grey
    assert len(store.session.measurements) == 1


def test_what_is_undone_while_it_is_dragged_stays_undone(window, store, shown, volume):
    window.tools.toggle(Shape.LENGTH)
    pull(shown, (10, 5), (10, 15))
    pull(shown, (10, 15), (10, 20))
    viewport = shown.viewport()
    mouse(viewport, QEvent.Type.MouseButtonPress, shown.to_screen(10, 20))
    mouse(viewport, QEvent.Type.MouseMove, shown.to_screen(20, 25))
    window.menus.edit.undo.trigger()
    mouse(viewport, QEvent.Type.MouseMove, shown.to_screen(22, 25))
    mouse(viewport, QEvent.Type.MouseButtonRelease, shown.to_screen(22, 25))
    np.testing.assert_allclose(voxels(store, volume), [[5, 10, 5], [15, 10, 5]], atol=1e-6)
    assert window.menus.edit.redo.isEnabled()


def test_no_text_of_the_picture_covers_a_part_of_a_figure(window, store, shown, volume, monkeypatch):
    boxes = []

    def told(*args):
        boxes[:] = hud.corner_boxes(*args)
        return tuple(boxes)

    monkeypatch.setattr(
        annotations.hud, "draw_corners", lambda painter, area, corners, _under: told(painter, area, corners)
    )
    width, height = shown.viewport().width(), shown.viewport().height()
    for x, y in [(x, y) for x in range(40, width - 40, 90) for y in range(40, height - 60, 60)]:
        ends = [shown.to_pixel(QPointF(x, y + step)) for step in (0, 20)]
        points = [tuple(map(float, shown.shown.layout.to_lps(*one, shown.shown.index))) for one in ends]
        line = new_measurement("one", Shape.LENGTH, points, slice_index=shown.shown.index)
        store.dispatch(lambda session, line=line: replace(session, measurements=()))
        store.dispatch(AddMeasurement(line))
        shown.grab()
        label = shown.measures.label_place(line.uid)
        assert len(boxes) == 3
        assert label.isValid()
        assert not any(label.intersects(box) for box in boxes), (x, y)


def test_a_line_is_selected_by_a_click_and_deleted_by_its_key(window, store, shown):
    for row in (10, 20):
        window.tools.toggle(Shape.LENGTH)
        pull(shown, (row, 5), (row, 15))
    click(shown, (30, 10))
    assert store.session.selected_measurement == ""
    click(shown, (10, 12))
    assert store.session.selected_measurement == store.session.measurements[0].uid
    press(shown, Qt.Key.Key_Delete)
    assert [round(one.points_lps[0][1], 3) for one in store.session.measurements] == [round(-16 + 0.8 * 20, 3)]
    press(shown, Qt.Key.Key_Delete)
    assert len(store.session.measurements) == 1


def test_the_delete_key_in_a_list_does_not_delete_on_the_picture(window, store, shown):
    window.tools.toggle(Shape.LENGTH)
    pull(shown, (10, 5), (10, 15))
    window.studies.setFocus()
    window.findings.table.setFocus()
    press(window.findings.table, Qt.Key.Key_Delete)
    assert len(store.session.measurements) == 1


def test_drawings_can_be_seen_on_white_bone_and_in_black_air(window, store):
    array = np.full((10, 40, 30), -1000, np.int16)
    array[:, :, 15:] = 3000
    show(store, make_volume(array=array))
    view = window.viewer.planes[0]
    window.tools.toggle(Shape.LENGTH)
    pull(view, (20, 5), (20, 25))
    store.dispatch(SelectMeasurement())
    picture, (x, y) = grab(view), (view.to_screen(20, 22).x(), view.to_screen(20, 22).y())
    across = picture[int(y) - 6 : int(y) + 7, int(x)].sum(-1)
    wanted = sum(bytes.fromhex(COLOR[1:]))
    assert across[0] > 700  # bone
    assert across.min() < 400  # the dark rim between bone and line
    assert np.abs(across - wanted).min() < 90


@pytest.mark.parametrize("shape", [Shape.ELLIPSE, Shape.RECTANGLE])
def test_pulled_outlines_keep_their_right_angles(shape, window, store, shown, volume):
    window.tools.toggle(shape)
    pull(shown, (10, 5), (20, 25))
    handle = (10, 5) if shape is Shape.RECTANGLE else (15, 25)
    pull(shown, handle, (handle[0] + 4, handle[1] - 3))
    points = np.array(store.session.measurements[0].points_lps)
    if shape is Shape.RECTANGLE:
        sides = np.roll(points, -1, axis=0) - points
        assert [sides[k] @ sides[(k + 1) % 4] for k in range(4)] == pytest.approx([0] * 4, abs=1e-6)
        assert voxels(store, volume)[2] == pytest.approx([25, 20, 5], abs=1e-6)
    else:
        long, short = points[1] - points[0], points[3] - points[2]
        assert long @ short == pytest.approx(0, abs=1e-6)
        assert np.linalg.norm(long) >= np.linalg.norm(short)


def test_other_buttons_the_wheel_and_shift_keep_their_meaning(window, store, shown):
    window.tools.toggle(Shape.LENGTH)
    zoom, grey = shown.camera.zoom, store.session.view.window
    drag(shown.viewport(), QPointF(100, 100), QPointF(0, 40), RIGHT)
    assert shown.camera.zoom != zoom
    middle = shown.to_screen(0, 0)
    drag(shown.viewport(), QPointF(100, 100), QPointF(30, 0), MIDDLE)
    assert shown.to_screen(0, 0).x() == pytest.approx(middle.x() + 30, abs=1.5)
    cursor = store.session.view.cursor_lps
    mouse(shown.viewport(), PRESS, shown.to_screen(5, 5), LEFT, Qt.KeyboardModifier.ShiftModifier)
    assert store.session.view.cursor_lps != cursor
    assert (store.session.measurements, store.session.view.window) == ((), grey)


def test_a_kept_tool_draws_again(window, store, shown):
    window.tools.pin.click()
    window.tools.toggle(Shape.LENGTH)
    pull(shown, (10, 5), (10, 15))
    pull(shown, (20, 5), (20, 15))
    assert (len(store.session.measurements), window.tools.tool.shape) == (2, Shape.LENGTH)
    window.tools.buttons[Shape.LENGTH].click()
    assert window.tools.tool.shape is None


def test_texts_and_arrows_ask_for_their_words(window, store, shown):
    window.tools.toggle(Shape.TEXT)
    click(shown, (10, 5))
    (edit,) = shown.findChildren(LabelEdit)
    edit.setText("Nodule 结节")
    press(edit, Qt.Key.Key_Return)
    window.tools.toggle(Shape.ARROW)
    pull(shown, (20, 5), (30, 15))
    edit = next(one for one in shown.findChildren(LabelEdit) if one.isVisible())
    edit.setText("here")
    press(edit, Qt.Key.Key_Return)
    window.tools.toggle(Shape.TEXT)
    click(shown, (12, 5))
    press(next(one for one in shown.findChildren(LabelEdit) if one.isVisible()), Qt.Key.Key_Escape)
    assert [(one.shape, one.label) for one in store.session.measurements] == [
        (Shape.TEXT, "Nodule 结节"), (Shape.ARROW, "here")]  # fmt: skip


def test_a_double_click_on_a_measurement_names_it_and_elsewhere_enlarges_the_plane(window, store, shown):
    window.tools.toggle(Shape.LENGTH)
    pull(shown, (10, 5), (10, 15))
    at = shown.to_screen(10, 9)
    for kind in (PRESS, RELEASE, DOUBLE, RELEASE):
        mouse(shown.viewport(), kind, at)
    (edit,) = shown.findChildren(LabelEdit)
    edit.setText("A")
    press(edit, Qt.Key.Key_Return)
    assert store.session.measurements[0].label == "A"
    assert len(window.viewer.visible_planes()) == 3
    mouse(shown.viewport(), DOUBLE, shown.to_screen(30, 20))
    assert window.viewer.visible_planes() == (shown,)


def test_only_one_tool_has_the_mouse(window, store, shown):
    window.tools.toggle(Shape.LENGTH)
    window.region.toggle()
    assert (window.tools.tool.shape, window.region.open) == (None, True)
    window.tools.toggle(Shape.ANGLE)
    assert (window.tools.tool.shape, window.region.open) == (Shape.ANGLE, False)
    window.tools.toggle(Shape.ANGLE)
    assert window.viewer.pointer.owner is None


def colored(view) -> int:
    """Return how many pixels have one of the colours of measurements."""
    picture = grab(view)
    wanted = [tuple(bytes.fromhex(color[1:])) for color in (COLOR, SELECTED)]
    return int(sum((np.abs(picture - color).sum(-1) < 30).sum() for color in wanted))


def test_a_measurement_is_drawn_on_its_slice_and_time_only(window, store):
    series = make_series(times=2, shape_zyx=(10, 40, 30))
    values = np.zeros((2, 10, 40, 30), np.int16)
    volume = replace(make_volume(series), array_tzyx=values)
    show(store, volume)
    planes = window.viewer.planes
    window.tools.toggle(Shape.LENGTH)
    pull(planes[0], (10, 5), (10, 15))
    assert [colored(view) > 0 for view in planes] == [True, False, False]
    planes[0].scroll(1)
    assert colored(planes[0]) == 0
    planes[0].scroll(-1)
    assert colored(planes[0]) > 0
    store.dispatch(SetTime(1))
    assert colored(planes[0]) == 0


def test_what_is_drawn_across_slices_stays_on_its_plane(window, store, shown, volume):
    coronal = window.viewer.planes[1]
    window.tools.toggle(Shape.RECTANGLE)
    pull(coronal, (2.5, 5.5), (6.5, 15.5))
    (one,) = store.session.measurements
    assert one.slice_index is None
    assert one.quantity("pixels").value == 40
    assert one.quantity("area").value == pytest.approx(4 * 2.0 * 10 * 0.8, rel=1e-6)
    assert [colored(view) > 0 for view in window.viewer.planes] == [False, True, False]
    coronal.scroll(1)
    assert colored(coronal) == 0


def test_space_hides_what_ai_found_but_not_what_the_reader_drew(window, store, shown):
    window.tools.toggle(Shape.LENGTH)
    pull(shown, (10, 5), (10, 15))
    press(window.viewer, Qt.Key.Key_Space)
    assert colored(shown) > 0


def test_a_film_without_a_scale_is_measured_in_pixels(window, store):
    series = make_series(kind=SeriesKind.FILM, shape_zyx=(1, 40, 30), format="picture")
    grid = Geometry(np.eye(4), (1, 40, 30), calibrated=False)
    show(store, make_volume(series, shape=(1, 40, 30), geometry=grid, unit=""), 0)
    window.tools.toggle(Shape.LENGTH)
    pull(window.viewer.planes[0], (10, 5), (10, 15))
    found = store.session.measurements[0].quantity("length")
    assert (found.unit, found.value) == ("{pixels}", pytest.approx(10.0, abs=1e-6))


def test_figures_do_not_cover_what_was_measured(window, store, shown):
    for begin, end in (((10, 5), (30, 25)), ((2, 20), (8, 29)), ((30, 0), (39, 10))):
        window.tools.toggle(Shape.ELLIPSE)
        pull(shown, begin, end)
        colored(shown)
        one = store.session.measurements[-1]
        label = shown.measures.label_place(one.uid)
        assert not label.isEmpty()
        inside = shown.to_screen((begin[0] + end[0]) / 2, (begin[1] + end[1]) / 2)
        assert not label.contains(inside)
        assert shown.viewport().rect().contains(label.toAlignedRect())


@pytest.mark.parametrize("directions", list(orientations())[::4])
def test_drawings_lie_within_half_a_pixel_of_their_millimetres(directions, store, window, monkeypatch):
    for name in ("draw_corners", "draw_letters", "draw_scale", "draw_cross"):
        monkeypatch.setattr(hud, name, lambda *args, **kwargs: None)
    monkeypatch.setattr("medassist.ui.viewer.measure_layer.figure_lines", lambda *_: ())
    shape, affine = (14, 17, 19), np.eye(4)
    affine[:3, :3], affine[:3, 3] = directions * (1.1, 0.7, 2.3), (3, -5, 7)
    array = np.zeros(shape, np.int16)
    volume = make_volume(make_series(shape_zyx=shape), affine, shape, array=array, windows=(Window(500, 1000),))
    show(store, volume, 4)
    store.dispatch(MoveCursor(tuple(volume.geometry.to_world([6, 11, 4]).tolist())))
    for view in window.viewer.planes:
        through = view.shown.layout.through_axis
        ends = np.tile([6.0, 11.0, 4.0], (2, 1))
        ends[:, [axis for axis in range(3) if axis != through]] += [[-2.0, -2.0], [3.0, 2.0]]
        points = [tuple(one) for one in volume.geometry.to_world(ends).tolist()]
        stored = 4 if through == 2 else None
        store.dispatch(AddMeasurement(new_measurement("one", Shape.LENGTH, points, slice_index=stored)))
        store.dispatch(SelectMeasurement())
        placed = [view.to_screen(*view.shown.layout.to_display(one)[:2]) for one in points]
        picture = grab(view).sum(-1)
        rows, columns = np.nonzero(picture > 100)
        expected = [sum(at.x() for at in placed) / 2, sum(at.y() for at in placed) / 2]
        assert np.abs(np.subtract(center(picture), expected)).max() <= 0.5, (view.plane, center(picture), expected)
        reach = np.array([np.ptp(columns), np.ptp(rows)])
        apart = [abs(placed[0].x() - placed[1].x()), abs(placed[0].y() - placed[1].y())]
        assert np.abs(reach - apart).max() <= 3.0


def test_a_drawing_returns_to_the_voxels_it_was_drawn_on_when_stored_the_other_way_round(window, store):
    flipped = np.array([[-0.8, 0, 0, 12.0], [0, -0.8, 0, 16.0], [0, 0, 2.0, -10.0], [0, 0, 0, 1]])
    array = np.zeros((10, 40, 30), np.int16)
    array[5, 10:20, 8:18] = 100
    volume = make_volume(affine=flipped, array=array)
    show(store, volume)
    view = window.viewer.planes[0]
    window.tools.toggle(Shape.RECTANGLE)
    begin, end = (view.shown.layout.to_display(volume.geometry.to_world([i, j, 5]))[:2]
                  for i, j in ((7.5, 9.5), (17.5, 19.5)))  # fmt: skip
    pull(view, tuple(begin), tuple(end))
    one = store.session.measurements[0]
    assert (one.quantity("min").value, one.quantity("pixels").value) == (100, 100)


def test_every_change_is_undone_and_done_again(window, store, shown, volume):
    window.tools.toggle(Shape.LENGTH)
    pull(shown, (10, 5), (10, 15))
    pull(shown, (10, 15), (10, 20))
    longer = store.session.measurements
    store.dispatch(Undo())
    np.testing.assert_allclose(voxels(store, volume), [[5, 10, 5], [15, 10, 5]], atol=1e-6)
    store.dispatch(Undo())
    assert store.session.measurements == ()
    assert colored(shown) == 0
    store.dispatch(Redo())
    store.dispatch(Redo())
    assert store.session.measurements == longer


def test_an_error_of_a_tool_is_told_and_nothing_is_lost(window, store, shown, monkeypatch):
    window.tools.toggle(Shape.LENGTH)
    pull(shown, (10, 5), (10, 15))
    told = []
    monkeypatch.setattr("sys.excepthook", lambda kind, *_: told.append(kind))
    monkeypatch.setattr(window.tools.tool, "_draw", lambda *_: 1 / 0)
    window.tools.toggle(Shape.LENGTH)
    click(shown, (20, 5))
    assert told == [ZeroDivisionError]
    assert len(store.session.measurements) == 1


def test_a_study_that_opens_forgets_what_was_not_finished(window, store, shown):
    window.tools.toggle(Shape.POLYGON)
    click(shown, (10, 5))
    click(shown, (20, 5))
    assert shown.measures.preview is not None
    show(store, make_volume(make_series("two")))
    assert all(view.measures.preview is None for view in window.viewer.planes)
    assert store.session.measurements == ()


def test_nothing_is_measured_without_a_picture(window, store):
    assert not any(button.isEnabled() for button in window.tools.buttons.values())
    window.tools.toggle(Shape.LENGTH)
    assert window.tools.tool.shape is None


def test_tools_have_names_keys_and_tips(window):
    for button in window.tools.buttons.values():
        assert button.accessibleName()
        assert button.toolTip() != button.accessibleName()
        assert button.focusPolicy() is Qt.FocusPolicy.TabFocus
    keys = [shortcut.key().toString() for shortcut in window.tools.shortcuts]
    assert len(set(keys)) == len(keys) == len(Shape)


def test_a_letter_means_one_thing_in_the_whole_window(window):
    letters = [one.key().toString() for one in window.findChildren(QShortcut)]
    letters += [key.toString() for action in window.findChildren(QAction) for key in action.shortcuts()]
    twice = [key for key, count in Counter(letters).items() if count > 1 and len(key) == 1]
    assert twice == []
    assert not {"I", "F", "H"} & set(letters)  # the viewer has these
