"""Measurements of the reader: drawn, changed, named and taken back, with the figures the pixels give. Actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from medassist.entities.finding import Finding, Judgement
from medassist.entities.measurement import Measurement, Point, Shape
from medassist.entities.volume import Volume
from medassist.imaging.measuring import quantities
from medassist.imaging.measuring_plane import index_of_points
from medassist.session.judging import with_measurement
from medassist.session.state import Session

LONGEST_LABEL = 64


@dataclass(frozen=True)
class AddMeasurement:
    """Keep a new drawing and select it; its figures are taken from the pixels of its series."""

    measurement: Measurement

    def __call__(self, session: Session) -> Session:
        """Return the session with the measurement as the newest; one with the same UID gives way to it."""
        new = _measured(session, self.measurement)
        kept = tuple(one for one in session.measurements if one.uid != new.uid)
        return replace(session, measurements=(*kept, new), selected_measurement=new.uid)


def _new_uid() -> str:
    from pydicom.uid import generate_uid

    return str(generate_uid())


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


@dataclass(frozen=True)
class ChangeMeasurement:
    """Move points of a measurement, or name it; what is None stays.

    A finding made of it follows until it is judged, as `follows` tells. Where a verdict was given on its figures, the
    drawing stays as it was judged and the moved one is a new one, `copy_uid`, made `at` this moment.
    """

    uid: str
    points_lps: tuple[Point, ...] | None = None
    label: str | None = None
    copy_uid: str = field(default_factory=_new_uid)
    at: str = field(default_factory=_now)

    def __call__(self, session: Session) -> Session:
        """Return the session with the measurement changed; the same session where there is none or nothing changes."""
        old = measurement_of(session, self.uid)
        if old is None:
            return session
        points = old.points_lps if self.points_lps is None else self.points_lps
        label = old.label if self.label is None else self.label.strip()[:LONGEST_LABEL]
        new = replace(old, points_lps=points, label=label)
        if new == old:
            return session
        if points == old.points_lps:
            return replace(session, measurements=tuple(new if one is old else one for one in session.measurements))
        if any(one.measurement_uid == old.uid and not follows(one) for one in session.findings):
            return AddMeasurement(replace(new, uid=self.copy_uid, made_at=self.at))(session)
        new, volume = _measured(session, new), session.volumes.get(new.series_key)
        return replace(
            session,
            measurements=tuple(new if one is old else one for one in session.measurements),
            findings=tuple(_followed(one, new, volume) for one in session.findings),
        )


@dataclass(frozen=True)
class DropMeasurement:
    """Take a measurement back; a finding made of it keeps the figures it has."""

    uid: str

    def __call__(self, session: Session) -> Session:
        """Return the session without it."""
        kept = tuple(one for one in session.measurements if one.uid != self.uid)
        if len(kept) == len(session.measurements):
            return session
        findings = tuple(
            replace(one, measurement_uid="") if one.measurement_uid == self.uid else one for one in session.findings
        )
        selected = "" if session.selected_measurement == self.uid else session.selected_measurement
        return replace(session, measurements=kept, findings=findings, selected_measurement=selected)


@dataclass(frozen=True)
class SelectMeasurement:
    """Choose the measurement whose points can be dragged; "" for none."""

    uid: str = ""

    def __call__(self, session: Session) -> Session:
        """Return the session with it selected; the same session when it is already, or does not exist."""
        known = not self.uid or measurement_of(session, self.uid) is not None
        same = self.uid == session.selected_measurement
        return session if same or not known else replace(session, selected_measurement=self.uid)


def new_measurement(
    series_key: str,
    shape: Shape,
    points_lps: Sequence[Point],
    *,
    slice_index: int | None,
    time: int = 0,
    label: str = "",
    by: str = "",
) -> Measurement:
    """Return a drawing of this moment with an identifier of its own, without figures yet."""
    return Measurement(
        _new_uid(), series_key, shape, tuple(points_lps), slice_index, time, label[:LONGEST_LABEL], (), by, _now()
    )


def measurement_of(session: Session, uid: str) -> Measurement | None:
    """Return the measurement with a UID."""
    return next((one for one in session.measurements if one.uid == uid), None)


def place_of(measurement: Measurement, volume: Volume) -> Point:
    """Return the point of the grid of a series where the cursor shows a measurement (LPS mm)."""
    index = index_of_points(measurement.points_lps, measurement.slice_index, volume).mean(axis=0)
    x, y, z = volume.geometry.to_world(index).tolist()
    return x, y, z


def follows(finding: Finding) -> bool:
    """Tell whether a finding still takes over changes of its measurement.

    The reader who makes a finding accepts it in the same moment; only a verdict given later is about these figures.
    """
    if finding.judgement is Judgement.UNREVIEWED:
        return True
    as_made = bool(finding.made_at) and finding.judged_at == finding.made_at
    return finding.model is None and finding.judgement is Judgement.ACCEPTED and as_made


def _followed(finding: Finding, measurement: Measurement, volume: Volume | None) -> Finding:
    if finding.measurement_uid != measurement.uid or volume is None:
        return finding
    return with_measurement(finding, measurement, volume)


def _measured(session: Session, measurement: Measurement) -> Measurement:
    """Return a measurement with the figures of its place now: none where its pixels are not in memory to ask."""
    volume = session.volumes.get(measurement.series_key)
    return replace(measurement, quantities=() if volume is None else quantities(measurement, volume))
