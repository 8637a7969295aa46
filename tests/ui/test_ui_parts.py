"""The parts of a series with several pictures at every position, in the tree."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from phantoms import write_mr_series
from PySide6.QtCore import Qt
from ui_cases import pump

from medassist.imaging.scan import scan
from medassist.language import set_language
from medassist.session.actions import AddScan
from medassist.ui.panels.study_panel import KEY, MOST_UNFOLDED


def rows_of(window):
    tree = window.studies.tree
    return tree.findItems("", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive)


def row_with(window, text):
    return next(row for row in rows_of(window) if row.text(0).startswith(text))


def open_diffusion(window, store, folder):
    for n, path in enumerate(
        write_mr_series(folder, slices=8, rows=32, columns=24, times=2, TemporalPositionIdentifier=None)
    ):
        dataset = pydicom.dcmread(path)
        dataset.InstanceNumber, dataset.DiffusionBValue = n + 1, 1000 * (n % 2)
        dataset.save_as(path)
    window.open([folder])
    pump(lambda: store.session.volume is not None)


@pytest.mark.parametrize(
    ("language", "reason"), [("en", "Each position holds 2 pictures"), ("zh_CN", "每个位置有 2 幅图像，区分依据：b 值")]
)
def test_parts_stand_under_their_series_with_the_reason(window, store, tmp_path, language, reason):
    set_language(language)
    window.retranslate()
    open_diffusion(window, store, tmp_path / "mr")
    group = row_with(window, reason)
    assert [group.child(n).text(0).split(" · ")[0] for n in range(group.childCount())] == [
        "b = 0 s/mm²",
        "b = 1000 s/mm²",
    ]
    assert group.isExpanded()
    assert group.parent().data(0, KEY) == store.session.current


def test_a_click_shows_one_part_alone(window, store, tmp_path):
    open_diffusion(window, store, tmp_path / "mr")
    whole = store.session.volume
    window.studies.tree.itemClicked.emit(row_with(window, "b = 1000"), 0)
    pump(lambda: store.session.current != whole.series.key and store.session.volume is not None)
    shown = store.session.volume
    assert shown.array_tzyx.shape == (1, 8, 32, 24)
    np.testing.assert_array_equal(shown.array_zyx, whole.array_tzyx[1])
    assert window.studies.tree.currentItem().text(0).startswith("b = 1000")
    assert store.session.study_of(store.session.current).series == store.session.all_series()


def test_a_part_stays_on_screen_when_its_folder_is_opened_again(window, store, tmp_path):
    open_diffusion(window, store, tmp_path / "mr")
    window.studies.tree.itemClicked.emit(row_with(window, "b = 1000"), 0)
    pump(lambda: store.session.current.endswith("#volume 2") and store.session.volume is not None)
    session = store.session
    again = AddScan(scan(tmp_path / "mr"))(session)
    assert again.current == session.current
    assert again.series(again.current) == session.volume.series


def test_many_parts_stay_folded(window, store, tmp_path):
    write_mr_series(tmp_path / "mr", slices=3, rows=16, columns=16, times=MOST_UNFOLDED + 1)
    window.open([tmp_path / "mr"])
    pump(lambda: store.session.volume is not None)
    group = row_with(window, "Each position holds 9 pictures")
    assert (group.childCount(), group.isExpanded()) == (MOST_UNFOLDED + 1, False)
