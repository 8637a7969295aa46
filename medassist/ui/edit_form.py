"""The fields of the bar for editing masks: they show the session and tell of what the reader chooses."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QIcon, QPixmap
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from medassist.entities.editing import Editing, Tool
from medassist.entities.prediction import Segment
from medassist.entities.volume import Volume
from medassist.language import tr
from medassist.session.mask_editing import palette
from medassist.session.mask_shapes import Reshape, obstacle
from medassist.session.state import Session
from medassist.ui.edit_targets import targets
from medassist.ui.edit_words import facts, reshape_text
from medassist.ui.wording import local_title

LOCKED = "🔒 "
SWATCH_PX, SPIN_PX = 12, 86


class EditForm(QWidget):
    """Mask and label, tools, which values may be painted, and the figures: a line each."""

    chosen_target = Signal(object)
    chosen_label = Signal(int)
    named = Signal(str)
    locked = Signal(object)
    spanned = Signal(object)
    reshaped = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.target, self.label, self.name = QComboBox(self), QComboBox(self), QLineEdit(self)
        self.locks, self.leave, self.shape, self.back = (QPushButton(self) for _ in range(4))
        self.brush, self.fill, self.erase, self.ball = (QPushButton(self) for _ in range(4))
        self.radius, self.low, self.high, self.amount = (QDoubleSpinBox(self) for _ in range(4))
        self.only, self.facts, self.size_name, self.to = QCheckBox(self), QLabel(self), QLabel(self), QLabel("–", self)
        self._lock_menu, self._shape_menu = QMenu(self), QMenu(self)
        self._shapes = {reshape: QAction(self) for reshape in Reshape}
        self._offered: Volume | None = None
        self._dress()
        self._lay_out()
        self._tell()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        texts = {
            self.brush: tr("Brush"), self.fill: tr("Fill"), self.erase: tr("Erase"), self.ball: tr("3-D"),
            self.locks: tr("Lock"), self.shape: tr("Whole label"), self.leave: tr("Close"),
            self.back: tr("Back to the original"), self.only: tr("Only values from"),
        }  # fmt: skip
        for button, text in texts.items():
            button.setText(text)
        tips = {
            self.brush: tr("Paint with the left button; [ and ] change the radius"),
            self.fill: tr("Fill what hangs together on this slice with a click"),
            self.erase: tr("Take away instead of painting (X)"),
            self.ball: tr("Reach into neighbouring slices"),
            self.locks: tr("Locked labels never change"),
            self.back: tr("Take back all that was changed by hand in this mask"),
            self.only: tr("Paint only voxels with these values; they are tinted"),
            self.target: tr("Mask to edit"), self.label: tr("Label to paint"), self.radius: tr("Radius of the brush"),
            self.amount: tr("Amount in mm or ml"), self.low: tr("Lowest value"), self.high: tr("Highest value"),
            self.name: tr("New label"),
        }  # fmt: skip
        for widget, text in tips.items():
            widget.setToolTip(text)
            widget.setAccessibleName(text)
        self.name.setPlaceholderText(tr("New label"))
        self.size_name.setText(tr("Radius"))
        self._name_shapes()

    def show_session(self, session: Session, *, said: str, busy: bool) -> None:
        """Show what is edited, and with what; `said` stands in place of the figures, `busy` greys what must wait."""
        editing, volume, prediction = session.editing, session.volume, session.edited
        if editing is None or volume is None or prediction is None:
            return
        self._offer_span(session)
        self._show_targets(session)
        self._show_labels(palette(session), editing)
        self._show_tools(editing, volume)
        for reshape, action in self._shapes.items():
            reason = obstacle(volume, reshape)
            action.setEnabled(not reason)
            action.setToolTip(tr(reason))
        self.shape.setEnabled(not busy and editing.active > 0)
        self.back.setEnabled(not busy and prediction.edit is not None and bool(prediction.edit.values))
        self.facts.setText(tr("Changing the mask") if busy else said or facts(session))

    def _show_targets(self, session: Session) -> None:
        with QSignalBlocker(self.target):
            self.target.clear()
            for one in targets(session):
                self.target.addItem(one.title, one)
                if one.prediction is session.edited and one.prediction is not None:
                    self.target.setCurrentIndex(self.target.count() - 1)
            if session.editing is not None and session.edited is session.editing.fresh:
                self.target.setCurrentIndex(self.target.count() - 1)

    def _show_labels(self, segments: tuple[Segment, ...], editing: Editing) -> None:
        with QSignalBlocker(self.label):
            self.label.clear()
            for one in segments:
                mark = LOCKED if one.value in editing.locked else ""
                self.label.addItem(_swatch(one), mark + local_title(one.label, one.title_zh), one.value)
            self.label.setCurrentIndex(self.label.findData(editing.active))
        self._lock_menu.clear()
        for one in segments:
            action = self._lock_menu.addAction(_swatch(one), local_title(one.label, one.title_zh))
            action.setCheckable(True)
            action.setChecked(one.value in editing.locked)
            action.toggled.connect(lambda on, value=one.value: self.locked.emit(
                editing.locked | {value} if on else editing.locked - {value}))  # fmt: skip
        others = frozenset(one.value for one in segments if one.value != editing.active)
        if others:
            self._lock_menu.addSeparator()
            self._lock_menu.addAction(tr("Lock all others"), lambda: self.locked.emit(others))
            self._lock_menu.addAction(tr("Unlock all"), lambda: self.locked.emit(frozenset()))

    def _show_tools(self, editing: Editing, volume: Volume) -> None:
        flat = editing.tool is Tool.BRUSH
        values = ((self.brush, flat), (self.fill, not flat), (self.erase, editing.erase), (self.ball, editing.ball),
                  (self.only, editing.span is not None))  # fmt: skip
        for button, on in values:
            with QSignalBlocker(button):
                button.setChecked(on)
        with QSignalBlocker(self.radius):
            self.radius.setValue(editing.radius_mm)
        self.radius.setSuffix(" mm" if volume.geometry.calibrated else " px")
        self.radius.setEnabled(flat)
        self.ball.setEnabled(flat and volume.is_regular and volume.geometry.shape_zyx[0] > 1)
        for widget in (self.only, self.low, self.to, self.high):
            widget.setVisible(not volume.is_color)
        for spin, at in ((self.low, 0), (self.high, 1)):
            spin.setEnabled(editing.span is not None)
            if editing.span is not None:
                with QSignalBlocker(spin):
                    spin.setValue(editing.span[at])

    def _offer_span(self, session: Session) -> None:
        """Begin with the values that are seen as grey."""
        window = session.view.window
        if session.volume is self._offered or window is None:
            return
        self._offered = session.volume
        for spin, value in (
            (self.low, window.center - window.width / 2),
            (self.high, window.center + window.width / 2),
        ):
            with QSignalBlocker(spin):
                spin.setValue(value)

    def _name_shapes(self) -> None:
        for reshape, action in self._shapes.items():
            action.setText(reshape_text(reshape, self.amount.value()))

    def _span(self) -> tuple[float, float]:
        return min(self.low.value(), self.high.value()), max(self.low.value(), self.high.value())

    def _tell(self) -> None:
        self.target.activated.connect(lambda index: self.chosen_target.emit(self.target.itemData(index)))
        self.label.activated.connect(lambda index: self.chosen_label.emit(self.label.itemData(index)))
        self.name.returnPressed.connect(self._named)
        self.only.toggled.connect(lambda on: self.spanned.emit(self._span() if on else None))
        for spin in (self.low, self.high):
            spin.editingFinished.connect(lambda: self.spanned.emit(self._span()) if self.only.isChecked() else None)
        self.amount.valueChanged.connect(lambda _value: self._name_shapes())
        for reshape, action in self._shapes.items():
            action.triggered.connect(lambda _on=False, reshape=reshape: self.reshaped.emit(reshape))

    def _named(self) -> None:
        words = self.name.text().strip()
        self.name.clear()
        if words:
            self.named.emit(words)

    def _dress(self) -> None:
        tools = QButtonGroup(self)
        for button in (self.brush, self.fill):
            tools.addButton(button)
        for button in (self.brush, self.fill, self.erase, self.ball):
            button.setCheckable(True)
        for button in (self.brush, self.fill, self.erase, self.ball, self.locks, self.leave, self.shape, self.back):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.locks.setMenu(self._lock_menu)
        self.shape.setMenu(self._shape_menu)
        self._shape_menu.setToolTipsVisible(True)
        self._shape_menu.addActions(list(self._shapes.values()))
        for spin, low, high, value in ((self.radius, 0.2, 100.0, 5.0), (self.amount, 0.1, 100.0, 2.0),
                                       (self.low, -1e6, 1e6, 0.0), (self.high, -1e6, 1e6, 100.0)):  # fmt: skip
            spin.setRange(low, high)
            spin.setDecimals(1)
            spin.setValue(value)
            spin.setKeyboardTracking(False)
            spin.setFixedWidth(SPIN_PX)  # what the range could hold would make the window too wide for small screens
            spin.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.name.setMaxLength(64)
        self.facts.setProperty("role", "dim")
        self.facts.setWordWrap(True)
        for combo in (self.target, self.label):
            combo.setIconSize(QSize(SWATCH_PX, SWATCH_PX))
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(7)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        rows = (
            ((self.target, 3), (self.label, 3), (self.locks, 0), (self.name, 2), (self.leave, 0)),
            ((self.brush, 0), (self.fill, 0), (self.erase, 0), (self.ball, 0), (self.size_name, 0), (self.radius, 0),
             (self.shape, 0), (self.amount, 0)),
            ((self.only, 0), (self.low, 0), (self.to, 0), (self.high, 0), (self.back, 0)),
            ((self.facts, 1),),
        )  # fmt: skip
        for number, widgets in enumerate(rows):
            row = QHBoxLayout()
            row.setSpacing(6)
            for widget, stretch in widgets:
                row.addWidget(widget, stretch)
            if number in (1, 2):
                row.addStretch(1)
            column.addLayout(row)


def _swatch(segment: Segment) -> QIcon:
    picture = QPixmap(SWATCH_PX, SWATCH_PX)
    picture.fill(QColor(*segment.color))
    return QIcon(picture)
