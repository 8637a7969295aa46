"""The first picture is on screen while the rest loads; nothing is computed from it, and nothing of it stays behind."""

from __future__ import annotations

import threading
from types import MappingProxyType

import numpy as np
import pytest
from phantoms import write_ct_series, write_film
from PySide6.QtCore import QPointF, Qt
from ui_cases import add_heat, add_mask, add_scores, make_scan, make_series, make_volume, press, pump

from medassist.entities.arriving import Arriving
from medassist.entities.geometry import Geometry
from medassist.entities.study import warned
from medassist.entities.volume import Volume
from medassist.imaging import plain_pixels
from medassist.imaging.scan import scan
from medassist.language import set_language
from medassist.session import arriving
from medassist.session.actions import AddScan, MoveCursor, ShowVolume
from medassist.session.arriving import ShowArriving
from medassist.session.objects import AwaitObject
from medassist.ui.objects import OBJECT_LANE
from medassist.ui.opening import LOAD_LANE, show_series
from medassist.ui.panels.explain_panel import ExplainPanel
from medassist.ui.panels.report_panel import ReportPanel
from medassist.ui.runner import Runner
from medassist.ui.viewer import slices, texts
from medassist.ui.viewer.viewer import Viewer

SLICES, NEAR = 24, range(8, 16)


@pytest.fixture
def folder(tmp_path):
    write_ct_series(tmp_path / "ct", slices=SLICES, rows=32, columns=24)
    return tmp_path / "ct"


@pytest.fixture
def rest(folder, monkeypatch):
    """Let slices around the middle be read at once, the others when this event is set."""
    event = threading.Event()
    near = {scan(folder).all_series()[0].frames[index].path for index in NEAR}
    read = plain_pixels._read_one

    def gated(picture, place):
        if picture.frame.path.parent == folder and picture.frame.path not in near:
            assert event.wait(20), "nobody let the other slices in"
        return read(picture, place)

    monkeypatch.setattr(plain_pixels, "_read_one", gated)
    monkeypatch.setattr(arriving, "QUICK_S", 0.0)
    monkeypatch.setattr(arriving, "MOST_SHARE", 1e9)
    yield event
    event.set()


def part_of(volume: Volume, *there: int) -> Arriving:
    """Return some slices of a volume, as they are offered while it loads."""
    made = {}
    for index in there:
        affine = np.array(volume.geometry.affine_lps)
        affine[:3, 3] = volume.geometry.to_world([0, 0, index])
        grid = Geometry(affine, (1, *volume.geometry.shape_zyx[1:]), volume.geometry.frame_of_reference_uid)
        one = make_series(volume.series.key, irregularity="Only one slice is loaded yet.")
        made[index] = make_volume(one, array=volume.array_zyx[index : index + 1].copy(), geometry=grid)
    whole = volume.geometry
    outline = Geometry(whole.affine_lps, whole.shape_zyx, whole.frame_of_reference_uid)
    return Arriving(volume.series, outline, MappingProxyType(made), len(there))


# --- the runner


def offering(*names, progress, offered, gate):
    for name in names:
        progress.offer(AddScan(make_scan(make_series(name), source=name)))
    offered.set()
    gate.wait(20)
    return AddScan(make_scan(make_series("end"), source="end"))


def names(store):
    return [one.source.name for one in store.session.scans]


@pytest.fixture
def gates():
    offered, gate = threading.Event(), threading.Event()
    yield {"offered": offered, "gate": gate}
    gate.set()


def test_of_several_offers_the_newest_is_shown_then_the_result(store, gates):
    runner = Runner(store, hold_s=0.0)
    runner._timer.timeout.disconnect()
    runner.start("load", offering, "one", "two", **gates)
    gates["offered"].wait(100)
    runner._deliver()
    assert names(store) == ["two"]
    gates["gate"].set()
    runner._runs[0].future.result(100)
    runner._deliver()
    assert names(store) == ["two", "end"]
    runner.close()
    runner.deleteLater()


def test_a_job_that_is_done_soon_shows_only_its_result(store, gates):
    runner = Runner(store, hold_s=1e9)
    runner.start("load", offering, "one", **gates)
    gates["offered"].wait(100)
    runner._deliver()
    assert names(store) == []
    gates["gate"].set()
    pump(lambda: not runner.running())
    assert names(store) == ["end"]
    runner.deleteLater()


