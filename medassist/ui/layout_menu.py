"""View > Layout: how the middle of the window is divided, which plane a pane shows, and whether panes go together."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from medassist.entities.pane_layout import LAYOUTS, PLANES
from medassist.imaging.slicing import Plane
from medassist.language import tr
from medassist.session.arranging import HangByRules, SetLayout, SetLinked, SetPlane
from medassist.session.state import Session
from medassist.ui.store import Store
from medassist.ui.viewer.keys import LAYOUT_KEYS
from medassist.ui.viewer.pane_drawing import plane_of
from medassist.ui.viewer.slices import planes_shown
from medassist.ui.viewer.texts import plane_name
from medassist.ui.viewer.viewer import Viewer


class LayoutMenu(QMenu):
    """Show what is chosen and choose something else."""

    def __init__(self, store: Store, viewer: Viewer, parent: QWidget) -> None:
        super().__init__(parent)
        self._store = store
        self.by_rules = self._action(lambda: store.dispatch(HangByRules()), LAYOUT_KEYS["by_rules"])
        self.layouts = {name: self._choice(name) for name in LAYOUTS}
        self.addSeparator()
        group = QActionGroup(self)
        self.planes = {plane: self._action(partial(self._show_plane, plane)) for plane in Plane}
        for action in self.planes.values():
            action.setCheckable(True)
            group.addAction(action)
        self.addSeparator()
        self.linked = self._action(self._toggle_linked, LAYOUT_KEYS["linked"])
        self.linked.setCheckable(True)
        self.next_pane = self._action(partial(viewer.go, 1), LAYOUT_KEYS["next_pane"])
        self.previous_pane = self._action(partial(viewer.go, -1), LAYOUT_KEYS["previous_pane"])
        store.changed.connect(self._changed)
        self._mind(store.session)

    def retranslate(self) -> None:
        """Say every entry again."""
        self.setTitle(tr("Layout"))
        self.by_rules.setText(tr("By the hanging rules"))
        names = {
            PLANES: tr("Three planes"), "1x1": tr("One pane"), "1x2": tr("Two side by side"),
            "2x1": tr("Two, one above the other"), "2x2": tr("Four"), "1+3": tr("One large, three small"),
        }  # fmt: skip
        for name, action in self.layouts.items():
            action.setText(names[name])
        for plane, action in self.planes.items():
            action.setText(plane_name(plane))
        self.linked.setText(tr("Panes go to the same point"))
        self.next_pane.setText(tr("Next pane"))
        self.previous_pane.setText(tr("Previous pane"))

    def _choice(self, name: str) -> QAction:
        action = self._action(lambda: self._store.dispatch(SetLayout(name)), LAYOUT_KEYS[name])
        action.setCheckable(True)
        return action

    def _action(self, act: Callable[[], object], keys: str = "") -> QAction:
        action = QAction(self)
        action.triggered.connect(lambda _on=False: act())
        if keys:
            action.setShortcut(QKeySequence(keys))
        self.addAction(action)
        return action

    def _show_plane(self, plane: Plane) -> None:
        self._store.dispatch(SetPlane(plane))
        self._mind(self._store.session)

    def _toggle_linked(self) -> None:
        self._store.dispatch(SetLinked(not self._store.session.arrangement.linked))

    def _changed(self, old: Session, new: Session) -> None:
        if old.arrangement is not new.arrangement or old.geometry is not new.geometry:
            self._mind(new)

    def _mind(self, session: Session) -> None:
        """Mark what is chosen; a plane can be chosen where a pane shows one of several."""
        told = session.arrangement
        for name, action in self.layouts.items():
            action.setChecked(name == told.layout)
        free = bool(told.panes) and len(planes_shown(session)) > 1
        shown = plane_of(session, told.panes[told.active].plane) if free else None
        for plane, action in self.planes.items():
            action.setEnabled(free)
            action.setChecked(plane is shown)
        self.linked.setChecked(told.linked)
        for action in (self.next_pane, self.previous_pane):
            action.setEnabled(session.geometry is not None)
        self.by_rules.setEnabled(told.by_reader)
