"""Add and remove models from the window: ask, then queue the job, so that none is lost halfway."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from medassist.inference.catalogue import Origin, origin
from medassist.inference.packages import Package
from medassist.language import tr
from medassist.session.models import add_model, remove_model
from medassist.ui.runner import Runner

LANE = "models"


class ModelActions(QObject):
    """What the buttons and the menu do."""

    def __init__(self, runner: Runner, parent: QWidget) -> None:
        super().__init__(parent)
        self._runner, self._window = runner, parent

    def add_zip(self) -> None:
        """Ask for a zip with a model and add it."""
        name, _filter = QFileDialog.getOpenFileName(self._window, tr("Add a model…"), "", tr("Model packages (*.zip)"))
        self.add(name)

    def add_folder(self) -> None:
        """Ask for the folder of a model and add a copy of it."""
        self.add(QFileDialog.getExistingDirectory(self._window, tr("Add a model from a folder…")))

    def add(self, name: str) -> None:
        """Add the package in a zip or folder; nothing is done for ""."""
        if name:
            self._runner.queue(LANE, add_model, Path(name))

    def remove(self, package: Package | None) -> None:
        """Ask whether a model of the user shall go, and remove it."""
        if package is None or not removable(package):
            return
        question = tr("Remove the model {name} from this computer?", name=f"{package.name} {package.version}".strip())
        yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No
        if QMessageBox.question(self._window, tr("Remove model"), question, yes | no, no) == yes:
            self._runner.queue(LANE, remove_model, package.name)


def removable(package: Package | None) -> bool:
    """Tell whether a model is one of the user's own."""
    return package is not None and origin(package) is Origin.USER


def why_not(package: Package | None) -> str:
    """Say why a model cannot be removed here, "" when it can."""
    if package is None or removable(package):
        return ""
    return {
        Origin.SHIPPED: tr("This model came with MedAssist and stays."),
        Origin.SITE: tr("This model is set up for everybody at this site and stays."),
        Origin.PYTHON: tr("This model came with a Python package; uninstall that to remove it."),
    }.get(origin(package), "")
