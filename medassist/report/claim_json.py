"""A finding as `result.json` tells it: the claim and who made it, what was measured, the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medassist.entities.component import Component
from medassist.entities.diameters import Diameters
from medassist.entities.finding import Finding
from medassist.entities.prediction import Code
from medassist.entities.volume import Volume
from medassist.imaging.measuring_plane import index_of_points
from medassist.report.operating import as_json as as_json_at_threshold
from medassist.report.probes import as_json as probe_as_json
from medassist.report.wording import knows_places


def of_class(finding: Finding) -> dict[str, Any]:
    """Return a claim of a classifier, with its score and operating point."""
    return _claim(finding) | {
        "probability": finding.probability,
        "spread": finding.spread,
        "threshold": finding.threshold,
        "positive": finding.present,
        "calibrated": finding.calibrated,
        "exclusive": finding.exclusive,
        "operating_point": finding.operating_point,
        **as_json_at_threshold(finding),
    }


def of_segment(finding: Finding, volume: Volume) -> dict[str, Any]:
    """Return a claim about a segment or a piece of one, with its figures and its pieces; slices count from 0."""
    return _claim(finding) | {
        "value": finding.segment_value,
        "component": finding.component,
        "present": finding.present,
        **_sized(finding, volume),
        "components": [_component(one, volume) for one in finding.components],
    }


def other(finding: Finding, volume: Volume) -> dict[str, Any]:
    """Return a claim of a reader that has no segment: its place, its side, and the figures of its measurement."""
    return _claim(finding) | {
        "present": finding.present,
        **_place(finding.center_lps, finding.key_slice, volume),
        "key_slice": finding.key_slice,
        "measurement_uid": finding.measurement_uid or None,
        "measurements": dict(finding.measurements),
        **_diameters(finding.diameters),
    }


def code_as_json(code: Code | None) -> dict[str, str] | None:
    """Return the triple of a code."""
    return None if code is None else {"value": code.value, "scheme": code.scheme, "meaning": code.meaning}


def _claim(finding: Finding) -> dict[str, Any]:
    return {
        "label": finding.label,
        "original_label": finding.original_label or None,
        "code": code_as_json(finding.code),
        "laterality": code_as_json(finding.laterality),
        "model": finding.model.name if finding.model else None,
        "made_by": finding.by or None,
        "made_at": finding.made_at or None,
        "edited_by": finding.edited_by or None,
        "tracking_uid": finding.tracking_uid,
        "judgement": finding.judgement.value,
        "judged_by": finding.judged_by,
        "judged_at": finding.judged_at,
        "comment": finding.comment,
        "counter_evidence": [probe_as_json(one) for one in finding.counter_evidence],
    }


def _component(one: Component, volume: Volume) -> dict[str, Any]:
    return {"number": one.number, "voxels": one.voxels, **_sized(one, volume)}


def _sized(found: Finding | Component, volume: Volume) -> dict[str, Any]:
    measurements: Mapping[str, float] = found.measurements
    return {
        "volume_ml": found.volume_ml,
        **_place(found.center_lps, found.key_slice, volume),
        "key_slice": found.key_slice,
        "slices": None if found.slices is None else list(found.slices),
        **_diameters(found.diameters),
        **measurements,
    }


def _place(
    place_lps: tuple[float, float, float] | None, key_slice: int | None, volume: Volume
) -> dict[str, list[float] | None]:
    """Return a place in mm of the patient, or as (column, row, slice) from 0 on pictures and films, which have none."""
    if place_lps is None:
        return {"center_lps": None, "center_px": None}
    if knows_places(volume):
        return {"center_lps": list(place_lps), "center_px": None}
    (pixels,) = index_of_points([place_lps], key_slice, volume).tolist()
    return {"center_lps": None, "center_px": pixels}


def _diameters(found: Diameters | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {"long_axis_mm": found.long_axis, "short_axis_mm": found.short_axis, "diameter_slice": found.index}
