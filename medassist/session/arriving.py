"""A series on screen while it loads: the job that offers its slices as they are read, and the actions it offers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from medassist.entities.arriving import Arriving
from medassist.entities.errors import UnreadableInput
from medassist.entities.geometry import Geometry
from medassist.entities.study import Series
from medassist.entities.volume import Volume
from medassist.imaging.windows import starting_window
from medassist.progress import Progress
from medassist.session.actions import ShowVolume, center_of
from medassist.session.jobs import load_series
from medassist.session.state import Loading, Point, Session, View

if TYPE_CHECKING:
    from medassist.imaging.outline import Make

QUICK_S = 0.15
"""A series that is there after this time is not worth showing in parts: they would only flicker."""

MOST_SHARE = 0.1
"""How much of the time so far may go into making slices to look at: the whole volume must not come much later."""

MOST_BYTES = 256 << 20
"""How much memory slices may take beside the volume they are read into; beyond that they are only counted."""


@dataclass(frozen=True, eq=False)
class ShowArriving:
    """Put what is there of a series on screen; a series that is not open any more is left alone."""

    arriving: Arriving

    def __call__(self, session: Session) -> Session:
        """Return the session with the series current and loading."""
        new, key = self.arriving, self.arriving.series.key
        if session.arriving is not None and session.current == key and session.loading is not None:
            return replace(session, loading=replace(session.loading, arriving=new))
        if not session.holds(key):
            return session
        before = session.current if session.loading is None else session.loading.before
        session = replace(session, arrangement=session.arrangement.bringing(key, session.current))
        if key in session.views:
            return replace(session, current=key, loading=Loading(new, before))
        first = View(cursor_lps=center_of(new.geometry), window=starting_window(new.sample))
        views = MappingProxyType({**session.views, key: first})
        return replace(session, current=key, views=views, loading=Loading(new, before, first))


@dataclass(frozen=True)
class StopArriving:
    """Take a series that did not load to its end from the screen, and put back what was there before."""

    def __call__(self, session: Session) -> Session:
        """Return the session as it was; without a series on screen when there was none or it has left the memory."""
        loading = session.loading
        if loading is None:
            return session
        back = loading.before if loading.before in session.volumes and session.holds(loading.before) else ""
        guessed = loading.guessed is not None
        kept = {key: view for key, view in session.views.items() if not (guessed and key == session.current)}
        told = session.arrangement.bringing(back, session.current)
        return replace(session, current=back, views=MappingProxyType(kept), loading=None, arrangement=told)


def load_in_sight(series: Series, cursor_lps: Point | None = None, *, progress: Progress) -> ShowVolume:
    """Read the pixels of one series, and offer what is there of it: the slice at the cursor, then its neighbours.

    Without a cursor it begins in the middle. What does not come slice by slice (see `imaging.outline`) is offered when
    it is whole. Raises as `load_series` does.
    """
    from medassist.imaging.load import load, preview
    from medassist.imaging.outline import Watch, comes_slice_by_slice, outline

    if not comes_slice_by_slice(series):
        return load_series(series, progress=progress)
    progress.step("Reading pixels")
    began = time.monotonic()
    grid = outline(series)
    first = _slice_at(grid, cursor_lps)
    parts = _Parts(series, grid, progress, began)
    with suppress(UnreadableInput):  # the slice is damaged: the others may be whole
        parts.slices[first] = preview(series, first)
        parts.offer()
    return ShowVolume(load(series, progress=progress, watch=Watch(first, parts.arrived)))


def _slice_at(grid: Geometry, cursor_lps: Point | None) -> int:
    """Return the slice a reader sees first."""
    depth = grid.shape_zyx[0]
    return depth // 2 if cursor_lps is None else int(np.clip(np.rint(grid.to_index(cursor_lps)[2]), 0, depth - 1))


class _Parts:
    """Gathers slices in the thread that loads, and offers what there is; nothing is made of slices nobody will see."""

    def __init__(self, series: Series, grid: Geometry, progress: Progress, began: float) -> None:
        self._series, self._grid, self._progress, self._began = series, grid, progress, began
        self._waiting: list[int] = []
        self._read: set[int] = set()
        self._bytes, self._spent = 0, 0.0
        self.slices: dict[int, Volume] = {}

    def arrived(self, slices: Sequence[int], make: Make) -> None:
        """Take slices that were just read."""
        self._waiting += [index for index in slices if index not in self.slices]
        self._read.update(slices)
        now = time.monotonic()
        if now - self._began < QUICK_S:
            return
        spare = MOST_SHARE * (now - self._began) - self._spent
        while self._waiting and self._bytes < MOST_BYTES and time.monotonic() - now <= spare:
            index = self._waiting.pop(0)
            self.slices[index] = make(index)
            self._bytes += self.slices[index].array_tzyx.nbytes
        self._spent += time.monotonic() - now
        if self.slices:
            self.offer()

    def offer(self) -> None:
        """Offer everything there is so far."""
        read = len(self._read | set(self.slices))
        part = Arriving(self._series, self._grid, MappingProxyType(dict(self.slices)), read)
        self._progress.offer(ShowArriving(part))
