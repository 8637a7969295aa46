"""One field per declared setting, by its type: a tick, a list, a number or a line of text."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QWidget

from medassist.storage.settings import Setting, Value
from medassist.ui.settings_words import choice_word, title_of

MOST = 1e9


class Field(QObject):
    """Show and take the value of one setting; `edited` carries what the user chose."""

    edited = Signal(object)

    def __init__(self, setting: Setting, parent: QWidget) -> None:
        super().__init__(parent)
        self.setting = setting
        self.widget = self._made(parent)
        self.widget.setAccessibleName(title_of(setting))

    def show_value(self, value: Value) -> None:
        """Put a value into the field without telling anybody."""
        widget = self.widget
        with QSignalBlocker(widget):
            if isinstance(widget, QCheckBox):
                widget.setChecked(bool(value))
            elif isinstance(widget, QComboBox):
                widget.setCurrentIndex(widget.findData(value))
            elif isinstance(widget, QDoubleSpinBox):
                widget.setValue(float(value))
            elif isinstance(widget, QLineEdit):
                widget.setText(str(value))

    def _made(self, parent: QWidget) -> QWidget:
        setting = self.setting
        if isinstance(setting.default, bool):
            tick = QCheckBox(parent)
            tick.toggled.connect(self.edited.emit)
            return tick
        if setting.choices:
            return self._list(parent)
        if isinstance(setting.default, int | float):
            return self._number(parent)
        line = QLineEdit(parent)
        line.editingFinished.connect(lambda: self.edited.emit(line.text().strip()))
        return line

    def _list(self, parent: QWidget) -> QWidget:
        box = QComboBox(parent)
        for value in self.setting.choices:
            box.addItem(choice_word(value), value)
        box.activated.connect(lambda _row: self.edited.emit(box.currentData()))
        return box

    def _number(self, parent: QWidget) -> QWidget:
        number = QDoubleSpinBox(parent)
        low, high = self.setting.low, self.setting.high
        number.setRange(-MOST if low is None else low, MOST if high is None else high)
        number.setSingleStep(0.05)
        number.setKeyboardTracking(False)
        number.valueChanged.connect(self.edited.emit)
        return number
