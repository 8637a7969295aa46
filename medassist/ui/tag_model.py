"""DICOM elements as a tree for Qt: rows are made when somebody looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from medassist.entities.element import ElementRow
from medassist.language import tr
from medassist.ui import theme
from medassist.ui.tag_words import name_text, value_text

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
NOWHERE = QModelIndex()


class _Node:
    """A row with its place in the tree; Qt keeps no more than a number of it."""

    __slots__ = ("_children", "above", "at", "row")

    def __init__(self, row: ElementRow, above: _Node | None, at: int) -> None:
        self.row, self.above, self.at = row, above, at
        self._children: list[_Node] | None = None

    def children(self) -> list[_Node]:
        if self._children is None:
            self._children = [_Node(row, self, at) for at, row in enumerate(self.row.children)]
        return self._children


class TagModel(QAbstractItemModel):
    """Columns: tag, VR, name, value, and the value of a second file where two are compared."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._top: list[_Node] = []
        self._compared = False

    def show_rows(self, rows: Sequence[ElementRow], *, compared: bool) -> None:
        """Show other rows."""
        self.beginResetModel()
        self._top, self._compared = [_Node(row, None, at) for at, row in enumerate(rows)], compared
        self.endResetModel()

    def row_at(self, index: Index) -> ElementRow:
        """Return the row at a place."""
        node: _Node = index.internalPointer()
        return node.row

    def index(self, row: int, column: int, parent: Index = NOWHERE) -> QModelIndex:
        """Return the place of a cell."""
        inside = self._inside(parent)
        return self.createIndex(row, column, inside[row]) if 0 <= row < len(inside) else QModelIndex()

    def parent(self, index: Index) -> QModelIndex:  # type: ignore[override]
        """Return what a row lies in."""
        node: _Node | None = index.internalPointer() if index.isValid() else None
        above = None if node is None else node.above
        return QModelIndex() if above is None else self.createIndex(above.at, 0, above)

    def rowCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802
        """Count the rows inside another one."""
        return len(self._inside(parent)) if parent.column() <= 0 else 0

    def columnCount(self, _parent: Index = NOWHERE) -> int:  # noqa: N802
        """Count the columns."""
        return 5 if self._compared else 4

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:  # noqa: N802
        """Name a column."""
        if orientation is not Qt.Orientation.Horizontal or role != Role.DisplayRole:
            return None
        value = tr("On screen") if self._compared else tr("Value")
        return (tr("Tag"), tr("VR"), tr("Name"), value, tr("Beside it"))[section]

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """Return the text of a cell; a row that differs says so in colour, and with a mark before its name."""
        row = self.row_at(index)
        if role in (Role.DisplayRole, Role.ToolTipRole):
            return self._text(row, index.column())
        if role == Role.ForegroundRole and self._compared and row.differs:
            return QColor(theme.CAUTION)
        return None

    def _text(self, row: ElementRow, column: int) -> str:
        told = row.told
        mark = "≠ " if self._compared and row.differs and column == 2 else ""
        words = (lambda: told.tag, lambda: told.vr, lambda: name_text(told), lambda: value_text(row.one),
                 lambda: value_text(row.other))  # fmt: skip
        return mark + words[column]()

    def _inside(self, parent: Index) -> list[_Node]:
        if not parent.isValid():
            return self._top
        node: _Node = parent.internalPointer()
        return node.children()
