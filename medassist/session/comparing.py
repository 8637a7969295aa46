"""Two maps of one series side by side: a job that compares them, and the actions that show and leave them.

A comparison is looked at; it is no result, and no report tells of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from medassist.entities.comparison import Comparison
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import ModelRef, Prediction
from medassist.entities.stamp import Stamp, Standing
from medassist.entities.study import warned
from medassist.progress import Progress
from medassist.session.state import Session

LETTERS = ("A", "B")


@dataclass(frozen=True, eq=False)
class ShowComparison:
    """Put two maps side by side; nothing happens when one of them is gone by then."""

    comparison: Comparison

    def __call__(self, session: Session) -> Session:
        """Return the session with the comparison in place of the one before."""
        after = replace(session, comparison=self.comparison)
        return session if after.compared is None else after


@dataclass(frozen=True)
class StopComparing:
    """Show the newest result alone again."""

    def __call__(self, session: Session) -> Session:
        """Return the session without a comparison."""
        return session if session.comparison is None else replace(session, comparison=None)


def compare_maps(first: Heatmap, second: Heatmap, *, progress: Progress) -> ShowComparison:
    """Compare two maps of one series (see `explain.comparing.compare`; Refused where they do not fit together)."""
    from medassist.explain.comparing import compare

    progress.step("Comparing the maps")
    return ShowComparison(compare(first, second))


def stamp_of_difference(told: Comparison) -> Stamp | None:
    """Return what the stamps of two maps mean for their difference: it is worth no more than the lesser map.

    None where neither fails nor means nothing.
    """
    maps = dict(zip(LETTERS, (told.first, told.second), strict=True))
    if empty := [letter for letter, one in maps.items() if one.means_nothing]:
        reasons = (
            warned(
                "Map {letter} means nothing: the figures tell nothing of the model, and the difference is not drawn.",
                letter=letter,
            )
            for letter in empty
        )
        return Stamp(Standing.MEANINGLESS, reasons=tuple(reasons))
    if failed := [letter for letter, one in maps.items() if one.fails]:
        reasons = (warned("Map {letter} fails its checks, so the difference is drawn hatched.", letter=letter)
                   for letter in failed)  # fmt: skip
        return Stamp(Standing.FAILS, reasons=tuple(reasons))
    return None


def comparable(session: Session) -> tuple[Heatmap, ...]:
    """Return the maps of the series on screen that can stand beside the newest of them, newest first."""
    newest = session.heatmap
    if newest is None:
        return ()
    here = (one for one in reversed(session.heatmaps) if one.series_key == session.current)
    return tuple(one for one in here if one.kind is newest.kind and one.geometry.same_grid(newest.geometry))


def seen_alone(session: Session, heatmap: Heatmap, owner: ModelRef | None) -> Session:
    """Return the session as if a map were the only one, and `owner` the only model that ran by itself on its series.

    So one half of the window shows one map with the mask of the very model that it explains; None shows no mask.
    """

    def shown(one: Prediction) -> bool:
        return one.series_key != heatmap.series_key or not one.ran_alone or one.model == owner

    kept = tuple(one for one in session.predictions if shown(one))
    return replace(session, heatmaps=(heatmap,), predictions=kept, comparison=None)
