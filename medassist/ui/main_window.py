"""The window: studies and overlays on the left, the picture in the middle, models and findings on the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QLabel,
    QMainWindow,
    QScrollArea,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from medassist.entities.errors import MedAssistError
from medassist.language import set_language, tr
from medassist.session.state import Session
from medassist.ui import recent, theme
from medassist.ui.case_bar import CaseBar
from medassist.ui.case_keeper import CaseKeeper
from medassist.ui.closing import close_study
from medassist.ui.doctor_page import show_doctor
from medassist.ui.edit_bar import EditBar
from medassist.ui.focus_bar import FocusBar
from medassist.ui.grid_bar import GridBar
from medassist.ui.hanging import Hanger
from medassist.ui.menus import Menus
from medassist.ui.message_bar import MessageBar
from medassist.ui.objects import ObjectOpener
from medassist.ui.opening import Opener, dropped_paths, sources
from medassist.ui.panels.explain_panel import ExplainPanel
from medassist.ui.panels.findings_panel import FindingsPanel
from medassist.ui.panels.layers_panel import LayersPanel
from medassist.ui.panels.measurements_panel import MeasurementsPanel
from medassist.ui.panels.model_panel import ModelPanel
from medassist.ui.panels.probe_panel import ProbePanel
from medassist.ui.panels.report_panel import ReportPanel
from medassist.ui.panels.study_panel import StudyPanel
from medassist.ui.reader import keep
from medassist.ui.region_bar import RegionBar
from medassist.ui.runner import Runner
from medassist.ui.start_page import StartPage
from medassist.ui.status_bar import StatusBar
from medassist.ui.store import Store
from medassist.ui.toasts import Toasts
from medassist.ui.tool_bar import ToolBar
from medassist.ui.tour_bar import TourBar
from medassist.ui.viewer.viewer import Viewer

TOLD_MS = 8000
LEFT_SHARE, RIGHT_SHARE = (0.19, 240, 330), (0.26, 330, 440)


class MainWindow(QMainWindow):
    """Lay out the panels; none of them knows another, all of them know the store."""

    closed = Signal()

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._runner = store, runner
        self.setAcceptDrops(True)
        self.opener, self.objects = Opener(store, runner, self), ObjectOpener(store, runner, self)
        self.strip = QLabel(self)
        self.strip.setProperty("role", "strip")
        self.strip.setWordWrap(True)
        self.strip.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.messages, self.keeper = MessageBar(self), CaseKeeper(store, runner, self)
        self.cases = CaseBar(store, runner, self.keeper, self)
        shown = Store(parent=self, behind=store)  # what may be seen: panels cannot tell what they do not know
        self.viewer, self.grid = Viewer(shown, self), GridBar(shown, runner, self)
        self.hanger = Hanger(store, runner, self.viewer.panes, self)
        self.tools = ToolBar(shown, self.viewer, self)
        self.region = RegionBar(shown, runner, self.viewer, self)
        self.editing = EditBar(shown, runner, self.viewer, self)
        self.focus = FocusBar(shown, self)
        self.studies, self.layers = StudyPanel(shown, runner, self), LayersPanel(shown, runner, self)
        self.models, self.findings = ModelPanel(shown, runner, self), FindingsPanel(shown, self)
        self.explain, self.report = ExplainPanel(shown, runner, self), ReportPanel(shown, runner, self)
        self.probe, self.measurements = ProbePanel(shown, runner, self), MeasurementsPanel(shown, self)
        self.tabs, self.status = QTabWidget(self), StatusBar(shown, runner, self)
        self.start, self.tour = StartPage(shown, runner, self), TourBar(shown, self)
        self.toasts = Toasts(shown, runner, self, self.status)
        self.menus = Menus(self, shown)
        self._lay_out()
        self._bring_on()
        runner.failed.connect(self._failed)
        store.changed.connect(self._changed)
        self.retranslate()

    def open(self, paths: Sequence[Path]) -> None:
        """Scan paths and show the first picture found."""
        self.opener.open(paths)
        recent.remember(sources(paths))

    def bring_up(self, panel: QWidget) -> None:
        """Show the tab of a panel."""
        pages = [page for page in self.tabs.findChildren(QScrollArea) if page.widget() is panel]
        self.tabs.setCurrentWidget(pages[0])

    def close_study(self) -> None:
        """Save the work on the study on screen, then close it."""
        close_study(self, self._runner, self._store.session)

    def check_system(self) -> None:
        """Show what works on this machine."""
        show_doctor(self, self._store, self._runner)

    def show_tags(self) -> None:
        """Show the DICOM elements behind the slice on screen."""
        from medassist.ui.tag_page import show_tags  # few readers need it, and the first window must come quickly

        show_tags(self, self._store, self._runner)

    def show_values(self) -> None:
        """Show what the values of the slice, or of the selected drawing, are like."""
        from medassist.ui.value_page import show_values

        show_values(self, self._store, self._runner)

    def speak(self, language: str) -> None:
        """Change the language of everything on screen, and keep it."""
        keep("language", language)
        self.say_in(language)

    def say_in(self, language: str) -> None:
        """Say everything on screen in a language, or in that of the system ("auto")."""
        set_language(language)
        theme.apply(cast(QApplication, QApplication.instance()))  # Chinese has another face
        self.retranslate()

    def dress(self, name: str) -> None:
        """Take another theme, for everything on screen but the pictures, and keep it."""
        keep("theme", name)
        self.wear(name)

    def wear(self, name: str) -> None:
        """Draw everything on screen but the pictures in a theme."""
        theme.choose(name)
        theme.apply(cast(QApplication, QApplication.instance()))
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.setWindowTitle("MedAssist")
        self.strip.setText(tr("Research use only, not for diagnosis"))
        for number, title in enumerate((tr("Models"), tr("Explanation"), tr("Probe"), tr("Report"))):
            self.tabs.setTabText(number, title)
        for part in (self.messages, self.tools, self.grid, self.region, self.editing, self.focus, self.viewer,
                     self.studies, self.layers, self.models, self.findings, self.measurements, self.explain,
                     self.probe, self.report, self.status, self.cases, self.start, self.tour, self.toasts,
                     self.menus):  # fmt: skip
            part.retranslate()
        for page in self.findChildren(QDialog):
            getattr(page, "retranslate", lambda: None)()  # pages that stand open beside the window

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Give keys nobody wanted to the viewer, so that they work wherever the focus is."""
        self.viewer.keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Give keys nobody wanted to the viewer."""
        self.viewer.keyReleaseEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Accept files and folders anywhere."""
        if dropped_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Open what was dropped."""
        event.acceptProposedAction()
        self.open(dropped_paths(event.mimeData()))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Share the width out when the window comes up: the picture gets what the sides do not need."""
        super().showEvent(event)
        left, right = (int(min(max(share * self.width(), low), high)) for share, low, high in (LEFT_SHARE, RIGHT_SHARE))
        self._across.setSizes([left, self.width() - left - right, right])

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Stop the jobs, wait for saves, then go."""
        self.editing.finish()
        self.keeper.finish()
        self._runner.close()
        self.closed.emit()
        super().closeEvent(event)

    def _lay_out(self) -> None:
        middle, left, right = QWidget(self), QSplitter(Qt.Orientation.Vertical), QSplitter(Qt.Orientation.Vertical)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.tour)
        column.addWidget(self.messages)
        column.addWidget(self.cases)
        column.addWidget(self.tools)
        column.addWidget(self.grid)
        column.addWidget(self.region)
        column.addWidget(self.editing)
        column.addWidget(self.focus)
        column.addWidget(self.start, 1)
        column.addWidget(self.viewer, 1)
        left.addWidget(self.studies)
        left.addWidget(self.layers)
        left.setStretchFactor(0, 1)
        for panel in (self.models, self.explain, self.probe, self.report):
            page = QScrollArea(self.tabs)
            page.setWidgetResizable(True)
            page.setWidget(panel)
            self.tabs.addTab(page, "")
        right.addWidget(self.tabs)
        right.addWidget(self.findings)
        right.addWidget(self.measurements)
        right.setSizes([470, 470, 180])
        self._across = QSplitter(Qt.Orientation.Horizontal, self)
        for part in (left, middle, right):
            self._across.addWidget(part)
        self._across.setStretchFactor(1, 1)
        whole = QWidget(self)
        rows = QVBoxLayout(whole)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.strip)
        rows.addWidget(self._across, 1)
        self.setCentralWidget(whole)
        self.setStatusBar(self.status)
        for part in self.findChildren(QWidget):
            part.setAcceptDrops(False)  # a picture or a text field would swallow the drop
        self.viewer.panes.setAcceptDrops(True)  # of series; files go on to the window

    def _failed(self, _lane: str, error: MedAssistError) -> None:
        self.messages.show_problem(error)

    def _bring_on(self) -> None:
        """Let the start page open what it offers, and tell of series that came without coming on screen."""
        self.start.folder_wanted.connect(self.menus.open_folder.trigger)
        self.start.file_wanted.connect(self.menus.open_file.trigger)
        self.start.chosen.connect(lambda path: self.open([path]))
        self.opener.added.connect(self._tell_added)
        self.viewer.hide()

    def _tell_added(self, count: int) -> None:
        self.status.showMessage(tr("Series added to the list: {count}. What is on screen stays.", count=count), TOLD_MS)

    def _changed(self, old: Session, new: Session) -> None:
        if old.scans is not new.scans:
            self.start.setVisible(not new.scans)
            self.viewer.setVisible(bool(new.scans))
        if old.current != new.current:
            self.viewer.focus()  # so that wheel and keys scroll at once
