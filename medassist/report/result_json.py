"""result.json: the whole result for scripts; the command line prints the same object."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from medassist.entities.finding import Finding
from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.manifest import RunManifest
from medassist.entities.prediction import ModelRef
from medassist.report import pm
from medassist.report.case import Case, numbered
from medassist.report.claim_json import code_as_json, of_class, of_segment, other
from medassist.report.edits import edited_as_json
from medassist.report.identity import RESEARCH_USE, version
from medassist.report.instances import FILE_NAME as FILE_NAME_OF_INSTANCES
from medassist.report.key_choice import hidden_values
from medassist.report.notes import notes
from medassist.report.prompts import as_json, prompt_of
from medassist.report.sources import has_dicom_sources

FILE_NAME = "result.json"

STAGES = ("read", "prepare", "infer", "explain", "write")

_LIBRARIES = ("numpy", "torch", "openvino", "monai", "captum", "SimpleITK", "pydicom", "highdicom")


def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write result.json without knowing the other files; `export` writes it last, with their names and times."""
    return write_result(case, folder, (), {})


def write_result(case: Case, folder: Path, files: Iterable[str], timings_s: Mapping[str, float]) -> tuple[Path, ...]:
    """Write result.json with the names of the files of the same report and the seconds they took."""
    path = folder / FILE_NAME
    text = json.dumps(finite(result(case, files, timings_s)), indent=2, ensure_ascii=False, allow_nan=False)
    # A mark of a file name that is no UTF-8 becomes JSON's own escape.
    path.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
    return (path,)


