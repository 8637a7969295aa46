"""Saves work as it happens: only what changed, one sitting per study; knows no window."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any

from medassist.entities.errors import UnwritableOutput
from medassist.entities.study import Study
from medassist.progress import Progress
from medassist.session.case_marks import study_name
from medassist.session.cases import SAVED, parts_of, studies_with_work, values_of
from medassist.session.state import Session
from medassist.storage.journal import Sitting, clear_out, study_folder

Name = tuple[str, str]
HEAVY = ("heatmaps",)
"""Written apart, so that a verdict does not wait for a map of hundreds of megabytes."""
LIGHT = tuple(name for name in SAVED if name not in HEAVY)


class _Book:
    """The sitting over one study, and what it holds already."""

    def __init__(self, name: Name, restored: int) -> None:
        self.restored = restored
        self.sitting = Sitting.begin(study_folder(*name))
        self.written: dict[str, Any] = {}
        self.keys: frozenset[str] = frozenset()
        self.marks: Any = None


class CaseWriter:
    """Writes the work of a program; its methods may be called in several threads."""

    def __init__(self) -> None:
        self._books: dict[Name, _Book] = {}
        self._guard, self._light, self._heavy = (threading.Lock() for _ in range(3))
        self._failed, self._finished = False, False
        self._left: weakref.WeakValueDictionary[Name, Study] = weakref.WeakValueDictionary()

    def save(self, session: Session, names: Iterable[str] = SAVED, *, progress: Progress) -> None:
        """Write what changed of some fields since the last time.

        Raises UnwritableOutput the first time the disk refuses, and not again before it took something: the work goes
        on without.
        """
        progress.step("Saving your work")
        wanted = tuple(names)
        with ExitStack() as turns:
            for turn in self._turns(wanted):
                turns.enter_context(turn)
            if not self._finished:
                self._write(session, wanted)

    def _turns(self, names: tuple[str, ...]) -> list[threading.Lock]:
        """Return the locks to hold: no older value of a field may be written after a newer one."""
        heavy = not set(names).isdisjoint(HEAVY)
        light = not set(names) <= set(HEAVY)
        return [turn for turn, needed in ((self._light, light), (self._heavy, heavy)) if needed]

    def _write(self, session: Session, names: tuple[str, ...]) -> None:
        try:
            for name, keys in self._studies(session).items():
                self._save(session, name, keys, names)
            self._failed = False
        except UnwritableOutput:
            if not self._failed:
                self._failed = True
                raise

    def leave(self, session: Session, name: Name, *, progress: Progress) -> None:
        """Write the rest of one study and let others have its sitting (UnwritableOutput: then it is kept).

        What was handed over before and comes later is not written any more: it is older.
        """
        progress.step("Saving your work")
        with self._light, self._heavy:
            keys = self._studies(session).get(name)
            if keys:
                self._left.pop(name, None)
                self._save(session, name, keys, SAVED)
                self._left[name] = session.study_of(min(keys))
            book = self._books.pop(name, None)
            if book is not None:
                book.sitting.close()
                clear_out(study_folder(*name))

    def finish(self, session: Session, *, progress: Progress) -> None:
        """Write the rest, how everything was looked at too, and let others have the sittings."""
        progress.step("Saving your work")
        with self._light, self._heavy:
            try:
                self._write(session, SAVED)
            finally:
                self._finished = True
                for name, book in self._books.items():
                    book.sitting.close()
                    clear_out(study_folder(*name))
                self._books.clear()

    def _studies(self, session: Session) -> Mapping[Name, frozenset[str]]:
        """Return the studies to write: those with work, and those whose work was taken back meanwhile."""
        found = dict(studies_with_work(session))
        for name, book in tuple(self._books.items()):
            still_open = frozenset(key for key in book.keys if session.holds(key))
            found[name] = found.get(name, frozenset()) | still_open
        return {name: keys for name, keys in found.items() if keys}

    def _save(self, session: Session, name: Name, keys: frozenset[str], names: tuple[str, ...]) -> None:
        if self._left.get(name) is session.study_of(min(keys)):
            return
        restored = sum(any(key in keys for key in one.series) for one in session.restored)
        with self._guard:
            book = self._books.get(name)
            if book is not None and restored < book.restored:
                return  # of before what was restored meanwhile
            if book is None or book.restored != restored:
                if book is not None:
                    book.sitting.close()
                book = self._books[name] = _Book(name, restored)
                names = SAVED
        values = values_of(session, keys)
        marks = tuple(id(session.volumes.get(key)) for key in sorted(keys))
        changed = [one for one in names if one not in book.written or not _same(values[one], book.written[one])]
        if not changed and book.keys == keys and book.marks == marks:
            return
        parts, encoder = parts_of(session, keys, changed)
        book.sitting.write(parts, encoder.arrays)
        book.written.update({one: values[one] for one in changed})
        book.keys, book.marks = keys, marks


def _same(one: Any, other: Any) -> bool:
    """Tell whether a field holds the very same things as when it was written."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(one[key] is other[key] or one[key] == other[key] for key in one)
    return one is other or (one == other and not hasattr(one, "geometry"))


def names_of(session: Session) -> frozenset[Name]:
    """Return what the work on each open study is filed under."""
    return frozenset(study_name(session, series.key) for series in session.all_series())
