"""A mask edited in the window: strokes land on the voxels under the mouse, figures follow, and it can be taken back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from ui_cases import MODEL, make_series, make_volume, mouse, opened, press, pump

from medassist.entities.editing import Tool
from medassist.entities.finding import Judgement
from medassist.entities.geometry import Geometry
from medassist.entities.overlay import Overlay
from medassist.entities.prediction import Mask, Prediction, Segment
from medassist.entities.study import SeriesKind
from medassist.entities.volume import Window
from medassist.imaging.slicing import Plane
from medassist.language import set_language
from medassist.report.findings import findings_from
from medassist.session.actions import AddPrediction, Judge, MoveCursor, SetLayers
from medassist.session.history import Undo
from medassist.session.mask_shapes import Reshape
from medassist.ui.edit_bar import LANE
from medassist.ui.viewer.keys import explained

SHAPE = (12, 40, 30)
ORGAN, OTHER = Segment(1, "Target", color=(0, 255, 0), title_zh="目标"), Segment(2, "Other", color=(255, 0, 0))


def oblique():
    """Return a grid that is turned by 0.3 about the patient's long axis, flipped, and three times as thick as wide."""
    c, s = np.cos(0.3), np.sin(0.3)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[-c, -s, 0], [-s, c, 0], [0, 0, -1]]) @ np.diag([0.8, 0.9, 2.5])
    affine[:3, 3] = (11.0, -17.0, 23.0)
    return Geometry(affine, SHAPE, "1.2.3")


class Put:
    """Put a session on screen as a whole."""

    def __init__(self, session):
        self.session = session

    def __call__(self, _session):
        return self.session


@pytest.fixture(params=[True], ids=["oblique and flipped"])
def volume(request):
    array = np.full(SHAPE, -100, np.int16)
    array[:, 20:, :] = 100
    fields = {"geometry": oblique()} if request.param else {}
    return make_volume(make_series(shape_zyx=SHAPE), shape=SHAPE, array=array, windows=(Window(0.0, 200.0),), **fields)


def result(volume):
    labels = np.zeros(SHAPE, np.uint8)
    labels[4:8, 10:20, 8:16] = 1
    labels[4:8, 24:28, 8:16] = 2
    prediction = Prediction(MODEL, volume.series.key, "2026-01-02T10:11:12", "cpu",
                            mask=Mask(labels, volume.geometry, (ORGAN, OTHER)))  # fmt: skip
    return AddPrediction(prediction, findings_from(prediction, volume))


@pytest.fixture
def edited(window, store, volume):
    """A window in which the mask of a model is edited with a thin brush, at voxel (column 12, row 14, slice 5)."""
    store.dispatch(Put(result(volume)(opened(volume))))
    look(store, volume, (12, 14, 5))
    window.editing.toggle()
    assert window.editing.open
    change(window, radius_mm=0.1)
    return window


def look(store, volume, ijk):
    x, y, z = volume.geometry.to_world(ijk)
    store.dispatch(MoveCursor((float(x), float(y), float(z))))


def change(window, **values):
    window.editing._change(**values)


def place(window, ijk, plane=Plane.AXIAL):
    """Return the plane and where on it a voxel lies; the voxel must be on the slice on screen."""
    view = next(one for one in window.viewer.planes if one.plane is plane)
    shown = view.shown
    row, column, index = shown.layout.to_display(shown.layout.geometry.to_world(ijk))
    assert round(float(index)) == shown.index
    return view.viewport(), view.to_screen(float(row), float(column))


def drag_over(window, *voxels, plane=Plane.AXIAL):
    (viewport, first), *rest = [place(window, one, plane) for one in voxels]
    mouse(viewport, QEvent.Type.MouseButtonPress, first)
    for _viewport, at in rest:
        mouse(viewport, QEvent.Type.MouseMove, at)
    mouse(viewport, QEvent.Type.MouseButtonRelease, rest[-1][1] if rest else first)


def settle(window):
    pump(lambda: not window.editing._runner.running(LANE))


