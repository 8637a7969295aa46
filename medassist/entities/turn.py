"""How far the three planes of a volume are turned in the patient, as a unit quaternion (w, x, y, z) in LPS."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Turn = tuple[float, float, float, float]

STRAIGHT: Turn = (1.0, 0.0, 0.0, 0.0)


def matrix(turn: Turn) -> NDArray[np.float64]:
    """Return the (3, 3) rotation of a turn; the identity for numbers that are none, as a file may hold them."""
    w, x, y, z = _unit(turn)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def turned(turn: Turn, axis_lps: ArrayLike, degrees: float) -> Turn:
    """Return a turn followed by one of `degrees` about an axis (right-handed); unchanged for an axis of no length."""
    axis = np.asarray(axis_lps, dtype=np.float64)
    length = float(np.linalg.norm(axis))
    if not (math.isfinite(degrees) and math.isfinite(length) and length > 0):
        return turn
    half = math.radians(degrees) / 2
    x, y, z = (float(each) for each in axis / length * math.sin(half))
    return _unit(_product((math.cos(half), x, y, z), _unit(turn)))


def angle_between(one: ArrayLike, other: ArrayLike) -> float:
    """Return the angle between two directions in degrees, 0 to 180."""
    first, second = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    across = float(np.linalg.norm(np.cross(first, second)))
    return math.degrees(math.atan2(across, float(first @ second)))


def _unit(turn: Turn) -> Turn:
    length = math.sqrt(sum(each * each for each in turn)) if all(map(math.isfinite, turn)) else 0.0
    if not (math.isfinite(length) and length > 1e-9):
        return STRAIGHT
    w, x, y, z = (each / length for each in turn)
    return w, x, y, z


def _product(one: Turn, other: Turn) -> Turn:
    (a, b, c, d), (w, x, y, z) = one, other
    return (
        a * w - b * x - c * y - d * z,
        a * x + b * w + c * z - d * y,
        a * y - b * z + c * w + d * x,
        a * z + b * y - c * x + d * w,
    )
