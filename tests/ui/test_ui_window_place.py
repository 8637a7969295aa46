"""The window comes back where it was, on a screen that is there, and a damaged file costs only its place."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QMainWindow

from medassist.locations import config_dir
from medassist.ui import window_place


@pytest.fixture
def windows(application, keep):
    return lambda: keep(QMainWindow(), 300, 200)


def test_it_comes_back_where_it_was(windows):
    first, second = windows(), windows()
    first.setGeometry(QRect(40, 60, 410, 320))
    window_place.remember(first)
    assert window_place.restore(second)
    assert second.geometry() == first.geometry()


def test_other_screens_have_places_of_their_own(windows, monkeypatch):
    window_place.remember(windows())
    monkeypatch.setattr(window_place, "screens", lambda: "640x480+0+0")
    assert not window_place.restore(windows())
    window_place.remember(windows())
    assert len(window_place._kept()) == 2


def test_it_never_comes_back_where_no_screen_is(windows, application):
    first, second = windows(), windows()
    first.move(30_000, 30_000)
    window_place.remember(first)
    window_place.restore(second)
    assert application.primaryScreen().availableGeometry().intersects(second.frameGeometry())


@pytest.mark.parametrize("content", [b"{", b"[1]", b'{"a": 1}', b"\xff"])
def test_a_damaged_file_costs_only_the_place(windows, content):
    config_dir().mkdir(parents=True, exist_ok=True)
    (config_dir() / "window.json").write_bytes(content)
    assert not window_place.restore(windows())
    window_place.remember(windows())
    assert window_place.restore(windows())
