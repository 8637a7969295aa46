"""Actions: frozen values that turn one session into the next. Nothing else changes state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, TypeVar

import numpy as np

from medassist.entities.comparison import Comparison
from medassist.entities.finding import Finding, Judgement
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.parts import find
from medassist.entities.prediction import Prediction
from medassist.entities.study import Scan, Series
from medassist.entities.volume import Volume, Window
from medassist.imaging.windows import starting_window
from medassist.session.kept_edits import edited_of, with_run
from medassist.session.linking import followed
from medassist.session.memory import budget_bytes, shown_last
from medassist.session.probes import with_evidence
from medassist.session.reopening import apart, without_outdated
from medassist.session.state import Layers, Point, Session, View
from medassist.session.thresholds import with_settings

K = TypeVar("K")
V = TypeVar("V")


class Action(Protocol):
    """One step of the session."""

    def __call__(self, session: Session) -> Session:
        """Return the next session."""


def _with(mapping: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    return MappingProxyType({**mapping, key: value})


def _change_view(session: Session, **changes: object) -> Session:
    view = replace(session.view, **changes)  # type: ignore[arg-type]
    return replace(session, views=_with(session.views, session.current, view))


def center_of(geometry: Geometry) -> Point:
    """Return the centre of the middle voxel of a grid (LPS mm)."""
    depth, height, width = geometry.shape_zyx
    x, y, z = geometry.to_world([width // 2, height // 2, depth // 2])
    return float(x), float(y), float(z)


@dataclass(frozen=True, eq=False)
class AddScan:
    """Add what was found under a path; opening the same path again replaces it.

    Grids resampled from slices that are still the same stay listed; a series that is gone leaves the screen, also
    while it loads. What was found on pictures that are others now goes, and another series of the same UID gets a key
    of its own (see `session.reopening`).
    """

    scan: Scan

    def __call__(self, session: Session) -> Session:
        """Return the session with the scan at the end."""
        others = tuple(scan for scan in session.scans if scan.source != self.scan.source)
        found = apart(self.scan, others)
        for one in (series for scan in session.scans if scan not in others for series in scan.all_series()):
            known = {series.key: series for series in found.all_series()}
            if one.raw is not None and one.key not in known and find(known.values(), one.raw.key) == one.raw:
                found = _listed(found, one)
        after = without_outdated(session, replace(session, scans=(*others, found)))
        return after if after.holds(session.current) else replace(after, current="", loading=None)


@dataclass(frozen=True, eq=False)
class ShowVolume:
    """Put a loaded series on screen, at its middle slice and starting window unless it was seen before.

    Where it was on screen while it loaded, what the reader changed since stays, and what was guessed is known now.
    Where a pane shows it already, that pane becomes the active one.
    Series unseen for longest leave the memory when all together exceed `budget_bytes`; what was found on them stays.
    """

    volume: Volume
    budget_bytes: int = field(default_factory=budget_bytes)

    def __call__(self, session: Session) -> Session:
        """Return the session with the volume loaded and current."""
        key = self.volume.series.key
        fresh = View(cursor_lps=center_of(self.volume.geometry), window=starting_window(self.volume))
        arrangement = session.arrangement.bringing(key, session.current)
        guessed = session.loading.guessed if session.loading is not None and session.current == key else None
        view = session.views.get(key, fresh)
        return replace(
            session,
            volumes=shown_last(session.volumes, self.volume, self.budget_bytes, arrangement.keys(key)),
            current=key,
            arrangement=arrangement,
            views=_with(session.views, key, view if guessed is None else _settled(view, guessed, fresh)),
            loading=None,
        )


def _settled(view: View, guessed: View, fresh: View) -> View:
    """Return a view in which what is still as it was guessed gives way to what is known now."""
    return replace(
        view,
        cursor_lps=fresh.cursor_lps if view.cursor_lps == guessed.cursor_lps else view.cursor_lps,
        window=fresh.window if view.window == guessed.window else view.window,
    )


@dataclass(frozen=True, eq=False)
class ShowResampled:
    """List a resampled volume behind the slices it was made of, and put it on screen."""

    volume: Volume

    def __call__(self, session: Session) -> Session:
        """Return the session with the new series listed, loaded and current."""
        series = self.volume.series
        scans = tuple(_listed(scan, series) for scan in session.scans)
        return ShowVolume(self.volume)(replace(session, scans=scans))


def _listed(scan: Scan, series: Series) -> Scan:
    """Put a series behind the one it was made of; the same one of an earlier time gives way."""
    studies = []
    for study in scan.studies:
        kept = [one for one in study.series if one.key != series.key]
        home = () if series.raw is None else (series.raw.key, series.raw.part_of or series.raw.key)
        at = next((n for n, one in enumerate(kept) if one.key in home), None)
        studies.append(study if at is None else replace(study, series=(*kept[: at + 1], series, *kept[at + 1 :])))
    return replace(scan, studies=tuple(studies))


@dataclass(frozen=True)
class MoveCursor:
    """Look at another point; it is kept inside the volume. Linked panes go there, too."""

    cursor_lps: Point

    def __call__(self, session: Session) -> Session:
        """Return the session with the cursor moved."""
        geometry = session.geometry
        if geometry is None:
            return session
        last = np.array(geometry.shape_zyx[::-1]) - 1
        x, y, z = geometry.to_world(np.clip(geometry.to_index(self.cursor_lps), 0, last))
        return followed(_change_view(session, cursor_lps=(float(x), float(y), float(z))))


@dataclass(frozen=True)
class SetTime:
    """Look at another time point; it is kept inside the series."""

    time: int

    def __call__(self, session: Session) -> Session:
        """Return the session at that time point."""
        if session.volume is None:
            return session
        return _change_view(session, time=int(np.clip(self.time, 0, len(session.volume.array_tzyx) - 1)))


@dataclass(frozen=True)
class SetWindow:
    """Change the grey-scale window of the series on screen."""

    window: Window

    def __call__(self, session: Session) -> Session:
        """Return the session with the window set; widths below 1e-6 are raised to it."""
        return _change_view(session, window=replace(self.window, width=max(self.window.width, 1e-6)))


@dataclass(frozen=True)
class Invert:
    """Swap black and white on screen."""

    def __call__(self, session: Session) -> Session:
        """Return the session with the picture inverted."""
        return _change_view(session, inverted=not session.view.inverted)


@dataclass(frozen=True)
class SetLayers:
    """Change how overlays are drawn."""

    layers: Layers

    def __call__(self, session: Session) -> Session:
        """Return the session with other layers."""
        return replace(session, layers=self.layers)


@dataclass(frozen=True, eq=False)
class AddPrediction:
    """Keep what a model said, with the findings made from it.

    An earlier run of the same model on the same series is replaced together with the findings nobody judged.
    Judged findings stay; the very same weights saying the same again is no second finding. Two maps of the series
    that stood side by side give way: what was asked for last is on screen.
    A mask that a reader changed by hand is never replaced: the same weights only add a note that they ran again, and
    others come beside it.
    """

    prediction: Prediction
    findings: tuple[Finding, ...]

    def __call__(self, session: Session) -> Session:
        """Return the session with the prediction and its findings."""
        new = self.prediction
        edited = edited_of(session.predictions, new.series_key)
        models = {one.model for one in edited}
        if new.model in models:
            return _with_maps(replace(session, predictions=with_run(session.predictions, new)), new)

        def outdated(one: Finding) -> bool:
            same_model = one.model is not None and one.model.name == new.model.name and one.model not in models
            return same_model and one.series_key == new.series_key and one.judgement is Judgement.UNREVIEWED

        kept = tuple(
            one
            for one in session.predictions
            if (one.model.name, one.series_key) != (new.model.name, new.series_key) or one in edited
        )
        judged = tuple(one for one in session.findings if not outdated(one))
        settled = {_claim(one) for one in judged}
        news = tuple(one for one in self.findings if _claim(one) not in settled)
        news = tuple(with_evidence(session, with_settings(session, one)) for one in news)
        after = replace(session, predictions=(*kept, new), findings=(*judged, *news), focus="",
                        comparison=_comparison_after(session, new.series_key))  # fmt: skip
        return _with_maps(after, new)


def _with_maps(after: Session, new: Prediction) -> Session:
    """Return the session with the maps a run brought along."""
    for one in (new.spread, new.uncertainty):  # the last one is on screen
        after = after if one is None else AddHeatmap(one)(after)
    return after


def _claim(one: Finding) -> tuple[object, ...]:
    """Return what a finding claims: of the pieces of a lesion each its own, by its place and not by its number."""
    place = None if one.component is None or one.center_lps is None else tuple(round(mm, 1) for mm in one.center_lps)
    return one.series_key, one.target, one.model, one.component is None, place


@dataclass(frozen=True, eq=False)
class AddHeatmap:
    """Keep a map; an earlier one of the same method, target, region, comparison and series is replaced.

    It comes on screen alone, also where two maps stood side by side.
    """

    heatmap: Heatmap

    def __call__(self, session: Session) -> Session:
        """Return the session with the map as the newest."""

        def identity(one: Heatmap) -> tuple[str, ...]:
            part = "" if one.region is None else one.region.name
            return one.method, one.target, one.against, one.series_key, one.model.sha256, part

        kept = tuple(one for one in session.heatmaps if identity(one) != identity(self.heatmap))
        comparison = _comparison_after(session, self.heatmap.series_key)
        return replace(session, heatmaps=(*kept, self.heatmap), comparison=comparison, focus=self._focus(session))

    def _focus(self, session: Session) -> str:
        """Return the finding looked at alone, unless this map, which was asked for, would not be seen then."""
        about = next((one for one in session.findings if one.tracking_uid == session.focus), None)
        kept = about is not None and (about.target, about.model) == (self.heatmap.target, self.heatmap.model)
        return session.focus if kept else ""


def _comparison_after(session: Session, series_key: str) -> Comparison | None:
    """Return the maps side by side unless there is something new of their series."""
    told = session.comparison
    return None if told is not None and told.first.series_key == series_key else told


@dataclass(frozen=True)
class Judge:
    """Record the reader's verdict on one finding; one a reader changed is accepted as edited."""

    tracking_uid: str
    judgement: Judgement
    by: str
    at: str
    comment: str = ""

    def __call__(self, session: Session) -> Session:
        """Return the session with the finding judged."""
        findings = tuple(
            self._judged(one) if one.tracking_uid == self.tracking_uid else one for one in session.findings
        )
        return replace(session, findings=findings)

    def _judged(self, finding: Finding) -> Finding:
        changed = self.judgement is Judgement.ACCEPTED and bool(finding.edited_by)
        verdict = Judgement.EDITED if changed else self.judgement
        return replace(finding, judgement=verdict, judged_by=self.by, judged_at=self.at, comment=self.comment)


@dataclass(frozen=True)
class ReportWritten:
    """Remember which files an export wrote."""

    files: tuple[Path, ...]

    def __call__(self, session: Session) -> Session:
        """Return the session with the files at the end of its list."""
        return replace(session, reports=(*session.reports, *self.files))
