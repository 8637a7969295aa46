"""The overlays on screen: a row for each mask, label and map, with an eye, its colour and its size."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from medassist.entities.overlay import Overlay
from medassist.entities.prediction import Segment
from medassist.language import tr
from medassist.session.actions import SetLayers
from medassist.session.label_figures import figures_of
from medassist.session.looks import OnScreen, SetLook, SetLooks, look_of, masks_on_screen
from medassist.session.state import Session
from medassist.ui.edit_words import whose
from medassist.ui.store import Store
from medassist.ui.wording import file_title, label_title, local_title

SWATCH_PX = 12
LOWEST, HIGHEST = 70, 220
MAP = "map"
"""What stands in the place of a key for the map on screen."""
Check = Qt.CheckState
ROLE = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class Chosen:
    """The label of a row; `value` is 0 for the row of a whole mask."""

    key: str
    value: int


class OverlayList(QTreeWidget):
    """Tick and untick to show and hide. `chosen` tells that another row was selected."""

    chosen = Signal()

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._filling = store, False
        self._built: tuple[object, ...] = ()
        self._rows: list[tuple[QTreeWidgetItem, list[QTreeWidgetItem]]] = []
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.itemChanged.connect(self._ticked)
        self.itemSelectionChanged.connect(lambda: None if self._filling else self.chosen.emit())

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.setAccessibleName(tr("Overlays on the picture"))
        self._built = ()
        self.draw(self._store.session)

    def selected(self) -> Chosen | None:
        """Return the label that is selected, None for another row or none."""
        items = self.selectedItems()
        told = items[0].data(0, ROLE) if items else None
        return told if isinstance(told, Chosen) and told.value else None

    def draw(self, session: Session) -> None:
        """Bring the rows up to date; they are made anew only when other overlays are there."""
        self._filling = True
        masks = masks_on_screen(session)
        now = (*((one.key, one.mask) for one in masks), session.heatmap, session.file_map)
        if len(now) != len(self._built) or any(
            not _same(one, other) for one, other in zip(now, self._built, strict=True)
        ):
            self._build(session, masks)
            self._built = now
        for top, rows in self._rows:
            self._mark(session, top, rows)
        self._filling = False
        self.setVisible(bool(self._rows))

    def _build(self, session: Session, masks: tuple[OnScreen, ...]) -> None:
        before = self.selected()
        self.clear()
        self._rows = []
        for one in masks:
            top = self._row(self, _mask_title(one), Chosen(one.key, 0))
            labels = [
                self._row(top, label_title_of(one, segment), Chosen(one.key, segment.value))
                for segment in one.mask.segments
            ]
            self._rows.append((top, labels))
        for row in (row for _top, labels in self._rows for row in labels):
            row.setSelected(before is not None and row.data(0, ROLE) == before)
        self._add_map(session)
        self.expandAll()
        self._fit()

    @staticmethod
    def _row(parent: QTreeWidget | QTreeWidgetItem, text: str, told: object) -> QTreeWidgetItem:
        row = QTreeWidgetItem(parent, [text, ""])
        row.setData(0, ROLE, told)
        row.setToolTip(0, text)
        return row

    def _add_map(self, session: Session) -> None:
        heatmap = session.file_map or session.heatmap
        if heatmap is None:
            return
        name = label_title(session, heatmap.target)
        of_file = session.file_map is not None
        text = tr("Map of a file: {title}", title=name) if of_file else tr("Map: {title}", title=name)
        self._rows.append((self._row(self, text, MAP), []))

    def _fit(self) -> None:
        rows = sum(1 + len(labels) for _top, labels in self._rows)
        tall = max(self.sizeHintForRow(0), 18) * rows + 6
        self.setFixedHeight(min(max(tall, LOWEST), HIGHEST))

    def _mark(self, session: Session, top: QTreeWidgetItem, rows: list[QTreeWidgetItem]) -> None:
        if top.data(0, ROLE) == MAP:
            top.setCheckState(0, Check.Checked if session.layers.heatmap_visible else Check.Unchecked)
            return
        one = next(each for each in masks_on_screen(session) if each.key == top.data(0, ROLE).key)
        shown = 0
        for row, segment in zip(rows, one.mask.segments, strict=True):
            look = look_of(session, one.key, segment.value)
            shown += int(look.visible)
            row.setCheckState(0, Check.Checked if look.visible else Check.Unchecked)
            row.setIcon(0, swatch(look.color or segment.color))
            found = figures_of(session, one.mask, segment.value)
            row.setText(1, "" if found is None or found.volume_ml is None else size_text(found.volume_ml))
        every = len(one.mask.segments)
        top.setCheckState(0, Check.Checked if shown == every else Check.PartiallyChecked if shown else Check.Unchecked)

    def _ticked(self, item: QTreeWidgetItem, _column: int) -> None:
        if self._filling:
            return
        on, told, session = item.checkState(0) is Check.Checked, item.data(0, ROLE), self._store.session
        if told == MAP:
            self._store.dispatch(SetLayers(replace(session.layers, heatmap_visible=on)))
            return
        inside = next((rows for top, rows in self._rows if top is item), [item])
        labels = [row.data(0, ROLE) for row in inside]
        looks = (replace(look_of(session, one.key, one.value), visible=on) for one in labels)
        pairs = zip(labels, looks, strict=True)
        self._store.dispatch(SetLooks(tuple(SetLook(one.key, one.value, look) for one, look in pairs)))


def swatch(color: tuple[int, int, int]) -> QIcon:
    """Return a square of a colour."""
    picture = QPixmap(SWATCH_PX, SWATCH_PX)
    picture.fill(QColor(*color))
    icon = QIcon(picture)
    icon.addPixmap(picture, QIcon.Mode.Selected)  # in its own colour where the row is chosen, too
    return icon


def size_text(volume_ml: float) -> str:
    """Write a volume."""
    return tr("{value} ml", value=f"{volume_ml:.0f}" if volume_ml >= 100 else f"{volume_ml:.3g}")


def _same(one: object, other: object) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return one[0] == other[0] and one[1] is other[1]
    return one is other


def _mask_title(one: OnScreen) -> str:
    if isinstance(one.owner, Overlay):
        return tr("From a file: {title}", title=file_title(one.owner))
    return tr("Drawn by a reader") if one.owner.by_hand else f"{one.owner.model.name} {one.owner.model.version}"


def label_title_of(one: OnScreen, segment: Segment) -> str:
    """Name a label; what a reader changed or drew says so."""
    name = local_title(segment.label, segment.title_zh)
    mark = "" if isinstance(one.owner, Overlay) else whose(one.owner, segment.value)
    return f"{name} · ✎ {mark}" if mark else name
