"""Objects of files in the window: under their series, laid over it in either order of opening, never as AI."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from derived_objects import write_key_objects, write_pdf, write_presentation, write_seg, write_sr
from phantoms import write_ct_series
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QTreeWidget
from ui_cases import add_heat, make_heatmap, make_scan, make_volume, pump

from medassist.entities.overlay import Overlay
from medassist.entities.prediction import ModelRef
from medassist.entities.study import SeriesKind
from medassist.imaging.colormaps import ZERO
from medassist.imaging.objects.parametric_map import FOREIGN
from medassist.language import set_language
from medassist.session.actions import AddHeatmap, AddScan, SetLayers, ShowVolume
from medassist.session.objects import AddOverlay
from medassist.session.state import Layers
from medassist.ui.panels.study_panel import KEY
from medassist.ui.viewer import texts


def click(window, kind: str) -> None:
    series = next(one for one in window._store.session.all_series() if one.object_kind == kind)
    window.studies._chosen(row_of(window, series.key))


def row_of(window, key: str):
    rows = window.studies.tree.findItems("", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive)
    return next(row for row in rows if row.data(0, KEY) == key)


def page_of(window) -> QDialog:
    return window.findChildren(QDialog)[-1]


def close_pages(window) -> None:
    for page in window.findChildren(QDialog):
        page.close()


def test_segmentation_stands_under_its_series_and_lies_over_it(window, store, runner, tmp_path) -> None:
    write_seg(tmp_path / "seg.dcm", write_ct_series(tmp_path / "ct"))
    window.open([tmp_path])
    pump(lambda: store.session.volume is not None and not runner.running())
    ct = store.session.volume.series
    click(window, "segmentation")
    pump(lambda: bool(store.session.overlays) and not runner.running())
    (overlay,) = store.session.overlays_here
    assert row_of(window, overlay.key).parent() is row_of(window, ct.key)
    assert not store.session.awaited
    plane = window.viewer.planes[0]
    assert plane.shown.index in (2, 3, 4), "the reader is taken to what is marked"
    plane.go_to(3)
    drawn = plane.files._masks[0].fill.image
    assert np.count_nonzero(drawn) == 10 * 14
    assert "From a file: segmentation" in " ".join(texts.file_lines(store.session))
    assert store.session.mask is None, "a file is no AI result"
    assert texts.stamp_lines(store.session) == ()
    assert texts.under_cursor(store.session, plane.shown, 15, 35)[-1] == "Lesion (file)"
    store.dispatch(SetLayers(Layers(files_visible=False)))
    assert not plane.files._masks
    assert texts.file_lines(store.session) == ()
    click(window, "segmentation")
    assert not store.session.overlays, "a second click takes it away"


def test_segmentation_opened_before_its_images_waits_for_them(window, store, runner, tmp_path) -> None:
    write_seg(tmp_path / "seg.dcm", write_ct_series(tmp_path / "ct"))
    window.open([tmp_path / "seg.dcm"])
    pump(lambda: bool(store.session.scans) and not runner.running())
    click(window, "segmentation")
    (series,) = store.session.all_series()
    assert store.session.awaited == (series.key,)
    notes = [row_of(window, series.key).child(n).text(0) for n in range(2)]
    assert "are not here" in notes[0]
    assert "as soon as" in notes[1]
    window.open([tmp_path / "ct"])
    pump(lambda: bool(store.session.overlays_here) and not runner.running())
    assert store.session.volume.series.kind is SeriesKind.VOLUME
    assert not store.session.awaited
    assert row_of(window, series.key).parent() is row_of(window, store.session.current)


def test_what_cannot_be_opened_is_said_once_and_no_longer_awaited(window, store, runner, tmp_path) -> None:
    images = write_ct_series(tmp_path / "ct")
    seg = write_seg(tmp_path / "seg.dcm", images)
    window.open([tmp_path])
    pump(lambda: store.session.volume is not None and not runner.running())
    seg.write_bytes(seg.read_bytes()[:900])
    click(window, "segmentation")
    pump(lambda: not store.session.awaited and not runner.running())
    assert window.messages.isVisible()
    assert not store.session.overlays


def test_documents_open_as_pages(window, store, runner, tmp_path) -> None:
    images = write_ct_series(tmp_path / "ct")
    write_sr(tmp_path / "sr.dcm", images)
    write_key_objects(tmp_path / "ko.dcm", images)
    write_presentation(tmp_path / "pr.dcm", images, (70, 150), "INVERSE")
    write_pdf(tmp_path / "doc.dcm", images)
    set_language("zh_CN")
    window.open([tmp_path])
    pump(lambda: store.session.volume is not None and not runner.running())
    for number, kind in enumerate(("structured report", "key objects", "presentation state", "PDF document"), 1):
        click(window, kind)
        pump(lambda number=number: len(store.session.documents) == number and not runner.running())
        assert page_of(window).isVisible()
        if kind == "structured report":
            tree = page_of(window).findChild(QTreeWidget)
            assert tree.topLevelItem(0).child(1).text(1) == "结节"
        close_pages(window)
    assert (store.session.view.window.center, store.session.view.inverted) == (70, True)


def test_one_map_is_drawn_at_a_time_and_a_models_map_goes_first(window, store, application) -> None:
    volume = make_volume()
    store.dispatch(AddScan(make_scan(volume.series)))
    store.dispatch(ShowVolume(volume))
    for name in ("first", "second"):
        found = replace(make_heatmap(volume), model=ModelRef("", "", ""), target=name)
        store.dispatch(AddOverlay(Overlay(name, volume.series.key, "parametric map", name, maps=(found,))))
    plane = window.viewer.planes[0]
    plane.go_to(6)
    assert texts.file_lines(store.session) == ("From a file: parametric map, second",)
    assert "not drawn" in window.layers.files.toPlainText()
    assert plane.files._heat.isVisible()
    store.dispatch(add_heat(volume))
    assert not plane.files._heat.isVisible(), "two maps would be mixed"
    assert texts.file_lines(store.session) == ()


def test_a_signed_map_is_drawn_on_both_sides_and_its_scale_says_which_is_which(window, store, application) -> None:
    volume = make_volume()
    store.dispatch(AddScan(make_scan(volume.series)))
    store.dispatch(ShowVolume(volume))
    values = np.zeros(volume.geometry.shape_zyx, np.float32)
    values[6, 25, 8], values[6, 30, 20] = -4.0, 2.0
    plain = replace(make_heatmap(volume), values_zyx=values, native_zyx=values.copy(), signed=True, against="Other")
    store.dispatch(AddHeatmap(plain))
    bar, plane = window.viewer.color_bar, window.viewer.planes[0]
    assert bar.ends() == ("against", "for")
    assert list(bar.ticks()) == ["−100%", "−50%", "0%", "50%", "100%"]
    assert bar.captions()[0] == "Grad-CAM for Target, not Other"
    assert bar.scale() == "share of the largest absolute value (4)"
    assert not bar.grab().isNull()
    plane.go_to(6)
    drawn = plane.layers.heat.image
    assert (drawn[25, 8], drawn[30, 20], drawn[0, 0]) == (1, ZERO + 64, ZERO)
    table = plane.layers.heat.lut
    assert table[ZERO, 3] == 0, "zero is not drawn"
    assert table[1, 3] == table[ZERO + 64, 3] > 0
    assert "map -100 % of maximum (-4)" in texts.under_cursor(store.session, plane.shown, 25, 8)


def test_a_map_of_a_file_has_a_scale_with_its_unit(window, store, application) -> None:
    volume = make_volume()
    store.dispatch(AddScan(make_scan(volume.series)))
    store.dispatch(ShowVolume(volume))
    bar = window.viewer.color_bar
    dose = replace(make_heatmap(volume, value=60.0), target="Plan 1", parameters={"unit": "Gy"}, model=FOREIGN)
    store.dispatch(AddOverlay(Overlay("dose", volume.series.key, "radiotherapy dose", "Plan 1", maps=(dose,))))
    assert not bar.isHidden()
    assert bar.captions()[0] == "From a file: Plan 1"
    assert bar.scale() == "in Gy"
    assert list(bar.ticks()) == [f"{share * dose.maximum:.3g}" for share in (0, 0.25, 0.5, 0.75, 1)]
    assert not bar.grab().isNull()
    store.dispatch(SetLayers(Layers(files_visible=False)))
    assert bar.isHidden()
    store.dispatch(SetLayers(Layers()))
    store.dispatch(add_heat(volume))
    assert "influenced" in bar.captions()[1], "the map of a model goes first"
    assert bar.ticks()[-1] == "100%"
