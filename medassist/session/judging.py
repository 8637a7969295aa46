"""Findings of the reader: made at a place or of a measurement, added, changed and taken back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from medassist.entities.diameters import Diameters
from medassist.entities.errors import Refused, UsageError
from medassist.entities.finding import Finding, Judgement
from medassist.entities.measurement import Measurement, Quantity, Shape
from medassist.entities.prediction import Code
from medassist.entities.volume import Volume
from medassist.imaging.measuring_plane import index_of_points
from medassist.storage import terminology

if TYPE_CHECKING:
    from medassist.session.state import Session

Point = tuple[float, float, float]
MOST_OF_A_LABEL = 64
NAMELESS = "reader"
"""Stands for a reader without a name where a finding must say that somebody changed it."""
UNITS = {"{pixels}": "px", "{pixels}2": "px2"}
STATISTICS = {"mean": "mean_value", "sd": "sd_value", "min": "min_value", "max": "max_value", "median": "median_value"}


@dataclass(frozen=True, eq=False)
class AddFinding:
    """Add a finding of a reader as the newest; one with the same tracking UID gives way to it."""

    finding: Finding

    def __call__(self, session: Session) -> Session:
        """Return the session with the finding at the end of its list, or in the place of the one it replaces."""
        new = self.finding
        if any(one.tracking_uid == new.tracking_uid for one in session.findings):
            swapped = tuple(new if one.tracking_uid == new.tracking_uid else one for one in session.findings)
            return replace(session, findings=swapped)
        return replace(session, findings=(*session.findings, new))


@dataclass(frozen=True)
class DropFinding:
    """Take back a finding a reader made; what a model claims can be rejected, not dropped."""

    tracking_uid: str

    def __call__(self, session: Session) -> Session:
        """Return the session without it; the same session where nobody but a model claims it."""
        kept = tuple(one for one in session.findings if one.tracking_uid != self.tracking_uid or one.model is not None)
        return session if len(kept) == len(session.findings) else replace(session, findings=kept)


@dataclass(frozen=True)
class EditFinding:
    """Change what a finding is called, its side, whether it is there, and the comment; its figures stay.

    What a model claimed becomes a finding edited, and thereby accepted, by this reader, and keeps the name the model
    gave it in `original_label`. A reader's own finding is signed anew.
    """

    tracking_uid: str
    label: str
    laterality: Code | None
    present: bool
    comment: str
    by: str
    at: str

    def __call__(self, session: Session) -> Session:
        """Return the session with the finding changed (errors as in `finding_of_reader`)."""
        findings = tuple(
            self._edited(one) if one.tracking_uid == self.tracking_uid else one for one in session.findings
        )
        return replace(session, findings=findings)

    def _edited(self, old: Finding) -> Finding:
        words = _words(self.label)
        same = (words, self.laterality) == (old.label, old.laterality)
        named = old if same else with_term(old, words, self.laterality)
        foreign = old.model is not None or old.by != self.by
        renamed = old.model is not None and words != old.target
        return replace(
            named,
            present=self.present,
            comment=self.comment.strip(),
            original_label=old.target if renamed else "",
            edited_by=self.by or NAMELESS if foreign else old.edited_by,
            judgement=Judgement.EDITED if foreign or old.edited_by else Judgement.ACCEPTED,
            judged_by=self.by,
            judged_at=self.at,
        )


def finding_of_reader(
    volume: Volume,
    label: str,
    *,
    by: str,
    at: str,
    place_lps: Point | None = None,
    laterality: Code | None = None,
    present: bool = True,
    comment: str = "",
    measurement: Measurement | None = None,
) -> Finding:
    """Return a claim of a reader about a series, accepted by the very reader who makes it.

    Args:
        volume: the series it is about.
        label: what is claimed; a term of the tables gets its code, category and side, other words stay words.
        by: the reader.
        at: when (local ISO time).
        place_lps: where (mm), None for the whole image; a measurement brings its own place.
        laterality: the side the reader chose; None leaves the one the words name, if any. None is ever invented.
        present: False for something the reader looked for and did not find.
        comment: kept with the verdict.
        measurement: the drawing it is made of: its figures, its slice and its place become those of the finding.

    UsageError without words; Refused where the words name one side and the reader chose the other.
    """
    from pydicom.uid import generate_uid

    words = _words(label)
    claim = Finding(
        tracking_uid=str(generate_uid()), label=words, series_key=volume.series.key, present=present,
        judgement=Judgement.ACCEPTED, judged_by=by, judged_at=at, comment=comment.strip(), by=by, made_at=at,
    )  # fmt: skip
    named = with_term(claim, words, laterality)
    if measurement is not None:
        return with_measurement(named, measurement, volume)
    return named if place_lps is None else _placed(named, place_lps, volume)


def _words(label: str) -> str:
    words = " ".join(label.split())[:MOST_OF_A_LABEL]
    if not words:
        raise UsageError("A finding needs a name.", remedy="Type what you see, for example nodule.")
    return words


def with_term(finding: Finding, label: str, laterality: Code | None) -> Finding:
    """Return a finding under another name, with the code, category and side that name has (Refused as above)."""
    named = terminology.read().named(label)
    said = None if named is None else named.laterality
    if said is not None and laterality is not None and said != laterality:
        raise Refused(
            "The name {label} says another side than the one chosen.", remedy="Choose one of the two.", label=label
        )
    return replace(
        finding,
        label=label,
        title_zh=named.title_zh if named is not None and label.isascii() else "",
        code=None if named is None else named.term.code,
        category=None if named is None else named.term.category,
        modifier=None,
        laterality=said or laterality,
    )


def with_measurement(finding: Finding, measurement: Measurement, volume: Volume) -> Finding:
    """Return a finding with the figures and the place of a measurement as they are now.

    Figures have their unit in the name ("length_mm", "area_mm2", "angle_deg", "length_px"), statistics none
    ("mean_value", as of segments); two axes in mm on one slice are its diameters, as of a segment. The place is the
    mean of the points; on films it is one of the picture, not of the patient, as everywhere.
    """
    axes = _axes(measurement, volume)
    figures = [one for one in measurement.quantities if axes is None or one.name not in ("long_axis", "short_axis")]
    return replace(
        _placed(finding, _middle(measurement), volume, measurement.slice_index),
        measurements=dict(map(_figure, figures)),
        diameters=axes,
        measurement_uid=measurement.uid,
    )


def _axes(measurement: Measurement, volume: Volume) -> Diameters | None:
    """Return the two axes a reader drew on a slice, the longer one first; None without a scale and across slices."""
    told, index = [measurement.quantity(name) for name in ("long_axis", "short_axis")], measurement.slice_index
    long, short = told
    if measurement.shape is not Shape.BIDIRECTIONAL or index is None or long is None or short is None:
        return None
    if (long.unit, short.unit) != ("mm", "mm"):
        return None
    points = np.array(measurement.points_lps, dtype=np.float64)
    if np.linalg.norm(points[1] - points[0]) < np.linalg.norm(points[3] - points[2]):
        points = points[[2, 3, 0, 1]]
    at = index_of_points([(x, y, z) for x, y, z in points.tolist()], index, volume)
    a, b, c, d = ((float(row), float(column)) for column, row, _ in at)
    return Diameters(index, long.value, short.value, (a, b, c, d))


def _middle(measurement: Measurement) -> Point:
    x, y, z = (float(value) for value in np.mean(np.array(measurement.points_lps, dtype=np.float64), axis=0))
    return x, y, z


def _figure(quantity: Quantity) -> tuple[str, float]:
    if quantity.name in STATISTICS:
        return STATISTICS[quantity.name], quantity.value
    if (quantity.name, quantity.unit) == ("area", "{pixels}"):
        return "area_px2", quantity.value
    return f"{quantity.name}_{UNITS.get(quantity.unit, quantity.unit)}".rstrip("_"), quantity.value


def _placed(finding: Finding, place_lps: Point, volume: Volume, index: int | None = None) -> Finding:
    """Put a finding at a place; one seen on the even grid of uneven slices lies where its slice truly lies."""
    column, row, step = (float(value) for value in volume.geometry.to_index(place_lps))
    at = int(np.clip(np.rint(step), 0, volume.geometry.shape_zyx[0] - 1)) if index is None else index
    if index is None and volume.slice_origins_lps is not None and not volume.is_regular:
        place_lps = volume.slice_origins_lps[at] + volume.geometry.affine_lps[:3, :2] @ [column, row]
    x, y, z = (float(value) for value in place_lps)
    return replace(finding, center_lps=(x, y, z), key_slice=at)
