"""What opening a path means for what is open already: no series is taken for another, no result outlives its files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count
from types import MappingProxyType

from medassist.entities.draft import Draft
from medassist.entities.finding import Finding, Judgement
from medassist.entities.parts import find
from medassist.entities.study import FrameRef, Scan, Series, Study
from medassist.session.state import Session

Person = tuple[str, str]
Content = tuple[tuple[FrameRef, ...], tuple[int, int, int], Person]
"""Pictures, shape and patient of a series: what a result of it depends on, whatever else its headers say."""


def apart(scan: Scan, others: Iterable[Scan]) -> Scan:
    """Give series of a scan keys of their own where other scans hold something else under the same key.

    Copies and careless de-identification give one SeriesInstanceUID to several series, even of several patients. The
    same files of the same patient, opened by another path, stay the same series.
    """
    taken = {one.key: _content(study, one) for other in others for study in other.studies for one in study.series}
    used = taken.keys() | {one.key for one in scan.all_series()}

    def own(study: Study, one: Series) -> Series:
        mine = _content(study, one)
        return one if taken.get(one.key, mine) == mine else _renamed(one, _free_ending(one.key, used))

    studies = (replace(study, series=tuple(own(study, one) for one in study.series)) for study in scan.studies)
    return replace(scan, studies=tuple(studies))


def without_outdated(before: Session, after: Session) -> Session:
    """Drop from `after` what was made of pictures that `before` had and that are others now.

    Maps, masks, measurements, pixels and what nobody judged go. A verdict and the words of a report are the reader's
    and stay, unless the pictures are of another patient now.
    """
    changed = _changed(before, after)
    if not changed:
        return after
    gone, on_screen = changed.keys(), after.current in changed
    return replace(
        after,
        predictions=tuple(one for one in after.predictions if one.series_key not in gone),
        heatmaps=tuple(one for one in after.heatmaps if one.series_key not in gone),
        probes=tuple(one for one in after.probes if one.series_key not in gone),
        overlays=tuple(one for one in after.overlays if one.series_key not in gone),
        findings=tuple(one for one in after.findings if _counts(one, changed)),
        measurements=tuple(one for one in after.measurements if one.series_key not in gone),
        drafts=MappingProxyType(dict(_drafts(after, changed))),
        volumes=MappingProxyType({key: volume for key, volume in after.volumes.items() if key not in gone}),
        region=None if after.region is not None and after.region.series_key in gone else after.region,
        editing=None if after.editing is not None and after.editing.series_key in gone else after.editing,
        current="" if on_screen else after.current,
        loading=None if on_screen else after.loading,
    )


def are_outdated(before: Session, after: Session, keys: Iterable[str]) -> bool:
    """Tell whether any of these series has other pictures in `after`, or is gone from it."""
    return any(_found(before, key) != _found(after, key) for key in keys)


def _drafts(after: Session, changed: dict[str, bool]) -> Iterator[tuple[str, Draft]]:
    """Return the drafts that stay: of other pictures of the same patient the words, as slices may be others now."""
    for key, one in after.drafts.items():
        if key not in changed:
            yield key, one
        elif not changed[key]:
            yield key, replace(one, pictures=(), left_out=())


def _counts(finding: Finding, changed: dict[str, bool]) -> bool:
    """Tell whether a finding still counts; `changed` says of each key whether the patient is another one."""
    if finding.series_key not in changed:
        return True
    return finding.judgement is not Judgement.UNREVIEWED and not changed[finding.series_key]


def _changed(before: Session, after: Session) -> dict[str, bool]:
    """Return the keys whose pictures are others now, and of each whether they are of another patient."""
    changed = {}
    for key in _keys(before):
        was, now = _found(before, key), _found(after, key)
        if was is None or was == now:
            continue
        if now is not None:
            changed[key] = was[2] != now[2]
        elif _was_resampled(before, key):  # it would come back under its key, from other slices
            changed[key] = False
    return changed


def _keys(session: Session) -> set[str]:
    """Return the keys of all series something is kept of."""
    keys = {*session.volumes, session.current}
    keys.update(one.series_key for one in session.predictions)
    keys.update(one.series_key for one in session.heatmaps)
    keys.update(one.series_key for one in session.findings)
    keys.update(one.series_key for one in session.probes)
    keys.update(one.series_key for one in session.overlays)
    keys.update(one.series_key for one in session.measurements)
    keys.update(session.drafts)
    return keys | ({session.region.series_key} if session.region is not None else set())


def _found(session: Session, key: str) -> Content | None:
    for study in (study for scan in session.scans for study in scan.studies):
        one = find(study.series, key)
        if one is not None:
            return _content(study, one)
    return None


def _was_resampled(session: Session, key: str) -> bool:
    one = find(session.all_series(), key)
    return one is not None and one.raw is not None


def _content(study: Study, series: Series) -> Content:
    return series.frames, series.shape_zyx, (study.patient.patient_id, study.patient.birth_date)


def _free_ending(key: str, used: set[str]) -> str:
    return next(ending for ending in (f"@{number}" for number in count(2)) if f"{key}{ending}" not in used)


def _renamed(series: Series, ending: str) -> Series:
    """Give a series, and the slices it was made of, another key."""
    raw = None if series.raw is None else _renamed(series.raw, ending)
    return replace(series, key=f"{series.key}{ending}", raw=raw)
