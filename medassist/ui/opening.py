"""Opening: paths become scans, and the first series that can be shown comes on screen by itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Signal

from medassist.entities.study import Series, SeriesKind
from medassist.session.actions import ShowVolume
from medassist.session.arriving import StopArriving, load_in_sight
from medassist.session.engaged import engaged
from medassist.session.jobs import open_path
from medassist.session.restoring import is_case, open_case
from medassist.session.state import Session
from medassist.ui.runner import Runner
from medassist.ui.store import Store

LOAD_LANE = "load"
OPEN_LANES = "open "
"""What the lane of each path that is scanned begins with."""


def is_opening(lane: str) -> bool:
    """Tell whether a lane brings something onto the screen, so that what can wait should."""
    return lane == LOAD_LANE or lane.startswith(OPEN_LANES)


def showable(series: Series) -> bool:
    """Tell whether a series has pictures."""
    return series.kind is not SeriesKind.OTHER and series.shape_zyx[0] > 0


def show_series(store: Store, runner: Runner, series: Series) -> None:
    """Bring a series on screen: at once when its pixels are loaded, else slice by slice by a job.

    The newest choice wins: a series that is still loading leaves the screen. Pixels loaded for other headers (the
    path was opened again and its files had changed) are loaded again.
    """
    known, seen = store.session.volumes.get(series.key), store.session.views.get(series.key)
    if known is not None and known.series == series:
        runner.cancel(LOAD_LANE)
        store.dispatch(ShowVolume(known))
    elif showable(series):
        runner.start(LOAD_LANE, load_in_sight, series, seen.cursor_lps if seen is not None else None)
        store.dispatch(StopArriving())


def dropped_paths(mime: QMimeData) -> tuple[Path, ...]:
    """Return the local files and folders of a drop."""
    return tuple(Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile())


def sources(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return what to scan: several files of one folder are slices of its series, so the folder stands for them."""
    folders = [path.parent for path in paths if path.is_file()]
    found = [path.parent if path.is_file() and folders.count(path.parent) > 1 else path for path in paths]
    return tuple(dict.fromkeys(found))


class Opener(QObject):
    """Scan what the user hands over and show the first series of the first scan that has a picture.

    It stays in the list alone where it would take the place of work, or of what the reader chose meanwhile: `added`
    then tells how many series came.
    """

    added = Signal(int)

    def __init__(self, store: Store, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._runner = store, runner
        self._awaiting_picture, self._chosen_since = False, False
        self._on_screen = ""
        self._after: dict[str, tuple[tuple[Path, ...], str]] = {}
        store.changed.connect(self._scanned)
        runner.began.connect(self._chosen)
        runner.ended.connect(self._ended)

    def open(self, paths: Sequence[Path], charset: str = "") -> None:
        """Scan `paths` one after the other, each in its own lane: an unreadable one does not take the others along.

        In their order, so that which patient comes on screen first is no matter of which disk is quicker.
        Case files, and exported folders that hold one, restore the work instead, on the images it was made on.
        `charset` is what texts are read as instead of what the files declare.
        """
        for case in (path for path in paths if is_case(path)):
            self._runner.start(f"{OPEN_LANES}{case}", open_case, self._store.session, case)
        found = sources([path for path in paths if not is_case(path)])
        self._awaiting_picture, self._chosen_since = bool(found), False
        self._on_screen = "" if self._runner.running(LOAD_LANE) else self._store.session.current
        self._scan(found, charset)

    def _scan(self, paths: tuple[Path, ...], charset: str) -> None:
        """Scan the first of these, and the others when that is done."""
        if not paths:
            return
        lane = f"{OPEN_LANES}{paths[0]}"
        self._after[lane] = paths[1:], charset
        self._runner.start(lane, open_path, paths[0], charset=charset)

    def _ended(self, lane: str) -> None:
        """Go on with what was to be opened next; let go of what did not load to its end."""
        if lane in self._after:
            self._scan(*self._after.pop(lane))
        if lane == LOAD_LANE:
            self._store.dispatch(StopArriving())

    def _chosen(self, lane: str) -> None:
        """Notice that the reader asked for another series after the paths were handed over."""
        self._chosen_since = self._chosen_since or lane == LOAD_LANE

    def _scanned(self, old: Session, new: Session) -> None:
        if not self._awaiting_picture or old.scans is new.scans:
            return
        several = [series for series in new.scans[-1].all_series() if showable(series)]
        if not several:
            return
        self._awaiting_picture = False
        if self._would_disturb(new):
            self.added.emit(len(several))
        else:
            show_series(self._store, self._runner, several[0])

    def _would_disturb(self, session: Session) -> bool:
        """Tell whether a new series must not come on screen by itself."""
        moved_on = bool(self._on_screen and session.current) and session.current != self._on_screen
        return moved_on or self._chosen_since or engaged(session)
