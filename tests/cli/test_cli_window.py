"""Verbs with a window hand their paths over; a menu entry of the desktop gives none."""

from __future__ import annotations

import pytest

from medassist import app


@pytest.mark.parametrize("words", [(), ("open",)])
def test_the_entry_of_the_menu_starts_the_window_with_nothing_opened(medassist, monkeypatch, words) -> None:
    opened = []
    monkeypatch.setattr(app, "run", lambda paths, **_options: opened.append(tuple(paths)) or 0)
    assert medassist(*words).code == 0
    assert opened == [()]
