"""What each pane shows of the session, and drawing those panes again whose picture changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import is_

import numpy as np

from medassist.entities.pane_layout import PLANES
from medassist.imaging.slicing import Plane, native_plane
from medassist.language import tr
from medassist.session.arranging import at_pane, patients_on_screen
from medassist.session.focusing import focused
from medassist.session.linking import is_pointed_at
from medassist.session.state import Session
from medassist.ui.viewer.camera import link
from medassist.ui.viewer.panes import PaneGrid
from medassist.ui.viewer.repainting import same_picture
from medassist.ui.viewer.slice_view import SliceView
from medassist.ui.viewer.slices import planes_shown

State = tuple[str, tuple[Plane | None, ...], int | None]


class PaneDrawing:
    """Arrange the panes of a grid and draw them; a pane whose picture stays is left alone."""

    def __init__(self, grid: PaneGrid) -> None:
        self._grid = grid
        self._maximised: int | None = None
        self._state: State = (PLANES, (), None)
        self._shown: tuple[int, ...] = (0, 1, 2)
        self._drawn: dict[int, tuple[Session, tuple[object, ...]]] = {}
        self._linked: tuple[object, ...] = ()
        self._seen: tuple[Session, ...] = ()

    def shown(self, active: int) -> tuple[SliceView, ...]:
        """Return the planes on screen, that of the active pane first where panes have series of their own."""
        order = sorted(self._shown, key=lambda number: number != active) if self._state[0] != PLANES else self._shown
        return tuple(view for view in (self._grid.views[number] for number in order) if not view.isHidden())

    def maximise(self, view: SliceView | None) -> None:
        """Show one pane alone, all of them again when it was alone already, or with None in any case."""
        number = None if view is None else self._grid.views.index(view)
        self._maximised = None if self._maximised == number else number

    @property
    def maximised(self) -> SliceView | None:
        """The pane that is shown alone."""
        return None if self._maximised is None else self._grid.views[self._maximised]

    def forget(self) -> None:
        """Draw everything at the next call."""
        self._drawn.clear()

    def arrange(self, session: Session) -> None:
        """Bring the layout up to date: before panes are drawn, and before they come on screen, they have their size."""
        self._seen = _seen(session)
        self._arrange((session.arrangement.layout, _planes(session, self._seen), self._maximised), session)

    def draw(self, session: Session, *, hidden: bool, crosshair: bool) -> None:
        """Bring the panes up to date; `arrange` comes first."""
        told = session.arrangement
        leading: set[str] = set()
        for number in self._shown:
            here = self._seen[number] if told.panes else session
            first = here.current not in leading if told.panes else number == self._shown[0]
            leading.add(here.current)
            marked = crosshair and len(planes_shown(here)) == 3
            marked = marked and (not told.panes or is_pointed_at(session, here.current))
            self._draw_pane(number, here, first, hidden, marked)
        self._link(session)

    def _draw_pane(self, number: int, here: Session, leading: bool, hidden: bool, crosshair: bool) -> None:
        view = self._grid.views[number]
        state = (leading, hidden, crosshair, view.plane)
        before = self._drawn.get(number)
        if before is not None and before[1] == state and same_picture(before[0], here):
            return
        self._drawn[number] = here, state
        view.leading = leading
        view.draw(focused(here), hidden=hidden, crosshair=crosshair)

    def _arrange(self, state: State, session: Session) -> None:
        layout, planes, maximised = state
        if not planes or (not session.arrangement.panes and session.geometry is None):
            return
        empty = tuple(number for number, plane in enumerate(planes) if plane is None)
        if state != self._state:
            self._state = state
            alone = maximised is not None and maximised < len(planes)
            self._shown = tuple(number for number in range(len(planes)) if not alone or number == maximised)
            for number, plane in enumerate(planes):
                if plane is not None:
                    self._grid.views[number].show_plane(plane)
            self._clear(number for number in range(len(self._grid.views)) if number >= len(planes) or number in empty)
            self._grid.show_only(layout, self._shown, empty)
        for number in empty:
            self._grid.hints[number].setText(_hint(session, number))
        framed = len(self._shown) > 1 and layout != PLANES
        self._grid.mark(session.arrangement.active if framed else None)
        self._grid.warn(patients_on_screen(session))

    def _clear(self, numbers: Iterable[int]) -> None:
        """Let go of what panes that are not there any more hold."""
        for number in numbers:
            if self._drawn.pop(number, None) is not None:
                self._grid.views[number].draw(Session(), hidden=False, crosshair=False)

    def _link(self, session: Session) -> None:
        """Let panes that show the same plane on the same grid zoom and move together."""
        views = [self._grid.views[number] for number in self._shown]
        together = session.arrangement.linked and bool(session.arrangement.panes)
        state = (together, *views, *(view.shown.layout if view.shown is not None else None for view in views))
        if len(state) == len(self._linked) and all(map(is_, state, self._linked)):
            return
        self._linked = state
        groups: dict[object, list[SliceView]] = {}
        for view in self._grid.views:
            own = together and view in views and view.shown is not None
            groups.setdefault(_picture_plane(session, view) if own else view, []).append(view)
        for group in groups.values():
            link([view.camera for view in group])


def _seen(session: Session) -> tuple[Session, ...]:
    """Return the session as every pane with a series of its own shows it."""
    return tuple(at_pane(session, number) for number in range(len(session.arrangement.panes)))


def _planes(session: Session, seen: Sequence[Session]) -> tuple[Plane | None, ...]:
    """Return the plane of every pane, None for an empty one."""
    told = session.arrangement
    if not told.panes:
        return planes_shown(session)
    return tuple(plane_of(here, pane.plane) for here, pane in zip(seen, told.panes, strict=True))


def plane_of(here: Session, wanted: Plane | None) -> Plane | None:
    """Return the plane a pane shows: the one asked for, else the one its series was taken in; None without a series."""
    possible = planes_shown(here)
    if wanted in possible or here.geometry is None:
        return wanted if possible else None
    return native_plane(here.geometry)


def _hint(session: Session, number: int) -> str:
    key = session.arrangement.panes[number].series_key
    if key and session.holds(key):
        return tr("{title} is not loaded yet.", title=session.series(key).title)
    return tr("Drop a series here, or click here and choose one in the list.")


def _picture_plane(session: Session, view: SliceView) -> tuple[object, ...]:
    """Return what two panes have in common when the same place of their scenes is the same place in the patient."""
    assert view.shown is not None  # noqa: S101 - the caller looked
    placed = view.shown.layout
    corner, right, down = (placed.to_lps(row, column, 0) for row, column in ((0, 0), (0, 1), (1, 0)))
    normal = np.cross(right - corner, down - corner)
    normal /= np.linalg.norm(normal)
    flat = corner - normal * float(corner @ normal)
    key = view.shown.volume.series.key
    frame = placed.geometry.frame_of_reference_uid or key
    steps = (tuple(np.round(one, 4).tolist()) for one in (flat, right - corner, down - corner))
    return frame, session.study_of(key).patient, placed.shape, *steps
