"""Two maps of one series beside each other, or their difference: linked planes, a scale each, how alike they are."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from medassist.entities.comparison import Comparison
from medassist.entities.heatmap import Heatmap, MapKind
from medassist.imaging.slicing import Plane
from medassist.language import localized, tr
from medassist.session.comparing import StopComparing, seen_alone, stamp_of_difference
from medassist.session.state import Session
from medassist.ui.map_names import figures_meaning, figures_text, map_name
from medassist.ui.stamp_words import verdict_of
from medassist.ui.store import Store
from medassist.ui.viewer import texts
from medassist.ui.viewer.camera import link
from medassist.ui.viewer.color_bar import ColorBar
from medassist.ui.viewer.slice_view import SliceView
from medassist.ui.viewer.slices import overlay_problems, planes_shown

BOTH, APART = (0, 1), (2,)
"""Which of first map, second map and difference are on screen."""
COLUMNS = ((0, 1), (1, 1), (0, 2))


class SideBySide(QWidget):
    """The middle of the window while two maps are compared; every half is drawn as if its map were the only one."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._shown: tuple[int, ...] = BOTH
        self._hidden, self._crosshair = False, True
        self._doubted: Heatmap | None = None
        self.views = tuple(SliceView(store, Plane.AXIAL, self) for _ in COLUMNS)
        self.names, self.bars = tuple(QLabel(self) for _ in COLUMNS), tuple(ColorBar(self) for _ in COLUMNS)
        self.figures, self.notes, self.plane = QLabel(self), QLabel(self), QComboBox(self)
        self.difference, self.leave = QPushButton(self), QPushButton(self)
        self._lay_out()
        for number, view in enumerate(self.views):
            view.leading = number != 1
            view.maximise.connect(lambda number=number: self._toggle_alone(number))
        link([view.camera for view in self.views])
        self.difference.toggled.connect(lambda on: self._show(APART if on else BOTH))
        self.plane.activated.connect(lambda _index: self._draw_again())
        self.leave.clicked.connect(lambda: store.dispatch(StopComparing()))

    def visible_views(self) -> tuple[SliceView, ...]:
        """Return the planes on screen, the one that carries the patient first."""
        return tuple(self.views[number] for number in self._shown)

    def begin(self, plane: Plane) -> None:
        """Show both maps in the plane the reader looked at."""
        self._show(BOTH)
        self.plane.setCurrentIndex(max(0, self.plane.findData(plane)))

    def draw(self, session: Session, *, hidden: bool, crosshair: bool) -> None:
        """Bring everything up to date."""
        told = session.compared
        if told is None:
            return
        self._hidden, self._crosshair = hidden, crosshair
        several = len(planes_shown(session)) == 3
        self.plane.setVisible(several)
        plane = self.plane.currentData() if several else planes_shown(session)[0]
        for number, seen in enumerate(_halves(session, told, self._difference(told))):
            view = self.views[number]
            if number in self._shown:
                view.show_plane(plane)
                view.draw(seen, hidden=hidden, crosshair=crosshair)
            self.names[number].setText(_name(session, seen, told, number))
            self.bars[number].draw(seen, hidden=hidden or number not in self._shown)
        self._draw_figures(told)

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        chosen = self.plane.currentData() or Plane.AXIAL
        self.plane.clear()
        for plane in Plane:
            self.plane.addItem(texts.plane_name(plane), plane)
        self.plane.setCurrentIndex(self.plane.findData(chosen))
        self.plane.setAccessibleName(tr("Plane"))
        self.difference.setText(tr("Difference"))
        self.difference.setToolTip(tr("A minus B, each as a share of its own full scale: shapes, not strengths."))
        self.leave.setText(tr("✕ End comparison"))
        self.leave.setToolTip(tr("Show the newest result alone again (Esc)"))
        for view, letter in zip(self.views, ("A", "B", "A − B"), strict=True):
            view.setAccessibleName(tr("Map {letter}", letter=letter))
        self._draw_again()

    def _lay_out(self) -> None:
        self.difference.setCheckable(True)
        for button in (self.difference, self.leave):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.plane.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.notes.setProperty("role", "dim")
        column, head, self._grid = QVBoxLayout(self), QHBoxLayout(), QGridLayout()
        for each in (column, self._grid):
            each.setContentsMargins(0, 0, 0, 0)
            each.setSpacing(2)
        head.setContentsMargins(8, 2, 8, 2)
        head.addWidget(self.figures, 1)
        for widget in (self.plane, self.difference, self.leave):
            head.addWidget(widget)
        for number, (first, width) in enumerate(COLUMNS):
            self.names[number].setProperty("role", "map")
            self.names[number].setContentsMargins(8, 0, 8, 0)
            parts: tuple[QWidget, ...] = (self.names[number], self.views[number], self.bars[number])
            for row, part in enumerate(parts):
                self._grid.addWidget(part, row, first, 1, width)
        self._grid.setRowStretch(1, 1)
        self.notes.setContentsMargins(8, 0, 8, 2)
        for label in (*self.names, self.figures, self.notes):
            label.setWordWrap(True)
        for label in (*self.names, self.notes):
            label.setTextFormat(Qt.TextFormat.PlainText)  # names come from packages
        column.addLayout(head)
        column.addWidget(self.notes)
        column.addLayout(self._grid, 1)

    def _show(self, numbers: tuple[int, ...]) -> None:
        self._shown = numbers
        blocked = self.difference.blockSignals(True)
        self.difference.setChecked(numbers == APART)
        self.difference.blockSignals(blocked)
        for number in range(len(COLUMNS)):
            self.names[number].setVisible(number in numbers)
            self.views[number].setVisible(number in numbers)
        for side in BOTH:
            self._grid.setColumnStretch(side, int(side in numbers or numbers == APART))
        self._draw_again()

    def _toggle_alone(self, number: int) -> None:
        """Enlarge one map, or show both again."""
        self._show((number,) if self._shown == BOTH else BOTH)

    def _draw_again(self) -> None:
        self.draw(self._store.session, hidden=self._hidden, crosshair=self._crosshair)

    def _difference(self, told: Comparison) -> Heatmap:
        """Return the difference, marked where one of the maps must not be believed; the same one while that stays."""
        stamp, before = stamp_of_difference(told), self._doubted
        if before is None or before.values_zyx is not told.difference.values_zyx or before.stamp != stamp:
            self._doubted = before = replace(told.difference, stamp=stamp)
        return before

    def _draw_figures(self, told: Comparison) -> None:
        self.figures.setText(f"<b>{figures_text(told)}</b>")
        self.figures.setToolTip(figures_meaning(told))
        stamp = stamp_of_difference(told)
        notes = (*told.notes, *(stamp.reasons if stamp is not None else ()))
        self.notes.setText("\n".join(f"⚠ {localized(note)}" for note in notes))
        self.notes.setVisible(bool(notes))


def _halves(session: Session, told: Comparison, apart: Heatmap) -> tuple[Session, Session, Session]:
    """Return the session as each plane shows it; masks of two models would not be told apart over their difference."""
    common = told.first.model if told.first.model == told.second.model else None
    return (
        seen_alone(session, told.first, told.first.model),
        seen_alone(session, told.second, told.second.model),
        seen_alone(session, apart, common),
    )


def _name(session: Session, seen: Session, told: Comparison, number: int) -> str:
    """Name what a plane shows, with whether to believe it and why it is not drawn."""
    first, second = (f"{map_name(session, one)}{_verdict(one)}" for one in (told.first, told.second))
    if number in APART:
        name = tr("A − B: {first} minus {second}", first=first, second=second)
    else:
        name = f"{'AB'[number]}: {(first, second)[number]}"
    known = overlay_problems(replace(seen, heatmaps=()))
    return "\n".join((name, *(f"⚠ {line}" for line in overlay_problems(seen) if line not in known)))


def _verdict(heatmap: Heatmap) -> str:
    if heatmap.kind is not MapKind.ATTRIBUTION:
        return ""
    verdict = verdict_of(heatmap, running=False)
    return f" · {verdict.sign} {verdict.word}"
