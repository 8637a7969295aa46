"""The memory a run will need, told before it starts; in the colour of a problem when less than that is free."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLabel, QWidget

from medassist.entities.volume import Volume
from medassist.inference.packages import Package
from medassist.session.means import Outlook, foresee
from medassist.session.state import Session
from medassist.ui import theme
from medassist.ui.runner import Runner
from medassist.ui.store import Store

LANE = "outlook"
DELAY_MS = 400
"""A reader who walks through series or models is not worth loading networks for."""


class OutlookLine(QLabel):
    """Asks for a forecast once nothing else is at work; hidden while there is none."""

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._runner = store, runner
        self._package: Package | None = None
        self._volume: Volume | None = None
        self._device, self._stale = "auto", False
        self.setWordWrap(True)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self._ask)
        runner.idle.connect(self._wait)
        store.changed.connect(self._changed)
        self.setVisible(False)

    def concern(self, package: Package | None, volume: Volume | None, device: str) -> None:
        """Say which run is meant; nothing is told without a package and a volume."""
        same = package is self._package and volume is self._volume and device == self._device
        self._package, self._volume, self._device = package, volume, device
        self.retranslate()
        if not same:
            self._wait()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        known = self._store.session.outlook
        memory = known.memory if known is not None and known == self._meant(known) else None
        self.setText("" if memory is None else memory.text)
        color = theme.DIM if memory is None or memory.fits else theme.BAD
        self.setStyleSheet(f"color: {color};")
        self.setVisible(memory is not None)

    def _meant(self, known: Outlook) -> Outlook | None:
        """Return what a forecast of the meant run would be called, with what is known."""
        if self._package is None or self._volume is None:
            return None
        return Outlook(self._package.ref, self._volume.series.key, self._device, known.memory, known.checks)

    def _missing(self) -> bool:
        known = self._store.session.outlook
        meant = self._package is not None and self._volume is not None
        return meant and (self._stale or known is None or known != self._meant(known))

    def _wait(self) -> None:
        if self._missing():
            self._timer.start()
        else:
            self._timer.stop()

    def _ask(self) -> None:
        """Start the job, unless others are at work: `idle` comes after them."""
        if self._missing() and not self._runner.running() and self._volume is not None:
            self._runner.start(LANE, foresee, self._package, self._volume, self._device)

    def _changed(self, old: Session, new: Session) -> None:
        """Show what is known; a run or a series took memory, so that what is free is asked again."""
        if old.outlook is not new.outlook:
            self._stale = False
            self.retranslate()
        elif old.predictions is not new.predictions or old.volumes is not new.volumes:
            self._stale = True
