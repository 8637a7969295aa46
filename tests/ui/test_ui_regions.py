"""Drawing a region: the mouse, the model's answer, corrections, following, and a finding of the reader."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from PySide6.QtCore import QEvent, QPointF, Qt
from ui_cases import drag, make_volume, mouse, opened, press, pump

from medassist.entities.finding import Judgement
from medassist.entities.prompt import Box
from medassist.entities.volume import Window
from medassist.inference.catalogue import find
from medassist.inference.interactive import outline as room
from medassist.inference.interactive.picture import PICTURE
from medassist.inference.network import LoadedNetwork
from medassist.plugins import Availability
from medassist.session.actions import MoveCursor, SetWindow
from medassist.session.state import Session
from medassist.ui.panels.model_panel import ModelPanel
from medassist.ui.region_bar import LANE, RegionBar
from medassist.ui.viewer.boxes import box_between, display_at, handle_places, pulled, shifted, stroke, voxel_at
from medassist.ui.viewer.keys import explained

LEFT = Qt.MouseButton.LeftButton
SHAPE = (10, 40, 30)
FLIPPED = np.array([[-0.8, 0, 0, 12.0], [0, -0.8, 0, 16.0], [0, 0, 2.0, -10.0], [0, 0, 0, 1]])


class BrightInBox(torch.nn.Module):
    """Marks what is bright inside the box; `gate` holds an answer back."""

    def __init__(self):
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.embedded = 0

    def embed(self, picture):
        self.embedded += 1
        return picture[:, :1]

    def forward(self, features, box):
        assert self.gate.wait(10)
        at = torch.arange(PICTURE) + 0.5
        columns, rows = (at > box[0]) & (at < box[2]), (at > box[1]) & (at < box[3])
        return torch.where(rows[:, None] & columns & (features[0, 0] > 0.5), 5.0, -5.0)[None, None]


@pytest.fixture
def network(monkeypatch):
    package = replace(find("litemedsam"), availability=Availability())
    module = BrightInBox()
    monkeypatch.setattr(room, "load_network", lambda _package, _device: LoadedNetwork(module, package, "cpu"))
    monkeypatch.setattr(RegionBar, "reason", lambda self: setattr(self, "_package", package) or "")
    room.forget_embeddings()
    yield module
    module.gate.set()
    room.forget_embeddings()


@pytest.fixture(params=[None, FLIPPED], ids=["as shown", "stored the other way round"])
def volume(request):
    array = np.full(SHAPE, -100, np.int16)
    array[2:8, 10:20, 8:18] = 100
    fields = {} if request.param is None else {"affine": request.param}
    return make_volume(array=array, windows=(Window(0.0, 200.0),), **fields)


@pytest.fixture
def drawn(window, store, network, volume):
    """A window in which regions are drawn, on slice 5."""
    show(store, volume)
    window.region.toggle()
    assert window.region.open
    assert window.region.tool.active
    return window


def show(store, volume, index=5):
    session = opened(volume)
    store.dispatch(Put(session))
    x, y, z = volume.geometry.to_world([12, 14, index])
    store.dispatch(MoveCursor((float(x), float(y), float(z))))


class Put:
    def __init__(self, session: Session):
        self.session = session

    def __call__(self, _session: Session) -> Session:
        return self.session


def at(window, column, row):
    """Return where a voxel of the stored slice lies in the leading plane."""
    view = window.viewer.planes[0]
    return view.to_screen(*display_at(view.shown.layout, column, row, view.shown.index))


def pull(window, begin, end):
    """Drag with the left button between two voxels of the stored slice."""
    start = at(window, *begin)
    drag(window.viewer.planes[0].viewport(), start, at(window, *end) - start, LEFT)


def draw_box(window, store, begin=(6, 8), end=(20, 22)):
    pull(window, begin, end)
    pump(lambda: not window.region._runner.running(LANE))
    return store.session.drawing


def test_a_dragged_box_marks_what_is_in_it(drawn, store):
    region = draw_box(drawn, store)
    assert region.prompt.box == Box(6, 8, 20, 22, 5)
    assert region.prompt.window == Window(0.0, 200.0)
    marked = region.plane(5)
    rows, columns = np.nonzero(marked)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 19, 8, 17)
    assert list(region.slices) == [5]
    assert drawn.region.keep.isEnabled()


def test_the_left_button_windows_again_after_leaving(drawn, store):
    before = store.session.view.window
    draw_box(drawn, store)
    assert store.session.view.window == before
    drawn.region.toggle()
    assert store.session.drawing is None
    pull(drawn, (6, 8), (20, 22))
    assert store.session.view.window != before
    assert store.session.drawing is None


def test_a_pulled_handle_asks_again_without_looking_again(drawn, store, network):
    draw_box(drawn, store)
    right = handle_places(store.session.drawing.prompt.box)[("right",)]
    pull(drawn, right, (14.5, right[1]))
    pump(lambda: not drawn.region._runner.running(LANE))
    region = store.session.drawing
    assert region.prompt.box == Box(6, 8, 14, 22, 5)
    assert np.nonzero(region.plane(5))[1].max() <= 14
    assert network.embedded == 1
    drawn.region.undo.click()
    assert store.session.drawing.prompt.box == Box(6, 8, 20, 22, 5)


def test_a_box_is_moved_by_its_inside_and_stays_on_the_slice(drawn, store):
    draw_box(drawn, store)
    pull(drawn, (12, 12), (2, 12))
    pump(lambda: not drawn.region._runner.running(LANE))
    assert store.session.drawing.prompt.box == Box(0, 8, 14, 22, 5)


def test_the_brush_adds_erases_and_is_undone(drawn, store):
    before = draw_box(drawn, store)
    drawn.region.paint.click()
    pull(drawn, (24, 30), (26, 30))
    painted = store.session.drawing
    assert painted.plane(5)[30, 25]
    assert painted.prompt.brushed
    drawn.region.erase.click()
    pull(drawn, (12, 14), (13, 14))
    assert not store.session.drawing.plane(5)[14, 12]
    drawn.region.undo.click()
    assert store.session.drawing is painted
    drawn.region.undo.click()
    assert store.session.drawing is before
    assert not drawn.region.undo.isEnabled()


def test_a_wider_brush_marks_more(drawn, store):
    areas = []
    for radius in (1.0, 4.0):
        region = draw_box(drawn, store)
        drawn.region.brush.setValue(radius)
        drawn.region.paint.click()
        pull(drawn, (24, 30), (26, 30))
        areas.append(np.count_nonzero(store.session.drawing.plane(5) & ~region.plane(5)))
        drawn.region.step_back()
    assert 0 < 2 * areas[0] < areas[1]


def test_a_region_is_followed_kept_and_judged(drawn, store, volume):
    draw_box(drawn, store)
    drawn.region.follow.click()
    pump(lambda: not drawn.region._runner.running(LANE))
    assert list(store.session.drawing.slices) == [2, 3, 4, 5, 6, 7]
    assert "3" in drawn.region.hint.text()
    drawn.region.name.setText("Lesion")
    drawn.region.keep.click()
    pump(lambda: bool(store.session.findings))
    (finding,) = store.session.findings
    assert finding.label == "Lesion"
    assert finding.judgement is Judgement.ACCEPTED
    assert finding.judged_at
    assert finding.volume_ml == pytest.approx(600 * volume.geometry.voxel_volume_ml)
    assert store.session.drawing is None
    (mask,) = store.session.regions
    assert np.array_equal(mask.labels_zyx > 0, volume.array_zyx > 0)
    assert store.session.prediction is None, "a region is no result of a model that ran by itself"
    assert drawn.report.export.isEnabled()
    assert drawn.layers.list.topLevelItem(0).child(0).text(0) == "Lesion"


def test_a_painted_region_is_kept_as_changed_and_two_regions_stay_apart(drawn, store):
    for number, (begin, end) in enumerate((((6, 8), (20, 22)), ((9, 11), (14, 17)))):
        draw_box(drawn, store, begin, end)
        if number:
            drawn.region.paint.click()
            pull(drawn, (24, 30), (26, 30))
        drawn.region.keep.click()
        pump(lambda number=number: len(store.session.findings) == number + 1)
    first, second = store.session.findings
    assert (first.judgement, second.judgement) == (Judgement.ACCEPTED, Judgement.EDITED)
    assert (first.segment_value, second.segment_value) == (1, 2)
    assert first.tracking_uid != second.tracking_uid
    assert len(store.session.regions) == 2


def test_an_answer_about_a_box_that_was_given_up_is_dropped(drawn, store, network):
    network.gate.clear()
    pull(drawn, (6, 8), (20, 22))
    asked = store.session.drawing
    press(drawn, Qt.Key.Key_Escape)
    drawn.region.step_back()
    assert store.session.drawing is None
    network.gate.set()
    pump(lambda: not drawn.region._runner.running(LANE))
    assert store.session.drawing is None
    assert asked.is_empty


def test_only_the_plane_of_the_stored_slices_takes_boxes(drawn, store):
    coronal = drawn.viewer.planes[1]
    drag(coronal.viewport(), QPointF(60, 60), QPointF(40, 40), LEFT)
    assert store.session.drawing is None


def test_a_click_is_no_box(drawn, store):
    where = at(drawn, 10, 10)
    for kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease):
        mouse(drawn.viewer.planes[0].viewport(), kind, where)
    assert store.session.drawing is None


def test_the_window_on_screen_is_what_the_model_sees(drawn, store):
    store.dispatch(SetWindow(Window(500.0, 50.0)))
    region = draw_box(drawn, store)
    assert region.prompt.window == Window(500.0, 50.0)
    assert region.is_empty
    assert not drawn.region.keep.isEnabled()
    assert drawn.region.hint.text().startswith("Nothing is marked")


def test_without_weights_it_says_what_to_do(window, store):
    show(store, make_volume())
    window.region.toggle()
    assert "models add" in window.region.hint.text()
    assert not window.region.tool.active
    assert not window.region.keep.isEnabled()
    window.menus._mind_outline()
    assert not window.menus.outline.isEnabled()
    assert "models add" in window.menus.outline.toolTip()
    window.region.toggle()


def test_the_model_panel_points_at_the_box(store, runner, keep):
    package = replace(find("litemedsam"), availability=Availability())
    panel = keep(ModelPanel(store, runner, catalogue=lambda: (package,)))
    store.dispatch(Put(opened(make_volume())))
    assert "press B" in panel.hint.text()
    assert not panel.run.isEnabled()


def test_the_key_is_explained():
    assert "B" in [key for key, _meaning in explained()]


def test_places_go_there_and_back(volume):
    from medassist.imaging.slicing import layout, native_plane

    plan = layout(volume.geometry, native_plane(volume.geometry))
    assert voxel_at(plan, *display_at(plan, 7, 31, 4), 4) == pytest.approx((7, 31))
    assert box_between(plan, (20.4, 5.2), (3.1, 9.0), 4) == Box(3, 5, 20, 9, 4)
    assert box_between(plan, (3, 5), (3.2, 9), 4) is None
    assert pulled(plan, Box(3, 5, 20, 9, 4), ("left", "top"), (-4, -3)) == Box(0, 0, 20, 9, 4)
    assert shifted(plan, Box(3, 5, 20, 9, 4), 100, -100) == Box(12, 0, 29, 4, 4)
    touched = stroke(plan, (10, 10), (14, 10), 0.9)
    assert touched[10, 10:15].all()
    assert not touched[13].any()
