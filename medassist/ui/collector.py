"""Collect cyclic garbage in the GUI thread only, in small portions.

Left alone, Python collects in whichever thread allocates: a worker would delete widgets, and one full collection
over the objects of torch and monai stops the window for a quarter of a second.
"""

from __future__ import annotations

import gc
import sys

from PySide6.QtCore import QObject, QTimer

EVERY_MS = 500
ROUNDS_PER_FULL = 20
MANY_MODULES = 20


class Collector(QObject):
    """Take over from the automatic collector between `start` and `stop`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rounds = 0
        self._modules = len(sys.modules)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.collect)

    def start(self) -> None:
        """Switch the automatic collector off and collect here from time to time."""
        gc.disable()
        self._timer.start(EVERY_MS)

    def stop(self) -> None:
        """Give the work back to the automatic collector."""
        self._timer.stop()
        gc.enable()

    def collect(self) -> None:
        """Collect the young objects; now and then all, without those of modules, which live for ever anyway."""
        self._rounds += 1
        if len(sys.modules) - self._modules > MANY_MODULES:
            self._modules = len(sys.modules)
            gc.freeze()
        gc.collect(2 if self._rounds % ROUNDS_PER_FULL == 0 else 1)
