"""One button above the picture: between slices as stored and the regular grid made of them."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from medassist.entities.parts import find, parts_of
from medassist.entities.study import Series
from medassist.entities.volume import Volume
from medassist.language import tr
from medassist.session.jobs import resample_slices
from medassist.session.state import Session
from medassist.ui.opening import LOAD_LANE, show_series
from medassist.ui.runner import Runner
from medassist.ui.store import Store


class GridBar(QWidget):
    """Offer a regular grid for slices that form none, and the way back; hidden where there is nothing to offer."""

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._runner = store, runner
        self.button = QPushButton(self)
        self.button.clicked.connect(self._act)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.addWidget(self.button)
        row.addStretch(1)
        store.changed.connect(self._changed)
        self.retranslate()

    def retranslate(self) -> None:
        """Say the offer again in the current language."""
        session = self._store.session
        volume, other = session.volume, counterpart(session)
        offered = volume is not None and other is None and _can_be_regular(volume)
        self.setVisible(offered or other is not None)
        if other is not None:
            back = volume is not None and volume.series.raw is not None
            self.button.setText(tr("Show the slices as stored") if back else tr("Show the regular grid"))
        else:
            self.button.setText(tr("Resample to a regular grid"))
        self.button.setToolTip(tr("Values between the stored slices are interpolated."))

    def _changed(self, old: Session, new: Session) -> None:
        if old.volume is not new.volume or old.scans is not new.scans:
            self.retranslate()

    def _act(self) -> None:
        session = self._store.session
        other = counterpart(session)
        if other is not None:
            show_series(self._store, self._runner, other)
        elif session.volume is not None:
            self._runner.start(LOAD_LANE, resample_slices, session.volume)


def counterpart(session: Session) -> Series | None:
    """Return the raw slices of the grid on screen, or the grid made of the slices on screen; None without either."""
    if session.volume is None:
        return None
    shown = session.volume.series
    listed = session.all_series()
    if shown.raw is not None:
        return find(listed, shown.raw.key)
    made = [one for one in listed if one.raw is not None]
    made += [part for one in made if one.raw is not None and one.raw.key == shown.part_of for part in parts_of(one)]
    return next((one for one in made if one.raw is not None and one.raw.key == shown.key), None)


def _can_be_regular(volume: Volume) -> bool:
    """Ask only once there is a volume: the room behind the question takes long to import."""
    from medassist.imaging.regular import can_be_regular

    return can_be_regular(volume)
