"""Closing a study: its work is on disk first, then the session lets go of everything about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, TypeVar

from medassist.entities.overlay import Overlay
from medassist.entities.parts import find
from medassist.entities.study import Scan, Study
from medassist.progress import Progress
from medassist.session.arrangement import Arrangement
from medassist.session.case_marks import study_name
from medassist.session.case_writer import CaseWriter
from medassist.session.cases import BY_SERIES
from medassist.session.history import WORK
from medassist.session.queued import RunState
from medassist.session.state import Session
from medassist.session.steps import History

T = TypeVar("T")

WATCHED = tuple(dict.fromkeys((*WORK, *BY_SERIES, "region")))


@dataclass(frozen=True, eq=False)
class CloseStudy:
    """Let go of one study, of everything found on it, and of what could be undone.

    `name` is what its work is filed under (see `case_marks.study_name`). Where `saved` tells which session was saved
    and the work has changed since, nothing is closed: a last verdict must not be lost.
    """

    name: tuple[str, str]
    saved: Session | None = None

    def __call__(self, session: Session) -> Session:
        """Return the session without the study; the same session when it is not open, or has work not yet saved."""
        closing = studies_named(session, self.name)
        if not closing or (self.saved is not None and _changed(self.saved, session)):
            return session
        held = [one for study in closing for one in study.series]
        return _without(session, closing, lambda key: bool(key) and find(held, key) is not None, self.name)


def close_saved(writer: CaseWriter, session: Session, name: tuple[str, str], *, progress: Progress) -> CloseStudy:
    """Save the work on a study and let others have it (UnwritableOutput: then it stays open); return its closing."""
    writer.leave(session, name, progress=progress)
    return CloseStudy(name, session)


def studies_named(session: Session, name: tuple[str, str]) -> tuple[Study, ...]:
    """Return the open studies whose work is filed under a name: more than one when two paths hold the same study."""
    studies = (study for scan in session.scans for study in scan.studies if study.series)
    return tuple(study for study in studies if study_name(session, study.series[0].key) == name)


def is_about(session: Session, name: tuple[str, str], key: str) -> bool:
    """Tell whether the series with this key belongs to the study."""
    return any(find(study.series, key) is not None for study in studies_named(session, name))


def _changed(saved: Session, session: Session) -> bool:
    return any(getattr(saved, one) is not getattr(session, one) for one in WATCHED)


def _without(
    session: Session, closing: tuple[Study, ...], gone: Callable[[str], bool], name: tuple[str, str]
) -> Session:
    on_screen = gone(session.current)
    told = session.comparison
    by_series: dict[str, Any] = {
        field: tuple(one for one in getattr(session, field) if not gone(one.series_key)) for field in BY_SERIES
    }
    after = replace(
        session,
        **by_series,
        scans=tuple(_scans(session.scans, closing)),
        volumes=_kept(session.volumes, gone),
        views=_kept(session.views, gone),
        drafts=_kept(session.drafts, gone),
        overlays=tuple(one for one in session.overlays if not _of_study(one, gone)),
        documents=tuple(one for one in session.documents if not (gone(one.key) or gone(one.series_key))),
        element_lists=tuple(one for one in session.element_lists if not gone(one.series_key)),
        awaited=tuple(key for key in session.awaited if not gone(key)),
        chosen=tuple(key for key in session.chosen if not gone(key)),
        queue=tuple(one for one in session.queue if one.state is RunState.RUNNING or not gone(one.series.key)),
        offers=tuple(one for one in session.offers if one.study != name),
        comparison=None if told is not None and gone(told.first.series_key) else told,
        history=History(),
    )
    return _settled(session, after, gone, on_screen)


def _settled(session: Session, after: Session, gone: Callable[[str], bool], on_screen: bool) -> Session:
    """Take what the reader was doing on the study out of hand."""
    kept = {one.tracking_uid for one in after.findings}
    drawn = {one.uid for one in after.measurements}
    return replace(
        after,
        current="" if on_screen else session.current,
        loading=None if on_screen else session.loading,
        region=None if session.region is not None and gone(session.region.series_key) else session.region,
        editing=None if session.editing is not None and gone(session.editing.series_key) else session.editing,
        arrangement=_emptied(session.arrangement, gone),
        focus=session.focus if session.focus in kept else "",
        selected_measurement=session.selected_measurement if session.selected_measurement in drawn else "",
    )


def _emptied(told: Arrangement, gone: Callable[[str], bool]) -> Arrangement:
    """Return the layout with nothing in the panes that showed the study."""
    panes = tuple(replace(one, series_key="") if gone(one.series_key) else one for one in told.panes)
    return told if panes == told.panes else replace(told, panes=panes)


def _scans(scans: Iterable[Scan], closing: tuple[Study, ...]) -> Iterable[Scan]:
    """Return the scans without the studies; one that held nothing else goes with its list of skipped files."""
    for scan in scans:
        left = tuple(study for study in scan.studies if not any(study is one for one in closing))
        if len(left) == len(scan.studies):
            yield scan
        elif left:
            yield replace(scan, studies=left)


def _kept(mapping: Mapping[str, T], gone: Callable[[str], bool]) -> Mapping[str, T]:
    return MappingProxyType({key: one for key, one in mapping.items() if not gone(key)})


def _of_study(overlay: Overlay, gone: Callable[[str], bool]) -> bool:
    return gone(overlay.key) or gone(overlay.series_key)
