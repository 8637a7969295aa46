"""Saves the work as it happens and looks for work saved earlier; says nothing unless the disk refuses."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from medassist.session.case_marks import study_name
from medassist.session.case_writer import HEAVY, LIGHT, CaseWriter, names_of
from medassist.session.closing import CloseStudy, close_saved, studies_named
from medassist.session.history import WORK
from medassist.session.restoring import begin_afresh, look_for_work, save_case, take_offer
from medassist.session.state import Session
from medassist.storage.journal import study_folder
from medassist.ui.runner import Runner
from medassist.ui.series_strip_pictures import THUMBNAIL_LANE
from medassist.ui.store import Store

SAVE_MS = 300
"""From a change to its writing: several at once are one line, and a second is not over yet."""
SAVE_LANE, MAPS_LANE, RESTORE_LANE = "save", "save maps", "restore"
QUIET_LANES = (SAVE_LANE, MAPS_LANE, THUMBNAIL_LANE)
"""Nobody waits for these."""
WATCHED = (*WORK, "heatmaps", "region", "impressions", "restored")
"""What is written at once; how things are looked at goes along, and at the end."""


class CaseKeeper(QObject):
    """One writer for one window. While it is not `active` nothing is saved and nothing looked for."""

    def __init__(self, store: Store, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._runner, self._writer = store, runner, CaseWriter()
        self.active = True
        self._looked: set[tuple[str, str]] = set()
        self._due: set[str] = set()
        self._closing: set[tuple[str, str]] = set()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_MS)
        self._timer.timeout.connect(self._save)
        store.changed.connect(self._changed)
        runner.ended.connect(self._saved)
        runner.failed.connect(self._failed)

    @property
    def waiting(self) -> bool:
        """Whether something changed that was not handed to be written yet."""
        return self._timer.isActive()

    def restore(self, folder: Path) -> None:
        """Put work that was offered in place of what there is of the same series."""
        self._runner.start(RESTORE_LANE, take_offer, self._store.session, folder)

    def begin_afresh(self, folder: Path) -> None:
        """Leave work that was offered aside."""
        self._runner.queue(SAVE_LANE, begin_afresh, folder)

    def save_as(self, path: Path) -> None:
        """Write the work on the study on screen into a file."""
        self._runner.queue(SAVE_LANE, save_case, self._store.session, path)

    def close_study(self, key: str) -> None:
        """Save the work on the study of a series, then close it; it stays open where the disk refuses."""
        name = study_name(self._store.session, key)
        self._closing.add(name)
        self._leave(name)

    def _leave(self, name: tuple[str, str]) -> None:
        if self.active:
            self._runner.queue(SAVE_LANE, close_saved, self._writer, self._store.session, name)
        else:
            self._store.dispatch(CloseStudy(name))
        self._looked.discard(name)

    def _saved(self, lane: str) -> None:
        """Try again where work came in while it was saved."""
        if lane != SAVE_LANE:
            return
        self._closing = {name for name in self._closing if studies_named(self._store.session, name)}
        for name in self._closing:
            self._leave(name)

    def _failed(self, lane: str, _error: object) -> None:
        if lane == SAVE_LANE:
            self._closing.clear()

    def finish(self) -> None:
        """Write the rest before the window goes; the runner waits for it."""
        self._timer.stop()
        if self.active:
            self._runner.queue(SAVE_LANE, self._writer.finish, self._store.session)
            self.active = False

    def _changed(self, old: Session, new: Session) -> None:
        if not self.active:
            return
        self._due.update(name for name in WATCHED if getattr(old, name) is not getattr(new, name))
        if self._due and not self._timer.isActive():
            self._timer.start()
        if old.scans is not new.scans:
            for name in sorted(names_of(new) - self._looked):
                self._looked.add(name)
                folder = study_folder(*name)
                if folder.is_dir():
                    self._runner.start(f"look into {folder.name}", look_for_work, name)

    def _save(self) -> None:
        due, self._due = self._due, set()
        if not due.isdisjoint(LIGHT) or "restored" in due:
            self._runner.queue(SAVE_LANE, self._writer.save, self._store.session, LIGHT)
        if not due.isdisjoint(HEAVY):
            self._runner.queue(MAPS_LANE, self._writer.save, self._store.session, HEAVY)
