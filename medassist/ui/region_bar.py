"""The bar over the picture while a region is drawn: its name, the brush, following, keeping, and what to do next."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from medassist.entities.errors import MedAssistError
from medassist.entities.finding import Judgement
from medassist.entities.prompt import Box
from medassist.inference.catalogue import find
from medassist.inference.packages import Package
from medassist.language import localized, tr
from medassist.session import regions
from medassist.session.comparing import StopComparing
from medassist.session.regions import DropRegion, SetRegion, UndoRegion
from medassist.session.reslicing import is_resliced
from medassist.session.state import Session
from medassist.ui.job_bar import JobBar
from medassist.ui.reader import reader_name
from medassist.ui.runner import Runner
from medassist.ui.store import Store
from medassist.ui.viewer.region_tool import Mode, RegionTool, asked_again
from medassist.ui.viewer.viewer import Viewer

LANE = "region"
MODEL = "litemedsam"
KEY = "B"
NAME_PX = 180
LINES = 6


class RegionBar(QWidget):
    """Shown while regions are drawn (key B). `package` has another value in tests only."""

    def __init__(
        self,
        store: Store,
        runner: Runner,
        viewer: Viewer,
        parent: QWidget | None = None,
        *,
        package: Callable[[], Package] = lambda: find(MODEL),
    ) -> None:
        super().__init__(parent)
        self._store, self._runner, self._find, self._pointer = store, runner, package, viewer.pointer
        self._package: Package | None = None
        self._problem: MedAssistError | None = None
        self.tool = RegionTool(store, viewer.views, self.ask, self)
        self.hint, self.name, self.progress = QLabel(self), QLineEdit(self), JobBar(runner, LANE, self)
        self.box, self.paint, self.erase = (QPushButton(self) for _ in Mode)
        self.brush = QDoubleSpinBox(self)
        self.follow, self.undo, self.keep, self.leave = (QPushButton(self) for _ in range(4))
        self._lay_out()
        self._connect()
        self.setVisible(False)
        self.retranslate()

    @property
    def open(self) -> bool:
        """Whether regions are drawn now."""
        return not self.isHidden()

    def reason(self) -> str:
        """Return why nothing can be outlined here, in the language of the window; "" when it can."""
        try:
            self._package = self._find()
        except MedAssistError as problem:
            return localized(problem)
        return tr(self._package.availability.reason)

    def toggle(self) -> None:
        """Begin to draw, or stop; what was not kept is forgotten."""
        if self.open:
            self.close_bar()
            return
        self._store.dispatch(StopComparing())  # boxes are drawn on the planes
        self.setVisible(True)
        self._pointer.take(self)
        self._mode(Mode.BOX)
        self._draw(self._store.session)
        self.tool.activate(not self.reason())

    def close_bar(self) -> None:
        """Give the mouse back and forget the region that was not kept."""
        self._runner.cancel(LANE)
        self.tool.activate(False)
        self._pointer.release(self)
        self.setVisible(False)
        self._store.dispatch(DropRegion())
        self._draw(self._store.session)

    def _give_way(self, owner: object) -> None:
        if owner is not self and self.open:
            self.close_bar()

    def step_back(self) -> None:
        """Forget the region, or leave when there is none."""
        if self._store.session.drawing is None:
            self.close_bar()
        else:
            self._runner.cancel(LANE)
            self._store.dispatch(DropRegion())

    def ask(self, box: Box) -> None:
        """Ask the model what lies in a box the reader drew, seen as it is on screen."""
        session, package = self._store.session, self._package
        if session.volume is None or package is None or not package.availability.ok:
            return
        view = session.view
        region = asked_again(session, regions.draw_box(
            session.volume, package, box, window=view.window, inverted=view.inverted, time=view.time, by=reader_name(),
        ))  # fmt: skip
        self._store.dispatch(SetRegion(region))
        self._runner.start(LANE, regions.outline_region, session.volume, package, region)

    def follow_through(self) -> None:
        """Follow the region through the volume."""
        session, package = self._store.session, self._package
        if session.volume is not None and package is not None and session.drawing is not None:
            self._runner.start(LANE, regions.follow_region, session.volume, package, session.drawing)

    def keep_it(self) -> None:
        """Keep the region as a finding of the reader, who has looked at it and says so."""
        session = self._store.session
        region, volume = session.drawing, session.volume
        if region is None or volume is None or region.is_empty:
            return
        verdict = Judgement.EDITED if region.prompt.brushed else Judgement.ACCEPTED
        taken = [segment.value for mask in session.regions for segment in mask.segments]
        self._runner.queue(LANE, regions.keep_region, volume, region, label=self.name.text(), taken=taken,
                           judgement=verdict, by=reader_name())  # fmt: skip

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        texts = {
            self.box: tr("Box"), self.paint: tr("Paint"), self.erase: tr("Erase"),
            self.follow: tr("Through the volume"), self.undo: tr("Undo"), self.keep: tr("Keep as finding"),
            self.leave: tr("Close"),
        }  # fmt: skip
        for button, text in texts.items():
            button.setText(text)
        self.name.setPlaceholderText(tr("Name of the region"))
        self.name.setAccessibleName(tr("Name of the region"))
        self.brush.setAccessibleName(tr("Radius of the brush"))
        self.brush.setToolTip(tr("Radius of the brush"))
        self.progress.retranslate()
        self._draw(self._store.session)

    def _lay_out(self) -> None:
        self.keep.setProperty("role", "primary")
        self.hint.setWordWrap(True)
        self.hint.setProperty("role", "dim")
        self.name.setMaxLength(64)
        self.name.setFixedWidth(NAME_PX)
        self.brush.setRange(0.5, 50.0)
        self.brush.setSingleStep(0.5)
        self.brush.setDecimals(1)
        self.brush.setValue(self.tool.brush_mm)
        self.modes = QButtonGroup(self)
        for button in (self.box, self.paint, self.erase):
            button.setCheckable(True)
            self.modes.addButton(button)
        for button in (self.box, self.paint, self.erase, self.follow, self.undo, self.keep, self.leave):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        column, row, below = QVBoxLayout(self), QHBoxLayout(), QHBoxLayout()
        column.setContentsMargins(8, 4, 8, 4)
        for widget in (self.box, self.paint, self.erase, self.brush, self.undo, self.follow):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.leave)
        below.addWidget(self.name)
        below.addWidget(self.keep)
        below.addWidget(self.hint, 1)
        below.addWidget(self.progress, 1)
        column.addLayout(row)
        column.addLayout(below)
        self.setFixedHeight(LINES * self.fontMetrics().lineSpacing())  # the picture must not jump when a job begins

    def _connect(self) -> None:
        modes = ((self.box, Mode.BOX), (self.paint, Mode.PAINT), (self.erase, Mode.ERASE))
        for button, mode in modes:
            button.clicked.connect(lambda _on=False, mode=mode: self._mode(mode))
        self.brush.valueChanged.connect(self._resize)
        self.follow.clicked.connect(self.follow_through)
        self.undo.clicked.connect(lambda: self._store.dispatch(UndoRegion()))
        self.keep.clicked.connect(self.keep_it)
        self.leave.clicked.connect(self.close_bar)
        self.shortcuts = tuple(QShortcut(QKeySequence(key), self.window()) for key in (KEY, "Esc"))
        for shortcut, act in zip(self.shortcuts, (self.toggle, self.step_back), strict=True):
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(act)
        self._pointer.taken.connect(self._give_way)
        self._store.changed.connect(self._changed)
        for signal in (self._runner.began, self._runner.ended):
            signal.connect(lambda _lane: self._draw(self._store.session))

    def _mode(self, mode: Mode) -> None:
        self.tool.choose(mode)
        {Mode.BOX: self.box, Mode.PAINT: self.paint, Mode.ERASE: self.erase}[mode].setChecked(True)

    def _resize(self, radius: float) -> None:
        self.tool.brush_mm = radius

    def _changed(self, old: Session, new: Session) -> None:
        if old.drawing is not None and new.drawing is None:
            self._mode(Mode.BOX)
        if old.drawing is not new.drawing or old.volume is not new.volume:
            self._draw(new)

    def _draw(self, session: Session) -> None:
        for shortcut in self.shortcuts[1:]:
            shortcut.setEnabled(self.open)
        if not self.open:
            return
        region, busy, reason = session.drawing, self._runner.running(LANE), self.reason()
        marked = region is not None and not region.is_empty
        several = session.volume is not None and session.volume.is_regular and session.volume.geometry.shape_zyx[0] > 1
        for button in (self.paint, self.erase):
            button.setEnabled(region is not None and not busy)
        self.box.setEnabled(not reason)
        self.brush.setEnabled(region is not None)
        calibrated = session.volume is None or session.volume.geometry.calibrated
        self.brush.setSuffix(" mm" if calibrated else " px")
        self.follow.setEnabled(marked and several and not busy)
        self.undo.setEnabled(region is not None and region.before is not None and not busy)
        self.keep.setEnabled(marked and not busy)
        self.name.setEnabled(not reason)
        self.hint.setVisible(not busy)
        self.hint.setText(reason or _hint(session))


def _hint(session: Session) -> str:
    """Say what to do next."""
    region = session.drawing
    if session.volume is None:
        return tr("Open a study to outline something on it.")
    if is_resliced(session):
        return tr("Slabs and turned planes are not drawn on: show single slices as stored first.")
    if region is None:
        return tr("Drag a box around one structure, in the plane of the slices as stored. The model marks what stands "
                  "out in it.")  # fmt: skip
    if region.is_empty:
        return tr("Nothing is marked. Drag the box or its handles.")
    if any(region.ended):
        first, last = (index + 1 for index in region.prompt.slices)
        return tr("On slices {first} to {last}. Before them: {below}; behind them: {above}. Look at every slice.",
                  first=first, last=last, below=tr(region.ended[0]), above=tr(region.ended[1]))  # fmt: skip
    return tr("Drag the handles to correct it, or paint. Keeping it makes it a finding of yours.")