def labels(store):
    return store.session.predictions[-1].mask.labels_zyx


def claim(store, label="Target"):
    (found,) = [one for one in store.session.findings if one.label == label]
    return found


@pytest.mark.parametrize("volume", [False, True], indirect=True, ids=["straight", "oblique and flipped"])
@pytest.mark.parametrize(
    ("plane", "voxel"), [(Plane.AXIAL, (3, 14, 5)), (Plane.CORONAL, (3, 14, 9)), (Plane.SAGITTAL, (12, 3, 9))]
)
def test_a_click_paints_the_voxel_under_the_mouse_and_no_other(edited, store, plane, voxel):
    before = labels(store).copy()
    drag_over(edited, voxel, plane=plane)
    settle(edited)
    changed = np.argwhere(labels(store) != before)
    assert changed.tolist() == [list(voxel[::-1])]
    assert labels(store)[voxel[::-1]] == 1


def test_a_stroke_is_one_step_that_measures_and_can_be_undone(edited, store, volume):
    uid = claim(store).tracking_uid
    store.dispatch(Judge(uid, Judgement.ACCEPTED, "Dr. Li", "now"))
    steps = len(store.session.history.past)
    change(edited, radius_mm=2.0)
    drag_over(edited, (2, 14, 5), (4, 14, 5), (5, 16, 5))
    settle(edited)
    assert len(store.session.history.past) == steps + 1
    now = claim(store)
    assert now.tracking_uid == uid
    assert now.judgement is Judgement.EDITED
    assert now.volume_ml == pytest.approx(np.count_nonzero(labels(store) == 1) * volume.geometry.voxel_volume_ml)
    assert now.measurements["model_volume_ml"] == pytest.approx(320 * volume.geometry.voxel_volume_ml)
    assert "Dice" in edited.editing.form.facts.text()
    store.dispatch(Undo())
    assert claim(store).judgement is Judgement.ACCEPTED
    assert np.count_nonzero(labels(store) == 1) == 320
    assert edited.editing.tool.canvas.labels is labels(store)


def test_strokes_are_on_screen_at_once_and_none_is_lost(edited, store):
    view = edited.viewer.planes[0]
    for number in range(6):  # faster than they are measured
        drag_over(edited, (2 + number, 33, 5))
        layout = view.shown.layout
        row, column, _index = np.rint(layout.to_display(layout.geometry.to_world((2 + number, 33, 5)))).astype(int)
        assert view.brush.labels[row, column] == 1
    settle(edited)
    assert labels(store)[5, 33, 2:8].tolist() == [1] * 6
    assert np.count_nonzero(labels(store) == 1) == 326
    assert claim(store).edited_by


def test_undo_takes_back_the_stroke_on_screen_even_while_it_is_measured(edited, store):
    drag_over(edited, (2, 33, 5))
    settle(edited)
    drag_over(edited, (4, 33, 5))  # is being measured
    assert edited.menus.edit.undo.isEnabled()
    edited.menus.edit.undo.trigger()
    drag_over(edited, (6, 33, 5))  # has to wait until that is gone
    settle(edited)
    assert labels(store)[5, 33, 2:8].tolist() == [1, 0, 0, 0, 0, 0]
    assert edited.editing.tool.canvas.labels is labels(store)
    edited.menus.edit.redo.trigger()
    settle(edited)
    assert labels(store)[5, 33, 2:8].tolist() == [1, 0, 1, 0, 0, 0]
    drag_over(edited, (6, 33, 5))
    settle(edited)
    assert labels(store)[5, 33, 6] == 1


def test_nothing_is_painted_on_masks_that_are_hidden(edited, store):
    before = labels(store)
    store.dispatch(SetLayers(replace(store.session.layers, mask_visible=False)))
    drag_over(edited, (2, 33, 5))
    settle(edited)
    assert labels(store) is before
    assert "hidden" in edited.editing.form.facts.text()


