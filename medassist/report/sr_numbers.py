"""Figures in the structured report: which concept, which derivation, which unit (TID 300, UCUM).

A figure is a `Quantity`. Findings hold theirs under names that end in the unit ("length_mm", "mean_value"); they become
quantities first, so that a segment and a drawing speak the same codes.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from medassist.entities.finding import Finding
from medassist.entities.measurement import Quantity
from medassist.entities.prediction import Code
from medassist.imaging.objects.spoken_codes import IMAGE_VALUE, INTENSITIES, SCHEME, SIZES, STATISTICS, UNITS
from medassist.report.case import Case
from medassist.report.identity import concept

if TYPE_CHECKING:
    from highdicom.sr import (
        CoordinatesForMeasurement,
        CoordinatesForMeasurement3D,
        Measurement,
        TrackingIdentifier,
    )

_ENDINGS = {"_mm2": "mm2", "_mm": "mm", "_deg": "deg", "_px2": "{pixels}", "_px": "{pixels}"}
_MEANINGS = {
    "mm": "millimeter", "mm2": "square millimeter", "cm3": "cubic centimeter", "deg": "Degree", "%": "Percent",
    "1": "no units", "[hnsf'U]": "Hounsfield unit", "[arb'U]": "arbitrary unit", "{pixels}": "pixels",
    "{pixels}2": "square pixels", "g/ml{SUVbw}": "Standardized Uptake Value body weight",
}  # fmt: skip


def figures_of(case: Case, finding: Finding) -> list[Quantity]:
    """Return the figures of a finding: volume in cm3 (CID 7462 has no ml; 1 cm3 = 1 ml), score, axes, statistics."""
    told = []
    if finding.volume_ml is not None:
        told.append(Quantity("volume", finding.volume_ml, "cm3"))
    if finding.probability is not None and finding.calibrated:
        told.append(Quantity("certainty", 100.0 * finding.probability, "%"))
    elif finding.probability is not None:
        told.append(Quantity("score", finding.probability, "1"))
    if finding.diameters is not None:
        told.append(Quantity("long_axis", finding.diameters.long_axis, "mm"))
        told.append(Quantity("short_axis", finding.diameters.short_axis, "mm"))
    return finite([*told, *_statistics(case, finding), *_sizes(finding)])


def finite(figures: Iterable[Quantity]) -> list[Quantity]:
    """Leave out what is no number: DICOM has no word for the mean of a region without values."""
    return [one for one in figures if math.isfinite(one.value)]


def _statistics(case: Case, finding: Finding) -> Iterator[Quantity]:
    """Yield statistics of the values where these have a coded meaning: attenuation in HU, SUV, MR signal."""
    unit = intensity_unit(case)
    for name in STATISTICS:
        value = finding.measurements.get(f"{name}_value")
        if value is not None and unit:
            yield Quantity(name, value, unit)


def _sizes(finding: Finding) -> Iterator[Quantity]:
    """Yield what a drawing measured: names of sizes with their unit behind them."""
    for key, value in finding.measurements.items():
        for ending, unit in _ENDINGS.items():
            if key.endswith(ending) and key.removesuffix(ending) in SIZES:
                yield Quantity(key.removesuffix(ending), value, unit)


def intensity_unit(case: Case) -> str:
    """Return the unit (UCUM) of the values of the series, "" where they have no meaning another system knows."""
    if case.volume.unit == "HU":
        return "[hnsf'U]"
    return "[arb'U]" if case.series.modality == "MR" and not case.volume.unit else ""


def number(
    quantity: Quantity,
    *,
    modality: str,
    coordinates: list[CoordinatesForMeasurement] | list[CoordinatesForMeasurement3D] | None = None,
    tracking: TrackingIdentifier | None = None,
) -> Measurement:
    """Return one figure as a NUM item; statistics say how they were derived (CID 7464)."""
    import highdicom as hd

    name, derivation = concept_of(quantity, modality)
    return hd.sr.Measurement(
        concept(name),
        float(f"{quantity.value:.9g}"),  # what fits a decimal string of 16 characters
        concept(unit_of(quantity)),
        tracking_identifier=tracking,
        derivation=concept(derivation) if derivation is not None else None,
        referenced_coordinates=coordinates,
    )


def concept_of(quantity: Quantity, modality: str) -> tuple[Code, Code | None]:
    """Return what a figure is, and how it was derived from many values of a series of this modality."""
    name = quantity.name.removeprefix("suv_")
    if name not in STATISTICS:
        known = SIZES.get(name)
        return known or Code(f"99MAQ{zlib.crc32(name.encode()):08X}", SCHEME, name[:64]), None
    unit = unit_of(quantity).value
    plain_mr = modality == "MR" and unit == "1"
    return INTENSITIES.get("[arb'U]" if plain_mr else unit, IMAGE_VALUE), STATISTICS[name]


def unit_of(quantity: Quantity) -> Code:
    """Return the unit as UCUM has it; a figure without one is of the unit 1."""
    value = UNITS.get(quantity.unit, quantity.unit) or "1"
    return Code(value, "UCUM", _MEANINGS.get(value, value))
