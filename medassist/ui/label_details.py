"""One label of an overlay: its colour and strength, its lock while it is edited, where it is largest, its figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from medassist.entities.look import LabelLook
from medassist.entities.prediction import Mask, Segment
from medassist.language import tr
from medassist.session.actions import MoveCursor
from medassist.session.label_figures import figures_of, measure_labels
from medassist.session.looks import SAFE_COLORS, SetLook, look_of, masks_on_screen
from medassist.session.mask_editing import SetEditing
from medassist.session.state import Session
from medassist.ui.label_words import figure_lines
from medassist.ui.overlay_list import Chosen, swatch
from medassist.ui.runner import Runner
from medassist.ui.store import Store

LANE = "label figures"
FULL = 100


class LabelDetails(QWidget):
    """Shown below the list while a label is selected; measures it when it is not known yet."""

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._runner = store, runner
        self._chosen: Chosen | None = None
        self.color, self.jump, self.lock = QPushButton(self), QPushButton(self), QCheckBox(self)
        self.palette_menu = QMenu(self.color)
        self.color.setMenu(self.palette_menu)
        self.labels = (QLabel(self), QLabel(self))
        self.fill, self.outline = self._slider("fill"), self._slider("outline")
        self.told = QLabel(self)
        self.told.setWordWrap(True)
        self.told.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.palette_menu.aboutToShow.connect(self._fill_palette)
        self.jump.clicked.connect(self._go)
        self.lock.clicked.connect(self._lock)
        self._lay_out()
        self.hide()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.color.setText(tr("Colour"))
        self.jump.setText(tr("Largest area"))
        self.jump.setToolTip(tr("Go to the slice where this label is largest"))
        self.lock.setText(tr("Locked"))
        self.lock.setToolTip(tr("While the mask is edited, this label stays as it is"))
        for label, slider, word in zip(
            self.labels, (self.fill, self.outline), (tr("Fill"), tr("Outline")), strict=True
        ):
            label.setText(word)
            slider.setAccessibleName(tr("{part} of this label", part=word))
        self.draw(self._store.session)

    def show_label(self, chosen: Chosen | None) -> None:
        """Show another label, or none."""
        self._chosen = chosen
        self.draw(self._store.session)

    def draw(self, session: Session) -> None:
        """Bring it up to date; a label nobody measured yet is measured."""
        found = self._found(session)
        self.setVisible(found is not None)
        if found is None or self._chosen is None:
            return
        mask, segment = found
        look = look_of(session, self._chosen.key, segment.value)
        self.color.setIcon(swatch(look.color or segment.color))
        for slider, share in ((self.fill, look.fill), (self.outline, look.outline)):
            slider.blockSignals(True)
            slider.setValue(round(FULL * share))
            slider.blockSignals(False)
        editing = session.editing if session.edited is not None and session.edited.mask is mask else None
        self.lock.setVisible(editing is not None)
        self.lock.setChecked(editing is not None and segment.value in editing.locked)
        self._draw_figures(session, mask, segment)

    def _draw_figures(self, session: Session, mask: Mask, segment: Segment) -> None:
        volume, known = session.volume, figures_of(session, mask, segment.value)
        self.jump.setEnabled(known is not None and known.largest_lps is not None)
        if volume is None or not mask.geometry.same_grid(volume.geometry):
            self.told.setText(tr("This mask lies on another grid, so nothing under it is measured."))
        elif known is None:
            self.told.setText(tr("Measuring…"))
            self._runner.start(LANE, measure_labels, mask, volume, session.view.time)
        else:
            self.told.setText("\n".join(figure_lines(known, volume)))

    def _found(self, session: Session) -> tuple[Mask, Segment] | None:
        chosen = self._chosen
        if chosen is None:
            return None
        masks = (one.mask for one in masks_on_screen(session) if one.key == chosen.key)
        return next(((mask, one) for mask in masks for one in mask.segments if one.value == chosen.value), None)

    def _slider(self, name: str) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal, self)
        slider.setRange(0, FULL)
        slider.valueChanged.connect(lambda value: self._change(lambda look: replace(look, **{name: value / FULL})))
        return slider

    def _change(self, change: Callable[[LabelLook], LabelLook]) -> None:
        if self._chosen is not None:
            key, value = self._chosen.key, self._chosen.value
            self._store.dispatch(SetLook(key, value, change(look_of(self._store.session, key, value))))

    def _fill_palette(self) -> None:
        menu = self.palette_menu
        menu.clear()
        for color in SAFE_COLORS:
            entry = menu.addAction(swatch(color), QColor(*color).name())
            entry.triggered.connect(lambda _on=False, color=color: self._paint(color))
        menu.addSeparator()
        menu.addAction(tr("As before")).triggered.connect(lambda _on=False: self._paint(None))
        menu.addAction(tr("Another colour…")).triggered.connect(lambda _on=False: self._ask())

    def _paint(self, color: tuple[int, int, int] | None) -> None:
        self._change(lambda look: replace(look, color=color))

    def _ask(self) -> None:
        """Let any colour be chosen; the window is not blocked meanwhile."""
        dialog = QColorDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(lambda one: self._paint((one.red(), one.green(), one.blue())))
        dialog.show()

    def _go(self) -> None:
        session, found = self._store.session, self._found(self._store.session)
        known = None if found is None else figures_of(session, found[0], found[1].value)
        if known is not None and known.largest_lps is not None:
            self._store.dispatch(MoveCursor(known.largest_lps))

    def _lock(self, on: bool) -> None:
        editing, chosen = self._store.session.editing, self._chosen
        if editing is not None and chosen is not None:
            locked = editing.locked | {chosen.value} if on else editing.locked - {chosen.value}
            self._store.dispatch(SetEditing(replace(editing, locked=locked)))

    def _lay_out(self) -> None:
        column, row, grid = QVBoxLayout(self), QHBoxLayout(), QGridLayout()
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self.color, self.jump, self.lock):
            row.addWidget(part)
        row.addStretch(1)
        for number, (label, slider) in enumerate(zip(self.labels, (self.fill, self.outline), strict=True)):
            grid.addWidget(label, 0, 2 * number)
            grid.addWidget(slider, 0, 2 * number + 1)
        column.addLayout(row)
        column.addLayout(grid)
        column.addWidget(self.told)
