"""Figures of what a reader drew: lengths, angles, areas, and the values of the pixels inside an outline."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from medassist.entities.measurement import Measurement, Quantity, Shape
from medassist.entities.study import Warned, warned
from medassist.entities.volume import AnyArray, Volume
from medassist.imaging.measuring_plane import (
    DrawnOn,
    drawn_on,
    ellipse_axes,
    even_odd_area,
    inside,
    plane_values,
)
from medassist.imaging.scales import DETECTOR_PLANE, SCANNED_FILM

PIXELS = "{pixels}"
NO_UNIT = "1"
UCUM = {"HU": "[hnsf'U]", "": NO_UNIT, "BQML": "Bq/ml", "GML": "g/ml", "PCNT": "%"}
SUV_UNIT = "{SUVbw}g/ml"
POINTS = {
    Shape.LENGTH: 2, Shape.ANGLE: 3, Shape.COBB: 4, Shape.BIDIRECTIONAL: 4, Shape.ELLIPSE: 4, Shape.RECTANGLE: 4,
    Shape.ARROW: 2, Shape.TEXT: 1,
}  # fmt: skip
SQUARE = 1e-3
"""How far apart the sides of a pixel may be, as a share, for it to be a square."""

Vectors = NDArray[np.float64]


def quantities(measurement: Measurement, volume: Volume, *, most_pixels: float = np.inf) -> tuple[Quantity, ...]:
    """Return the figures of a measurement on its series, () for arrows and texts.

    A drawing that is not finished has none either. Lengths are distances in mm in the patient; without a scale they are
    in pixels, and there are none where pixels are not square: what is left out is told by `remarks`. Angles are in
    degrees, of a Cobb angle the one up to 90. The long axis of a bidirectional measurement is the longer of the two.
    Areas of outlines that cross themselves count by the even-odd rule; the perimeter of an ellipse is
    4 a E(1 - b^2 / a^2) with the complete elliptic integral E.

    Statistics are those of the stored pixels of one plane of voxels, never of interpolated ones, whose centre lies
    inside: number, mean, population standard deviation, least, largest and median value, without padding, lost slices
    and values that are no number. Colours have no statistics. They are left out where the area is above `most_pixels`:
    a hand that still drags must not wait for the values of a whole film.
    """
    points, shape = np.asarray(measurement.points_lps, dtype=np.float64), measurement.shape
    if not np.isfinite(points).all() or not has_its_points(measurement):
        return ()
    scaled = points if volume.geometry.calibrated else volume.geometry.to_index(points)
    if shape.encloses:
        return tuple(_of_outline(measurement, scaled, volume, most_pixels))
    if shape is Shape.LENGTH:
        return _lengths(volume, length=_distance(scaled[0], scaled[1]))
    if shape is Shape.BIDIRECTIONAL:
        ends = (_distance(scaled[0], scaled[1]), _distance(scaled[2], scaled[3]))
        return _lengths(volume, long_axis=max(ends), short_axis=min(ends))
    if shape is Shape.ANGLE:
        return _angle("angle", points[0] - points[1], points[2] - points[1])
    if shape is Shape.COBB:
        return _angle("cobb_angle", points[1] - points[0], points[3] - points[2], of_lines=True)
    return ()


def has_its_points(measurement: Measurement) -> bool:
    """Tell whether a drawing has as many points as its shape needs: a polygon and a freehand line three or more."""
    count = len(measurement.points_lps)
    return count == POINTS.get(measurement.shape, max(count, 3))


def remarks(measurement: Measurement, volume: Volume) -> tuple[Warned, ...]:
    """Say what a reader must know about the figures: where the millimetres hold, and what cannot be told."""
    shape, found = measurement.shape, []
    if shape in (Shape.ARROW, Shape.TEXT):
        return ()
    lengths = shape not in (Shape.ANGLE, Shape.COBB)
    if lengths and not volume.geometry.calibrated and not _square(volume):
        found.append(warned("Pixels are not square and their size is not known, so there is no length."))
    if lengths and volume.geometry.calibrated:
        found += [one for one in (DETECTOR_PLANE, SCANNED_FILM) if one in volume.series.warnings]
    plane = drawn_on(measurement, volume) if shape.encloses else None
    if shape.encloses and plane is None:
        found.append(warned("It does not lie in one plane of the series, so nothing inside is told."))
    if plane is not None and plane.axis == 2 and plane.index in volume.lost_slices:
        found.append(warned("The pixels of this slice could not be read, so the values inside are not told."))
    return tuple(found)


def _square(volume: Volume) -> bool:
    columns, rows, _ = volume.geometry.spacing_mm
    return abs(columns - rows) <= SQUARE * max(columns, rows)


def _distance(begin: Vectors, end: Vectors) -> float:
    return float(np.linalg.norm(end - begin))


def _lengths(volume: Volume, **values: float) -> tuple[Quantity, ...]:
    """Return lengths with their unit, none where pixels that are not square are all there is to count in."""
    if volume.geometry.calibrated:
        return tuple(Quantity(name, value, "mm") for name, value in values.items())
    return tuple(Quantity(name, value, PIXELS) for name, value in values.items() if _square(volume))


def _angle(name: str, one: Vectors, other: Vectors, *, of_lines: bool = False) -> tuple[Quantity, ...]:
    """Return the angle between two directions, none where one is a point.

    It holds without a scale too, where the grid knows the shape of a pixel.
    """
    if not (one.any() and other.any()):
        return ()
    degrees = float(np.degrees(np.arctan2(np.linalg.norm(np.cross(one, other)), one @ other)))
    return (Quantity(name, min(degrees, 180.0 - degrees) if of_lines else degrees, "deg"),)


def _of_outline(measurement: Measurement, scaled: Vectors, volume: Volume, most_pixels: float) -> Iterator[Quantity]:
    plane = drawn_on(measurement, volume)
    if plane is None:
        return
    pixels = _pixels(measurement.shape, plane)
    pixel_mm2 = float(np.linalg.norm(np.cross(*plane.steps_lps)))
    calibrated = volume.geometry.calibrated
    yield Quantity("area", pixels * pixel_mm2, "mm2") if calibrated else Quantity("area", pixels, PIXELS)
    around = _around_ellipse(scaled) if measurement.shape is Shape.ELLIPSE else _around(scaled)
    yield from _lengths(volume, perimeter=around)
    if pixels <= most_pixels:
        yield from _statistics(measurement, plane, volume)


def _pixels(shape: Shape, plane: DrawnOn) -> float:
    """Return the area inside an outline in pixels."""
    if shape is not Shape.ELLIPSE:
        return even_odd_area(plane.points)
    _, major, minor = ellipse_axes(plane.points)
    return np.pi * abs(float(major[0] * minor[1] - major[1] * minor[0]))


def _around(points: Vectors) -> float:
    return float(np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1).sum())


def _around_ellipse(points: Vectors) -> float:
    from scipy.special import ellipe

    _, major, minor = ellipse_axes(points)
    longer, shorter = np.linalg.svd(np.stack([major, minor]), compute_uv=False)
    return float(4 * longer * ellipe(1 - (shorter / longer) ** 2)) if longer > 0 else 0.0


def _statistics(measurement: Measurement, plane: DrawnOn, volume: Volume) -> Iterator[Quantity]:
    if measurement.time >= len(volume.array_tzyx):
        return
    values = plane_values(volume, plane, measurement.time)
    box, marked = inside(measurement.shape, plane.points, (values.shape[0], values.shape[1]))
    if volume.is_color:
        yield Quantity("pixels", float(np.count_nonzero(marked)), NO_UNIT)
        return
    counted = _counted(values, plane, box, marked, volume)
    yield Quantity("pixels", float(counted.size), NO_UNIT)
    if counted.size:
        yield from _values(counted, volume)


def values_inside(measurement: Measurement, volume: Volume) -> Vectors | None:
    """Return the values an outline is measured by, None where nothing inside is told: those of its statistics."""
    plane = drawn_on(measurement, volume) if measurement.shape.encloses else None
    if plane is None or volume.is_color or measurement.time >= len(volume.array_tzyx):
        return None
    values = plane_values(volume, plane, measurement.time)
    box, marked = inside(measurement.shape, plane.points, (values.shape[0], values.shape[1]))
    return _counted(values, plane, box, marked, volume)


def _counted(
    values: AnyArray, plane: DrawnOn, box: tuple[slice, slice], marked: NDArray[np.bool_], volume: Volume
) -> Vectors:
    there = np.isin(np.arange(values.shape[0]), volume.lost_slices, invert=True)[box[0], None]
    if plane.axis == 2:
        there = np.array(plane.index not in volume.lost_slices)
    return real_values(values[box][marked & there], volume)


def real_values(values: AnyArray, volume: Volume) -> Vectors:
    """Return values that are neither padding nor no number."""
    if volume.padding is not None:
        low, high = volume.padding
        values = values[(values < low) | (values > high)]
    real: Vectors = values[np.isfinite(values)].astype(np.float64)
    return real


def _values(counted: Vectors, volume: Volume) -> Iterator[Quantity]:
    unit = UCUM.get(volume.unit, volume.unit)
    told = {"mean": counted.mean(), "sd": counted.std(), "min": counted.min(), "max": counted.max(),
            "median": np.median(counted)}  # fmt: skip
    for name, value in told.items():
        yield Quantity(name, float(value), unit)
    if volume.suv_factor is not None and volume.unit != "GML":
        for name in ("mean", "sd", "min", "max"):
            yield Quantity(f"suv_{name}", float(told[name]) * volume.suv_factor, SUV_UNIT)