@pytest.mark.parametrize("end", ["cancel", "start"])
def test_nothing_is_shown_of_a_job_that_no_longer_counts(store, gates, end):
    runner = Runner(store, hold_s=0.0)
    runner._timer.timeout.disconnect()
    runner.start("load", offering, "old", **gates)
    gates["offered"].wait(100)
    if end == "cancel":
        runner.cancel("load")
    else:
        runner.start("load", lambda *, progress: AddScan(make_scan(make_series("new"), source="new")))
    runner._deliver()
    assert names(store) == []
    gates["gate"].set()
    for run in list(runner._runs):
        run.future.result(100)
    runner._deliver()
    assert names(store) == ([] if end == "cancel" else ["new"])
    runner.close()
    runner.deleteLater()


# --- the viewer


@pytest.fixture
def volume():
    return make_volume(make_series())


@pytest.fixture
def viewer(store, keep, volume):
    store.dispatch(AddScan(make_scan(volume.series)))
    return keep(Viewer(store))


def test_the_slice_that_is_there_is_shown_in_its_place(store, viewer, volume):
    store.dispatch(ShowArriving(part_of(volume, 5)))
    axial = viewer.planes[0]
    assert [view.isVisible() for view in viewer.planes] == [True, True, True]
    assert (axial.shown.index, axial.shown.layout.count) == (5, 10)
    whole = slices.Shown(volume, axial.plane, axial.shown.layout, 5)
    view = store.session.view
    np.testing.assert_array_equal(slices.picture(axial.shown, view), slices.picture(whole, view))
    assert axial.layers.gray.isVisible()
    assert not any(view.layers.gray.isVisible() for view in viewer.planes[1:])
    assert texts.under_cursor(store.session, axial.shown, 3, 4) == texts.under_cursor(store.session, whole, 3, 4)


def test_a_slice_that_is_not_there_is_said_to_be_missing_and_never_drawn(store, viewer, volume):
    store.dispatch(ShowArriving(part_of(volume, 5)))
    axial, coronal, _ = viewer.planes
    press(axial, Qt.Key.Key_Down)
    assert not axial.layers.gray.isVisible()
    assert texts.absence_lines(axial.shown) == (f"Slice {axial.shown.index + 1} is not loaded yet",)
    assert texts.absence_lines(coronal.shown) == ("Shown when all slices are loaded",)
    assert texts.under_cursor(store.session, axial.shown, 3, 4) == ()
    missing = axial.shown.index
    store.dispatch(ShowArriving(part_of(volume, 5, missing)))
    assert axial.shown.index == missing
    assert axial.layers.gray.isVisible()
    assert texts.absence_lines(axial.shown) == ()


def test_the_mark_counts_in_both_languages_until_the_volume_is_whole(store, viewer, volume):
    part = part_of(volume, 4, 5, 6)
    store.dispatch(ShowArriving(part))
    assert texts.loading_text(part) == "Loading: 3 of 10 slices"
    set_language("zh_CN")
    assert texts.loading_text(part) == "正在加载：已读取 3 层，共 10 层"
    assert all(view.shown.arriving is part for view in viewer.planes)
    store.dispatch(ShowVolume(volume))
    assert all(view.shown.arriving is None and view.shown.is_there for view in viewer.planes)


def test_place_zoom_and_window_survive_the_whole_volume(store, viewer, volume):
    store.dispatch(ShowArriving(part_of(volume, 4, 5, 6)))
    axial = viewer.planes[0]
    press(axial, Qt.Key.Key_Up)
    press(axial, Qt.Key.Key_Plus)
    press(axial, Qt.Key.Key_7)
    axial.camera.shift(QPointF(11, 7))
    viewer.toggle_maximised(axial)
    before = axial.shown.index, axial.camera.zoom, axial.camera._center, store.session.view
    store.dispatch(ShowArriving(part_of(volume, 3, 4, 5, 6, 7)))
    store.dispatch(ShowVolume(volume))
    assert (axial.shown.index, axial.camera.zoom, axial.camera._center, store.session.view) == before
    assert store.session.view.window.name == "Lung"
    assert viewer.visible_planes() == (axial,)


