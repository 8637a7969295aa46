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
SIZES = ("mm", "mm2", "cm2", "mm3", "cm3", "deg", "{pixels}", "{pixels}2")
"""Units of what is measured with a ruler, not with the values of pixels."""


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
    """Return value and unit as people read them: "12.3 mm", "41.0°", "-20 HU"; never a millimetre where there is none.

    SUV has no unit behind it: its name tells.
    """
    if quantity.name in ("pixels", "count"):
        return f"{quantity.value:.0f}"
    area = (quantity.name, quantity.unit) == ("area", "{pixels}")
    unit = "px²" if area else UNITS.get(quantity.unit, quantity.unit.strip("{}"))
    unit = "" if quantity.name.startswith("suv_") else unit
    number = size_text(quantity.value) if quantity.unit in SIZES else number_text(quantity.value)
    return number + unit if unit == "°" else f"{number} {unit}".strip()


def size_text(value: float) -> str:
    """Write a length, an area or an angle: to a tenth, small ones to two digits, so that none is written as nothing."""
    if abs(value) >= 10_000:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 0.1 or value == 0 else f"{value:.2g}"


def number_text(value: float) -> str:
    """Write the value of a pixel: whole numbers as they are, others to a tenth, small ones to three digits."""
    if float(value).is_integer() and abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.1f}" if 1 <= abs(value) < 1e6 else f"{value:.3g}"


def figures(measurement: Measurement, words: Wording) -> str:
    """Return all figures of one measurement in one line: the name only where there are several."""
    told = [(quantity_name(one.name, words), figure(one)) for one in measurement.quantities]
    if len(told) == 1:
        return told[0][1]
    return ", ".join(f"{name} {value}" for name, value in told)


def measurement_title(measurement: Measurement, words: Wording) -> str:
    """Return what the reader calls it, else what was drawn."""
    return " ".join(measurement.label.split()) or shape_name(measurement.shape, words)
