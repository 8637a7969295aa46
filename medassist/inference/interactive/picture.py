"""From a slice to the square picture LiteMedSAM takes, and from its answer back to the slice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.entities.prompt import Box
from medassist.entities.volume import Volume, Window
from medassist.imaging.render import to_gray8
from medassist.inference.prepare import restore

if TYPE_CHECKING:
    import torch

PICTURE = 256
"""Rows and columns of the network's picture."""
OUTSIDE = -1.0
"""Logit where the picture says nothing: not marked."""


@dataclass(frozen=True)
class Grey:
    """How a slice is shown to the model: the time point, and the window with the reader's own inversion of it."""

    window: Window | None
    inverted: bool = False
    time: int = 0


@dataclass(frozen=True)
class Square:
    """Where a slice lies in the square picture: the upper left `rows` x `columns` pixels, all of the same size.

    `plane` is the slice as a grid of its own.
    """

    rows: int
    columns: int
    plane: Geometry

    def box_xyxy(self, box: Box) -> tuple[float, float, float, float]:
        """Return the outer edges of a box in pixels of the picture, whose first pixel reaches from 0 to 1."""
        _, height, width = self.plane.shape_zyx
        right, down = self.columns / width, self.rows / height
        # The network was trained with corners on the outermost pixels' centres.
        return (
            (box.first_column + 0.5) * right,
            (box.first_row + 0.5) * down,
            (box.last_column + 0.5) * right,
            (box.last_row + 0.5) * down,
        )

    def to_slice(self, logits: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Bring logits (256, 256) home to the slice and return what is marked: (rows, columns)."""
        inside = np.ascontiguousarray(logits[None, : self.rows, : self.columns])
        grid = self.plane.coarser((1, self.rows, self.columns))
        marked: NDArray[np.bool_] = restore(inside, grid, self.plane, linear=True, fill=OUTSIDE)[0] > 0
        return marked


def plane_of(volume: Volume, index: int) -> Geometry:
    """Return one slice of a volume as a grid of its own (UsageError is the caller's when it does not exist)."""
    affine = volume.geometry.affine_lps.copy()
    affine[:3, 3] = volume.geometry.to_world([0, 0, index])
    return replace(volume.geometry, affine_lps=affine, shape_zyx=(1, *volume.geometry.shape_zyx[1:]))


def square_of(plane: Geometry) -> Square:
    """Return where a slice lies in the picture: its longer side, in millimetres, fills it."""
    _, height, width = plane.shape_zyx
    right_mm, down_mm, _ = plane.spacing_mm
    longest = max(width * right_mm, height * down_mm)
    columns, rows = (round(PICTURE * side / longest) for side in (width * right_mm, height * down_mm))
    if min(rows, columns) < 1:
        raise Refused(
            "The slices are too narrow to be outlined: {rows} x {columns} voxels.", rows=height, columns=width
        )
    return Square(rows, columns, plane)


def grey_levels(volume: Volume, index: int, grey: Grey) -> NDArray[np.float32]:
    """Return a slice as the model sees it: (3, rows, columns) float32 in 0..255, as shown to the reader."""
    values = volume.array_tzyx[grey.time, index]
    if volume.is_color:
        return np.ascontiguousarray(values.transpose(2, 0, 1), dtype=np.float32)
    if grey.window is None:
        raise Refused("A grey picture needs a window before it can be outlined.")
    shown = to_gray8(np.ascontiguousarray(values), grey.window, volume.inverted != grey.inverted)
    return np.broadcast_to(shown.astype(np.float32), (3, *shown.shape)).copy()


def to_picture(levels: NDArray[np.float32], square: Square) -> torch.Tensor:
    """Bring grey levels to the square picture (1, 3, 256, 256): least 0, most 1, zeros where the slice ends."""
    import torch
    from torch.nn import functional as F  # noqa: N812 - torch's own name for it

    shrinks = square.rows <= levels.shape[1] and square.columns <= levels.shape[2]
    size, image = (square.rows, square.columns), torch.from_numpy(levels)[None]
    small = F.interpolate(image, size, mode="area") if shrinks else F.interpolate(image, size, mode="bilinear")
    low, high = small.min(), small.max()
    scaled = (small - low) / (high - low).clamp_min(1e-8)
    return F.pad(scaled, (0, PICTURE - square.columns, 0, PICTURE - square.rows))
