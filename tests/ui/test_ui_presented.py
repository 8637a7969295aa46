"""Graphics and shutters of presentation states in the window: on their slices, at their pixels, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from derived_objects import annotate, graphic, text_object, write_presentation
from phantoms import MARKER_IJK, write_ct_series
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGraphicsSimpleTextItem
from ui_cases import pump

from medassist.session.actions import MoveCursor, SetLayers
from medassist.session.state import Layers
from medassist.ui.objects import open_object
from medassist.ui.viewer import texts

COLUMN, ROW, SLICE = MARKER_IJK
CENTRE = COLUMN + 0.5, ROW + 0.5


def show(window, store, runner, folder, texts_=(), only=(), orientation=(1, 0, 0, 0, 1, 0), **tags):
    """Open a series with a mark on the pixel of its marker and look at the marker's slice."""
    images = write_ct_series(folder / "ct", slices=6, orientation=orientation)
    path = write_presentation(folder / "pr.dcm", images, (40, 400), "IDENTITY")
    annotate(path, [graphic("POINT", CENTRE)], texts_, [images[index] for index in only], **tags)
    window.open([folder])
    pump(lambda: store.session.volume is not None and not runner.running())
    for one in store.session.all_series():
        if one.modality == "PR":
            open_object(store, runner, one)
    pump(lambda: bool(store.session.documents) and not runner.running())
    volume = store.session.volume
    store.dispatch(MoveCursor(tuple(float(x) for x in volume.geometry.to_world([COLUMN, ROW, SLICE]))))
    return next(view for view in window.viewer.planes if view.shown.layout.through_axis == 2)


@pytest.fixture(autouse=True)
def pages_closed(window):
    from PySide6.QtWidgets import QDialog

    yield
    for page in window.findChildren(QDialog):
        page.close()


@pytest.mark.parametrize("orientation", [(1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1)])
def test_a_mark_lies_on_its_pixel(window, store, runner, tmp_path, orientation):
    view = show(window, store, runner, tmp_path, orientation=orientation)
    (mark,) = view.presented._items
    picture = view.layers.gray.image
    row, column = np.unravel_index(picture.argmax(), picture.shape)
    down, right = view.shown.layout.spacing_mm
    assert (mark.pos().y() / down, mark.pos().x() / right) == pytest.approx((row, column), abs=1e-6)


def test_a_mark_of_one_image_stays_on_its_slice_and_on_stored_planes(window, store, runner, tmp_path):
    view = show(window, store, runner, tmp_path, only=(SLICE,))
    assert len(view.presented._items) == 1
    others = [one for one in window.viewer.planes if one is not view]
    assert all(not one.presented._items for one in others)
    view.go_to(SLICE + 1)
    assert not view.presented._items
    view.go_to(SLICE)
    assert len(view.presented._items) == 1
    assert any("presentation state" in line for line in texts.file_lines(store.session))
    assert not window.layers.switches["files_visible"].isHidden()
    assert "presentation state" in window.layers.files.toPlainText()
    store.dispatch(SetLayers(Layers(files_visible=False)))
    assert not view.presented._items


def test_a_text_and_its_line_are_drawn(window, store, runner, tmp_path):
    view = show(window, store, runner, tmp_path, [text_object("结节 4 mm", (20, 20), (30, 30))])
    texts_ = [one.text() for one in view.presented._items if isinstance(one, QGraphicsSimpleTextItem)]
    assert texts_ == ["结节 4 mm"]
    assert len(view.presented._items) == 4, "the mark, the text, the line and its dark rim"


def test_a_shutter_covers_the_outside_of_the_picture_only(window, store, runner, tmp_path):
    view = show(
        window, store, runner, tmp_path, ShutterShape="RECTANGULAR", ShutterLeftVerticalEdge=COLUMN - 4,
        ShutterRightVerticalEdge=COLUMN + 6, ShutterUpperHorizontalEdge=ROW - 4, ShutterLowerHorizontalEdge=ROW + 6,
    )  # fmt: skip
    assert "A shutter covers" in window.layers.files.toPlainText()
    cover = next(one for one in view.presented._items if one.zValue() < 1)
    down, right = view.shown.layout.spacing_mm

    def covered(column, row):
        return cover.path().contains(QPointF(column * right, row * down))

    assert not covered(COLUMN, ROW)
    assert not covered(COLUMN - 5, ROW - 5), "the pixels of the edges stay visible"
    assert not covered(COLUMN + 5, ROW + 5)
    assert covered(COLUMN - 6, ROW)
    assert covered(COLUMN, ROW + 6)
    assert covered(0, 0)
    assert not covered(-3, 0), "beyond the picture there is nothing to cover"
    assert cover.brush().color() == QColor(0, 0, 0)
    assert cover.zValue() < view.layers.heat.zValue(), "what a model marked is never covered"
    value = store.session.volume.value_at(tuple(store.session.view.cursor_lps))
    assert value == store.session.volume.array_zyx.max(), "for display only"
