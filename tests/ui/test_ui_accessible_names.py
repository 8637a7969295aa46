"""Every control of the window can be named by a screen reader, in both languages, in the language of the moment."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
)

from medassist.language import set_language
from medassist.ui.settings_effects import show_settings

CONTROLS = (QAbstractButton, QComboBox, QLineEdit, QAbstractSlider, QAbstractSpinBox, QAbstractItemView, QPlainTextEdit)
PARTS_OF_OTHERS = (QComboBox, QAbstractSpinBox, QAbstractItemView, QLineEdit)


def unnamed(window):
    """Return controls nobody can name, but for parts of a control and those that are hidden until they have a text."""
    found = []
    for kind in CONTROLS:
        for one in window.findChildren(kind):
            inner = isinstance(one.parent(), PARTS_OF_OTHERS) or type(one.parent()).__name__ == "QFrame"
            own_of_qt = isinstance(one, QScrollBar | QHeaderView) or one.objectName().startswith("qt_")
            if own_of_qt or inner or one.isHidden():
                continue
            named = QAccessible.queryAccessibleInterface(one)
            if named is None or not named.text(QAccessible.Text.Name):
                found.append(f"{kind.__name__} in {type(one.parent()).__name__}")
    return found


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_control_has_a_name(window, store, language):
    set_language(language)
    window.retranslate()
    page = show_settings(window, store)
    assert len(window.findChildren(QAbstractButton)) > 30
    assert unnamed(window) == []
    page.close()


def test_a_control_without_a_name_is_found(window):
    field = QLineEdit(window.studies)
    field.show()
    assert unnamed(window) == ["QLineEdit in StudyPanel"]
