"""The formats of a report as boxes to tick, in groups by whom they are for."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QLabel, QSizePolicy, QVBoxLayout, QWidget

from medassist.language import tr
from medassist.report.export import EXPORTERS, Readers


class ReportFormats(QWidget):
    """One box per format; formats that cannot be written here are greyed with the reason. `changed` tells of a tick."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.boxes = {name: QCheckBox(self) for name in EXPORTERS}
        self._titles = {group: QLabel(self) for group in Readers}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for group, title in self._titles.items():
            title.setProperty("role", "dim")
            column.addWidget(title)
            column.addLayout(self._boxes(group))
        self.retranslate()

    def chosen(self) -> tuple[str, ...]:
        """Return the names of the formats that are ticked."""
        return tuple(name for name, box in self.boxes.items() if box.isChecked())

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        for group, title in self._titles.items():
            title.setText(tr(group.value))
        for name, box in self.boxes.items():
            box.setText(tr(EXPORTERS[name].title))
            box.setToolTip(tr(EXPORTERS[name].availability.reason) or tr(EXPORTERS[name].title))

    def _boxes(self, group: Readers) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setContentsMargins(6, 0, 0, 4)
        for name, exporter in EXPORTERS.items():
            if exporter.readers is group:
                box, usable = self.boxes[name], exporter.availability.ok
                box.setChecked(usable and exporter.by_default)
                box.setEnabled(usable)
                box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # the tip has the whole title
                box.toggled.connect(lambda _on: self.changed.emit())
                column.addWidget(box)
        return column
