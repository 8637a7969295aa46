"""Tables for spreadsheets: findings.csv, one row per finding, and measurements.csv, one row per figure of a reader."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from medassist.entities.finding import Finding
from medassist.entities.measurement import Measurement, Quantity
from medassist.imaging.measuring import remarks
from medassist.imaging.measuring_plane import index_of_points
from medassist.report.case import Case
from medassist.report.cells import guarded
from medassist.report.identity import code_for
from medassist.report.verdicts import drawings, told
from medassist.report.wording import knows_places, place_of

FINDINGS, MEASUREMENTS = "findings.csv", "measurements.csv"

FINDING_COLUMNS = (
    "tracking_uid", "label", "code", "scheme", "side", "component", "present", "verdict", "judged_by", "judged_at",
    "comment", "score", "threshold", "calibrated", "volume_ml", "long_axis_mm", "short_axis_mm", "mean_value",
    "sd_value", "min_value", "max_value", "value_unit", "count", "key_slice", "center_l_mm", "center_p_mm",
    "center_h_mm", "model", "model_version", "weights_sha256", "made_by", "edited_by", "measurement_uid", "series_uid",
)  # fmt: skip
MEASUREMENT_COLUMNS = (
    "uid", "label", "shape", "quantity", "value", "unit", "slice", "time", "made_by", "made_at", "points_lps_mm",
    "points_px", "remark", "series_uid",
)  # fmt: skip


def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write the tables that have rows; slices count from 1 as on screen, numbers have dots.

    Places are LPS in mm; those of drawings on pictures and films are (column, row, slice) from 0, in another column.
    """
    tables = (
        (FINDINGS, FINDING_COLUMNS, [_finding(case, one) for one in told(case)]),
        (MEASUREMENTS, MEASUREMENT_COLUMNS, [row for one in drawings(case) for row in _measurement(case, one)]),
    )
    return tuple(_table(folder / name, columns, rows) for name, columns, rows in tables if rows)


def _table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Write UTF-8 with the mark by which spreadsheets know it."""
    with path.open("w", newline="", encoding="utf-8-sig", errors="replace") as file:
        table = csv.writer(file)
        table.writerow(columns)
        table.writerows([cell(value) for value in row] for row in rows)
    return path


def cell(value: object) -> str:
    """Return the text of one cell: a typed text never becomes a formula, a number stays one, None is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.9g}"
    return guarded(str(value))


def _finding(case: Case, finding: Finding) -> tuple[object, ...]:
    code, model, axes = code_for(finding.label, finding.code), finding.model, finding.diameters
    numbers = finding.measurements
    values = [numbers.get(name) for name in ("mean_value", "sd_value", "min_value", "max_value")]
    return (
        finding.tracking_uid,
        finding.label,
        code.value,
        code.scheme,
        finding.laterality.meaning if finding.laterality else None,
        finding.component,
        finding.present,
        finding.judgement.value,
        finding.judged_by,
        finding.judged_at,
        finding.comment,
        finding.probability,
        finding.threshold,
        None if finding.probability is None else finding.calibrated,
        finding.volume_ml,
        axes.long_axis if axes else None,
        axes.short_axis if axes else None,
        *values,
        case.volume.unit if any(one is not None for one in values) else None,
        int(numbers["count"]) if "count" in numbers else None,
        None if finding.key_slice is None else finding.key_slice + 1,
        *(place_of(finding, case.volume) or (None, None, None)),
        model.name if model else None,
        model.version if model else None,
        model.sha256 if model else None,
        finding.by,
        finding.edited_by,
        finding.measurement_uid,
        case.series.series_uid,
    )


def _measurement(case: Case, measurement: Measurement) -> list[tuple[object, ...]]:
    """Return one row per figure, and one for a drawing without any (an arrow, a text)."""
    millimetres, pixels = _points(case, measurement)
    remark = " ".join(one.text() for one in remarks(measurement, case.volume))
    figures: tuple[Quantity | None, ...] = measurement.quantities or (None,)
    return [
        (
            measurement.uid,
            measurement.label,
            measurement.shape.value,
            one.name if one else None,
            one.value if one else None,
            one.unit if one else None,
            None if measurement.slice_index is None else measurement.slice_index + 1,
            measurement.time + 1,
            measurement.by,
            measurement.made_at,
            millimetres,
            pixels,
            remark,
            case.series.series_uid,
        )
        for one in figures
    ]


def _points(case: Case, measurement: Measurement) -> tuple[str | None, str | None]:
    """Return the points in mm of the patient, or in pixels of the picture where nobody knows the patient's."""
    if knows_places(case.volume):
        return _joined(measurement.points_lps), None
    return None, _joined(index_of_points(measurement.points_lps, measurement.slice_index, case.volume).tolist())


def _joined(points: Iterable[Sequence[float]]) -> str:
    return f"({'; '.join(' '.join(f'{value:.9g}' for value in point) for point in points)})"