def test_the_finding_that_is_looked_at_is_painted_and_not_another_label(edited, store):
    edited.editing.toggle()
    edited.findings.table.select(claim(store, "Other").tracking_uid)
    edited.editing.toggle()
    assert store.session.editing.active == OTHER.value
    edited.editing.toggle()
    press(edited.viewer, Qt.Key.Key_Escape)
    edited.editing.toggle()
    assert store.session.editing.active == ORGAN.value


def test_locked_labels_and_values_out_of_range_are_not_painted(edited, store):
    change(edited, radius_mm=4.0, locked=frozenset({2}))
    before = labels(store).copy()
    drag_over(edited, (12, 26, 5), (12, 22, 5))
    settle(edited)
    assert np.array_equal(labels(store) == 2, before == 2)
    assert np.count_nonzero(labels(store) == 1) > np.count_nonzero(before == 1)
    store.dispatch(Undo())
    change(edited, span=(0.0, 200.0))
    drag_over(edited, (25, 20, 5))
    settle(edited)
    new = np.argwhere((labels(store) == 1) & (before != 1))
    assert len(new) > 3
    assert (new[:, 1] >= 20).all()
    assert edited.viewer.planes[0].brush.span.isVisible()


def test_a_ball_reaches_into_neighbouring_slices_and_all_planes_show_it(edited, store):
    change(edited, radius_mm=3.0, ball=True)
    look(store, store.session.volume, (25, 33, 5))
    drag_over(edited, (25, 33, 5))
    for view in edited.viewer.planes:
        assert (view.brush.labels == 1).any()
    settle(edited)
    assert np.flatnonzero((labels(store)[:, 30:] == 1).any(axis=(1, 2))).tolist() == [4, 5, 6]


def test_x_erases_and_a_fill_takes_a_hole(edited, store):
    press(edited.viewer, Qt.Key.Key_X)
    assert edited.editing.form.erase.isChecked()
    drag_over(edited, (12, 14, 5))
    settle(edited)
    assert labels(store)[5, 14, 12] == 0
    press(edited.viewer, Qt.Key.Key_X)
    change(edited, tool=Tool.FILL)
    drag_over(edited, (12, 14, 5))
    settle(edited)
    assert store.session.predictions[-1].edit is None  # it is the model's mask again
    drag_over(edited, (25, 33, 5))
    settle(edited)
    assert store.session.predictions[-1].edit is None
    assert "edge" in edited.editing.form.facts.text()


def test_a_whole_label_grows_and_goes_back_to_the_original(edited, store):
    edited.editing.form.amount.setValue(3.0)
    edited.editing._reshape(Reshape.GROW)
    drag_over(edited, (25, 33, 5))  # has to wait, and says so
    settle(edited)
    grown = np.count_nonzero(labels(store) == 1)
    assert grown > 320
    assert labels(store)[5, 33, 25] == 0
    assert edited.editing.form.back.isEnabled()
    edited.editing.form.back.click()
    settle(edited)
    assert np.count_nonzero(labels(store) == 1) == 320
    assert claim(store).edited_by == ""
    assert not edited.editing.form.back.isEnabled()


def test_a_mask_of_ones_own_is_painted_where_no_model_spoke(window, store, volume):
    store.dispatch(Put(opened(volume)))
    look(store, volume, (12, 14, 5))
    window.editing.toggle()
    assert store.session.predictions == ()
    drag_over(window, (12, 14, 5))
    assert "Name a label" in window.editing.form.facts.text()
    window.editing.form.name.setText("left kidney")
    window.editing.form.name.returnPressed.emit()
    drag_over(window, (12, 14, 5))
    settle(window)
    (own,) = store.session.predictions
    assert own.by_hand
    found = claim(store, "left kidney")
    assert (found.model, found.judgement) == (None, Judgement.ACCEPTED)
    assert found.code is not None
    assert "drawn by" in window.editing.form.facts.text()
    window.editing.toggle()
    assert store.session.editing is None
    assert window.viewer.planes[0].brush.labels is None
    assert labels(store).any()


