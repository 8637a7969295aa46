"""Keys of the whole window: no two actions have the same one, and the help names those of the menus."""

from __future__ import annotations

from collections import Counter

from PySide6.QtGui import QAction, QShortcut

from medassist.ui.viewer.keys import GO_KEYS, PICTURE_KEYS, explained


def test_no_two_actions_have_the_same_key(window):
    actions = [key.toString() for action in window.findChildren(QAction) for key in action.shortcuts()]
    shortcuts = [one.key().toString() for one in window.findChildren(QShortcut) if one.isEnabled()]
    twice = {key: count for key, count in Counter([*actions, *shortcuts]).items() if key and count > 1}
    assert len(actions) > 20
    assert not twice, twice


def test_help_names_the_keys_of_the_picture():
    named = " ".join(key for key, _meaning in explained()).split()
    for key in (*PICTURE_KEYS.values(), *(one for one in GO_KEYS.values() if "Shift" not in one)):
        assert key in named, key
