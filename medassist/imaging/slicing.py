"""Slices of a volume in display orientation, and the way from a display pixel to the patient and back.

Display follows the radiological convention: axial seen from the feet (patient right on screen left), coronal from the
front, sagittal from the patient's left (anterior on screen left). A view shows the voxel plane closest to it: an
oblique series is not resampled, and its edges carry combined letters such as "AL".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassist.entities.geometry import Geometry
from medassist.entities.study import SeriesKind
from medassist.entities.volume import AnyArray, Volume

_OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}


class Plane(Enum):
    """One of the three anatomical planes."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


# Anatomical axis (0 L, 1 P, 2 S) and sign that point to the right and the bottom of the screen, and the axis through.
_SCREEN: dict[Plane, tuple[tuple[int, int], tuple[int, int], int]] = {
    Plane.AXIAL: ((0, 1), (1, 1), 2),
    Plane.CORONAL: ((0, 1), (2, -1), 1),
    Plane.SAGITTAL: ((1, 1), (2, -1), 0),
}


@dataclass(frozen=True)
class Layout:
    """How one view of a grid lies on the screen.

    Attributes:
        geometry: the grid that is shown.
        right_axis, down_axis, through_axis: voxel axis (0 column, 1 row, 2 slice) that runs along the screen's
            columns, its rows, and through the slices.
        right_flipped, down_flipped: whether that voxel index falls while the screen coordinate grows.
    """

    geometry: Geometry
    right_axis: int
    down_axis: int
    through_axis: int
    right_flipped: bool
    down_flipped: bool

    @property
    def count(self) -> int:
        """Number of slices of the view."""
        return self._size(self.through_axis)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a displayed slice."""
        return self._size(self.down_axis), self._size(self.right_axis)

    @property
    def spacing_mm(self) -> tuple[float, float]:
        """Distance between display rows and between display columns, in mm."""
        spacing = self.geometry.spacing_mm
        return spacing[self.down_axis], spacing[self.right_axis]

    @property
    def through_mm(self) -> float:
        """Distance between neighbouring slices of the view, in mm."""
        return self.geometry.spacing_mm[self.through_axis]

    def to_lps(self, row: ArrayLike, column: ArrayLike, index: ArrayLike) -> NDArray[np.float64]:
        """Map display row, column (pixel centres at integers) and slice index to (..., 3) LPS mm."""
        shown = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (row, column, index)))
        ijk = np.empty((*shown[0].shape, 3))
        ijk[..., self.down_axis] = self._size(self.down_axis) - 1 - shown[0] if self.down_flipped else shown[0]
        ijk[..., self.right_axis] = self._size(self.right_axis) - 1 - shown[1] if self.right_flipped else shown[1]
        ijk[..., self.through_axis] = shown[2]
        return self.geometry.to_world(ijk)

    def to_display(self, world_lps: ArrayLike) -> NDArray[np.float64]:
        """Map (..., 3) LPS mm to (..., 3) fractional display row, display column and slice index."""
        ijk = self.geometry.to_index(world_lps)
        row, column = ijk[..., self.down_axis], ijk[..., self.right_axis]
        row = self._size(self.down_axis) - 1 - row if self.down_flipped else row
        column = self._size(self.right_axis) - 1 - column if self.right_flipped else column
        return np.stack([row, column, ijk[..., self.through_axis]], axis=-1)

    def index_of(self, world_lps: ArrayLike) -> int:
        """Return the slice nearest to a point (LPS mm), kept inside the volume."""
        return int(np.clip(np.rint(self.to_display(world_lps)[..., 2]), 0, self.count - 1))

    def extract(self, array_zyx: AnyArray, index: int, *, linear: bool = False) -> AnyArray:  # noqa: ARG002
        """Return slice `index` as a view on `array_zyx` (slice, row, column[, 3]) in display orientation.

        `linear` means nothing here: no pixel lies between voxels (see `imaging.oblique`).
        """
        axes = tuple(2 - axis for axis in (self.through_axis, self.down_axis, self.right_axis))
        moved: AnyArray = np.moveaxis(array_zyx, axes, (0, 1, 2))[index]
        return moved[:: -1 if self.down_flipped else 1, :: -1 if self.right_flipped else 1]

    def letters(self) -> tuple[str, str, str, str]:
        """Return the orientation letters of the left, right, top and bottom edge ("A", "AL", …)."""
        directions = self.geometry.directions_lps
        right = directions[:, self.right_axis] * (-1 if self.right_flipped else 1)
        down = directions[:, self.down_axis] * (-1 if self.down_flipped else 1)
        return direction_letters(-right), direction_letters(right), direction_letters(-down), direction_letters(down)

    def _size(self, axis: int) -> int:
        return self.geometry.shape_zyx[2 - axis]


def layout(geometry: Geometry, view: Plane) -> Layout:
    """Return how `view` shows this grid: each anatomical axis is given the voxel axis closest to it."""
    directions = geometry.directions_lps
    axis_of = max(
        permutations(range(3)), key=lambda axes: sum(abs(directions[world, axes[world]]) for world in range(3))
    )
    (right, right_sign), (down, down_sign), through = _SCREEN[view]
    return Layout(
        geometry,
        axis_of[right],
        axis_of[down],
        axis_of[through],
        bool(directions[right, axis_of[right]] * right_sign < 0),
        bool(directions[down, axis_of[down]] * down_sign < 0),
    )


def plane(array_zyx: AnyArray, geometry: Geometry, view: Plane, index: int) -> AnyArray:
    """Return slice `index` of `view` in display orientation, a view on `array_zyx` (slice, row, column[, 3])."""
    return layout(geometry, view).extract(array_zyx, index)


def native_plane(geometry: Geometry) -> Plane:
    """Return the view whose slices are the slices the series was stored in."""
    return next(view for view in Plane if layout(geometry, view).through_axis == 2)


def has_orientation(volume: Volume) -> bool:
    """Tell whether sides are known, so that letters may be drawn: false for pictures and films without a position."""
    placed = bool(volume.geometry.frame_of_reference_uid)
    return volume.series.format != "picture" and (volume.series.kind is not SeriesKind.FILM or placed)


def edge_letters(volume: Volume, shown: Layout) -> tuple[str, str, str, str] | None:
    """Return the letters of the left, right, top and bottom edge of a picture, None where sides are not known.

    A film has no position in space; its letters come from Patient Orientation (PS3.3 C.7.6.1.1.1).
    """
    if has_orientation(volume):
        return shown.letters()
    towards = volume.series.patient_orientation
    if len(towards) != 2 or not all(one and set(one) <= set(_OPPOSITE) for one in towards):
        return None
    columns, rows = ((_opposite(letters), letters) for letters in towards)
    left, right = reversed(columns) if shown.right_flipped else columns
    top, bottom = reversed(rows) if shown.down_flipped else rows
    return left, right, top, bottom


def _opposite(letters: str) -> str:
    return "".join(_OPPOSITE[letter] for letter in letters)


def direction_letters(direction_lps: ArrayLike) -> str:
    """Name a direction by patient letters, strongest first: "L", "AL", "" for no direction.

    A letter is given to every component of at least 1/4 of the strongest one (about 14 degrees), as viewers do.
    """
    vector = np.asarray(direction_lps, dtype=np.float64)
    strength = np.abs(vector)
    letters = ("RL"[int(vector[0] > 0)], "AP"[int(vector[1] > 0)], "FH"[int(vector[2] > 0)])
    order = np.argsort(-strength, kind="stable")
    return "".join(letters[axis] for axis in order if strength[axis] > max(0.25 * strength.max(), 1e-6))
