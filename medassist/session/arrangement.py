"""How the middle of the window is divided into panes, and which series each of them shows. Values only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from medassist.entities.pane_layout import LAYOUTS, PLANES
from medassist.imaging.slicing import Plane


@dataclass(frozen=True)
class Pane:
    """One place of a layout.

    Attributes:
        series_key: what it shows while it is not the active one, "" for nothing.
        plane: the plane asked for; None, or one the series does not have, means the one it was taken in.
    """

    series_key: str = ""
    plane: Plane | None = None


@dataclass(frozen=True)
class Arrangement:
    """The layout and its panes; the active one always shows the series on screen (`Session.current`).

    Attributes:
        panes: one for each place; none in `PLANES`, where all follow the series on screen.
        active: number of the pane that the keys, the panels and the models are about.
        linked: whether panes of one frame of reference go to the same point.
        by_reader: whether a reader chose it, so that no hanging rule may change it.
    """

    layout: str = PLANES
    panes: tuple[Pane, ...] = ()
    active: int = 0
    linked: bool = True
    by_reader: bool = False

    def keys(self, current: str) -> tuple[str, ...]:
        """Return what each pane shows, "" for nothing, while `current` is the series on screen."""
        if not self.panes:
            return (current,)
        return tuple(current if number == self.active else one.series_key for number, one in enumerate(self.panes))

    def with_active(self, number: int, current: str) -> Arrangement:
        """Return it with another active pane; the one left behind keeps `current`."""
        if number == self.active or not 0 <= number < len(self.panes):
            return self
        left = self.with_key(self.active, current)
        return replace(left.with_key(number, ""), active=number)

    def with_key(self, number: int, key: str) -> Arrangement:
        """Return it with another series in one pane."""
        return replace(self, panes=self._with(number, replace(self.panes[number], series_key=key)))

    def only(self, keys: Collection[str]) -> Arrangement:
        """Return it with nothing but these series in its panes; the usual one where it has no layout of its own."""
        if not self.panes or len(self.panes) != LAYOUTS.get(self.layout) or not 0 <= self.active < len(self.panes):
            return Arrangement()
        return replace(self, panes=tuple(one if one.series_key in keys else Pane("", one.plane) for one in self.panes))

    def with_plane(self, plane: Plane) -> Arrangement:
        """Return it with another plane in the active pane."""
        return replace(self, panes=self._with(self.active, replace(self.panes[self.active], plane=plane)))

    def bringing(self, key: str, current: str) -> Arrangement:
        """Return it as it is when a series comes on screen: a pane that shows it already becomes the active one."""
        if not key or key == current:
            return self
        found = (number for number, one in enumerate(self.panes) if one.series_key == key and number != self.active)
        return self.with_active(next(found, self.active), current)

    def _with(self, number: int, pane: Pane) -> tuple[Pane, ...]:
        return (*self.panes[:number], pane, *self.panes[number + 1 :])
