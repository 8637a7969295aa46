"""Who has the left button: at most one tool at a time; without one a drag changes the grey scale."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class Pointer(QObject):
    """Remember whose the left button is. `taken(owner)` tells all other tools to give it up."""

    taken = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._owner: object | None = None

    @property
    def owner(self) -> object | None:
        """The tool that has the left button, None where it changes the grey scale."""
        return self._owner

    def take(self, owner: object) -> None:
        """Give the left button to a tool."""
        if self._owner is not owner:
            self._owner = owner
            self.taken.emit(owner)

    def release(self, owner: object) -> None:
        """Give it back, unless another tool has it by now."""
        if self._owner is owner:
            self._owner = None
