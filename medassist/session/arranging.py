"""Actions on panes: choosing a layout, going from pane to pane, and acting on the series of one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from medassist.entities.pane_layout import LAYOUTS
from medassist.entities.study import Series
from medassist.entities.volume import Volume
from medassist.imaging.slicing import Plane, native_plane
from medassist.imaging.windows import starting_window
from medassist.progress import Progress
from medassist.session.actions import Action, center_of
from medassist.session.arrangement import Arrangement, Pane
from medassist.session.jobs import load_series
from medassist.session.linking import followed, linked_with, on_screen, within
from medassist.session.memory import budget_bytes, shown_last
from medassist.session.sameness import Sameness, least_same, sameness
from medassist.session.state import Session, View


def at_pane(session: Session, number: int) -> Session:
    """Return the session as one pane shows it: its series is the one on screen; none where it is not loaded."""
    told = session.arrangement
    if number == told.active or not 0 <= number < len(told.panes):
        return session
    key = told.panes[number].series_key
    shown = key if key in session.volumes and session.holds(key) else ""
    return replace(session, current=shown, loading=None, arrangement=told.with_active(number, session.current))


def patients_on_screen(session: Session) -> Sameness:
    """Tell whether all panes show one patient, as far as the headers say."""
    keys = on_screen(session) if session.arrangement.panes else ()
    studies = [session.study_of(key) for key in keys if session.holds(key)]
    return least_same({id(one): one for one in studies}.values())


@dataclass(frozen=True)
class Activate:
    """Make the series of another pane the one on screen; only one that is loaded, and none while a series loads.

    In a pane that shows nothing the series on screen is shown as well, so that another one can be chosen for it.
    """

    number: int

    def __call__(self, session: Session) -> Session:
        """Return the session with the pane active; the same session where it cannot be."""
        told = session.arrangement
        if session.loading is not None or self.number == told.active or not 0 <= self.number < len(told.panes):
            return session
        if not session.holds(told.panes[self.number].series_key):
            return replace(session, arrangement=told.with_active(self.number, session.current))
        here = at_pane(session, self.number)
        return here if here.current else session


@dataclass(frozen=True, eq=False)
class OnPane:
    """Do something to the view of the series in a pane, without making that pane the active one."""

    number: int
    action: Action

    def __call__(self, session: Session) -> Session:
        """Return the session with it done; the same session where the pane shows nothing."""
        here = at_pane(session, self.number)
        if here is session:
            return self.action(session)
        after = self.action(here) if here.current else here
        if after is here:
            return session
        return replace(after, current=session.current, loading=session.loading, arrangement=session.arrangement)


@dataclass(frozen=True)
class SetLayout:
    """Divide the middle of the window; what was on screen stays there as far as there is room for it.

    Free panes get what is loaded of the same patient, then the other planes of the series on screen. Nothing is loaded
    for it, and no series of another patient comes on screen unasked.
    """

    layout: str

    def __call__(self, session: Session) -> Session:
        """Return the session in this layout (KeyError for one that does not exist)."""
        told, count = session.arrangement, LAYOUTS[self.layout]
        if not count:
            return replace(session, arrangement=Arrangement(linked=told.linked, by_reader=True))
        before, shown = _kept(session, count)
        active = len(before)
        after = [one for one in told.panes[told.active + 1 :] if one.series_key][: count - active - 1]
        spare = _spare(session, [*before, shown, *after])
        panes = [*before, replace(shown, series_key=""), *after]
        panes += [next(spare, Pane()) for _ in range(count - len(panes))]
        return replace(session, arrangement=Arrangement(self.layout, tuple(panes), active, told.linked, by_reader=True))


def _kept(session: Session, count: int) -> tuple[list[Pane], Pane]:
    """Return the panes before the active one that there is room for, and the active one with its series."""
    told = session.arrangement
    if not told.panes:
        return [], Pane(session.current)
    before = [one for one in told.panes[: told.active] if one.series_key][: count - 1]
    return before, replace(told.panes[told.active], series_key=session.current)


def _spare(session: Session, shown: list[Pane]) -> Iterator[Pane]:
    """Yield what may fill free panes: what was seen last comes first."""
    if session.volume is None:
        return
    used, mine = {one.series_key for one in shown}, session.study_of(session.current)
    for key in reversed(tuple(session.volumes)):
        if key not in used and session.holds(key) and sameness(session.study_of(key), mine) is Sameness.SAME:
            yield Pane(key)
    if session.volume.is_regular and session.volume.geometry.shape_zyx[0] > 1:
        own = native_plane(session.volume.geometry)
        taken = {one.plane or own for one in shown if one.series_key == session.current}
        yield from (Pane(session.current, plane) for plane in Plane if plane not in taken)


@dataclass(frozen=True)
class SetPlane:
    """Show another plane in the active pane; where all planes are on screen there is nothing to choose."""

    plane: Plane

    def __call__(self, session: Session) -> Session:
        """Return the session with the plane shown."""
        told = session.arrangement
        return replace(session, arrangement=told.with_plane(self.plane)) if told.panes else session


@dataclass(frozen=True)
class PutInPane:
    """Show a series in a pane that is not the active one; it is loaded if it has to be."""

    number: int
    series_key: str

    def __call__(self, session: Session) -> Session:
        """Return the session with the series there; the same session for a series that is not open."""
        told = session.arrangement
        if not 0 <= self.number < len(told.panes) or self.number == told.active or not session.holds(self.series_key):
            return session
        return replace(session, arrangement=replace(told.with_key(self.number, self.series_key), by_reader=True))


@dataclass(frozen=True)
class SetLinked:
    """Let panes of one frame of reference go to the same point, or each on its own."""

    linked: bool

    def __call__(self, session: Session) -> Session:
        """Return the session so; linked again, the other panes come to where the active one is."""
        return followed(replace(session, arrangement=replace(session.arrangement, linked=self.linked)))


@dataclass(frozen=True)
class Hang:
    """Arrange the panes as a hanging rule says, unless a reader chose how (see `session.hanging`)."""

    layout: str
    panes: tuple[Pane, ...]

    def __call__(self, session: Session) -> Session:
        """Return the session so arranged; the series on screen stays the active one."""
        told = session.arrangement
        if told.by_reader:
            return session
        active = next((n for n, one in enumerate(self.panes) if one.series_key == session.current), None)
        if active is None:
            return replace(session, arrangement=Arrangement(linked=told.linked))
        hung = Arrangement(self.layout, self.panes, active, told.linked).with_key(active, "")
        return session if hung == told else replace(session, arrangement=hung)


@dataclass(frozen=True)
class HangByRules:
    """Leave the layout to the hanging rules again."""

    def __call__(self, session: Session) -> Session:
        """Return the session as it was before a reader chose a layout."""
        return replace(session, arrangement=Arrangement(linked=session.arrangement.linked))


@dataclass(frozen=True, eq=False)
class KeepVolume:
    """Keep a series that was loaded for a pane; the one on screen stays."""

    volume: Volume
    budget_bytes: int = field(default_factory=budget_bytes)

    def __call__(self, session: Session) -> Session:
        """Return the session with it in memory; the same session when it is not open any more."""
        key, pinned = self.volume.series.key, frozenset(on_screen(session))
        if not session.holds(key):
            return session
        fresh = View(cursor_lps=center_of(self.volume.geometry), window=starting_window(self.volume))
        volumes = shown_last(session.volumes, self.volume, self.budget_bytes, pinned)
        views = {**session.views, key: session.views.get(key, fresh)}
        after = replace(session, volumes=volumes, views=views)
        place = session.view.cursor_lps
        if key in linked_with(after, session.current) and within(self.volume.geometry, place) == place:
            views[key] = replace(views[key], cursor_lps=place)
        return replace(after, views=MappingProxyType(views))


def load_beside(series: Series, *, progress: Progress) -> KeepVolume:
    """Read the pixels of a series for a pane beside others (UnreadableInput names the file and the reason)."""
    return KeepVolume(load_series(series, progress=progress).volume)
