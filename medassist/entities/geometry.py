"""A regular voxel grid in DICOM patient space (LPS, millimetres)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Affine = NDArray[np.float64]

RAS_FROM_LPS: Affine = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Geometry:
    """Place voxel (column i, row j, slice k) at `affine_lps @ (i, j, k, 1)`, the centre of that voxel.

    Attributes:
        affine_lps: (4, 4) float64, mm; its columns are the steps along column, row and slice index.
        shape_zyx: number of slices, rows and columns, the shape of the arrays on this grid.
        frame_of_reference_uid: DICOM (0020,0052), "" when the source has none.
        calibrated: False when the millimetres are a convention (a PNG, a film without spacing), so that
            a face shows "px" instead.

    Grids are compared with `same_grid`, never with `==`.
    """

    affine_lps: Affine = field(compare=False)
    shape_zyx: tuple[int, int, int]
    frame_of_reference_uid: str = ""
    calibrated: bool = True

    def __post_init__(self) -> None:
        """Freeze the affine and refuse one that cannot be inverted (ValueError)."""
        affine = np.array(self.affine_lps, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all() or not _is_invertible(affine[:3, :3]):
            raise ValueError(f"not an invertible 4 x 4 affine: {affine.tolist()}")
        affine.setflags(write=False)
        object.__setattr__(self, "affine_lps", affine)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxels along (column, row, slice) index, in mm."""
        x, y, z = np.linalg.norm(self.affine_lps[:3, :3], axis=0)
        return float(x), float(y), float(z)

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel in millilitres (1 ml = 1000 mm3)."""
        return float(abs(np.linalg.det(self.affine_lps[:3, :3]))) / 1000.0

    @property
    def directions_lps(self) -> Affine:
        """(3, 3) unit vectors in columns: where column, row and slice index grow, in LPS."""
        directions: Affine = self.affine_lps[:3, :3] / np.linalg.norm(self.affine_lps[:3, :3], axis=0)
        return directions

    @property
    def affine_ras(self) -> Affine:
        """The same grid in RAS, for NIfTI and MONAI boundaries only."""
        return RAS_FROM_LPS @ self.affine_lps

    def to_world(self, index_xyz: ArrayLike) -> NDArray[np.float64]:
        """Map (..., 3) voxel indices (column, row, slice) to (..., 3) LPS positions in mm."""
        points = np.asarray(index_xyz, dtype=np.float64)
        world: NDArray[np.float64] = points @ self.affine_lps[:3, :3].T + self.affine_lps[:3, 3]
        return world

    def to_index(self, world_lps: ArrayLike) -> NDArray[np.float64]:
        """Map (..., 3) LPS positions in mm to (..., 3) fractional voxel indices (column, row, slice)."""
        points = np.asarray(world_lps, dtype=np.float64) - self.affine_lps[:3, 3]
        index: NDArray[np.float64] = points @ np.linalg.inv(self.affine_lps[:3, :3]).T
        return index

    def same_grid(self, other: Geometry, tolerance_mm: float = 1e-3) -> bool:
        """Tell whether both grids have the same voxels in the same place of the same frame of reference."""
        return (
            self.shape_zyx == other.shape_zyx
            and self.frame_of_reference_uid == other.frame_of_reference_uid
            and bool(np.allclose(self.affine_lps, other.affine_lps, rtol=0.0, atol=tolerance_mm))
        )

    def coarser(self, shape_zyx: tuple[int, int, int]) -> Geometry:
        """Return the grid of `shape_zyx` cells that fills exactly the same box.

        The first cell's centre sits half a (large) cell inside the box, so that a map computed on a
        coarse feature grid comes home without the half-cell shift.
        """
        old = np.array(self.shape_zyx[::-1], dtype=np.float64)
        scale = old / np.array(shape_zyx[::-1], dtype=np.float64)
        local = np.eye(4)
        local[:3, :3] = np.diag(scale)
        local[:3, 3] = (scale - 1.0) / 2.0
        return replace(self, affine_lps=self.affine_lps @ local, shape_zyx=shape_zyx)


def _is_invertible(steps: Affine) -> bool:
    """Tell whether three steps span space, however small they are: voxels of a microscope are 1e-4 mm wide."""
    lengths = np.linalg.norm(steps, axis=0)
    return bool(lengths.min() > 0 and abs(np.linalg.det(steps / lengths)) > 1e-6)


def geometry_from_ras(affine_ras: ArrayLike, shape_zyx: tuple[int, int, int], uid: str = "") -> Geometry:
    """Build a grid from a NIfTI-style RAS affine (mm, index order x, y, z)."""
    return Geometry(RAS_FROM_LPS @ np.asarray(affine_ras, dtype=np.float64), shape_zyx, uid)
