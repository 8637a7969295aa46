"""The list of overlays: eyes, colours, strength, lock, figures and the way to the largest area."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from ui_cases import add_heat, add_mask, make_scan, make_volume, pump

from medassist.language import set_language
from medassist.session.actions import AddScan, ShowVolume
from medassist.session.looks import SAFE_COLORS, dressed, look_of, masks_on_screen
from medassist.session.mask_editing import SetEditing, begun
from medassist.ui.label_details import LANE
from medassist.ui.panels.layers_panel import LayersPanel


@pytest.fixture
def volume(store):
    one = make_volume()
    store.dispatch(AddScan(make_scan(one.series)))
    store.dispatch(ShowVolume(one))
    return one


@pytest.fixture
def panel(store, runner, keep, volume):
    one = keep(LayersPanel(store, runner))
    store.dispatch(add_mask(volume))
    return one


def label_row(panel):
    return panel.list.topLevelItem(0).child(0)


def test_unticking_a_label_hides_it_and_the_mask_row_follows(panel, store) -> None:
    top, row = panel.list.topLevelItem(0), label_row(panel)
    assert (top.text(0), row.text(0)) == ("demo_model 0.1.0", "Target")
    row.setCheckState(0, Qt.CheckState.Unchecked)
    assert dressed(store.session, store.session.mask).segments == ()
    assert top.checkState(0) is Qt.CheckState.Unchecked
    top.setCheckState(0, Qt.CheckState.Checked)
    assert store.session.layers.looks == ()
    assert row.checkState(0) is Qt.CheckState.Checked


def test_the_map_has_a_row_with_an_eye(panel, store, volume) -> None:
    store.dispatch(add_heat(volume))
    row = panel.list.topLevelItem(1)
    assert row.text(0) == "Map: Target"
    row.setCheckState(0, Qt.CheckState.Unchecked)
    assert not store.session.layers.heatmap_visible


def test_a_selected_label_is_measured_and_tells_its_figures(panel, store, runner, volume) -> None:
    label_row(panel).setSelected(True)
    assert not panel.details.isHidden()
    pump(lambda: bool(store.session.label_figures))
    mask = store.session.mask
    inside = volume.array_zyx[mask.labels_zyx == 1]
    told = panel.details.told.text()
    assert f"{inside.size} voxels" in told
    assert f"{inside.min()} to {inside.max()} HU".replace("-", "−") in told
    assert label_row(panel).text(1).endswith(" ml")
    calls = store.session.label_figures
    panel.details.draw(store.session)
    assert store.session.label_figures is calls
    assert not runner.running(LANE)


def test_it_goes_to_the_slice_where_the_label_is_largest(panel, store, volume) -> None:
    label_row(panel).setSelected(True)
    pump(lambda: bool(store.session.label_figures))
    panel.details.jump.click()
    k = round(float(volume.geometry.to_index(store.session.view.cursor_lps)[2]))
    areas = np.count_nonzero(store.session.mask.labels_zyx, axis=(1, 2))
    assert areas[k] == areas.max()


def test_colour_and_strength_of_the_label(panel, store) -> None:
    label_row(panel).setSelected(True)
    key = masks_on_screen(store.session)[0].key
    panel.details._fill_palette()
    panel.details.palette_menu.actions()[1].trigger()
    assert look_of(store.session, key, 1).color == SAFE_COLORS[1]
    panel.details.fill.setValue(40)
    panel.details.outline.setValue(70)
    look = look_of(store.session, key, 1)
    assert (look.fill, look.outline) == (0.4, 0.7)
    panel.details._fill_palette()
    next(one for one in panel.details.palette_menu.actions() if one.text() == "As before").trigger()
    assert look_of(store.session, key, 1).color is None
    pump(lambda: bool(store.session.label_figures))


def test_the_lock_is_there_while_the_mask_is_edited(panel, store) -> None:
    label_row(panel).setSelected(True)
    assert panel.details.lock.isHidden()
    store.dispatch(SetEditing(begun(store.session.prediction)))
    assert not panel.details.lock.isHidden()
    panel.details.lock.click()
    assert store.session.editing.locked == {1}
    panel.details.lock.click()
    assert store.session.editing.locked == frozenset()
    store.dispatch(SetEditing(None))
    pump(lambda: bool(store.session.label_figures))


def test_it_speaks_chinese(panel, store) -> None:
    label_row(panel).setSelected(True)
    pump(lambda: bool(store.session.label_figures))
    set_language("zh_CN")
    panel.retranslate()
    assert panel.details.color.text() == "颜色"
    assert "个体素" in panel.details.told.text()
    assert panel.list.accessibleName() == "图像上的叠加"
