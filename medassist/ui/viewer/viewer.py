"""The middle of the window: panes with planes of one or several series, or two maps compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QStackedWidget, QVBoxLayout, QWidget

from medassist.language import tr
from medassist.session.actions import Invert, SetTime, SetWindow
from medassist.session.arranging import Activate
from medassist.session.comparing import StopComparing
from medassist.session.focusing import Focus, focus_of, focused
from medassist.session.state import Session
from medassist.ui.store import Store
from medassist.ui.viewer import texts
from medassist.ui.viewer.color_bar import ColorBar
from medassist.ui.viewer.gestures import ZOOM_PER_NOTCH
from medassist.ui.viewer.keys import SCROLL_KEYS, TIME_KEYS
from medassist.ui.viewer.pane_drawing import PaneDrawing
from medassist.ui.viewer.panes import PaneGrid
from medassist.ui.viewer.pointer import Pointer
from medassist.ui.viewer.presets import preset_of
from medassist.ui.viewer.side_by_side import SideBySide
from medassist.ui.viewer.slice_view import SliceView
from medassist.ui.viewer.slices import planes_shown


class Viewer(QWidget):
    """Panes, the banner above them, and the keys.

    `views` are the planes of all panes, `planes` those of the three of one volume; `panes` tells what is dropped.
    `pointer` knows which tool has the left button; `first_to_keys` are asked before a key means anything here.
    """

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._hidden, self._crosshair = False, True
        self.pointer = Pointer(self)
        self.first_to_keys: list[Callable[[QKeyEvent], bool]] = []
        self.banner, self.empty = QLabel(self), QLabel(self)
        self.banner.setProperty("role", "banner")
        self.banner.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setProperty("role", "dim")
        self.empty.setWordWrap(True)
        self.panes = PaneGrid(store, self)
        self.views = self.panes.views
        self.planes = self.views[:3]
        self._drawing = PaneDrawing(self.panes)
        self.stack, self.color_bar, self.sides = QStackedWidget(self), ColorBar(self), SideBySide(store, self)
        self._lay_out()
        for view in self.views:
            view.maximise.connect(lambda view=view: self.toggle_maximised(view))
        self.panes.entered.connect(self._enter)
        for view in (*self.views, *self.sides.views):
            view.unfocused.connect(lambda: self._hide(False))
        store.changed.connect(self._changed)
        self.retranslate()

    def visible_planes(self) -> tuple[SliceView, ...]:
        """Return the planes on screen, the leading one first."""
        if self._store.session.compared is not None:
            return self.sides.visible_views()
        return self._drawing.shown(self._store.session.arrangement.active)

    @property
    def active(self) -> SliceView:
        """The plane the keys are for."""
        return self._active()

    def toggle_maximised(self, view: SliceView) -> None:
        """Show one plane alone, or all of them again."""
        self._drawing.maximise(view)
        self._draw(self._store.session)

    def go(self, step: int) -> None:
        """Go to the next pane (1) or back (-1); those that cannot be entered are passed over."""
        told = self._store.session.arrangement
        if told.panes:
            for number in ((told.active + step * away) % len(told.panes) for away in range(1, len(told.panes))):
                self._enter(number)
                if self._store.session.arrangement.active == number:
                    break
            self.focus()
        else:
            views = self.visible_planes()
            views[(views.index(self._active()) + step) % len(views)].setFocus(Qt.FocusReason.ShortcutFocusReason)

    def focus(self) -> None:
        """Give wheel and keys to the active pane."""
        views = self.visible_planes()
        if views:
            views[0].setFocus()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.empty.setText(
            tr("Drop a folder, a DICOM file, a ZIP, NIfTI or a picture here.")
            + "\n\n"
            + tr("Nothing is copied or sent anywhere.")
        )
        self._name_panes()
        self.sides.retranslate()
        self._drawing.forget()
        self._draw(self._store.session)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Handle the keys of `keys.explained`."""
        if any(take(event) for take in self.first_to_keys):
            return
        if self._store.session.geometry is None or not (self._navigate(event) or self._adjust(event)):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Show AI results again when Space is let go."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._hide(False)
        else:
            super().keyReleaseEvent(event)

    def _lay_out(self) -> None:
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.panes)
        self.stack.addWidget(self.sides)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.banner)
        column.addWidget(self.stack, 1)
        column.addWidget(self.color_bar)

    def _changed(self, old: Session, new: Session) -> None:
        if old.current != new.current or old.arrangement.layout != new.arrangement.layout:
            self._drawing.maximise(None)
        before, after = old.compared is not None, new.compared is not None
        if after and not before:
            self.sides.begin((self._drawing.maximised or self.views[new.arrangement.active]).plane)
        self._draw(new)
        if old.arrangement != new.arrangement:
            self._name_panes()
        if after is not before:
            self.focus()  # so that wheel and keys scroll at once

    def _draw(self, session: Session) -> None:
        compared, shown = session.compared is not None, focused(session)
        self._drawing.arrange(session)
        filled = shown.geometry is not None or any(one.series_key for one in session.arrangement.panes)
        self.stack.setCurrentIndex(2 if compared else int(filled))
        lines = texts.banner_lines(replace(shown, heatmaps=()) if compared else shown)
        self.banner.setText("\n".join(lines))
        self.banner.setVisible(bool(lines))
        self.color_bar.draw(shown, hidden=self._hidden or compared)
        if compared:
            several = len(planes_shown(session)) == 3
            self.sides.draw(shown, hidden=self._hidden, crosshair=self._crosshair and several)
        else:
            self._drawing.draw(session, hidden=self._hidden, crosshair=self._crosshair)

    def _enter(self, number: int) -> None:
        """Make the series of a pane the one the panels are about."""
        told = self._store.session.arrangement
        if told.panes and number != told.active:
            self._store.dispatch(Activate(number))

    def _name_panes(self) -> None:
        """Tell those who cannot see them what the panes are."""
        several = bool(self._store.session.arrangement.panes)
        for number, view in enumerate(self.views, start=1):
            name = texts.plane_name(view.plane)
            view.setAccessibleName(tr("Pane {number}: {plane}", number=number, plane=name) if several else name)

    def _active(self) -> SliceView:
        views = self.visible_planes()
        one_series = not self._store.session.arrangement.panes or self._store.session.compared is not None
        return next((view for view in views if view.hasFocus() and one_series), views[0])

    def _navigate(self, event: QKeyEvent) -> bool:
        key, view = event.key(), self._active()
        if key in SCROLL_KEYS:
            view.scroll(SCROLL_KEYS[key])
        elif key in TIME_KEYS:
            self._store.dispatch(SetTime(self._store.session.view.time + TIME_KEYS[key]))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            view.go_to(0 if key == Qt.Key.Key_Home else 10**9)
        else:
            return False
        return True

    def _adjust(self, event: QKeyEvent) -> bool:
        key, view = event.key(), self._active()
        plain: dict[int, Callable[[], None]] = {
            Qt.Key.Key_I: lambda: self._store.dispatch(Invert()),
            Qt.Key.Key_F: view.fit,
            Qt.Key.Key_H: self._toggle_crosshair,
            Qt.Key.Key_Plus: lambda: view.zoom_by(ZOOM_PER_NOTCH),
            Qt.Key.Key_Equal: lambda: view.zoom_by(ZOOM_PER_NOTCH),
            Qt.Key.Key_Minus: lambda: view.zoom_by(1 / ZOOM_PER_NOTCH),
            Qt.Key.Key_Space: lambda: self._hide(True),
        }
        if self._store.session.compared is not None:
            plain[Qt.Key.Key_Escape] = lambda: self._store.dispatch(StopComparing())
        elif focus_of(self._store.session) is not None:
            plain[Qt.Key.Key_Escape] = lambda: self._store.dispatch(Focus())
        if key in plain:
            plain[key]()
            return True
        return self._choose_window(key - Qt.Key.Key_0)

    def _choose_window(self, digit: int) -> bool:
        window = preset_of(self._store.session, digit) if 0 <= digit <= 9 else None
        if window is not None:
            self._store.dispatch(SetWindow(window))
        return window is not None

    def _toggle_crosshair(self) -> None:
        self._crosshair = not self._crosshair
        self._draw(self._store.session)

    def _hide(self, hidden: bool) -> None:
        if self._hidden is not hidden:
            self._hidden = hidden
            self._draw(self._store.session)