def test_the_automatic_window_waits_for_all_values(store, viewer, volume):
    store.dispatch(ShowArriving(part_of(volume, 5)))
    before = store.session.view.window
    press(viewer.planes[0], Qt.Key.Key_1)
    assert store.session.view.window == before
    store.dispatch(ShowVolume(volume))
    press(viewer.planes[0], Qt.Key.Key_1)
    assert store.session.view.window.name == "Automatic"


def test_no_result_lies_over_a_part_or_is_named_beside_it(store, viewer, volume):
    for action in (ShowVolume(volume), add_mask(volume, (5, 20, 15)), add_heat(volume, (5, 20, 15))):
        store.dispatch(action)
    axial = viewer.planes[0]
    store.dispatch(MoveCursor(tuple(map(float, volume.geometry.to_world([15, 20, 5])))))
    assert axial.layers.heat.isVisible()
    assert axial.layers._outlines
    store.dispatch(ShowArriving(part_of(volume, 5)))
    assert axial.shown.is_there
    assert not axial.layers.fill.isVisible()
    assert not axial.layers.heat.isVisible()
    assert not axial.layers._outlines
    assert not viewer.color_bar.isVisible()
    assert texts.corners(store.session, axial.shown, 1.0, leading=True).stamp == ()
    assert len(texts.under_cursor(store.session, axial.shown, 20, 15)) == 2
    store.dispatch(ShowVolume(volume))
    assert axial.layers.heat.isVisible()
    assert axial.layers._outlines


def test_slices_without_a_grid_keep_their_own_place(store, keep):
    said = warned("The slices {first} and {second} are {gap} mm apart.", first="a.dcm", second="b.dcm", gap=7)
    series = make_series("bad", irregularity=said.text(), warnings=(said,))
    whole = make_volume(series)
    origins = np.array([whole.geometry.to_world([0, 0, k]) + np.array([0, 0, 3.5 * (k > 4)]) for k in range(10)])
    whole = make_volume(series, slice_origins_lps=origins)
    store.dispatch(AddScan(make_scan(series)))
    viewer = keep(Viewer(store))
    part = part_of(whole, 5)
    own = make_volume(part.sample.series, array=part.sample.array_zyx, geometry=part.sample.geometry,
                      slice_origins_lps=origins[5:6])  # fmt: skip
    store.dispatch(ShowArriving(Arriving(series, whole.geometry, {5: own}, 1)))
    shown = viewer.visible_planes()[0].shown
    early = shown.position_lps(3, 4)
    assert len(viewer.visible_planes()) == 1
    store.dispatch(ShowVolume(whole))
    np.testing.assert_allclose(early, viewer.visible_planes()[0].shown.position_lps(3, 4))


# --- the panels


def test_buttons_wait_with_the_reason(store, runner, keep, volume):
    for action in (AddScan(make_scan(volume.series)), ShowVolume(volume), add_scores(volume)):
        store.dispatch(action)
    explain, report = keep(ExplainPanel(store, runner)), keep(ReportPanel(store, runner))
    buttons = explain.button, report.export
    assert all(button.isEnabled() for button in buttons)
    store.dispatch(ShowArriving(part_of(volume, 5)))
    assert not any(button.isEnabled() for button in buttons)
    assert {button.toolTip() for button in buttons} == {"This series is still loading."}
    store.dispatch(ShowVolume(volume))
    assert all(button.isEnabled() and not button.toolTip() for button in buttons)


# --- the whole window


def shown_in_part(store):
    return store.session.arriving is not None and len(store.session.arriving.slices) == len(NEAR)


