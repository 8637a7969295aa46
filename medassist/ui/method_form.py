"""How to explain: the method, the layer it reads, and its numbers in their ranges."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from medassist.explain.methods import METHODS, methods
from medassist.explain.protocol import Explainer, Setting
from medassist.language import tr

WIDTH = 14
"""Characters a list keeps room for: names of layers are long, panels narrow."""


class MethodForm(QWidget):
    """Rows of a form; says when the choice has changed. It knows no session: the panel fills it."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._task, self._recommended, self._own_layer = "classification", "", ""
        self._offered = METHODS
        self.method_label, self.layer_label = QLabel(self), QLabel(self)
        self.method, self.layer = QComboBox(self), QComboBox(self)
        self.numbers: dict[str, QSpinBox | QDoubleSpinBox] = {}
        self._lay_out()
        self.method.currentIndexChanged.connect(self._method_chosen)
        self.layer.editTextChanged.connect(lambda _text: self.changed.emit())

    @property
    def chosen(self) -> Explainer | None:
        """The method that would run, None when the package that recommends one is not known."""
        name = str(self.method.currentData() or self._recommended)
        here = (one for one in self._offered if one.applies_to(self._task))
        return next((one for one in here if one.name == name and one.availability().ok), None)

    def layer_name(self) -> str:
        """Return the layer the reader named, "" for that of the model."""
        explainer, text = self.chosen, self.layer.currentText().strip()
        named = explainer is not None and explainer.reads_layer and text != self.layer.itemText(0)
        return text if named else ""

    def settings(self) -> dict[str, float]:
        """Return the numbers that differ from the method's own."""
        explainer = self.chosen
        known = {} if explainer is None else {one.name: one for one in explainer.settings}
        values = {name: float(box.value()) for name, box in self.numbers.items()}
        return {name: value for name, value in values.items() if name in known and value != known[name].default}

    def fill(self, task: str, recommended: str, layer: str, layers: tuple[str, ...]) -> None:
        """Offer the methods of a task and the layers of a network; `recommended` and `layer` are the package's."""
        before = (self._task, self._recommended)
        self._task, self._recommended, self._own_layer = task, recommended, layer
        if recommended:  # only then is there something to explain, and a reason to import what others offer
            self._offered = methods()
        name = self.method.currentData()
        with QSignalBlocker(self.method):
            self.method.clear()
            self.method.addItem(tr("As the model recommends"), "")
            for one in self._offered:
                if one.applies_to(task):
                    self._add_method(one)
            self.method.setCurrentIndex(max(0, self.method.findData(name)))
        self._fill_layers(layers)
        if before != (task, recommended) or not self.numbers:
            self._fill_numbers()
        self._show_rows()

    def lead(self, label: QLabel, field: QWidget, row: int) -> None:
        """Put a row of the panel above, so that all fields stand in one column."""
        self._form.insertRow(row, label, field)

    def show_row(self, field: QWidget, shown: bool) -> None:
        """Show or hide a row of the panel."""
        self._form.setRowVisible(field, shown)

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.method_label.setText(tr("Method"))
        self.layer_label.setText(tr("Layer"))
        self.method.setAccessibleName(tr("Method"))
        self.layer.setAccessibleName(tr("Layer"))
        kept = {name: box.value() for name, box in self.numbers.items()}
        self._fill_numbers()
        for name, value in kept.items():
            self.numbers[name].setValue(value)  # type: ignore[arg-type]

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self._form, self._rows = QFormLayout(), QFormLayout()
        column.addLayout(self._form)
        column.addLayout(self._rows)
        self._form.addRow(self.method_label, self.method)
        self._form.addRow(self.layer_label, self.layer)
        self.layer.setEditable(True)
        self.layer.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        completer = QCompleter(self.layer.model(), self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        self.layer.setCompleter(completer)
        for one in (self.method, self.layer):
            one.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            one.setMinimumContentsLength(WIDTH)

    def _add_method(self, one: Explainer) -> None:
        reason, title = one.availability().reason, tr(one.title(self._task))
        self.method.addItem(tr("{name}: {reason}", name=title, reason=reason) if reason else title, one.name)
        if reason:
            last = self.method.count() - 1
            self.method.setItemData(last, 0, Qt.ItemDataRole.UserRole - 1)  # flags: cannot be chosen
            self.method.setItemData(last, reason, Qt.ItemDataRole.ToolTipRole)

    def _fill_layers(self, layers: tuple[str, ...]) -> None:
        named = self.layer_name()
        own = tr("{layer} (of the model)", layer=self._own_layer) if self._own_layer else tr("that of the model")
        with QSignalBlocker(self.layer):
            self.layer.clear()
            self.layer.addItems([own, *layers])
            self.layer.setCurrentText(named or own)

    def _method_chosen(self, _index: int) -> None:
        self._fill_numbers()
        self._show_rows()
        self.changed.emit()

    def _show_rows(self) -> None:
        explainer = self.chosen
        self._form.setRowVisible(self.layer, explainer is not None and explainer.reads_layer)

    def _fill_numbers(self) -> None:
        while self._rows.rowCount():
            self._rows.removeRow(0)
        explainer = self.chosen
        self.numbers = {one.name: self._number(one) for one in (explainer.settings if explainer is not None else ())}

    def _number(self, setting: Setting) -> QSpinBox | QDoubleSpinBox:
        box: QSpinBox | QDoubleSpinBox
        if setting.whole:
            box = QSpinBox(self)
            box.setRange(round(setting.low), round(setting.high))
            box.setValue(round(setting.default))
        else:
            box = QDoubleSpinBox(self)
            box.setDecimals(2)
            box.setSingleStep(0.01)
            box.setRange(setting.low, setting.high)
            box.setValue(setting.default)
        title = QLabel(tr(setting.title), self)
        title.setWordWrap(True)
        box.setAccessibleName(title.text())
        box.setToolTip(tr("from {low} to {high}", low=f"{setting.low:g}", high=f"{setting.high:g}"))
        box.valueChanged.connect(lambda _value: self.changed.emit())
        self._rows.addRow(title, box)
        return box