def test_a_stroke_is_not_lost_when_the_bar_or_the_window_closes_at_once(window, store, volume):
    store.dispatch(Put(opened(volume)))
    look(store, volume, (12, 14, 5))
    window.editing.toggle()
    window.editing._name("Cyst")
    drag_over(window, (12, 14, 5))
    press(window.viewer, Qt.Key.Key_Escape)
    settle(window)
    assert labels(store)[5, 14, 12] == 1
    window.editing.toggle()
    viewport, at = place(window, (20, 14, 5))
    change(window, radius_mm=0.1)
    mouse(viewport, QEvent.Type.MouseButtonPress, at)  # the button is still down
    window.editing.finish()
    assert labels(store)[5, 14, 20] == 1


def test_whatever_is_done_in_whatever_order_screen_mask_and_figures_agree(edited, store, volume):
    chance, bar = np.random.default_rng(1), edited.editing
    for _step in range(40):
        kind = chance.random()
        if kind < 0.6:
            change(edited, radius_mm=float(chance.choice([0.1, 2.0, 5.0])), erase=bool(chance.random() < 0.3),
                   active=int(chance.integers(1, 3)), ball=bool(chance.random() < 0.3))  # fmt: skip
            drag_over(edited, *((int(chance.integers(30)), int(chance.integers(40)), 5) for _end in range(2)))
        elif kind < 0.85:
            chance.choice([edited.menus.edit._undo, edited.menus.edit._undo, edited.menus.edit._redo])()
        elif kind < 0.93:
            bar._reshape(chance.choice([Reshape.GROW, Reshape.SHRINK, Reshape.LARGEST, Reshape.HOLES]))
        else:
            bar._name(f"new {chance.integers(3)}")
        if chance.random() < 0.3:
            settle(edited)
    settle(edited)
    mask, edit = store.session.edited.mask, store.session.edited.edit
    assert bar.tool.canvas.labels is mask.labels_zyx
    counts = np.bincount(mask.labels_zyx.ravel(), minlength=256)
    assert {one.segment_value for one in store.session.findings} == {one.value for one in mask.segments}
    assert set(np.flatnonzero(counts)) - {0} <= {one.value for one in mask.segments}
    for one in store.session.findings:
        assert one.volume_ml == pytest.approx(counts[one.segment_value] * volume.geometry.voxel_volume_ml)
    differs = mask.labels_zyx != edit.original.labels_zyx
    touched = set(mask.labels_zyx[differs]) | set(edit.original.labels_zyx[differs])
    assert set(edit.values) == touched - {0}
    for view in edited.viewer.planes:
        assert np.array_equal(view.brush.labels, view.shown.layout.extract(mask.labels_zyx, view.shown.index))


def test_a_film_is_painted_in_pixels_and_no_volume_is_made_up(window, store):
    shape = (1, 60, 50)
    grid = Geometry(np.eye(4), shape, "", calibrated=False)
    film = make_volume(make_series("film", SeriesKind.FILM, shape_zyx=shape), shape=shape, geometry=grid,
                       array=np.zeros(shape, np.int16))  # fmt: skip
    store.dispatch(Put(opened(film)))
    window.editing.toggle()
    window.editing._name("Mass")
    change(window, radius_mm=4.0)
    form = window.editing.form
    assert form.radius.suffix() == " px"
    assert not form.ball.isEnabled()
    plane = window.viewer.planes[0].plane
    drag_over(window, (20, 30, 0), plane=plane)
    settle(window)
    marked = np.argwhere(labels(store)[0])
    assert np.linalg.norm(marked - [30, 20], axis=1).max() == pytest.approx(4.0)
    assert claim(store, "Mass").volume_ml is None
    assert f"{len(marked)} pixels" in form.facts.text()
    grow = next(action for action in form.shape.menu().actions() if "Grow" in action.text())
    assert not grow.isEnabled()
    assert "millimetres" in grow.toolTip()


