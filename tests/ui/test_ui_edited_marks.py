"""A mask a reader changed loses the model's mark and names the reader, wherever it is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ui_cases import MODEL, add_heat, add_mask, make_volume, opened

from medassist.entities.edit import Edit
from medassist.entities.prediction import NO_MODEL, Mask, Prediction, Segment
from medassist.language import set_language
from medassist.session.looks import masks_on_screen
from medassist.ui.findings_table import FindingsTable
from medassist.ui.overlay_list import label_title_of
from medassist.ui.viewer.texts import banner_lines, stamp_lines

AT = "2026-11-20T09:00:00+08:00"


@pytest.fixture
def volume():
    return make_volume()


@pytest.fixture
def session(volume):
    return add_mask(volume)(opened(volume))


def edited(session, by="Dr. Li"):
    """Return the session with one more voxel in the mask of its model."""
    (prediction,) = session.predictions
    labels = prediction.mask.labels_zyx.copy()
    labels[0, 0, 0] = 1
    after = replace(prediction, mask=replace(prediction.mask, labels_zyx=labels),
                    edit=Edit(by, AT, prediction.mask, (1,)))  # fmt: skip
    (finding,) = session.findings
    return replace(session, predictions=(after,), findings=(replace(finding, edited_by=by or "reader"),))


def drawn(session, volume):
    """Return the session with a mask that a reader drew."""
    empty = Mask(np.zeros(volume.geometry.shape_zyx, np.uint8), volume.geometry, ())
    labels = empty.labels_zyx.copy()
    labels[1, 1, 1] = 7
    mask = Mask(labels, volume.geometry, (Segment(7, "Cyst"),))
    own = Prediction(NO_MODEL, volume.series.key, AT, "", mask=mask, edit=Edit("Dr. Wu", AT, empty, (7,)))
    return replace(session, predictions=(*session.predictions, own))


def test_the_picture_names_the_reader_beside_the_model(session, volume):
    assert stamp_lines(session) == ("AI result of demo_model 0.1.0", "2026-01-02 10:11")
    assert stamp_lines(edited(session))[2:] == ("Mask edited by Dr. Li", "2026-11-20 09:00")
    assert stamp_lines(edited(session, ""))[2] == "Mask edited by hand"
    both = stamp_lines(drawn(session, volume))
    assert "Mask drawn by Dr. Wu" in both
    alone = replace(drawn(session, volume), predictions=drawn(session, volume).predictions[1:])
    assert not any(line.startswith("AI") for line in stamp_lines(alone))


def rows_of(session):
    """Return what the list of overlays says of every label."""
    return [label_title_of(one, segment) for one in masks_on_screen(session) for segment in one.mask.segments]


def test_the_legend_says_which_labels_a_hand_changed(session, volume):
    assert not any("✎" in line for line in rows_of(session))
    assert rows_of(edited(session))[0].endswith("✎ edited by Dr. Li")
    lines = rows_of(drawn(edited(session), volume))
    assert lines[1].endswith("✎ drawn by Dr. Wu")
    set_language("zh_CN")
    try:
        assert rows_of(edited(session))[0].endswith("✎ 由 Dr. Li 修改")
    finally:
        set_language("en")


def test_a_map_is_said_to_be_about_the_mask_of_the_model(session, volume):
    with_map = add_heat(volume)(session)
    assert not any("before it was edited" in line for line in banner_lines(with_map))
    after = add_heat(volume)(edited(session))
    assert any("before it was edited" in line for line in banner_lines(after))
    hidden = replace(after, layers=replace(after.layers, heatmap_visible=False))
    assert not any("before it was edited" in line for line in banner_lines(hidden))


def test_the_list_of_findings_takes_the_models_mark_away(session, application):
    table = FindingsTable()
    table.show_findings(session.findings)
    assert table.item(0, 3).text() == "AI"
    table.show_findings(edited(session).findings)
    assert table.item(0, 3).text() == "Edited"
    assert MODEL.name in table.item(0, 3).toolTip()
    table.deleteLater()
