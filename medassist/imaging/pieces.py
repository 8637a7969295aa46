"""The connected pieces of a region: what a reader would count as one, two, three lesions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    Labels = NDArray[np.int32]


def pieces(region_zyx: NDArray[np.bool_]) -> tuple[Labels, NDArray[np.int64]]:
    """Tell the connected pieces of a region apart.

    Args:
        region_zyx: bool (slice, row, column).

    Returns:
        int32 labels on the same grid, 0 outside and 1 for the largest piece, and the voxels of each piece, the
        largest first; of pieces of one size the one met first (by slice, row, column). The same region always has the
        same numbers.

    Voxels that touch at a corner belong together (26 neighbours): slices are thicker than pixels are wide, so that a
    slanted lesion touches itself across slices only by edges and corners, and counting one lesion as several is worse
    than the reverse. Lesion-wise scores of public challenges count the same way (BraTS 2023).
    """
    from scipy import ndimage

    found, count = ndimage.label(region_zyx, structure=np.ones((3, 3, 3), dtype=bool), output=np.int32)
    marked = np.flatnonzero(region_zyx)  # few of many: counting and renumbering touch nothing else
    sizes = np.bincount(found.ravel()[marked], minlength=count + 1)[1:].astype(np.int64)
    order = np.argsort(-sizes, kind="stable")  # labels are given in the order in which pieces are met
    if (order[1:] < order[:-1]).any():
        numbers = np.zeros(count + 1, dtype=np.int32)
        numbers[order + 1] = np.arange(1, count + 1)
        found.ravel()[marked] = numbers[found.ravel()[marked]]
    return found, sizes[order]
