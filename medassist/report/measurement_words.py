"""Measurements of a reader in words: what was drawn, what was measured, in units people read."""

from __future__ import annotations

from medassist.entities.measurement import Measurement, Quantity, Shape
from medassist.report.wording import Wording

UNITS = {
    "mm2": "mm²",
    "cm2": "cm²",
    "mm3": "mm³",
    "cm3": "cm³",
    "deg": "°",
    "[hnsf'U]": "HU",
    "{pixels}": "px",
    "{pixels}2": "px²",
    "g/ml": "g/ml",
    "g/ml{SUVbw}": "g/ml",
    "{SUVbw}g/ml": "g/ml",
    "1": "",
}
"""UCUM to what people write; a unit not named here is written as it is."""


def shape_name(shape: Shape, words: Wording) -> str:
    """Return what was drawn."""
    named = {
        Shape.LENGTH: words.tr("Length"),
        Shape.ANGLE: words.tr("Angle"),
        Shape.COBB: words.tr("Cobb angle"),
        Shape.BIDIRECTIONAL: words.tr("Two axes"),
        Shape.ELLIPSE: words.tr("Ellipse"),
        Shape.RECTANGLE: words.tr("Rectangle"),
        Shape.POLYGON: words.tr("Polygon"),
        Shape.FREEHAND: words.tr("Freehand region"),
        Shape.ARROW: words.tr("Arrow"),
        Shape.TEXT: words.tr("Text"),
    }
    return named[shape]


def quantity_name(name: str, words: Wording) -> str:
    """Return what was measured; a name nobody translated is written as it is."""
    named = {
        "length": words.tr("length"),
        "angle": words.tr("angle"),
        "cobb_angle": words.tr("Cobb angle"),
        "long_axis": words.tr("long axis"),
        "short_axis": words.tr("short axis"),
        "area": words.tr("area"),
        "perimeter": words.tr("perimeter"),
        "mean": words.tr("mean"),
        "sd": words.tr("SD"),
        "min": words.tr("min"),
        "max": words.tr("max"),
        "median": words.tr("median"),
        "suv_mean": words.tr("mean SUV"),
        "suv_sd": words.tr("SD of SUV"),
        "suv_min": words.tr("min SUV"),
        "suv_max": words.tr("max SUV"),
        "pixels": words.tr("number of pixels"),
    }
    return named.get(name, name.replace("_", " "))


def figure(quantity: Quantity) -> str:
    """Return value and unit as people read them: "12.3 mm", "41°"; never a millimetre where there is none."""
    unit = UNITS.get(quantity.unit, quantity.unit.strip("{}"))
    number = f"{quantity.value:.1f}" if abs(quantity.value) < 10_000 else f"{quantity.value:.0f}"
    if quantity.name in ("pixels", "count"):
        return f"{quantity.value:.0f}"
    return f"{number}{'' if unit in ('', '°') else ' '}{unit}"


def figures(measurement: Measurement, words: Wording) -> str:
    """Return all figures of one measurement in one line: the name only where there are several."""
    told = [(quantity_name(one.name, words), figure(one)) for one in measurement.quantities]
    if len(told) == 1:
        return told[0][1]
    return ", ".join(f"{name} {value}" for name, value in told)


def measurement_title(measurement: Measurement, words: Wording) -> str:
    """Return what the reader calls it, else what was drawn."""
    return " ".join(measurement.label.split()) or shape_name(measurement.shape, words)
