"""The menu bar: File, Edit, View, Models, Language, Help."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from medassist.entities.parts import find
from medassist.entities.study import CHARSETS
from medassist.language import LANGUAGES, current_language, tr
from medassist.session.actions import SetWindow
from medassist.session.cases import studies_with_work
from medassist.session.keeping import keep_slice
from medassist.storage.case_file import SUFFIX
from medassist.ui import recent
from medassist.ui.edit_menu import EditMenu
from medassist.ui.go_menu import GoMenu
from medassist.ui.help_pages import show_about, show_keys
from medassist.ui.layout_menu import LayoutMenu
from medassist.ui.picture_menu import PictureMenu
from medassist.ui.planes_menu import PlanesMenu
from medassist.ui.reader_first import reader_first_switch
from medassist.ui.targets_menu import TargetsMenu
from medassist.ui.text_menu import TextMenu
from medassist.ui.viewer.presets import choices
from medassist.ui.viewer.texts import window_title

if TYPE_CHECKING:
    from medassist.ui.main_window import MainWindow
    from medassist.ui.store import Store


REPORT_TAB = 3
TOLD_MS = 4000


class Menus:
    """Build the menus of a window and say their texts in the current language."""

    def __init__(self, window: MainWindow, store: Store) -> None:
        self._window, self._store = window, store
        bar = window.menuBar()
        self.file, self.view, self.models, self.language, self.help = (QMenu(bar) for _ in range(5))
        self.edit = EditMenu(store, window.region, window.editing, bar)
        self.edit.elsewhere.connect(lambda text: window.status.showMessage(text, TOLD_MS))
        for menu in (self.file, self.edit, self.view, self.models, self.language, self.help):
            bar.addMenu(menu)
        self.open_folder = self._action(self.file, self._open_folder, "Ctrl+O")
        self.open_file = self._action(self.file, self._open_file, "Ctrl+Shift+O")
        self.open_case = self._action(self.file, self._open_case)
        self.recent = QMenu(self.file)
        self.file.addMenu(self.recent)
        self.recent.aboutToShow.connect(self._fill_recent)
        self.texts = QMenu(self.file)
        self.file.addMenu(self.texts)
        self._charsets = {name: self._action(self.texts, partial(self._read_texts, name)) for name in ("", *CHARSETS)}
        self.file.addSeparator()
        self.keep_slice = self._action(self.file, self._keep_slice, "S")
        self.export = self._action(self.file, self._export, "Ctrl+E")
        self.save_case = self._action(self.file, self._save_case, "Ctrl+S")
        self.close_study = self._action(self.file, window.close_study, "Ctrl+W")
        self.file.aboutToShow.connect(self._mind_case)
        self.targets = TargetsMenu(self.file, window)
        self.file.addSeparator()
        self.quit = self._action(self.file, window.close, "Ctrl+Q")
        self.left = self._switch(window.studies, window.layers)
        self.right = self._switch(window.tabs, window.findings, window.measurements)
        self.full_screen = self._action(self.view, self._toggle_full_screen, "F11")
        self.layout = LayoutMenu(store, window.viewer, self.view)
        self.view.addMenu(self.layout)
        self.planes = PlanesMenu(store, self.view)
        self.view.addMenu(self.planes)
        self.picture, self.go = PictureMenu(store, window.viewer, self.view), GoMenu(window, store, self.view)
        self.view.addMenu(self.picture)
        self.view.addMenu(self.go)
        window.closed.connect(self.picture.cine.stop)
        self.outline = self._action(self.view, window.region.toggle)
        self.paint = self._action(self.view, window.editing.toggle)
        self.reader_first = reader_first_switch(self.view, store)
        self.texts_shown = TextMenu(store, self.view)
        self.view.addMenu(self.texts_shown)
        self.tags = self._action(self.view, window.show_tags, "Ctrl+I")
        self.values = self._action(self.view, window.show_values, "Ctrl+H")
        self.view.aboutToShow.connect(self._mind_outline)
        self.windows = QMenu(self.view)
        self.view.addMenu(self.windows)
        self.windows.aboutToShow.connect(self._fill_windows)
        self.add_zip = self._action(self.models, window.models.installing.add_zip)
        self.add_folder = self._action(self.models, window.models.installing.add_folder)
        self.models.addSeparator()
        self.remove = self._action(self.models, window.models.ask_to_remove)
        self.models.aboutToShow.connect(self._mind_models)
        self._languages = self._language_actions()
        self.keys = self._action(self.help, partial(show_keys, window), "F1")
        self.keys.setShortcuts([QKeySequence(one) for one in ("F1", "?")])
        self.edit.addSeparator()
        self.settings = self._action(self.edit, self._show_settings, "Ctrl+,")
        self.system = self._action(self.help, window.check_system)
        self.bug_report = self._action(self.help, self._show_bug_report)
        self.tour = self._action(self.help, window.tour.begin)
        self.about = self._action(self.help, partial(show_about, window))

    def retranslate(self) -> None:
        """Say every entry again."""
        self.file.setTitle(tr("File"))
        self.open_folder.setText(tr("Open folder…"))
        self.open_file.setText(tr("Open file…"))
        self.open_case.setText(tr("Open case…"))
        self.save_case.setText(tr("Save case as…"))
        self.close_study.setText(tr("Close study"))
        self.recent.setTitle(tr("Open recent"))
        self.texts.setTitle(tr("Read names and texts as"))
        for name, action in self._charsets.items():
            action.setText(name or tr("The file declares"))
        self.keep_slice.setText(tr("Put the slice on screen into the report"))
        self.export.setText(tr("Export report…"))
        self.targets.retranslate()
        self.quit.setText(tr("Quit"))
        self.edit.retranslate()
        self.settings.setText(tr("Settings…"))
        self.view.setTitle(tr("View"))
        self.left.setText(tr("Studies and overlays"))
        self.right.setText(tr("Models and findings"))
        self.full_screen.setText(tr("Full screen"))
        self.layout.retranslate()
        self.planes.retranslate()
        self.picture.retranslate()
        self.go.retranslate()
        self.outline.setText(tr("Outline with a box") + "\tB")
        self.paint.setText(tr("Edit a mask by hand") + "\tK")
        self.reader_first.setText(tr("First my impression, then results of models"))
        self.texts_shown.retranslate()
        self.tags.setText(tr("DICOM tags…"))
        self.values.setText(tr("Image statistics…"))
        self.windows.setTitle(tr("Grey scale"))
        self.models.setTitle(tr("Models"))
        self.add_zip.setText(tr("Add a model…"))
        self.add_folder.setText(tr("Add a model from a folder…"))
        self.remove.setText(tr("Remove model"))
        self.language.setTitle(tr("Language"))
        self.help.setTitle(tr("Help"))
        self.keys.setText(tr("Keys and mouse"))
        self.system.setText(tr("System check"))
        self.bug_report.setText(tr("Collect a bug report…"))
        self.tour.setText(tr("Show the tour"))
        self.about.setText(tr("About MedAssist"))
        for name, action in self._languages.items():
            action.setChecked(name == current_language())

    def _action(self, menu: QMenu, act: Callable[[], object], keys: str = "") -> QAction:
        action = QAction(menu)
        action.triggered.connect(lambda _on=False: act())
        if keys:
            action.setShortcut(QKeySequence(keys))
        menu.addAction(action)
        return action

    def _switch(self, *parts: QWidget) -> QAction:
        action = QAction(self.view)
        action.setCheckable(True)
        action.setChecked(True)
        for part in parts:
            action.toggled.connect(part.setVisible)
        self.view.addAction(action)
        return action

    def _language_actions(self) -> dict[str, QAction]:
        group, found = QActionGroup(self.language), {}
        for name, title in LANGUAGES.items():
            action = QAction(title, group)
            action.setCheckable(True)
            action.triggered.connect(lambda _on=False, name=name: self._window.speak(name))
            self.language.addAction(action)
            found[name] = action
        return found

    def _open_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self._window, tr("Open folder…"))
        if folder:
            self._window.open([Path(folder)])

    def _open_file(self) -> None:
        names, _filter = QFileDialog.getOpenFileNames(self._window, tr("Open file…"))
        if names:
            self._window.open([Path(name) for name in names])

    def _open_case(self) -> None:
        name, _filter = QFileDialog.getOpenFileName(self._window, tr("Open case…"), "", f"MedAssist (*{SUFFIX})")
        if name:
            self._window.open([Path(name)])

    def _save_case(self) -> None:
        name, _filter = QFileDialog.getSaveFileName(self._window, tr("Save case as…"), "", f"MedAssist (*{SUFFIX})")
        if name:
            self._window.keeper.save_as(Path(name))

    def _mind_case(self) -> None:
        """Offer to save only where there is work; saving in the background needs nobody's help."""
        session = self._store.session
        self.save_case.setEnabled(any(session.current in keys for keys in studies_with_work(session).values()))

    def _fill_recent(self) -> None:
        self.recent.clear()
        for path in recent.recent_paths():
            action = self.recent.addAction(str(path))
            action.triggered.connect(lambda _on=False, path=path: self._window.open([path]))
        if self.recent.isEmpty():
            self.recent.addAction(tr("Nothing opened yet")).setEnabled(False)

    def _read_texts(self, charset: str) -> None:
        """Open what is on screen again and read its texts in another character set."""
        session = self._store.session
        self._window.opener.open(
            [one.source for one in session.scans if find(one.all_series(), session.current) is not None],
            charset,
        )

    def _fill_windows(self) -> None:
        """List the grey scales of the series on screen: those of its file first, then those on the digit keys."""
        self.windows.clear()
        session = self._store.session
        for key, window in choices(session):
            action = self.windows.addAction(f"{window_title(window)}\t{key}")
            action.setCheckable(True)
            action.setChecked(window == session.view.window)
            action.triggered.connect(lambda _on=False, window=window: self._store.dispatch(SetWindow(window)))
        if self.windows.isEmpty():
            self.windows.addAction(tr("No grey picture on screen")).setEnabled(False)

    def _mind_models(self) -> None:
        """Offer to remove the chosen model only when it is one of the user's own."""
        self.remove.setEnabled(self._window.models.remove.isEnabled())

    def _mind_outline(self) -> None:
        """Grey the entry where nothing can be outlined, with the reason."""
        reason = self._window.region.reason()
        self.outline.setEnabled(not reason)
        self.paint.setEnabled(self._store.session.volume is not None)
        self.outline.setToolTip(reason)
        self.view.setToolTipsVisible(True)

    def _keep_slice(self) -> None:
        """Make the slice on screen a key picture, and say so for a moment."""
        drafts = self._store.session.drafts
        self._store.dispatch(keep_slice(self._store.session))
        if self._store.session.drafts is not drafts:
            self._window.status.showMessage(tr("This slice is a key picture of the report now."), TOLD_MS)

    def _export(self) -> None:
        self._window.tabs.setCurrentIndex(REPORT_TAB)
        if self._window.report.export.isEnabled():
            self._window.report.choose_folder()

    def _show_settings(self) -> None:
        from medassist.ui.settings_effects import show_settings

        show_settings(self._window, self._store)

    def _show_bug_report(self) -> None:
        from medassist.ui.bug_report_page import show_bug_report

        show_bug_report(self._window, self._store.session)

    def _toggle_full_screen(self) -> None:
        window = self._window
        window.showNormal() if window.isFullScreen() else window.showFullScreen()