def test_a_mask_of_a_file_becomes_ones_own(window, store, volume):
    mask = Mask(np.asarray(result(volume).prediction.mask.labels_zyx), volume.geometry, (ORGAN, OTHER))
    overlay = Overlay("seg", volume.series.key, "segmentation", "Contours", "Somebody", masks=(mask,))
    store.dispatch(Put(replace(opened(volume), overlays=(overlay,))))
    look(store, volume, (12, 14, 5))
    window.editing.toggle()
    target = next(one for one in (window.editing.form.target.itemData(n) for n in range(2)) if one.copied is not None)
    window.editing._choose(target)
    settle(window)
    (own,) = store.session.predictions
    assert store.session.edited is own
    assert "Contours" in str(own.notes[0])
    assert claim(store).volume_ml == pytest.approx(320 * volume.geometry.voxel_volume_ml)


def test_escape_leaves_and_the_mouse_is_the_viewers_again(edited, store):
    edited.viewer.planes[0].setFocus()
    press(edited.viewer, Qt.Key.Key_Escape)
    assert not edited.editing.open
    before, window = labels(store), store.session.view.window
    view = edited.viewer.planes[0]
    middle = QPointF(view.viewport().rect().center())
    mouse(view.viewport(), QEvent.Type.MouseButtonPress, middle)
    mouse(view.viewport(), QEvent.Type.MouseMove, middle + QPointF(60, 0))
    mouse(view.viewport(), QEvent.Type.MouseButtonRelease, middle + QPointF(60, 0))
    assert store.session.view.window != window
    assert labels(store) is before


def test_only_one_tool_has_the_left_button(edited, store):
    edited.region.toggle()
    assert not edited.editing.open
    edited.editing.toggle()
    assert not edited.region.open


def test_other_buttons_keep_their_meaning_while_a_mask_is_edited(edited, store):
    view = edited.viewer.planes[0]
    middle, zoom = QPointF(view.viewport().rect().center()), view.camera.zoom
    before = labels(store)
    for button in (Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton):
        mouse(view.viewport(), QEvent.Type.MouseButtonPress, middle, button)
        mouse(view.viewport(), QEvent.Type.MouseMove, middle + QPointF(0, -40), button)
        mouse(view.viewport(), QEvent.Type.MouseButtonRelease, middle + QPointF(0, -40), button)
    assert view.camera.zoom != zoom
    settle(edited)
    assert labels(store) is before


def test_the_ring_has_the_true_radius_and_brackets_change_it(edited, store):
    change(edited, radius_mm=6.0)
    viewport, at = place(edited, (12, 14, 5))
    mouse(viewport, QEvent.Type.MouseMove, at, Qt.MouseButton.NoButton)
    ring = edited.viewer.planes[0].brush.ring
    assert ring.isVisible()
    assert ring.rect().width() == pytest.approx(12.0)  # scene coordinates are millimetres
    press(edited.viewer, Qt.Key.Key_BracketRight)
    assert store.session.editing.radius_mm == pytest.approx(7.5)
    press(edited.viewer, Qt.Key.Key_BracketLeft)
    assert store.session.editing.radius_mm == pytest.approx(6.0)


def test_hidden_results_stay_hidden_while_a_mask_is_edited(edited, store):
    view = edited.viewer.planes[0]
    assert view.brush.fill.isVisible()
    assert not view.layers.fill.isVisible()  # it is drawn once
    press(edited.viewer, Qt.Key.Key_Space)
    assert not view.brush.fill.isVisible()
    press(edited.viewer, Qt.Key.Key_Space, QEvent.Type.KeyRelease)
    assert view.brush.fill.isVisible()


def test_another_series_ends_the_editing(edited, store):
    store.dispatch(Put(replace(store.session, current="")))
    assert not edited.editing.open
    assert store.session.editing is None


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_the_bar_speaks_both_languages(edited, language):
    set_language(language)
    try:
        edited.retranslate()
        form = edited.editing.form
        assert form.brush.text() == ("Brush" if language == "en" else "画笔")
        assert form.label.itemText(0) == ("Target" if language == "en" else "目标")
        assert edited.editing.minimumSizeHint().width() <= 640  # the middle of a window of 1200 pixels
        assert any(key.startswith("K") for key, _meaning in explained())
    finally:
        set_language("en")
        edited.retranslate()
