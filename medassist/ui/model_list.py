"""The installed models by title, name and version; one that cannot run stays listed with its reason."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from medassist.inference.packages import Package
from medassist.language import tr
from medassist.ui import theme
from medassist.ui.wording import local_title


class ModelList(QListWidget):
    """Hidden while there is no model."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._packages: tuple[Package, ...] = ()
        self.setMinimumHeight(84)
        self.setMaximumHeight(110)
        self.setWordWrap(True)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.setAccessibleName(tr("Models"))
        self.show_packages(self._packages)

    def show_packages(self, packages: Sequence[Package]) -> None:
        """Fill the list without a signal; the chosen model stays, at first it is the first one that can run."""
        before = self.package()
        self._packages = tuple(packages)
        rows = {package.name: row for row, package in enumerate(self._packages)}
        with QSignalBlocker(self):
            self.clear()
            for package in self._packages:
                self.addItem(_item(package))
            usable = next((row for row, one in enumerate(self._packages) if one.availability.ok), 0)
            self.setCurrentRow(rows.get(before.name, usable) if before is not None else usable)
        self.setVisible(bool(self._packages))

    def select(self, name: str) -> None:
        """Choose a model by its name."""
        for row, package in enumerate(self._packages):
            if package.name == name:
                self.setCurrentRow(row)

    def package(self) -> Package | None:
        """Return the chosen model."""
        row = self.currentRow()
        return self._packages[row] if 0 <= row < len(self._packages) else None


def _item(package: Package) -> QListWidgetItem:
    title = local_title(package.title, package.title_zh) or package.name
    lines = [title, f"{package.name} {package.version}".strip()]
    if package.trusted:
        lines.append(tr("Trusted to run code"))
    if not package.availability.ok:
        lines.append(tr("Cannot run: {reason}", reason=tr(package.availability.reason)))
    item = QListWidgetItem("\n".join(lines))
    item.setToolTip(item.text())
    if not package.availability.ok:
        item.setForeground(QBrush(QColor(theme.DIM)))
    return item
