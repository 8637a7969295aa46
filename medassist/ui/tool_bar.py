"""One line of buttons above the picture: what the left button measures."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from medassist.entities.measurement import Shape
from medassist.language import tr
from medassist.session.state import Session
from medassist.storage import settings
from medassist.ui.measure_words import shape_word
from medassist.ui.reader import keep
from medassist.ui.store import Store
from medassist.ui.tool_icons import SIDE, pin_icon, tool_icon
from medassist.ui.viewer.keys import MEASURE_KEYS
from medassist.ui.viewer.measure_tool import MeasureTool
from medassist.ui.viewer.viewer import Viewer

STAYS = "measure_tool_stays"
HINT_LINES = 2


class ToolBar(QWidget):
    """Choose a tool by button or key; the same again gives the mouse back. `pin` keeps a tool after a drawing."""

    def __init__(self, store: Store, viewer: Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.tool = MeasureTool(store, viewer.views, viewer.pointer, self)
        self.tool.stays = bool(settings.read()[STAYS])
        self.buttons = {shape: QToolButton(self) for shape in MEASURE_KEYS}
        self.pin, self.hint = QToolButton(self), QLabel(self)
        viewer.first_to_keys.append(self.tool.take_key)
        self._lay_out()
        self._connect()
        self.retranslate()

    def toggle(self, shape: Shape) -> None:
        """Take a tool, or give it back."""
        if self._store.session.volume is not None:
            self.tool.choose(None if self.tool.shape is shape else shape)
        self._draw()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        for shape, button in self.buttons.items():
            button.setIcon(tool_icon(shape))  # in the theme of the moment
            button.setAccessibleName(shape_word(shape))
            button.setToolTip(f"{shape_word(shape)} ({MEASURE_KEYS[shape]})")
        self.pin.setIcon(pin_icon())
        self.pin.setAccessibleName(tr("Keep the tool"))
        self.pin.setToolTip(tr("Keep the tool after a measurement"))
        self._draw()

    def _lay_out(self) -> None:
        self.hint.setProperty("role", "dim")
        self.hint.setWordWrap(True)
        self.hint.setMinimumHeight(HINT_LINES * self.hint.fontMetrics().lineSpacing())  # the picture must not jump
        self.hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # nor the window grow
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 8, 0)
        row.setSpacing(2)
        for button in (*self.buttons.values(), self.pin):
            button.setCheckable(True)
            button.setAutoRaise(True)
            button.setIconSize(QSize(SIDE, SIDE))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            row.addWidget(button)
        self.pin.setChecked(self.tool.stays)
        row.insertSpacing(len(self.buttons), 8)
        row.addWidget(self.hint, 1)

    def _connect(self) -> None:
        self.shortcuts = []
        for shape, button in self.buttons.items():
            button.clicked.connect(lambda _on=False, shape=shape: self.toggle(shape))
            shortcut = QShortcut(QKeySequence(MEASURE_KEYS[shape]), self.window())
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(partial(self.toggle, shape))
            self.shortcuts.append(shortcut)
        self.pin.clicked.connect(self._pin)
        self.tool.chosen.connect(lambda _shape: self._draw())
        self._store.changed.connect(self._changed)

    def keep_tool(self, on: bool) -> None:
        """Keep a tool after a drawing, or give the mouse back each time."""
        self.tool.stays = on
        self.pin.setChecked(on)

    def _pin(self, on: bool) -> None:
        self.tool.stays = on
        keep(STAYS, on)

    def _changed(self, old: Session, new: Session) -> None:
        if old.volume is not new.volume:
            if new.volume is None:
                self.tool.choose(None)
            self._draw()

    def _draw(self) -> None:
        there = self._store.session.volume is not None
        for shape, button in self.buttons.items():
            button.setEnabled(there)
            button.setChecked(self.tool.shape is shape)
        self.hint.setText(_hint(self.tool.shape))


def _hint(shape: Shape | None) -> str:
    """Say how a shape is drawn."""
    if shape is None:
        return ""
    return {
        Shape.LENGTH: tr("Drag from end to end."),
        Shape.ANGLE: tr("Drag one leg to the vertex, then click the end of the other."),
        Shape.COBB: tr("Drag along one end plate, then along the other."),
        Shape.BIDIRECTIONAL: tr("Drag the long axis, then the short one from edge to edge."),
        Shape.ELLIPSE: tr("Drag from corner to corner."),
        Shape.RECTANGLE: tr("Drag from corner to corner."),
        Shape.POLYGON: tr("Click the corners; double click ends, Backspace takes one back."),
        Shape.FREEHAND: tr("Drag around it."),
        Shape.ARROW: tr("Drag from the tip."),
        Shape.TEXT: tr("Click where it belongs."),
    }[shape]
