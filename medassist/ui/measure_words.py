"""Measurements in words: names of the shapes, figures with their unit, and what a reader must know of them."""

from __future__ import annotations

from medassist.entities.measurement import Measurement, Shape
from medassist.entities.volume import Volume
from medassist.imaging.measuring import remarks
from medassist.imaging.scales import DETECTOR_PLANE, SCANNED_FILM
from medassist.language import current_language, localized, tr
from medassist.report.measurement_words import figure, number_text, shape_name, size_text
from medassist.report.wording import Wording


def shape_word(shape: Shape) -> str:
    """Name a shape."""
    return shape_name(shape, Wording(current_language()))


def figure_lines(measurement: Measurement, volume: Volume) -> tuple[str, ...]:
    """Return what is written beside a drawing: its name, its figures, and what they are worth."""
    told = (measurement.label, *_sizes(measurement), *_values(measurement))
    return tuple(line for line in (*told, short_remark(measurement, volume)) if line)


def figures_text(measurement: Measurement) -> str:
    """Return all figures in one line."""
    pixels = measurement.quantity("pixels")
    counted = tr("{count} pixels", count=f"{pixels.value:.0f}") if pixels is not None else ""
    around, median = _named(measurement, "perimeter", tr("Perimeter")), _named(measurement, "median", tr("Median"))
    lines = (*_sizes(measurement), around, *_values(measurement), median, counted)
    return "; ".join(line for line in lines if line)


def short_remark(measurement: Measurement, volume: Volume) -> str:
    """Return in few words what limits the figures, "" for nothing."""
    found = remarks(measurement, volume)
    if DETECTOR_PLANE in found:
        return tr("at the detector")
    if SCANNED_FILM in found:
        return tr("on the scanned film")
    return localized(found[0]) if found else ""


def _sizes(measurement: Measurement) -> list[str]:
    long, short = measurement.quantity("long_axis"), measurement.quantity("short_axis")
    if long is not None and short is not None:
        return [f"{size_text(long.value)} × {figure(short)}"]
    only = [measurement.quantity(name) for name in ("length", "angle", "cobb_angle")]
    return [figure(one) for one in only if one is not None] + [_named(measurement, "area", tr("Area"))]


def _values(measurement: Measurement) -> list[str]:
    return [*_spread(measurement, "", tr("Mean")), *_spread(measurement, "suv_", tr("SUV mean"))]


def _spread(measurement: Measurement, prefix: str, title: str) -> list[str]:
    """Return mean with deviation, then least and largest value."""
    mean, deviation, least, most = (measurement.quantity(prefix + name) for name in ("mean", "sd", "min", "max"))
    if mean is None or deviation is None or least is None or most is None:
        return []
    ends = tr("Min {least}, max {most}", least=number_text(least.value), most=figure(most))
    return [f"{title} {number_text(mean.value)} ± {figure(deviation)}", ends]


def _named(measurement: Measurement, name: str, title: str) -> str:
    found = measurement.quantity(name)
    return "" if found is None else f"{title} {figure(found)}"
