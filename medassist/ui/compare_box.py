"""Which two maps to put side by side: two lists and a button, there once a series has two maps."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from medassist.entities.heatmap import Heatmap
from medassist.language import tr
from medassist.session.comparing import StopComparing, comparable, compare_maps
from medassist.session.state import Session
from medassist.ui.map_names import map_name
from medassist.ui.runner import Runner
from medassist.ui.store import Store

LANE = "compare"
WIDTH = 12


class CompareBox(QWidget):
    """Choose map A and map B of the series on screen; the newest two are offered first."""

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._runner = store, runner
        self._maps: tuple[Heatmap, ...] = ()
        self.labels, self.lists = tuple(QLabel(self) for _ in "AB"), tuple(QComboBox(self) for _ in "AB")
        self.button = QPushButton(self)
        self._lay_out()
        self.button.clicked.connect(self._act)
        for box in self.lists:
            box.currentIndexChanged.connect(lambda _index: self._draw_button())
        for signal in (runner.began, runner.ended):
            signal.connect(lambda _lane: self._draw_button())
        store.changed.connect(self._changed)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        for label, box, letter in zip(self.labels, self.lists, "AB", strict=True):
            label.setText(tr("Map {letter}", letter=letter))
            box.setAccessibleName(tr("Map {letter}", letter=letter))
        self._fill(self._store.session)

    def _lay_out(self) -> None:
        column, form = QVBoxLayout(self), QFormLayout()
        column.setContentsMargins(0, 4, 0, 0)
        for label, box in zip(self.labels, self.lists, strict=True):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(WIDTH)
            form.addRow(label, box)
        column.addLayout(form)
        column.addWidget(self.button)

    def _changed(self, old: Session, new: Session) -> None:
        if old.heatmaps is not new.heatmaps or old.current != new.current:
            self._fill(new)
        elif (old.compared is None) is not (new.compared is None) or old.volume is not new.volume:
            self._draw_button()

    def _fill(self, session: Session) -> None:
        """Offer the maps of the series; what was chosen stays chosen while nothing new came."""
        before, self._maps = self._maps, comparable(session)
        kept = [_place(self._maps, before, box.currentIndex()) for box in self.lists]
        fresh = not before or not self._maps or self._maps[0].values_zyx is not before[0].values_zyx
        for number, box in enumerate(self.lists):
            with QSignalBlocker(box):
                box.clear()
                box.addItems([map_name(session, one) for one in self._maps])
                box.setCurrentIndex(number if fresh or kept[number] < 0 else kept[number])
                box.setToolTip(box.currentText())
        self.setVisible(len(self._maps) > 1)
        self._draw_button()

    def _draw_button(self) -> None:
        session = self._store.session
        first, second = (box.currentIndex() for box in self.lists)
        shown = session.compared
        these = shown is not None and self._is_chosen(shown.first, first) and self._is_chosen(shown.second, second)
        self.button.setText(tr("End comparison") if these else tr("Compare side by side"))
        ready = session.volume is not None and min(first, second) >= 0 and first != second
        self.button.setEnabled(ready and not self._runner.running(LANE))
        self.button.setToolTip("" if first != second else tr("Choose two different maps."))

    def _is_chosen(self, heatmap: Heatmap, index: int) -> bool:
        return 0 <= index < len(self._maps) and self._maps[index].values_zyx is heatmap.values_zyx

    def _act(self) -> None:
        first, second = (self._maps[box.currentIndex()] for box in self.lists)
        shown = self._store.session.compared
        if shown is not None and shown.first is first and shown.second is second:
            self._store.dispatch(StopComparing())
        else:
            self._runner.start(LANE, compare_maps, first, second)


def _place(maps: Sequence[Heatmap], before: Sequence[Heatmap], index: int) -> int:
    """Return where a map that was chosen stands now, -1 when it is gone; a stamp leaves it the same map."""
    if not 0 <= index < len(before):
        return -1
    values = before[index].values_zyx
    return next((at for at, one in enumerate(maps) if one.values_zyx is values), -1)
