"""Edit > Settings: every declared setting with who set it, a search, and the way back; it does not block the window."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from medassist.entities.errors import MedAssistError
from medassist.language import localized, tr
from medassist.storage import settings
from medassist.storage.settings import USER, Setting, Value
from medassist.ui.settings_fields import Field
from medassist.ui.settings_words import matches, origin_text, title_of

WIDTH, HEIGHT = 640, 560


class SettingsWindow(QDialog):
    """A row per setting; what is chosen holds and is kept at once. `changed` tells the key and what holds now."""

    changed = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.search, self.problem, self.nothing = QLineEdit(self), QLabel(self), QLabel(self)
        self.rows: dict[str, SettingRow] = {}
        self.page = QScrollArea(self)
        self.search.textChanged.connect(self._filter)
        self.search.setClearButtonEnabled(True)
        self.problem.setProperty("role", "bad")
        self.nothing.setProperty("role", "dim")
        for text in (self.problem, self.nothing):
            text.setWordWrap(True)
            text.hide()
        self.page.setWidgetResizable(True)
        column = QVBoxLayout(self)
        for part in (self.search, self.problem, self.nothing, self.page):
            column.addWidget(part)
        self.resize(WIDTH, HEIGHT)
        self.retranslate()

    def retranslate(self) -> None:
        """Build the rows again: in the language and with the values of the moment."""
        self.setWindowTitle(tr("Settings"))
        self.search.setPlaceholderText(tr("Search settings"))
        self.search.setAccessibleName(tr("Search settings"))
        self.nothing.setText(tr("No setting has these words."))
        page = QWidget(self.page)
        column = QVBoxLayout(page)
        self.rows = {one.key: SettingRow(one, page) for one in settings.DECLARED if one.offered}
        for row in self.rows.values():
            row.field.edited.connect(lambda value, key=row.setting.key: self._take(key, value))
            row.back.clicked.connect(lambda _on=False, key=row.setting.key: self._take(key, None))
            column.addWidget(row)
        column.addStretch(1)
        self.page.setWidget(page)
        self._filter(self.search.text())
        self._draw()

    def _take(self, key: str, value: Value | None) -> None:
        """Keep a value, or what the site or the default says (None); what cannot be kept is told."""
        before = settings.read()[key]
        try:
            told = settings.forget(key) if value is None else settings.write(key, value)
        except MedAssistError as problem:
            self.problem.setText(localized(problem))
            self.problem.show()
            self._draw()
            return
        self.problem.hide()
        if told[key] != before:
            self.changed.emit(key, told[key])
        self._draw()

    def _draw(self) -> None:
        told = settings.read()
        for row in self.rows.values():
            row.show_settings(told)

    def _filter(self, words: str) -> None:
        for row in self.rows.values():
            row.setVisible(matches(row.setting, words))
        self.nothing.setVisible(not any(matches(row.setting, words) for row in self.rows.values()))


class SettingRow(QWidget):
    """The name, the field, who set it, and the way back."""

    def __init__(self, setting: Setting, parent: QWidget) -> None:
        super().__init__(parent)
        self.setting = setting
        self.name, self.origin, self.back = QLabel(title_of(setting), self), QLabel(self), QPushButton(self)
        self.field = Field(setting, self)
        self.name.setWordWrap(True)
        self.name.setBuddy(self.field.widget)
        self.origin.setProperty("role", "dim")
        self.origin.setWordWrap(True)
        self.back.setText(tr("Reset"))
        self.back.setAccessibleName(tr("Reset: {setting}", setting=title_of(setting)))
        grid = QGridLayout(self)
        grid.setContentsMargins(6, 4, 6, 4)
        grid.addWidget(self.name, 0, 0)
        grid.addWidget(self.field.widget, 0, 1)
        grid.addWidget(self.back, 0, 2)
        grid.addWidget(self.origin, 1, 0, 1, 3)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)

    def show_settings(self, told: settings.Settings) -> None:
        """Show the value that holds and who set it."""
        self.field.show_value(told[self.setting.key])
        text = origin_text(self.setting, told)
        self.origin.setText(text)
        self.origin.setVisible(bool(text))
        self.back.setEnabled(told.origins[self.setting.key] == USER)