def test_a_slow_series_is_on_screen_before_it_is_whole(window, store, folder, rest):
    window.open([folder])
    pump(lambda: shown_in_part(store))
    axial = window.viewer.planes[0]
    assert store.session.volume is None
    assert axial.shown.index == SLICES // 2
    assert axial.layers.gray.isVisible()
    assert not window.models.run.isEnabled()
    assert window.models.hint.text() == "This series is still loading."
    assert not window.grid.isVisible()
    window.menus._fill_windows()
    assert [one for one in window.menus.windows.actions() if "Lung" in one.text()]
    assert not [one for one in window.menus.windows.actions() if "Automatic" in one.text()]
    for _ in range(2):
        press(axial, Qt.Key.Key_Down)
    press(axial, Qt.Key.Key_Plus)
    zoom, index, early = axial.camera.zoom, axial.shown.index, slices.picture(axial.shown, store.session.view)
    assert axial.shown.is_there
    rest.set()
    pump(lambda: store.session.volume is not None)
    assert (axial.camera.zoom, axial.shown.index) == (zoom, index)
    np.testing.assert_array_equal(early, slices.picture(axial.shown, store.session.view))
    assert store.session.loading is None


def test_stop_leaves_an_honest_empty_view(window, store, runner, folder, rest):
    window.open([folder])
    pump(lambda: shown_in_part(store))
    window.status.stop.click()
    rest.set()
    pump(lambda: not runner.running())
    session = store.session
    assert (session.current, session.volume, session.loading) == ("", None, None)
    assert window.viewer.stack.currentWidget() is window.viewer.empty
    assert window.studies.tree.currentItem() is None


@pytest.fixture
def film(tmp_path, window, store):
    """Open a film and return its volume."""
    write_film(tmp_path / "film")
    window.open([tmp_path / "film"])
    pump(lambda: store.session.volume is not None)
    return store.session.volume


def test_cancel_brings_the_earlier_series_back(window, store, runner, film, folder, rest):
    window.open([folder])
    pump(lambda: shown_in_part(store))
    runner.cancel(LOAD_LANE)
    rest.set()
    pump(lambda: not runner.running())
    assert store.session.volume is film
    assert window.viewer.planes[0].shown.volume is film


def test_a_series_chosen_meanwhile_wins(window, store, runner, film, folder, rest):
    window.open([folder])
    pump(lambda: shown_in_part(store))
    show_series(store, runner, film.series)
    assert store.session.volume is film
    rest.set()
    pump(lambda: not runner.running())
    assert store.session.volume is film
    assert store.session.loading is None


def test_a_series_to_load_chosen_meanwhile_wins(window, store, runner, tmp_path, folder, rest):
    write_ct_series(tmp_path / "other", slices=4, rows=32, columns=24, SeriesInstanceUID="1.2.3.4")
    window.open([folder])
    pump(lambda: shown_in_part(store))
    window.open([tmp_path / "other"])
    pump(lambda: len(store.session.scans) == 2)
    pump(lambda: store.session.loading is None)
    rest.set()
    pump(lambda: not runner.running())
    assert store.session.volume.geometry.shape_zyx[0] == 4
    assert list(store.session.volumes) == [store.session.current]


def test_a_failure_is_told_and_leaves_the_earlier_series(window, store, runner, film, folder, rest):
    window.open([folder])
    pump(lambda: shown_in_part(store))
    for path in folder.iterdir():
        path.unlink()
    rest.set()
    pump(lambda: not runner.running())
    assert len(window.messages.sentences()) == 1
    assert store.session.volume is film


def test_closing_while_a_series_loads_leaves_nothing(window, store, folder, rest):
    window.open([folder])
    pump(lambda: shown_in_part(store))
    rest.set()
    assert window.close()
    assert not [one for one in threading.enumerate() if one.name.startswith(("medassist", "load"))]


def test_objects_wait_until_their_images_are_whole(window, store, runner, volume, monkeypatch):
    asked = []
    monkeypatch.setattr(runner, "start", lambda lane, *args, **options: asked.append(lane))
    overlay = make_series("seg", sop_class_uid="1.2.840.10008.5.1.4.1.1.66.4", series_uid="1.9",
                          referenced_series_uids=("1.8",))  # fmt: skip
    images = make_series("one", series_uid="1.8")
    whole = make_volume(images)
    store.dispatch(AddScan(make_scan(images, overlay)))
    store.dispatch(ShowArriving(part_of(whole, 5)))
    store.dispatch(AwaitObject("seg"))
    assert OBJECT_LANE not in asked
    store.dispatch(ShowVolume(whole))
    assert asked == [OBJECT_LANE]
