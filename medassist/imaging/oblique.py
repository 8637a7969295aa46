"""Planes turned out of the axes of a volume: the door of `imaging.slicing.Layout`, with values read between voxels.

A plane keeps the screen as upright as it can: its axes are those of the plane that is not turned, carried along by the
smallest rotation between the two normals. Only the turn of a normal makes a plane oblique; a plane that is merely
turned in itself is shown as stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassist.entities.geometry import Geometry
from medassist.entities.turn import Turn, angle_between, matrix
from medassist.entities.volume import AnyArray
from medassist.imaging.slicing import Layout, Plane, direction_letters, layout

MOST_PIXELS = 768
"""Rows or columns of an oblique plane; larger ones are shown with larger pixels."""
COARSE_PIXELS = 224
"""The same while the planes are being turned."""
STRAIGHT_DEGREES = 1e-4
NOT_STORED = -1
"""Stands for the voxel axis through a plane, where none runs through it."""

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Frame:
    """Where the slices of a turned plane lie.

    Attributes:
        right_lps, down_lps, through_lps: orthogonal unit vectors along the screen's columns, its rows, and the slices.
        corner_lps: centre of display pixel (0, 0) of slice 0, mm.
        shape: rows and columns of a slice; they hold the whole volume.
        count: number of slices.
        pixel_mm, slice_mm: side of a display pixel, and distance between neighbouring slices.
        degrees: angle to the plane that is not turned.
    """

    right_lps: Vector
    down_lps: Vector
    through_lps: Vector
    corner_lps: Vector
    shape: tuple[int, int]
    count: int
    pixel_mm: float
    slice_mm: float
    degrees: float

    @property
    def steps_lps(self) -> NDArray[np.float64]:
        """(3, 3) steps of a display row, a display column and a slice in LPS mm, in rows."""
        sizes = np.array([[self.pixel_mm], [self.pixel_mm], [self.slice_mm]])
        steps: NDArray[np.float64] = np.array([self.down_lps, self.right_lps, self.through_lps]) * sizes
        return steps


@dataclass(frozen=True)
class ObliqueLayout(Layout):
    """How a turned plane lies on the screen: no voxel axis runs along it, which `NOT_STORED` stands for."""

    frame: Frame

    @property
    def count(self) -> int:
        """Number of slices of the view."""
        return self.frame.count

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a displayed slice."""
        return self.frame.shape

    @property
    def spacing_mm(self) -> tuple[float, float]:
        """Distance between display rows and between display columns, in mm."""
        return self.frame.pixel_mm, self.frame.pixel_mm

    @property
    def through_mm(self) -> float:
        """Distance between neighbouring slices of the view, in mm."""
        return self.frame.slice_mm

    def to_lps(self, row: ArrayLike, column: ArrayLike, index: ArrayLike) -> NDArray[np.float64]:
        """Map display row, column (pixel centres at integers) and slice index to (..., 3) LPS mm."""
        steps = np.stack(np.broadcast_arrays(*(np.asarray(each, np.float64) for each in (row, column, index))), axis=-1)
        world: NDArray[np.float64] = np.asarray(self.frame.corner_lps) + steps @ self.frame.steps_lps
        return world

    def to_display(self, world_lps: ArrayLike) -> NDArray[np.float64]:
        """Map (..., 3) LPS mm to (..., 3) fractional display row, display column and slice index."""
        away, steps = np.asarray(world_lps, np.float64) - np.asarray(self.frame.corner_lps), self.frame.steps_lps
        shown: NDArray[np.float64] = away @ steps.T / (steps**2).sum(axis=1)
        return shown

    def extract(self, array_zyx: AnyArray, index: int, *, linear: bool = False) -> AnyArray:
        """Return slice `index` of `array_zyx` (slice, row, column[, 3]) in display orientation.

        `linear` interpolates between voxel centres and returns float32, otherwise the nearest voxel is taken. Outside
        the volume stands the smallest value of the slice, where values are interpolated, and 0 where they are not.
        """
        at, inside = self._voxels(index)
        if not linear:
            columns, rows, slices = (np.rint(each).astype(np.intp) for each in at)
            nearest: AnyArray = array_zyx[slices, rows, columns]
            return np.where(inside if nearest.ndim == 2 else inside[..., None], nearest, 0).astype(array_zyx.dtype)
        if array_zyx.ndim == 4:
            return np.stack([_between(array_zyx[..., each], at, inside) for each in range(array_zyx.shape[3])], axis=-1)
        return _between(array_zyx, at, inside)

    def inside(self, index: int) -> NDArray[np.bool_]:
        """Tell which display pixels (rows, columns) of a slice lie in a voxel of the volume."""
        return self._voxels(index)[1]

    def letters(self) -> tuple[str, str, str, str]:
        """Return the orientation letters of the left, right, top and bottom edge ("A", "ALH", …)."""
        right, down = np.asarray(self.frame.right_lps), np.asarray(self.frame.down_lps)
        return direction_letters(-right), direction_letters(right), direction_letters(-down), direction_letters(down)

    def _voxels(self, index: int) -> tuple[list[NDArray[np.float64]], NDArray[np.bool_]]:
        """Return column, row and slice index under every display pixel, kept inside, and which were inside."""
        corner, right, down = (self.geometry.to_index(self.to_lps(*place, index)) for place in ((0, 0), (0, 1), (1, 0)))
        rows, columns = np.arange(self.shape[0])[:, None], np.arange(self.shape[1])[None, :]
        at, inside = [], np.ones(self.shape, bool)
        for axis, size in enumerate(reversed(self.geometry.shape_zyx)):
            along = corner[axis] + (right - corner)[axis] * columns + (down - corner)[axis] * rows
            inside &= (along >= -0.5) & (along < size - 0.5)
            at.append(np.clip(along, 0, size - 1, out=along))
        return at, inside


