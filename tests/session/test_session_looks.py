"""Labels drawn in another way: the masks stay, only what is drawn changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medassist.entities.geometry import Geometry
from medassist.entities.look import LabelLook
from medassist.entities.overlay import Overlay
from medassist.entities.prediction import Mask, ModelRef, Prediction, Segment
from medassist.entities.study import Scan, Series, SeriesKind, Study
from medassist.entities.volume import Volume
from medassist.session.actions import AddPrediction, AddScan, ShowVolume
from medassist.session.looks import (
    PLAIN,
    DressedMask,
    SetLook,
    dressed,
    hidden_labels,
    key_of,
    look_of,
    masks_on_screen,
)
from medassist.session.mask_editing import begun
from medassist.session.state import Layers, Session
from medassist.storage.codec import decode, encode
from medassist.ui.viewer.layers import label_table, outline_share

GRID = Geometry(np.eye(4), (2, 3, 4))


def mask_of(*values: int, overlapping: bool = False) -> Mask:
    labels = np.zeros(GRID.shape_zyx, np.uint8)
    labels[0, 0, : len(values)] = values
    segments = tuple(Segment(value, f"label {value}", color=(value, 0, 0)) for value in (1, 2))
    return Mask(labels, GRID, segments, overlapping)


@pytest.fixture
def session() -> Session:
    series = Series("a", SeriesKind.VOLUME, (), shape_zyx=GRID.shape_zyx)
    volume = Volume(series, np.zeros((1, *GRID.shape_zyx), np.int16), GRID)
    scan = Scan("/a", (Study("a", series=(series,)),))  # type: ignore[arg-type]
    before = ShowVolume(volume)(AddScan(scan)(Session()))
    prediction = Prediction(ModelRef("m", "1", "0"), "a", "2026-01-01T10:00", "cpu", mask=mask_of(1, 2))
    overlay = Overlay("file", "a", "segmentation", "Seg", masks=(mask_of(2),))
    return replace(AddPrediction(prediction, ())(before), overlays=(overlay,))


def test_masks_of_results_and_files_have_keys_that_outlive_an_edit(session) -> None:
    first, second = masks_on_screen(session)
    assert (first.key, second.key) == ("a m 1 2026-01-01T10:00", "file/0")
    edited = replace(session.predictions[0], mask=mask_of(1))
    assert key_of(edited) == first.key


def test_nothing_chosen_draws_the_very_same_mask(session) -> None:
    assert dressed(session, session.mask) is session.mask
    key = masks_on_screen(session)[1].key
    other = SetLook(key, 2, LabelLook(visible=False))(session)
    assert dressed(other, other.mask) is other.mask


def test_a_hidden_label_is_not_drawn_and_is_counted(session) -> None:
    key = masks_on_screen(session)[0].key
    after = SetLook(key, 2, LabelLook(visible=False))(session)
    drawn = dressed(after, after.mask)
    assert [one.value for one in drawn.segments] == [1]
    assert label_table(drawn, 1.0)[:3, 3].tolist() == [0, 255, 0]
    assert hidden_labels(after) == 1
    assert hidden_labels(session) == 0
    assert after.mask is session.mask
    assert drawn.labels_zyx is session.mask.labels_zyx
    back = SetLook(key, 2, PLAIN)(after)
    assert back.layers == session.layers
    assert dressed(back, back.mask) is back.mask


def test_a_mask_that_is_edited_has_no_hidden_labels(session) -> None:
    key = masks_on_screen(session)[0].key
    after = SetLook(key, 2, LabelLook(visible=False))(session)
    assert hidden_labels(replace(after, editing=begun(after.predictions[0]))) == 0


def test_colour_and_strength_of_one_label_leave_the_others(session) -> None:
    key = masks_on_screen(session)[0].key
    after = SetLook(key, 1, LabelLook(color=(9, 8, 7), fill=0.5, outline=0.25))(session)
    drawn = dressed(after, after.mask)
    assert isinstance(drawn, DressedMask)
    table = label_table(drawn, 0.4)
    assert table[1].tolist() == [9, 8, 7, 51]
    assert table[2].tolist() == [2, 0, 0, 102]
    assert outline_share(drawn, 1) == 0.25
    assert outline_share(drawn, 2) == outline_share(session.mask, 1) == 1.0
    assert look_of(after, key, 1).color == (9, 8, 7)


def test_it_is_drawn_again_only_when_something_was_chosen(session) -> None:
    key = masks_on_screen(session)[0].key
    after = SetLook(key, 1, LabelLook(color=(9, 8, 7)))(session)
    assert dressed(after, after.mask) is dressed(after, after.mask)
    later = SetLook(key, 1, LabelLook(color=(1, 2, 3)))(after)
    assert dressed(later, later.mask) is not dressed(after, after.mask)


def test_overlapping_labels_hide_one_by_one(session) -> None:
    both = mask_of(3, 1, 2, overlapping=True)
    overlay = Overlay("over", "a", "segmentation", "Seg", masks=(both,))
    with_both = replace(session, overlays=(overlay,))
    after = SetLook("over/0", 1, LabelLook(visible=False, fill=0.5))(with_both)
    drawn = dressed(after, both)
    table = label_table(drawn, 1.0)
    assert table[1, 3] == 0
    assert table[3].tolist() == table[2].tolist() == [2, 0, 0, 255]


def test_looks_are_saved_with_a_case(session) -> None:
    key = masks_on_screen(session)[0].key
    layers = SetLook(key, 1, LabelLook(False, (1, 2, 3), 0.5, 0.7))(session).layers
    told = encode(layers, Layers, lambda _array: "")
    assert decode(told, Layers, lambda _name: None, []) == layers
    del told["looks"], told["corner_text"]  # of an older version
    assert decode(told, Layers, lambda _name: None, []) == replace(layers, looks=())
