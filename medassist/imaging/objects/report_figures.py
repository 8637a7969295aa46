"""Figures of a measurement group as quantities: the way back from `report.sr_numbers`, also for reports of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom import Dataset

from medassist.entities.measurement import Quantity
from medassist.entities.prediction import Code
from medassist.imaging import tags
from medassist.imaging.objects.report_items import children, code_of, current, moment_text, same, text_of
from medassist.imaging.objects.segments import code_in
from medassist.imaging.objects.spoken_codes import SIZES, STATISTICS, UNITS

DERIVATION, TRACKING_UID = "121401", "112040"
LENGTHS = {"cm": 10.0, "um": 1e-3, "mm": 1.0}
VOLUMES = {"cm3": 1.0, "ml": 1.0, "mm3": 1e-3, "dm3": 1e3}
_ENDINGS = {"mm": "mm", "mm2": "mm2", "deg": "deg", "{pixels}": "px", "{pixels}2": "px2"}


@dataclass(frozen=True, eq=False)
class Figure:
    """One NUM item: what it says, the lines it was inferred from, the drawing it belongs to and when it was made."""

    quantity: Quantity
    lines: tuple[Dataset, ...] = ()
    drawing_uid: str = ""
    made_at: str = ""


def figures_in(group: Dataset) -> list[Figure]:
    """Return the figures right below a group, in order; those without a value are left out."""
    found = (_figure(child) for child in children(group) if tags.text((child,), "ValueType") == "NUM")
    return [one for one in found if one is not None]


def _figure(item: Dataset) -> Figure | None:
    measured = tags.value_of((item,), "MeasuredValueSequence")
    name = code_in(item, "ConceptNameCodeSequence")
    value = tags.number((measured[0],), "NumericValue") if measured else None
    if name is None or value is None:
        return None
    unit = code_in(measured[0], "MeasurementUnitsCodeSequence") if measured else None
    quantity = _quantity(current(name), code_of(item, DERIVATION), value, "1" if unit is None else unit.value)
    lines = tuple(one for one in children(item) if tags.text((one,), "ValueType") in ("SCOORD", "SCOORD3D"))
    return Figure(quantity, lines, text_of(item, TRACKING_UID), moment_text(item))


def _quantity(name: Code, derivation: Code | None, value: float, unit: str) -> Quantity:
    """Return a figure under the name it has here, in mm where it is a length in another unit of the metre."""
    own = {spoken: here for here, spoken in UNITS.items()}.get(unit, unit)
    derived = next((key for key, code in STATISTICS.items() if derivation is not None and same(code, derivation)), "")
    if derived:
        return Quantity(f"suv_{derived}" if own != unit else derived, value, own)
    known = next((key for key, code in SIZES.items() if same(code, name)), "")
    if known in ("length", "long_axis", "short_axis", "perimeter") and unit in LENGTHS:
        return Quantity(known, value * LENGTHS[unit], "mm")
    return Quantity(known or name.meaning or name.value, value, own)


def volume_in(figures: Sequence[Quantity]) -> float | None:
    """Return the volume in ml, None where none is told in a unit of volume."""
    return next(
        (one.value * VOLUMES[one.unit] for one in figures if one.name == "volume" and one.unit in VOLUMES), None
    )


def measurements_of(figures: Sequence[Quantity]) -> dict[str, float]:
    """Return figures under the names findings know them by: "mean_value", "length_mm", "area_mm2"."""
    told = {}
    for one in figures:
        if one.name in ("volume", "certainty", "score"):
            continue
        if one.name in STATISTICS:
            told[f"{one.name}_value"] = one.value
        elif (one.name, one.unit) == ("area", "{pixels}"):
            told["area_px2"] = one.value
        else:
            told[f"{one.name}_{_ENDINGS.get(one.unit, one.unit)}"] = one.value
    return told