def placed(
    geometry: Geometry, view: Plane, turn: Turn, about_lps: Vector = (0.0, 0.0, 0.0), *, coarse: bool = False
) -> Layout:
    """Return how a plane of a volume is shown whose planes are turned: as stored where its normal is not.

    The centre of a display pixel of a turned plane is at `about_lps` (mm), which does not move while it is turned.
    `coarse` makes larger pixels, for planes that follow the mouse.
    """
    plain = layout(geometry, view)
    right, down, through = _screen(plain)
    normal = matrix(turn) @ through
    degrees = angle_between(through, normal)
    if degrees < STRAIGHT_DEGREES:
        return plain
    carry = _smallest_turn(through, normal, down)
    axes = np.array([carry @ down, carry @ right, normal])
    frame = _around(geometry, axes, np.asarray(about_lps), degrees, COARSE_PIXELS if coarse else MOST_PIXELS)
    return ObliqueLayout(geometry, NOT_STORED, NOT_STORED, NOT_STORED, False, False, frame)


def normal_of(geometry: Geometry, view: Plane, turn: Turn) -> NDArray[np.float64]:
    """Return the unit vector (LPS) along which the slices of a plane are counted."""
    normal: NDArray[np.float64] = matrix(turn) @ _screen(layout(geometry, view))[2]
    return normal


def _screen(plain: Layout) -> tuple[NDArray[np.float64], ...]:
    """Return orthogonal unit vectors to the right, down and through the slices, also of a sheared grid."""
    directions = plain.geometry.directions_lps
    right = directions[:, plain.right_axis] * (-1 if plain.right_flipped else 1)
    down = directions[:, plain.down_axis] * (-1 if plain.down_flipped else 1)
    down = down - right * float(down @ right)
    down = down / np.linalg.norm(down)
    through = np.cross(right, down)
    return right, down, through if through @ directions[:, plain.through_axis] > 0 else -through


def _smallest_turn(
    one: NDArray[np.float64], other: NDArray[np.float64], aside: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the (3, 3) rotation about the common perpendicular that takes a unit vector to another one.

    Formula of Rodrigues; opposite vectors have no common perpendicular, so `aside`, which is one of many, stays.
    """
    cosine = float(one @ other)
    if cosine < -1 + 1e-9:
        return 2 * np.outer(aside, aside) - np.eye(3)
    x, y, z = np.cross(one, other)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    rotation: NDArray[np.float64] = np.eye(3) + cross + cross @ cross / (1 + cosine)
    return rotation


def _around(
    geometry: Geometry, axes: NDArray[np.float64], about_lps: NDArray[np.float64], degrees: float, most: int
) -> Frame:
    """Return the smallest stack of slices that holds all voxels; `axes` point down, right and through, in rows."""
    ends = [(-0.5, size - 0.5) for size in geometry.shape_zyx[::-1]]
    along = geometry.to_world(np.array(list(product(*ends)))) @ axes.T
    low, high = along.min(axis=0), along.max(axis=0)
    finest = min(geometry.spacing_mm)
    pixel = max(finest, float((high - low)[:2].max()) / most)
    steps, middle = np.array([pixel, pixel, finest]), axes @ about_lps
    first = middle - steps * np.ceil((middle - low) / steps - 0.5)
    rows, columns, count = (max(1, int(size)) for size in np.ceil((high - first) / steps - 0.5) + 1)
    down, right, through = (_vector(each) for each in axes)
    return Frame(right, down, through, _vector(first @ axes), (rows, columns), count, pixel, finest, degrees)


def _vector(values: NDArray[np.float64]) -> Vector:
    x, y, z = (float(each) for each in values)
    return x, y, z


def _between(array_zyx: AnyArray, at: list[NDArray[np.float64]], inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Interpolate linearly at (column, row, slice) indices; the smallest value found stands where none is."""
    from scipy.ndimage import map_coordinates

    values = np.zeros(inside.shape, np.float32)
    if inside.any():
        wanted = np.stack([each[inside] for each in reversed(at)])
        found = map_coordinates(array_zyx, wanted, output=np.float32, order=1, mode="nearest", prefilter=False)
        values[:] = found.min()
        values[inside] = found
    return values
