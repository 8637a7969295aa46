"""Playing a series like a film: time points where there are several, else slices."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from medassist.session.actions import SetTime
from medassist.session.state import Session
from medassist.ui.store import Store
from medassist.ui.viewer.viewer import Viewer

USUAL_FPS, FASTEST_FPS = 10, 60
STEP = 1.5


class Cine(QObject):
    """Step through what the active pane shows; another series, two maps side by side or `stop` end it.

    `changed` tells that it began, ended or has another speed. With `bounce` it turns at the ends instead of starting
    again.
    """

    changed = Signal()

    def __init__(self, store: Store, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._store, self._viewer = store, viewer
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.step)
        self._ahead = 1
        self.fps, self.bounce = USUAL_FPS, False
        store.changed.connect(self._changed)

    @property
    def playing(self) -> bool:
        """Whether it runs."""
        return self._timer.isActive()

    def toggle(self) -> None:
        """Play, or stop."""
        if self.playing:
            self.stop()
        elif self._count() > 1:
            self._ahead = 1
            self._timer.start(round(1000 / self.fps))
            self.changed.emit()

    def stop(self) -> None:
        """Stay at what is on screen."""
        if self.playing:
            self._timer.stop()
            self.changed.emit()

    def set_fps(self, fps: int) -> None:
        """Show so many pictures a second (1 to 60)."""
        self.fps = min(max(fps, 1), FASTEST_FPS)
        self._timer.setInterval(round(1000 / self.fps))
        self.changed.emit()

    def faster(self) -> None:
        """Show more pictures a second."""
        self.set_fps(round(self.fps * STEP))

    def slower(self) -> None:
        """Show fewer pictures a second."""
        self.set_fps(round(self.fps / STEP))

    def step(self) -> None:
        """Show the next one; where there is none to be shown, stop."""
        count, here = self._count(), self._here()
        if not 0 <= here + self._ahead < count and self.bounce:
            self._ahead = -self._ahead
        following = (here + self._ahead) % max(count, 1)
        if self._over_time():
            self._store.dispatch(SetTime(following))
        else:
            self._viewer.active.go_to(following)
        if self._here() == here:
            self.stop()

    def _over_time(self) -> bool:
        volume = self._store.session.volume
        return volume is not None and len(volume.array_tzyx) > 1

    def _count(self) -> int:
        """Return how many pictures there are; none of a series that still loads."""
        volume, shown = self._store.session.volume, self._viewer.active.shown
        if volume is None or shown is None:
            return 0
        return len(volume.array_tzyx) if self._over_time() else shown.layout.count

    def _here(self) -> int:
        shown = self._viewer.active.shown
        return self._store.session.view.time if self._over_time() or shown is None else shown.index

    def _changed(self, old: Session, new: Session) -> None:
        if old.current != new.current or old.volume is not new.volume or new.compared is not None:
            self.stop()
