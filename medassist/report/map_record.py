"""One map as one row: whose it is, how it was made, and what was measured. For tables, side files and resuming."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.study import Warned
from medassist.entities.volume import Volume
from medassist.report.cells import guarded
from medassist.report.stamp_words import NUMBERS, standing_of


@dataclass(frozen=True)
class MapRecord:
    """What is written down of one map; nothing in it names a patient or a file of theirs.

    Attributes:
        map: name of its files without their ending.
        case: which of several images it belongs to, "" where there is one.
        series_uid: of the series, "" for pictures and volumes that have none.
        sha256: of the weights.
        column: how the method was asked for, with its settings; it tells two askings of one method apart.
        settings: what the method was run with and noted down.
        standing: "holds", "fails", "meaningless", or "" when nobody measured.
        numbers: every measure, by the names of `stamp_words.NUMBERS`.
        reasons: why it fails or means nothing; `notes` what must be known with it.
        reference: what it was held against, "" for nothing.
        seconds, passes: what the map cost, without its stamp.
        maximum, minimum: of its values, in the method's own unit.
        cell_mm: size of a computed cell along column, row and slice; () where nobody knows millimetres.
    """

    map: str
    case: str = ""
    series_uid: str = ""
    model: str = ""
    version: str = ""
    sha256: str = ""
    method: str = ""
    column: str = ""
    target: str = ""
    against: str = ""
    layer: str = ""
    signed: bool = False
    settings: Mapping[str, object] = field(default_factory=dict)
    target_score: float | None = None
    standing: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    reasons: tuple[Warned, ...] = ()
    second_method: str = ""
    reference: str = ""
    seconds: float = 0.0
    passes: float = 0.0
    maximum: float = 0.0
    minimum: float = 0.0
    cell_mm: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()


def stem(index: int) -> str:
    """Return the name of the files of one map (index from 0), without their ending."""
    return f"map-{index + 1}"


def brief(heatmap: Heatmap) -> str:
    """Say in one line what a map is; that it must not be believed comes first, since fields are short."""
    standing = f"{heatmap.stamp.standing.value.upper()}: " if heatmap.stamp and heatmap.stamp.reasons else ""
    if heatmap.kind is not MapKind.ATTRIBUTION:
        return f"{heatmap.method} of the segmentation"
    against = f", not {heatmap.against}" if heatmap.against else ""
    layer = f" at {heatmap.layer}" if heatmap.layer else ""
    return f"{standing}{heatmap.method} of {heatmap.target}{against}{layer}"


def record_of(
    heatmap: Heatmap,
    volume: Volume,
    *,
    name: str,
    case: str = "",
    column: str = "",
    also: Mapping[str, float] | None = None,
    reference: str = "",
) -> MapRecord:
    """Return what is written down of a map; `also` are measures that stand in no stamp, held against `reference`."""
    stamp = heatmap.stamp
    return MapRecord(
        map=name,
        case=case,
        series_uid=volume.series.series_uid,
        model=heatmap.model.name,
        version=heatmap.model.version,
        sha256=heatmap.model.sha256,
        method=heatmap.method,
        column=column,
        target=heatmap.target,
        against=heatmap.against,
        layer=heatmap.layer,
        signed=heatmap.signed,
        settings=dict(heatmap.parameters),
        target_score=heatmap.target_score,
        standing=standing_of(stamp),
        numbers={**heatmap.quality, **(stamp.numbers if stamp else {}), **(also or {})},
        reasons=stamp.reasons if stamp else (),
        second_method=stamp.second_method if stamp else "",
        reference=reference or (stamp.reference if stamp else ""),
        seconds=heatmap.seconds,
        passes=heatmap.passes,
        maximum=heatmap.maximum,
        minimum=heatmap.minimum,
        cell_mm=heatmap.cell_mm if heatmap.native_geometry.calibrated else (),
        notes=heatmap.notes,
    )


def as_json(record: MapRecord) -> dict[str, Any]:
    """Return the record as a JSON object; reasons as templates with their values, so that any language can say them."""
    plain = {one.name: getattr(record, one.name) for one in fields(record)}
    return plain | {
        "settings": dict(record.settings),
        "numbers": dict(record.numbers),
        "reasons": [_reason(one) for one in record.reasons],
        "cell_mm": list(record.cell_mm),
        "notes": list(record.notes),
    }


def _reason(reason: Warned) -> dict[str, Any]:
    values = {name: _reason(one) if isinstance(one, Warned) else one for name, one in reason.values}
    return {"message": reason.message, "values": values, "text": reason.text()}


def from_json(told: Mapping[str, Any]) -> MapRecord:
    """Return the record an object of `as_json` holds (ValueError, TypeError, KeyError for anything else)."""
    known = {one.name for one in fields(MapRecord)}
    if not set(told) <= known:
        raise ValueError("this is no record of a map")
    return MapRecord(
        **{
            **told,
            "numbers": {str(name): float(value) for name, value in told["numbers"].items()},
            "reasons": tuple(_warned(one) for one in told["reasons"]),
            "cell_mm": tuple(float(one) for one in told["cell_mm"]),
            "notes": tuple(str(one) for one in told["notes"]),
        }
    )


def _warned(told: Mapping[str, Any]) -> Warned:
    values = {str(name): _warned(one) if isinstance(one, dict) else one for name, one in told["values"].items()}
    found = Warned(str(told["message"]), tuple(values.items()))
    found.text()  # a template whose values are missing is refused here, not where it is shown
    return found


COLUMNS = (
    "case", "series_uid", "map", "model", "version", "weights_sha256", "method", "asked_for", "target", "against",
    "layer", "settings", "target_score", "standing", "reasons", "second_method", "reference", *NUMBERS,
    "seconds", "passes",
)  # fmt: skip
"""Of the table of stamps."""


def row_of(record: MapRecord) -> dict[str, str]:
    """Return the cells of one row of the table of stamps by `COLUMNS`; what is not known is empty."""
    settings = "; ".join(f"{name}={value}" for name, value in record.settings.items())
    plain = asdict(record) | {
        "weights_sha256": record.sha256,
        "asked_for": record.column,
        "settings": settings,
        "reasons": " ".join(one.text() for one in record.reasons),
        "seconds": round(record.seconds, 3),
        "passes": round(record.passes, 1),
        **record.numbers,
    }
    return {name: cell(plain.get(name)) for name in COLUMNS}


def cell(value: object) -> str:
    """Return a value as a cell; a text that a spreadsheet would run as a formula begins with an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return guarded(str(value))
