"""The panes of the viewer: where they lie, which one is active, what an empty one says, and series dropped on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QDragEnterEvent, QDragMoveEvent, QDropEvent, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from medassist.entities.pane_layout import LAYOUTS, PLANES
from medassist.imaging.slicing import Plane
from medassist.language import tr
from medassist.session.sameness import Sameness
from medassist.ui import theme
from medassist.ui.store import Store
from medassist.ui.viewer.pane_store import PaneStore
from medassist.ui.viewer.slice_view import SliceView

SERIES_MIME = "application/x-medassist-series"
"""What a series dragged from a list carries: its key as UTF-8."""

FRAME_PX = 2
Place = tuple[int, int, int, int]
PLACES: Mapping[str, tuple[Place, ...]] = MappingProxyType({
    PLANES: ((0, 0, 2, 1), (0, 1, 1, 1), (1, 1, 1, 1)),
    "1x1": ((0, 0, 1, 1),),
    "1x2": ((0, 0, 1, 1), (0, 1, 1, 1)),
    "2x1": ((0, 0, 1, 1), (1, 0, 1, 1)),
    "2x2": ((0, 0, 1, 1), (0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 1, 1)),
    "1+3": ((0, 0, 3, 1), (0, 1, 1, 1), (1, 1, 1, 1), (2, 1, 1, 1)),
})  # fmt: skip
"""Row, column and how many of each: where the panes of a layout lie."""
WIDE: Mapping[str, tuple[int, int]] = MappingProxyType({PLANES: (8, 5), "1+3": (8, 3)})
"""How the width is shared where a layout has a large pane."""
BY_KEYBOARD = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)


def dragged_series(mime: QMimeData) -> str:
    """Return the key of a series that is dragged, "" for anything else."""
    return bytes(mime.data(SERIES_MIME).data()).decode("utf-8", "replace") if mime.hasFormat(SERIES_MIME) else ""


class PaneGrid(QWidget):
    """Lay out planes and hints; tell which pane a reader goes to, and which series is dropped where."""

    entered = Signal(int)
    dropped = Signal(int, str)

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        planes = (*Plane, *(Plane.AXIAL,) * (max(LAYOUTS.values()) - len(Plane)))
        self.views = tuple(SliceView(PaneStore(store, n, self), plane, self) for n, plane in enumerate(planes))
        self.hints, self.warning = tuple(QLabel(self) for _ in self.views), QLabel(self)
        self._framed: int | None = None
        self.warning.setProperty("role", "patients")
        self.warning.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.warning.setWordWrap(True)
        self.warning.hide()
        column, self._grid = QVBoxLayout(self), QGridLayout()
        for each in (column, self._grid):
            each.setContentsMargins(0, 0, 0, 0)
            each.setSpacing(2)
        column.addWidget(self.warning)
        column.addLayout(self._grid, 1)
        for hint in self.hints:
            hint.setProperty("role", "hint")
            hint.setWordWrap(True)
            hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
            hint.hide()
        self.show_only(PLANES, (0, 1, 2))
        self.setAcceptDrops(True)

    def show_only(self, layout: str, shown: Sequence[int], empty: Sequence[int] = ()) -> None:
        """Show some panes where a layout has them, of which some are empty, and share the room between them."""
        for number, (view, hint) in enumerate(zip(self.views, self.hints, strict=True)):
            for widget, wanted in ((view, number not in empty), (hint, number in empty)):
                self._grid.removeWidget(widget)
                if number in shown and wanted:  # a hidden widget in the same cell would take the gap away
                    self._grid.addWidget(widget, *PLACES[layout][number])
                widget.setVisible(number in shown and wanted)
        places, wide = [PLACES[layout][number] for number in shown], WIDE.get(layout, (1, 1))
        for column in range(2):
            used = any(place[1] <= column < place[1] + place[3] for place in places)
            self._grid.setColumnStretch(column, wide[column] if used else 0)
        for row in range(3):
            used = any(place[0] <= row < place[0] + place[2] for place in places)
            self._grid.setRowStretch(row, int(used))

    def mark(self, active: int | None) -> None:
        """Draw a frame around the active pane, or none where all panes show one series."""
        if active != self._framed:
            self._framed = active
            margin = 0 if active is None else FRAME_PX
            self._grid.setContentsMargins(margin, margin, margin, margin)
            self._grid.setSpacing(2 if active is None else 2 * FRAME_PX)
            self.update()

    def warn(self, patients: Sameness) -> None:
        """Say as long as it is so that the panes are not, or may not be, of one patient."""
        texts = {
            Sameness.DIFFERENT: tr("⚠ Different patients on screen: read the name in every pane."),
            Sameness.UNKNOWN: tr("⚠ The files do not tell whether these pictures are of one patient."),
        }
        self.warning.setText(texts.get(patients, ""))
        self.warning.setVisible(patients in texts)

    def at(self, position: QPoint) -> int | None:
        """Return the pane under a position, None between them."""
        widgets = [[view, hint] for view, hint in zip(self.views, self.hints, strict=True)]
        hit = (n for n, pair in enumerate(widgets)
               if any(not one.isHidden() and one.geometry().contains(position) for one in pair))  # fmt: skip
        return next(hit, None)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Look at the mouse before every tool does: a tool must not draw on the series of the pane left behind."""
        super().showEvent(event)
        for number, view in enumerate(self.views):
            for watched in (view.viewport(), view, self.hints[number]):
                watched.removeEventFilter(self)
                watched.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Tell which pane is clicked, or reached by the keyboard; a window that comes back is no reason to change."""
        pressed = event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick)
        reached = event.type() == QEvent.Type.FocusIn and event.reason() in BY_KEYBOARD  # type: ignore[attr-defined]
        if pressed or reached:
            for number, (view, hint) in enumerate(zip(self.views, self.hints, strict=True)):
                if watched in (view, view.viewport(), hint):
                    self.entered.emit(number)
        return False

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Take series of the list; files go to the window."""
        if dragged_series(event.mimeData()):
            event.acceptProposedAction()
        else:
            event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:  # noqa: N802
        """Take a series only where there is a pane."""
        event.setAccepted(self.at(event.position().toPoint()) is not None)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Tell which series was dropped into which pane."""
        number, key = self.at(event.position().toPoint()), dragged_series(event.mimeData())
        if number is not None and key:
            event.acceptProposedAction()
            self.dropped.emit(number, key)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the frame of the active pane into the gaps between the panes."""
        super().paintEvent(event)
        if self._framed is None:
            return
        view, hint = self.views[self._framed], self.hints[self._framed]
        painter = QPainter(self)
        painter.setPen(QPen(QColor(theme.ACCENT), FRAME_PX))
        around = (hint if view.isHidden() else view).geometry()
        painter.drawRect(around.adjusted(-1, -1, 1, 1))
        painter.end()
