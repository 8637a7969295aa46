"""The middle of the window: three linked planes for a volume, one plane for everything else, or two maps compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from medassist.imaging.slicing import Plane
from medassist.language import tr
from medassist.session.actions import Invert, SetTime, SetWindow
from medassist.session.comparing import StopComparing
from medassist.session.focusing import Focus, focus_of, focused
from medassist.session.state import Session
from medassist.ui.store import Store
from medassist.ui.viewer import texts
from medassist.ui.viewer.color_bar import ColorBar
from medassist.ui.viewer.gestures import ZOOM_PER_NOTCH
from medassist.ui.viewer.keys import SCROLL_KEYS, TIME_KEYS
from medassist.ui.viewer.pointer import Pointer
from medassist.ui.viewer.presets import preset_of
from medassist.ui.viewer.side_by_side import SideBySide
from medassist.ui.viewer.slice_view import SliceView
from medassist.ui.viewer.slices import planes_shown

PLACES = ((0, 0, 2, 1), (0, 1, 1, 1), (1, 1, 1, 1))


class Viewer(QWidget):
    """Planes, the banner above them, and the keys.

    `pointer` knows which tool has the left button; `first_to_keys` are asked before a key means anything here.
    """

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._hidden, self._crosshair = False, True
        self._maximised: SliceView | None = None
        self.pointer = Pointer(self)
        self.first_to_keys: list[Callable[[QKeyEvent], bool]] = []
        self.banner, self.empty = QLabel(self), QLabel(self)
        self.banner.setProperty("role", "banner")
        self.banner.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setProperty("role", "dim")
        self.empty.setWordWrap(True)
        self.planes = tuple(SliceView(store, plane, self) for plane in Plane)
        self.planes[0].leading = True
        self.stack, self.color_bar, self.sides = QStackedWidget(self), ColorBar(self), SideBySide(store, self)
        self._lay_out()
        for view in self.planes:
            view.maximise.connect(lambda view=view: self.toggle_maximised(view))
        for view in (*self.planes, *self.sides.views):
            view.unfocused.connect(lambda: self._hide(False))
        store.changed.connect(self._changed)
        self.retranslate()

    def visible_planes(self) -> tuple[SliceView, ...]:
        """Return the planes on screen, the leading one first."""
        if self._store.session.compared is not None:
            return self.sides.visible_views()
        return tuple(view for view in self.planes if not view.isHidden())

    def toggle_maximised(self, view: SliceView) -> None:
        """Show one plane alone, or all of them again."""
        self._maximised = None if self._maximised is view else view
        self._arrange(self._store.session)
        self._draw(self._store.session)

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.empty.setText(
            tr("Drop a folder, a DICOM file, a ZIP, NIfTI or a picture here.")
            + "\n\n"
            + tr("Nothing is copied or sent anywhere.")
        )
        for view in self.planes:
            view.setAccessibleName(texts.plane_name(view.plane))
        self.sides.retranslate()
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
        frame = QWidget(self)
        self._grid = QGridLayout(frame)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        for view, place in zip(self.planes, PLACES, strict=True):
            self._grid.addWidget(view, *place)
        self.stack.addWidget(self.empty)
        self.stack.addWidget(frame)
        self.stack.addWidget(self.sides)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.banner)
        column.addWidget(self.stack, 1)
        column.addWidget(self.color_bar)

    def _changed(self, old: Session, new: Session) -> None:
        if old.current != new.current:
            self._maximised = None
        if old.geometry is not new.geometry or planes_shown(old) != planes_shown(new):
            self._arrange(new)
        before, after = old.compared is not None, new.compared is not None
        if after and not before:
            self.sides.begin((self._maximised or self.planes[0]).plane)
        self._draw(new)
        if after is not before:
            self.visible_planes()[0].setFocus()  # so that wheel and keys scroll at once

    def _arrange(self, session: Session) -> None:
        wanted = planes_shown(session)
        if not wanted:
            return
        for view, plane in zip(self.planes, wanted if len(wanted) == 3 else (wanted[0],) * 3, strict=True):
            view.show_plane(plane)
        shown = self.planes if len(wanted) == 3 else self.planes[:1]
        if self._maximised in shown:
            shown = (self._maximised,)
        for view in self.planes:
            view.leading = view is shown[0]
            view.setVisible(view in shown)
        self._grid.setColumnStretch(0, 8 if self.planes[0] in shown else 0)
        self._grid.setColumnStretch(1, 5 if len(shown) > 1 or self.planes[0] not in shown else 0)

    def _draw(self, session: Session) -> None:
        compared, session = session.compared is not None, focused(session)
        self.stack.setCurrentIndex(2 if compared else int(session.geometry is not None))
        lines = texts.banner_lines(replace(session, heatmaps=()) if compared else session)
        self.banner.setText("\n".join(lines))
        self.banner.setVisible(bool(lines))
        self.color_bar.draw(session, hidden=self._hidden or compared)
        crosshair = self._crosshair and self._crosshair_makes_sense()
        for part in (self.sides,) if compared else self.visible_planes():
            part.draw(session, hidden=self._hidden, crosshair=crosshair)

    def _crosshair_makes_sense(self) -> bool:
        return len(planes_shown(self._store.session)) == 3

    def _active(self) -> SliceView:
        return next((view for view in self.visible_planes() if view.hasFocus()), self.visible_planes()[0])

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
