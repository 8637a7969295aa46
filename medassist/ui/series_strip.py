"""The list of studies and series: rows with pictures, as high as their words need, to drag onto the viewer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from PySide6.QtCore import QLocale, QMimeData, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QIcon, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from medassist.ui.series_strip_icons import SIZE
from medassist.ui.viewer.panes import SERIES_MIME

KEY = Qt.ItemDataRole.UserRole
"""Role of the key of a series; "" for a row that unfolds, None for one that says something."""
INDENTATION = 12
BREAKABLE = re.compile(r"[_/]|\.(?=[^\W\d])")
"""Where a long name may go on in the next line; never inside a number."""


class SeriesStrip(QTreeWidget):
    """A tree whose rows carry thumbnails; only rows on screen are painted.

    Signals: `dragged` when a drag has ended; `looked_at` when other rows may have come on screen.
    """

    dragged = Signal()
    looked_at = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setHeaderHidden(True)
        self.setIndentation(INDENTATION)
        self.setIconSize(SIZE)
        self.setWordWrap(True)
        self.setItemDelegate(WrappedText(self))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        for moved in (self.verticalScrollBar().valueChanged, self.expanded, self.collapsed):
            moved.connect(lambda _to: self.looked_at.emit())

    def keys_on_screen(self) -> tuple[str, ...]:
        """Return the keys of the series whose rows can be seen, from the top."""
        return tuple(str(item.data(0, KEY)) for item in self._rows_on_screen() if item.data(0, KEY))

    def mimeTypes(self) -> list[str]:  # noqa: N802
        """Return what a drag carries."""
        return [SERIES_MIME]

    def mimeData(self, items: Sequence[QTreeWidgetItem]) -> QMimeData:  # noqa: N802
        """Return the key of the series that was taken; of several the one under the pointer."""
        data, taken = QMimeData(), self.currentItem()
        keys = [str(item.data(0, KEY)) for item in items if item.data(0, KEY)]
        if keys:
            key = str(taken.data(0, KEY)) if taken is not None else ""
            data.setData(SERIES_MIME, (key if key in keys else keys[0]).encode())
        return data

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Tell that there is room for more rows, or that there is any at all."""
        super().resizeEvent(event)
        self.looked_at.emit()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Tell that the rows are seen for the first time."""
        super().showEvent(event)
        self.looked_at.emit()

    def startDrag(self, actions: Qt.DropAction) -> None:  # noqa: N802
        """Drag, then tell that it is over."""
        super().startDrag(actions)
        self.dragged.emit()

    def _rows_on_screen(self) -> Iterator[QTreeWidgetItem]:
        item, bottom = self.itemAt(1, 1) or self.topLevelItem(0), self.viewport().height()
        while item is not None and self.isVisible() and self.visualItemRect(item).top() < bottom:
            yield item
            item = self.itemBelow(item)


class WrappedText(QStyledItemDelegate):
    """Give every row the height its text needs at the width of the tree, beside its picture."""

    def __init__(self, tree: QTreeWidget) -> None:
        super().__init__(tree)
        self._tree = tree

    def displayText(self, value: object, locale: QLocale | QLocale.Language) -> str:  # noqa: N802
        """Let names of files break where they have no space."""
        return BREAKABLE.sub("\\g<0>\u200b", super().displayText(value, locale))

    def sizeHint(self, _option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        """Measure the wrapped text of a row."""
        depth, parent = 1, index.parent()
        while parent.isValid():
            depth, parent = depth + 1, parent.parent()
        icon = index.data(Qt.ItemDataRole.DecorationRole)
        picture = icon.actualSize(self._tree.iconSize()) if isinstance(icon, QIcon) else QSize(0, 0)
        beside = picture.width() + 8 if picture.width() > 0 else 0
        width = max(60, self._tree.viewport().width() - depth * self._tree.indentation() - beside - 24)
        metrics = QFontMetrics(index.data(Qt.ItemDataRole.FontRole) or self._tree.font())
        text = self.displayText(index.data(Qt.ItemDataRole.DisplayRole), self._tree.locale())
        flags = int(Qt.TextFlag.TextWordWrap)
        high = metrics.boundingRect(QRect(0, 0, width, 10_000), flags, text).height()
        return QSize(width, max(high, picture.height()) + 8)
