"""A finding as `result.json` tells it: the claim and who made it, what was measured, the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medassist.entities.component import Component
from medassist.entities.diameters import Diameters
from medassist.entities.finding import Finding
from medassist.entities.prediction import Code
from medassist.report.operating import as_json as as_json_at_threshold
from medassist.report.probes import as_json as probe_as_json


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


def of_segment(finding: Finding) -> dict[str, Any]:
    """Return a claim about a segment or a piece of one, with its figures and its pieces; slices count from 0."""
    return _claim(finding) | {
        "value": finding.segment_value,
        "component": finding.component,
        "present": finding.present,
        **_sized(finding),
        "components": [_component(one) for one in finding.components],
    }


def other(finding: Finding) -> dict[str, Any]:
    """Return a claim of a reader that has no segment: its place, its side, and the figures of its measurement."""
    return _claim(finding) | {
        "present": finding.present,
        "center_lps": _place(finding.center_lps),
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


def _component(one: Component) -> dict[str, Any]:
    return {"number": one.number, "voxels": one.voxels, **_sized(one)}


def _sized(found: Finding | Component) -> dict[str, Any]:
    measurements: Mapping[str, float] = found.measurements
    return {
        "volume_ml": found.volume_ml,
        "center_lps": _place(found.center_lps),
        "key_slice": found.key_slice,
        "slices": None if found.slices is None else list(found.slices),
        **_diameters(found.diameters),
        **measurements,
    }


def _place(place_lps: tuple[float, float, float] | None) -> list[float] | None:
    return None if place_lps is None else list(place_lps)


def _diameters(found: Diameters | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {"long_axis_mm": found.long_axis, "short_axis_mm": found.short_axis, "diameter_slice": found.index}