def result(case: Case, files: Iterable[str] = (), timings_s: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Return the object of the command line's contract; what is not known is null.

    With several predictions the newest names model, device and suitability; every class and segment names its model.
    """
    newest = case.prediction
    spoke = newest.model if newest else next(iter(case.models), None)
    segments = [one for one in case.findings if one.segment_value is not None]
    classes = [one for one in case.findings if one.probability is not None]
    return {
        "model": _model(spoke),
        "input": _input(case),
        "suitability": [
            {"check": one.name, "demanded": one.demanded, "found": one.found, "verdict": one.verdict.value}
            for one in (newest.checks if newest else ())
        ],
        "override_reason": newest.override_reason if newest else "",
        "classes": [of_class(one) for one in classes],
        "segments": [
            {
                **of_segment(one, case.volume),
                "prompt": as_json(prompt_of(case, one)),
                "edited": edited_as_json(case, one),
            }
            for one in segments
        ],
        "sides": sides(segments),
        "instances": _instances(case),
        "other_findings": [
            other(one, case.volume) for one in case.findings if one not in segments and one not in classes
        ],
        "explanations": _maps(case, MapKind.ATTRIBUTION),
        "uncertainty": _maps(case, MapKind.UNCERTAINTY),
        "spread": _maps(case, MapKind.SPREAD),
        "timings_s": _timings(case, timings_s or {}),
        "peak_memory_mb": peak_memory_mb(),
        "device": newest.device if newest else None,
        "run": _run(newest.manifest) if newest else None,
        "versions": versions(),
        "status": "verified" if case.is_verified else "reviewed" if case.is_judged else "preliminary",
        "started": newest.started if newest else None,
        "created": case.created,
        "files": list(files),
        "notes": [one.text() for one in notes(case)],
        "notice": RESEARCH_USE,
    }


def finite(value: Any) -> Any:
    """Return a JSON value with null in place of NaN and infinity, which JSON does not know."""
    if isinstance(value, Mapping):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def versions() -> dict[str, str]:
    """Return the versions of the product, Python and the libraries that shape a result."""
    told = {"medassist": version(), "python": ".".join(map(str, sys.version_info[:3]))}
    for name in _LIBRARIES:
        try:
            told[name] = installed_version(name)
        except PackageNotFoundError:
            continue
    return told


def peak_memory_mb() -> float | None:
    """Return the largest resident memory of this process so far in MB, None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def _model(model: ModelRef | None) -> dict[str, str] | None:
    return {"name": model.name, "version": model.version, "sha256": model.sha256} if model and model.name else None


def _run(manifest: RunManifest) -> dict[str, Any]:
    return {
        "backend": manifest.backend,
        "precision": manifest.precision,
        "parity": manifest.parity,
        "window": list(manifest.window),
        "windows": manifest.windows,
        "batch": manifest.batch,
        "flips": [list(one) for one in manifest.flips],
        "steps": [one.text() for one in manifest.steps],
        "input_sha256": manifest.input_sha256,
        "forecast_bytes": manifest.forecast_bytes,
        "free_bytes": manifest.free_bytes,
        "from_cache": manifest.from_cache,
        "computed": manifest.computed,
        "computed_s": dict(manifest.computed_s),
    }


def _input(case: Case) -> dict[str, Any]:
    series, geometry = case.series, case.volume.geometry
    return {
        "study_uid": series.study_uid,
        "series_uid": series.series_uid,
        "format": series.format,
        "modality": series.modality,
        "description": series.description,
        "part": series.part,
        "body_part": series.body_part,
        "view_position": series.view_position,
        "shape_zyx": list(geometry.shape_zyx),
        "spacing_mm": list(geometry.spacing_mm) if geometry.calibrated else None,
        "affine_lps": geometry.affine_lps.tolist(),
        "frame_of_reference_uid": geometry.frame_of_reference_uid,
    }


def _instances(case: Case) -> list[dict[str, Any]]:
    """Return the objects of each mask that tells them apart, with the file that lists them one by one."""
    return [
        {
            "label": mask.segments[0].label,
            "model": prediction.model.name,
            "file": numbered(FILE_NAME_OF_INSTANCES, index)
            if case.volume.is_regular and not hidden_values(case, mask)
            else None,
            **mask.instances.measures(),
            "count": mask.instances.count,
            "touching_edge": mask.instances.touching_edge,
        }
        for index, (prediction, mask) in enumerate(case.masks)
        if mask.instances is not None
    ]


def sides(segments: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return the volume of each structure on each side: segments of one code, side and model added up."""
    totals: dict[tuple[object, ...], dict[str, Any]] = {}
    for one in segments:
        if one.laterality is None or one.code is None:
            continue
        total = totals.setdefault(
            (one.code, one.laterality, one.model),
            {
                "laterality": code_as_json(one.laterality),
                "code": code_as_json(one.code),
                "model": one.model.name if one.model else None,
                "labels": [],
                "volume_ml": 0.0,
            },
        )
        total["labels"].append(one.label)
        known = total["volume_ml"] is not None and one.volume_ml is not None
        total["volume_ml"] = total["volume_ml"] + one.volume_ml if known else None
    return list(totals.values())


def _maps(case: Case, kind: MapKind) -> list[dict[str, Any]]:
    """Return the maps of one kind; files are numbered over all kinds."""
    return [_explanation(case, index, one) for index, one in enumerate(case.heatmaps) if one.kind is kind]


def _explanation(case: Case, index: int, heatmap: Heatmap) -> dict[str, Any]:
    return {
        "method": heatmap.method,
        "target": heatmap.target,
        "against": heatmap.against,
        "signed": heatmap.signed,
        "parameters": dict(heatmap.parameters),
        "file": pm.file_name(index) if has_dicom_sources(case) and pm.is_told(case, heatmap) else None,
        "quality": {**heatmap.quality, **(heatmap.stamp.numbers if heatmap.stamp else {})},
        "stamp": _stamp(heatmap),
        "layer": heatmap.layer,
        "target_score": heatmap.target_score,
        "maximum": heatmap.maximum,
        "minimum": heatmap.minimum,
        "cell_mm": list(heatmap.cell_mm) if heatmap.native_geometry.calibrated else None,
        "notes": list(heatmap.notes),
    }


def _stamp(heatmap: Heatmap) -> dict[str, Any] | None:
    """Return what the measures under `quality` say of a map, null where none was measured."""
    if heatmap.stamp is None:
        return None
    return {
        "standing": heatmap.stamp.standing.value,
        "reasons": [one.text() for one in heatmap.stamp.reasons],
        "second_method": heatmap.stamp.second_method,
        "reference": heatmap.stamp.reference,
    }


def _timings(case: Case, measured: Mapping[str, float]) -> dict[str, float | None]:
    known = {**(case.prediction.timings_s if case.prediction else {}), **case.timings_s, **measured}
    return {stage: known.get(stage) for stage in STAGES} | {name: known[name] for name in known if name not in STAGES}
