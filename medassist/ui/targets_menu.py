"""File > Export to: the folders the site set up, each one click away; greyed as Export itself is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

from medassist import site
from medassist.entities.errors import UnwritableOutput
from medassist.language import tr
from medassist.session.targets import folder_in
from medassist.site import ExportTarget

if TYPE_CHECKING:
    from medassist.ui.main_window import MainWindow


class TargetsMenu(QMenu):
    """List the site's targets; there is no such entry where the site has none."""

    def __init__(self, parent: QMenu, window: MainWindow) -> None:
        super().__init__(parent)
        self._window = window
        self.aboutToShow.connect(self.fill)
        parent.addMenu(self)
        self.menuAction().setVisible(bool(site.read().export_targets))

    def retranslate(self) -> None:
        """Say the title again."""
        self.setTitle(tr("Export report to"))

    def fill(self) -> None:
        """List the targets as the file has them now."""
        self.clear()
        export = self._window.report.export
        for target in site.read().export_targets:
            action = self.addAction(target.name)
            action.setToolTip(export.toolTip() or str(target.folder))
            action.setEnabled(export.isEnabled())
            action.triggered.connect(partial(self._export, target))
        self.setToolTipsVisible(True)

    def _export(self, target: ExportTarget, _checked: bool = False) -> None:
        try:
            self._window.report.write(folder_in(target))
        except UnwritableOutput as problem:
            self._window.messages.show_problem(problem)
