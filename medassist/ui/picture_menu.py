"""View > Picture: turn, mirror and size what a pane shows, and play it. Nothing of it changes what is measured."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from medassist.language import tr
from medassist.session.actions import Invert
from medassist.ui.store import Store
from medassist.ui.viewer.cine import Cine
from medassist.ui.viewer.facing import STRAIGHT, Facing
from medassist.ui.viewer.keys import PICTURE_KEYS
from medassist.ui.viewer.viewer import Viewer


class PictureMenu(QMenu):
    """Entries for the active pane; their keys are those of `keys.PICTURE_KEYS`."""

    def __init__(self, store: Store, viewer: Viewer, parent: QWidget) -> None:
        super().__init__(parent)
        self._store, self._viewer = store, viewer
        self.cine = Cine(store, viewer)
        acts: dict[str, Callable[[], object]] = {
            "turn_right": lambda: self._face(lambda one: one.turned(1)),
            "turn_left": lambda: self._face(lambda one: one.turned(3)),
            "mirror": lambda: self._face(lambda one: one.flipped(upside_down=False)),
            "upside_down": lambda: self._face(lambda one: one.flipped(upside_down=True)),
            "as_stored": lambda: self._face(lambda _one: STRAIGHT),
            "one_to_one": self._one_to_one,
            "invert": lambda: store.dispatch(Invert()),
            "smooth": self._smooth,
            "play": self.cine.toggle,
            "faster": self.cine.faster,
            "slower": self.cine.slower,
            "bounce": self._bounce,
        }
        self.entries = {name: self._action(name, act) for name, act in acts.items()}
        for name in ("smooth", "play", "bounce"):
            self.entries[name].setCheckable(True)
        self.entries["smooth"].setChecked(True)
        self.aboutToShow.connect(self._mind)
        self.cine.changed.connect(self.retranslate)

    def retranslate(self) -> None:
        """Say every entry again."""
        self.setTitle(tr("Picture"))
        words = {
            "turn_right": tr("Turn to the right"), "turn_left": tr("Turn to the left"),
            "mirror": tr("Mirror from left to right"), "upside_down": tr("Mirror from top to bottom"),
            "as_stored": tr("Neither turned nor mirrored"), "one_to_one": tr("One pixel of the picture on one of the "
            "screen"), "invert": tr("Swap black and white"), "smooth": tr("Smooth between pixels"),
            "play": tr("Play, {fps} a second", fps=self.cine.fps), "faster": tr("Play faster"),
            "slower": tr("Play slower"), "bounce": tr("Play to and fro"),
        }  # fmt: skip
        for name, action in self.entries.items():
            key = QKeySequence(PICTURE_KEYS.get(name, "")).toString(QKeySequence.SequenceFormat.NativeText)
            own = key and action.shortcut().isEmpty()  # a key of the viewer itself
            action.setText(f"{words[name]}\t{key}" if own else words[name])
        self.entries["play"].setChecked(self.cine.playing)

    def _action(self, name: str, act: Callable[[], object]) -> QAction:
        action = QAction(self)
        action.triggered.connect(lambda _on=False: act())
        if name in PICTURE_KEYS and name != "invert":
            action.setShortcut(QKeySequence(PICTURE_KEYS[name]))
        if name in ("as_stored", "smooth"):
            self.addSeparator()
        self.addAction(action)
        return action

    def _face(self, change: Callable[[Facing], Facing]) -> None:
        if self._store.session.geometry is not None:
            camera = self._viewer.active.camera
            camera.face(change(camera.facing))
            self._viewer.active.viewport().update()

    def _one_to_one(self) -> None:
        """Show each pixel of the picture on one pixel of the screen, as wide as it is where it is no square."""
        view = self._viewer.active
        if view.shown is not None:
            wide = view.shown.layout.spacing_mm[1] * view.devicePixelRatioF()
            view.zoom_by(1.0 / (wide * view.camera.zoom))

    def _smooth(self) -> None:
        for view in (*self._viewer.views, *self._viewer.sides.views):
            view.layers.gray.smooth(self.entries["smooth"].isChecked())

    def _bounce(self) -> None:
        self.cine.bounce = self.entries["bounce"].isChecked()

    def _mind(self) -> None:
        """Offer what means something now."""
        there = self._store.session.geometry is not None
        for action in self.entries.values():
            action.setEnabled(there)
