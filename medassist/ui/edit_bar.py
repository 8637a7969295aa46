"""The bar over the picture while a mask is edited: which mask, which label, with what, and what came of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QVBoxLayout, QWidget

from medassist.entities.editing import Editing, Tool
from medassist.entities.errors import MedAssistError
from medassist.imaging.mask_editing import Labels
from medassist.language import localized, tr
from medassist.progress import Progress
from medassist.session.actions import Action
from medassist.session.comparing import StopComparing
from medassist.session.mask_editing import SetEditing, apply_edit, begun, copy_overlay, own_mask, revert, with_label
from medassist.session.mask_shapes import Reshape, reshape_label
from medassist.session.reslicing import is_resliced
from medassist.session.state import Session
from medassist.ui.edit_form import EditForm
from medassist.ui.edit_targets import Target, first
from medassist.ui.reader import reader_name
from medassist.ui.runner import Runner
from medassist.ui.store import Store
from medassist.ui.viewer.brush_tool import BrushTool
from medassist.ui.viewer.viewer import Viewer

LANE = "edit"
KEY = "K"
STEP = 1.25


class EditBar(QWidget):
    """Shown while a mask is edited (key K). Everything it changes goes through the session.

    `busy()` tells that strokes are being measured, or that all are.
    """

    busy = Signal()

    def __init__(self, store: Store, runner: Runner, viewer: Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._runner, self._pointer = store, runner, viewer.pointer
        self._said = ""
        self.form = EditForm(self)
        self.tool = BrushTool(store, viewer.views, self._painted, self._refused, self)
        viewer.first_to_keys.append(self.take_key)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 4)
        column.addWidget(self.form)
        self._connect()
        self.setVisible(False)
        self.retranslate()

    @property
    def open(self) -> bool:
        """Whether a mask is edited now."""
        return not self.isHidden()

    @property
    def is_busy(self) -> bool:
        """Whether strokes are being measured that are on screen already, but no steps yet."""
        return self._runner.running(LANE)

    def wait_for_strokes(self, action: Action) -> bool:
        """Do an action once all strokes on screen are steps: Undo means the last one the reader saw.

        Return False, and do nothing, when they are.
        """
        if not self.is_busy:
            return False
        self.tool.free = False  # what is painted meanwhile would be painted on what goes away
        self._runner.queue(LANE, _in_turn, action)
        return True

    def toggle(self) -> None:
        """Begin to edit what lies on top, or a new mask where nothing does; or stop."""
        if self.open:
            self.close_bar()
        elif self._store.session.volume is not None:
            self._store.dispatch(StopComparing())  # masks are painted on the planes
            self._begin(first(self._store.session) or self._own())

    def close_bar(self) -> None:
        """Give the mouse back; what was painted stays."""
        self.tool.activate(False)
        self._pointer.release(self)
        self.setVisible(False)
        self._said = ""
        self._store.dispatch(SetEditing(None))
        self.tool.activate(False)

    def finish(self) -> None:
        """End the stroke that is being drawn and wait for all to be steps, before the work is saved for good."""
        self.tool.activate(False)
        self._runner.finish(LANE)

    def take_key(self, event: QKeyEvent) -> bool:
        """Handle Esc, X and the brackets while a mask is edited."""
        editing = self._store.session.editing
        if not self.open or editing is None:
            return False
        if event.key() == Qt.Key.Key_Escape:
            self.close_bar()
        elif event.key() == Qt.Key.Key_X:
            self._set(replace(editing, erase=not editing.erase))
        elif event.key() in (Qt.Key.Key_BracketLeft, Qt.Key.Key_BracketRight):
            self.form.radius.setValue(
                editing.radius_mm * (STEP if event.key() == Qt.Key.Key_BracketRight else 1 / STEP)
            )
            self.tool.show_radius()
        else:
            return False
        return True

    def _connect(self) -> None:
        form = self.form
        shortcut = QShortcut(QKeySequence(KEY), self.window())
        shortcut.setAutoRepeat(False)
        shortcut.activated.connect(self.toggle)
        form.leave.clicked.connect(self.close_bar)
        form.chosen_target.connect(self._choose)
        form.chosen_label.connect(lambda value: self._change(active=value))
        form.named.connect(self._name)
        form.locked.connect(lambda values: self._change(locked=values))
        form.brush.clicked.connect(lambda _on=False: self._change(tool=Tool.BRUSH))
        form.fill.clicked.connect(lambda _on=False: self._change(tool=Tool.FILL))
        form.erase.toggled.connect(lambda on: self._change(erase=on))
        form.ball.toggled.connect(lambda on: self._change(ball=on))
        form.radius.valueChanged.connect(lambda value: self._change(radius_mm=value))
        form.spanned.connect(lambda span: self._change(span=span))
        form.reshaped.connect(self._reshape)
        form.back.clicked.connect(self._revert)
        self._pointer.taken.connect(lambda owner: self.close_bar() if owner is not self and self.open else None)
        self._store.changed.connect(self._changed)
        for signal in (self._runner.began, self._runner.ended):
            signal.connect(self._turned)

    def _begin(self, editing: Editing) -> None:
        self._said = ""
        self._pointer.take(self)
        self.setVisible(True)
        self._store.dispatch(SetEditing(editing))
        self.tool.activate(True)
        self._draw(self._store.session)

    def _own(self) -> Editing:
        volume = self._store.session.volume
        assert volume is not None  # noqa: S101 - callers looked
        return own_mask(volume, at=_now(), before=self._store.session.editing)

    def _choose(self, target: Target) -> None:
        """Go on with another mask."""
        session = self._store.session
        if session.volume is None:
            return
        try:
            if target.copied is not None:
                here = (one.mask for one in session.predictions if one.series_key == session.current)
                taken = frozenset(one.value for mask in here if mask is not None for one in mask.segments)
                self._runner.queue(LANE, copy_overlay, session.volume, target.copied, target.source, taken,
                                   by=reader_name(), at=_now())  # fmt: skip
            elif target.prediction is not None:
                self._begin(begun(target.prediction, before=session.editing))
            else:
                self._begin(self._own())
        except MedAssistError as problem:
            self._say(localized(problem))

    def _name(self, label: str) -> None:
        try:
            self._store.dispatch(with_label(self._store.session, label))
        except MedAssistError as problem:
            self._say(localized(problem))

    def _change(self, **changes: object) -> None:
        editing = self._store.session.editing
        if editing is not None:
            self._set(replace(editing, **changes))  # type: ignore[arg-type]

    def _set(self, editing: Editing) -> None:
        self._said = ""
        self._store.dispatch(SetEditing(editing))

    def _painted(self, before: Labels, after: Labels) -> None:
        """Measure a stroke while the next one may be drawn; strokes come into the session in their order."""
        prediction, volume = self.tool.canvas.prediction, self._store.session.volume
        if prediction is not None and volume is not None:
            self._said = ""
            self._runner.queue(LANE, apply_edit, volume, prediction, before, after, self.tool.canvas.segments,
                               by=reader_name(), at=_now())  # fmt: skip

    def _reshape(self, reshape: Reshape) -> None:
        canvas, volume = self.tool.canvas, self._store.session.volume
        if canvas.prediction is None or canvas.labels is None or canvas.pen is None or volume is None:
            self._refused()
        elif not self.is_busy:
            self._said = ""
            self.tool.free = False  # what is painted meanwhile would be lost
            self._runner.queue(LANE, reshape_label, volume, canvas.prediction, canvas.labels, canvas.pen, reshape,
                               self.form.amount.value(), canvas.segments, axis=self.tool.axis, by=reader_name(),
                               at=_now())  # fmt: skip
            self._draw(self._store.session)

    def _revert(self) -> None:
        prediction, volume = self._store.session.edited, self._store.session.volume
        if prediction is not None and volume is not None and not self.is_busy:
            self.tool.free = False
            self._runner.queue(LANE, revert, volume, prediction, by=reader_name(), at=_now())

    def _refused(self) -> None:
        """Say why nothing was painted."""
        layers = self._store.session.layers
        if not (layers.visible and layers.mask_visible):
            self._say(tr("Masks are hidden: show them before you paint."))
        elif is_resliced(self._store.session):
            self._say(tr("Slabs and turned planes are not drawn on: show single slices as stored first."))
        elif self.tool.canvas.pen is None:
            self._say(tr("Name a label first: what do you want to mark?"))
        else:
            self._say(tr("Nothing was filled: the area runs to the edge of the picture, or holds no such value."))

    def _turned(self, lane: str) -> None:
        if lane == LANE:
            self._draw(self._store.session)
            self.busy.emit()

    def _say(self, text: str) -> None:
        self._said = text
        self._draw(self._store.session)

    def _changed(self, old: Session, new: Session) -> None:
        if not self.open:
            return
        if new.edited is None or new.compared is not None:
            self.close_bar()
        elif (old.editing, old.predictions, old.findings, old.overlays, old.volume) != (
            new.editing, new.predictions, new.findings, new.overlays, new.volume):  # fmt: skip
            self._draw(new)

    def _draw(self, session: Session) -> None:
        self.tool.free = self.tool.free or not self.is_busy
        if self.open:
            self.form.show_session(session, said=self._said, busy=not self.tool.free)

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.form.retranslate()
        self._draw(self._store.session)


def _in_turn(action: Action, *, progress: Progress) -> Action:
    """Hand an action through a lane, behind the jobs that wait there."""
    progress.step("Waiting")
    return action


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
