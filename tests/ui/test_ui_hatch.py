"""A map that fails is drawn with gaps that neither shimmer nor hide it; one that means nothing is not drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPainter, QTransform
from PySide6.QtWidgets import QGraphicsScene
from ui_cases import add_mask, make_heatmap, make_scan, make_volume

from medassist.entities.stamp import Stamp, Standing
from medassist.entities.study import warned
from medassist.language import set_language
from medassist.session.actions import AddHeatmap, AddScan, SetLayers, ShowVolume
from medassist.session.stamps import AddStamp
from medassist.session.state import Layers
from medassist.ui.viewer.hatch import FAINT, GAP_PX, PERIOD_PX, tile
from medassist.ui.viewer.layers import SliceImage

REASON = warned("Noise nobody would see changes the map (rank correlation {value}, at least {limit}).",
                value="0.10", limit="0.30")  # fmt: skip
FAILS = Stamp(Standing.FAILS, {"repeatability": 0.1}, (REASON,))
HOLDS = Stamp(Standing.HOLDS, {"repeatability": 0.9})
NOTHING = Stamp(Standing.MEANINGLESS, {}, (warned("Nothing in the map speaks for the target, so it shows nothing."),))


def pixels(image: QImage) -> np.ndarray:
    """Return (rows, columns, 3) of an RGB32 picture."""
    data = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return data[:, : image.width(), 2::-1].astype(int)


def drawn(item: SliceImage, zoom: float = 1.0, shift: tuple[int, int] = (0, 0), size: int = 120) -> np.ndarray:
    scene = QGraphicsScene()
    scene.setBackgroundBrush(QColor(0, 0, 0))
    scene.addItem(item)
    image = QImage(size, size, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.black)
    painter = QPainter(image)
    painter.setWorldTransform(QTransform(zoom, 0, 0, zoom, *shift))
    item.paint(painter, None, None)
    painter.end()
    scene.removeItem(item)
    return pixels(image)[..., 0]


@pytest.fixture
def item(application):
    one = SliceImage(1, smooth=False)
    one.show_slice(np.full((60, 60), 255, np.uint8), (1.0, 1.0))
    one.hatch(True)
    return one


def test_the_pattern_fits_its_neighbours(application):
    shown = QImage(PERIOD_PX, PERIOD_PX, QImage.Format.Format_RGB32)
    shown.fill(Qt.GlobalColor.black)
    painter = QPainter(shown)
    painter.drawImage(0, 0, tile())
    painter.end()
    one = pixels(shown)[..., 0]
    row = np.tile(one[0], 3)
    assert all(np.array_equal(np.tile(line, 3)[PERIOD_PX : 2 * PERIOD_PX], row[PERIOD_PX + n : 2 * PERIOD_PX + n])
               for n, line in enumerate(one)), "the stripes go on over the edges"  # fmt: skip
    assert np.mean(one < 255) == pytest.approx(GAP_PX / PERIOD_PX)


def test_a_hatched_map_is_faint_in_its_gaps_and_still_there(item):
    seen = drawn(item)[:60, :60]
    faint, full = np.unique(seen)
    assert (faint, full) == (pytest.approx(255 * FAINT, abs=1), 255)
    assert np.mean(seen == faint) == pytest.approx(GAP_PX / PERIOD_PX, abs=0.03)
    item.hatch(False)
    assert set(np.unique(drawn(item)[:60, :60])) == {255}


def test_gaps_stay_on_the_picture_while_slices_are_scrolled_or_it_is_moved(item):
    before = drawn(item)[:60, :60]
    item.show_slice(np.full((60, 60), 254, np.uint8), (1.0, 1.0))
    assert np.array_equal(drawn(item)[:60, :60] > 100, before > 100)
    moved = drawn(item, shift=(17, 9))[9:69, 17:77]
    assert np.array_equal(moved > 100, before > 100)


def test_gaps_keep_their_width_at_every_zoom(item):
    row = drawn(item, zoom=3.0, size=180)[90] > 100
    changes = np.flatnonzero(np.diff(row.astype(int)))
    assert set(np.diff(changes)) == {GAP_PX, PERIOD_PX - GAP_PX}


@pytest.fixture
def volume(store):
    one = make_volume()
    store.dispatch(AddScan(make_scan(one.series)))
    store.dispatch(ShowVolume(one))
    return one


def test_a_failing_map_is_hatched_with_the_reason_on_its_scale(window, store, volume):
    store.dispatch(AddHeatmap(make_heatmap(volume)))
    plane, bar = window.viewer.planes[0], window.viewer.color_bar
    plane.go_to(6)
    assert not plane.layers.heat.hatched
    assert bar.captions()[1].startswith("? Not measured"), "also while another tab than that of the card is shown"
    store.dispatch(AddStamp(store.session.heatmap, FAILS))
    assert plane.layers.heat.hatched
    assert plane.layers.heat.isVisible()
    assert bar.captions()[1] == (
        "✕ Failed: Noise nobody would see changes the map (rank correlation 0.10, at least 0.30)."
    )
    store.dispatch(AddHeatmap(replace(make_heatmap(volume), target="Other", stamp=HOLDS)))
    assert not plane.layers.heat.hatched
    assert bar.captions()[1] == "Regions that influenced the score, not lesion outline"


def test_the_scale_of_a_failing_map_is_hatched_too(window, store, volume):
    bar = window.viewer.color_bar

    def middle_row() -> np.ndarray:
        image = bar.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        colors = bar._bar()
        line = pixels(image)[round(colors.center().y()), round(colors.center().x()) : round(colors.right()) - 2]
        return line.sum(axis=1)

    store.dispatch(AddHeatmap(replace(make_heatmap(volume), stamp=HOLDS)))
    assert (np.diff(middle_row()) >= 0).all(), "light means much"
    store.dispatch(AddHeatmap(replace(make_heatmap(volume), stamp=FAILS)))
    assert (np.diff(middle_row()) < -100).any()


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_a_map_that_means_nothing_is_not_drawn_but_said(window, store, volume, language):
    set_language(language)
    store.dispatch(AddHeatmap(make_heatmap(volume)))
    plane = window.viewer.planes[0]
    plane.go_to(6)
    store.dispatch(AddStamp(store.session.heatmap, NOTHING))
    assert not plane.layers.heat.isVisible()
    assert window.viewer.color_bar.isHidden()
    said = window.viewer.banner.text()
    assert ("is not drawn: Nothing in the map" in said) if language == "en" else ("未予绘制" in said)


def test_regions_are_only_outlined_under_any_map(window, store, volume):
    store.dispatch(add_mask(volume))
    plane = window.viewer.planes[0]
    plane.go_to(6)
    assert plane.layers.fill.isVisible()
    store.dispatch(AddHeatmap(make_heatmap(volume)))
    assert not plane.layers.fill.isVisible(), "a filling tints the map: its red could be that of a region"
    assert plane.layers._outlines
    assert not window.layers.sliders["fill_opacity"].isEnabled()
    store.dispatch(AddStamp(store.session.heatmap, NOTHING))
    assert plane.layers.fill.isVisible(), "nothing is drawn over it"
    store.dispatch(SetLayers(Layers(visible=False)))
    assert not plane.layers.fill.isVisible()
